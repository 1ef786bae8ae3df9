"""An original and smaller models side by side, as a user runs it."""

from __future__ import annotations

import inspect
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import UsageError
from smaller_labse.evaluate.__main__ import _make_parser, main
from smaller_labse.evaluate.comparison import measure
from smaller_labse.evaluate.report.write_report import report_data

ENGLISH = ["good morning", "the red house", "night", "the house", "good night", "red"]
FRENCH = ["morning good", "house red the", "night.", "house", "night good", "猫 red"]


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for iso3 in ("fra", "cmn"):
        (folder / f"tatoeba.{iso3}-eng.{iso3}").write_text("\n".join(FRENCH) + "\n", encoding="utf-8")
        (folder / f"tatoeba.{iso3}-eng.eng").write_text("\n".join(ENGLISH) + "\n", encoding="utf-8")
    (folder / "a").write_text("\n".join(ENGLISH) + "\n", encoding="utf-8")
    pairs = zip(ENGLISH, FRENCH, range(6), strict=True)
    (folder / "sts.tsv").write_text("".join(f"{a}\t{b}\t{n}\n" for a, b, n in pairs), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Results of the tests that do not ask whether anything is measured again."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def arguments(original, smaller, data, cache, tmp_path) -> list[str]:
    return [
        "compare",
        *("--original", f"tiny={original}", "--model", f"smaller={smaller}", f"same={original}"),
        *("--tatoeba", str(data), "--languages", "fr,zh", "--sts", f"en={data / 'sts.tsv'}"),
        *("--parallel", f"en={data / 'a'},xx={data / 'a'}", "--cache", str(cache)),
        *("--out", str(tmp_path / "report")),
    ]


class Page(HTMLParser):
    """What a page refers to, and whether its tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elsewhere: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#"):
                self.elsewhere.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_says_what_was_measured(arguments, tmp_path, capsys, original):
    assert main(arguments) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    folder = tmp_path / "report"
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [model["name"] for model in numbers["models"]] == ["tiny", "smaller", "same"]
    assert [model["rows"] for model in numbers["models"]][0::2] == [numbers["models"][0]["rows"]] * 2
    for model in numbers["models"]:
        assert model["peak_bytes"] >= model["resident_bytes"] > 1e8 and model["bytes_on_disk"] > 1e4
        assert model["load_seconds"] > 0
        assert model["most_per_second"] >= model["texts_per_second"] >= model["least_per_second"] > 0
        assert model["tokenizer_bytes"] is model["tokenizer_seconds"] is None  # of SavedModels
    by_part = {(line["task"], line["part"], line["metric"]): line for line in numbers["scores"]}
    assert by_part["retrieval", "en→xx", "precision at 1"]["values"] == [1.0, 1.0, 1.0]
    assert {("tatoeba", "en→fr", "precision at 1"), ("sts", "en", "Spearman")} < set(by_part)
    for line in numbers["scores"] + numbers["averages"]:
        same = line["differences"][1]
        assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert "tatoeba, precision at 1" in out and "tatoeba, precision at 1" in markdown
    # The smaller model lacks "house", "xy" and 猫; the last is unknown to it.
    kept = {language["language"]: language for language in numbers["texts"][0]}
    assert (kept["fr"]["texts"], kept["fr"]["unchanged"], kept["fr"]["new_unknowns"]) == (6, 3, 1)
    assert kept["en"]["unchanged"] < kept["en"]["texts"]
    assert all(language["unchanged"] == language["texts"] for language in numbers["texts"][1])
    lost = {piece["piece"]: piece for piece in numbers["lost_pieces"][0]}
    assert set(lost) == {"house", "猫"}
    assert lost["猫"]["after"][0] == "[UNK]" and "house" in lost["house"]["before"]
    assert lost["猫"]["texts"] == 3  # in French, in Chinese, among the similar ones


def test_python_offers_the_same_as_the_command(arguments, original, smaller, data, cache, tmp_path, capsys):
    assert main([*arguments, "--no-pictures"]) == 0, capsys.readouterr().err
    report = smaller_labse.compare(
        f"tiny={original}",
        [f"smaller={smaller}", f"same={original}"],
        tatoeba=data,
        languages=["fr", "zh"],
        parallel=f"en={data / 'a'},xx={data / 'a'}",
        sts=[f"en={data / 'sts.tsv'}"],
        cache=cache,
    )
    written = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(report_data(report))) == written
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data", "report"]
    with pytest.raises(UsageError, match="goes with --tatoeba"):
        smaller_labse.compare(original, languages="fr", sts=f"en={data / 'sts.tsv'}")


def test_the_function_has_the_commands_options_and_defaults():
    parameters = inspect.signature(smaller_labse.compare).parameters
    (commands,) = (action for action in _make_parser()._actions if hasattr(action.choices, "items"))
    options = {action.dest: action for action in commands.choices["compare"]._actions}
    renamed = {"model": "models", "no_pictures": "pictures"}
    assert {renamed.get(name, name) for name in options} - {"help", "version"} == set(parameters)
    for name, option in options.items():
        if name not in ("help", "version", "original", "no_pictures"):
            default = parameters[renamed.get(name, name)].default
            assert (list(default) if isinstance(default, tuple) else default) == option.default
    assert parameters["pictures"].default is True


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(arguments, tmp_path, capsys):
    assert main(arguments) == 0, capsys.readouterr().err
    page = Page((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert page.elsewhere == []
    pictures = sorted(file.name for file in (tmp_path / "report").glob("*.svg"))
    assert "overview.svg" in pictures and "curve_tatoeba_precision_at_1.svg" in pictures
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert all(f"]({picture})" in markdown for picture in pictures)


@pytest.mark.usefixtures("in_this_process")
def test_nothing_is_measured_twice(arguments, data, tmp_path, capsys, monkeypatch):
    arguments = [argument for argument in arguments if not argument.startswith("same=")]
    arguments += ["--cache", str(tmp_path / "cache"), "--no-pictures"]
    assert main(arguments) == 0, capsys.readouterr().err
    first = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))

    def refuse(*given: object, **options: object) -> None:
        raise AssertionError("measured again")

    with monkeypatch.context() as patched:
        patched.setattr(measure, "in_own_process", refuse)
        assert main([*arguments, "--overwrite"]) == 0
        assert json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8")) == first
        # Other data or another prompt are measured anew.
        with pytest.raises(AssertionError, match="measured again"):
            main([*arguments, "--overwrite", "--prompt", "good "])
        (data / "tatoeba.fra-eng.fra").write_text("\n".join(FRENCH[::-1]) + "\n", encoding="utf-8")
        with pytest.raises(AssertionError, match="measured again"):
            main([*arguments, "--overwrite"])


@pytest.mark.usefixtures("in_this_process")
def test_a_model_with_nan_is_one_clear_line(original, write_model, data, tmp_path, capsys):
    def spoil(name: str, values: np.ndarray) -> np.ndarray:
        return np.full_like(values, np.nan) if name == "pooler_transform/bias" else values

    broken = write_model(tmp_path / "broken", spoil=spoil)
    arguments = ["compare", "--original", str(original), "--model", str(broken), "--no-pictures"]
    data_arguments = ["--tatoeba", str(data), "--languages", "fr", "--out", str(tmp_path / "report")]
    assert main([*arguments, *data_arguments]) == 1
    assert "holds NaN or infinity" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        (
            {"--languages": "de"},
            1,
            "there is no such file; the folder has pairs of Chinese (zh), French (fr)",
        ),
        ({"--languages": "en"}, 2, "English alone has no pairs"),
        (
            {"--languages": "tatoeba28"},
            2,
            "--languages tatoeba28: there is no such group; expected tatoeba14 or",
        ),
        ({"--original": "/nowhere/at/all"}, 1, "/nowhere/at/all"),
        ({"--parallel": "en=x"}, 2, "expected XX=FILE,YY=FILE"),
        ({"--parallel": "en=x,en=y"}, 2, "name them apart"),
        ({"--sts": "x"}, 2, "expected NAME=FILE"),
        ({"--bucc": "/nowhere"}, 1, "no such folder"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, tmp_path, capsys, changed, code, message):
    for option, value in changed.items():
        arguments += [option, value]
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "report").exists()


def test_files_of_unequal_length_and_empty_ones_are_refused(arguments, data, capsys):
    (data / "b").write_text("one\n", encoding="utf-8")
    (data / "c").write_text("", encoding="utf-8")
    assert main([*arguments, "--parallel", f"en={data / 'a'},fr={data / 'b'}"]) == 1
    assert "has 6 lines, but" in capsys.readouterr().err
    assert main([*arguments, "--parallel", f"en={data / 'a'},fr={data / 'c'}"]) == 1
    assert "empty, expected one sentence per line" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("twice", "called"),
    [
        ("--parallel en={0}/a,fr={0}/a en={0}/a,fr={0}/b", "2 data sets of retrieval are called 'en-fr'"),
        ("--sts STS={0}/sts.tsv STS={0}/sts.tsv", "2 data sets of sts are called 'STS'"),
    ],
)
def test_two_data_sets_of_one_name_are_refused(original, data, capsys, twice, called):
    """Else the scores of the one would stand for both."""
    (data / "b").write_text("\n".join(FRENCH) + "\n", encoding="utf-8")
    given = twice.format(data).split()
    assert main(["compare", "--original", str(original), *given, "--out", str(data / "report")]) == 2
    error = capsys.readouterr().err
    assert called in error and str(data) in error and "name them apart" in error and error.count("\n") == 1


def test_without_data_there_is_nothing_to_do(original, tmp_path, capsys):
    assert main(["compare", "--original", str(original), "--out", str(tmp_path / "report")]) == 2
    assert "give --tatoeba, --parallel, --bucc, --sts or --dataset" in capsys.readouterr().err


def test_scores_are_written_into_the_model_card_once(arguments, smaller, tmp_path, capsys):
    import yaml

    card = Path(smaller) / "README.md"
    card.write_text(
        "---\nlanguage:\n- fr\nlicense: mit\ntags:\n- a\n---\n# smaller\n\n## Use\n\nx\n", "utf-8"
    )
    same = Path(arguments[arguments.index("--original") + 1].partition("=")[2]) / "README.md"
    same.write_text("---\nlanguage:\n- fr\n---\n# same\n", "utf-8")
    try:
        assert main([*arguments, "--cards", "--no-pictures"]) == 0, capsys.readouterr().err
        once = card.read_text("utf-8")
        assert main([*arguments, "--cards", "--no-pictures", "--overwrite"]) == 0, capsys.readouterr().err
        assert card.read_text("utf-8") == once
        matter = yaml.safe_load(once.split("---\n")[1])
        assert (matter["language"], matter["license"], matter["tags"]) == (["fr"], "mit", ["a"])
        assert "precision_at_1" in matter["metrics"]
        (model,) = matter["model-index"]
        assert model["name"] == Path(smaller).name
        names = {result["dataset"]["name"] for result in model["results"]}
        assert {name.partition(",")[0] for name in names} == {"tatoeba", "retrieval", "sts"}
        assert all(" pairs of texts" in name for name in names)
        data = [line for line in once.splitlines() if line.startswith("- Data: ")]
        assert len(data) == 3 and "Prompt before every text: " in once
        assert str(card.parent.parent) not in once and ", from " not in "".join(
            data
        )  # paths are not published
        assert once.count("## Scores") == 1 and "## Use\n\nx\n" in once
    finally:
        card.unlink()
        same.unlink()


@pytest.mark.parametrize(
    "matter",
    [
        "metrics: [accuracy]\nlicense: mit\n",
        "license: mit\nmetrics: # old\n- f1\n\n- x\nmodel-index: # MTEB\n- name: y\n  results: []\n",
    ],
)
def test_a_card_keeps_what_is_not_ours(arguments, smaller, capsys, matter):
    import yaml

    card = Path(smaller) / "README.md"
    arguments = [argument for argument in arguments if not argument.startswith("same=")]
    try:
        card.write_text(f"---\n{matter}---\n# smaller\n\n## Scores\n\nmine\n", "utf-8")
        assert main([*arguments, "--cards", "--no-pictures"]) == 0, capsys.readouterr().err
        card.write_text(card.read_text("utf-8") + "\n# Citation\n\ntext\n", "utf-8")
        assert main([*arguments, "--cards", "--no-pictures", "--overwrite"]) == 0, capsys.readouterr().err
        text = card.read_text("utf-8")
        assert "## Scores\n\nmine\n" in text and "# Citation\n\ntext\n" in text
        assert text.count("### tatoeba, precision at 1\n") == 1
        read = yaml.safe_load(text.split("---\n")[1])
        assert read["license"] == "mit" and "precision_at_1" in read["metrics"]
        assert [model["name"] for model in read["model-index"]] == ["smaller"]
    finally:
        card.unlink()


def test_without_a_card_to_write_to_nothing_is_measured(arguments, tmp_path, capsys):
    assert main([*arguments, "--cards", "--cache", str(tmp_path / "none")]) == 1
    assert "no model card with front matter" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_card_that_is_not_readable_is_one_clear_line(arguments, smaller, capsys):
    card = Path(smaller) / "README.md"
    arguments = [argument for argument in arguments if not argument.startswith("same=")]
    try:
        for matter, reason in {
            "license: [mit\n": "not readable as YAML",
            "- mit\n": "should be a dict",
        }.items():
            card.write_text(f"---\n{matter}---\n# smaller\n", "utf-8")
            assert main([*arguments, "--cards", "--no-pictures"]) == 1
            error = capsys.readouterr().err
            assert str(card) in error and reason in error and error.count("\n") == 1
    finally:
        card.unlink()


@pytest.mark.usefixtures("in_this_process")
def test_a_damaged_result_is_measured_again(arguments, cache, tmp_path, capsys):
    own = tmp_path / "own"
    arguments = [argument for argument in arguments if not argument.startswith("same=")]
    assert main([*arguments, "--no-pictures", "--cache", str(own)]) == 0, capsys.readouterr().err
    first = (tmp_path / "report" / "report.json").read_text("utf-8")
    for number, file in enumerate(sorted(own.iterdir())):
        file.write_bytes(file.read_bytes()[:100] if number % 2 else b"")
    assert main([*arguments, "--no-pictures", "--cache", str(own), "--overwrite"]) == 0
    again = json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))
    assert again["scores"] == json.loads(first)["scores"]


def test_a_cache_in_the_reports_own_folder_is_refused(arguments, tmp_path, capsys):
    assert main([*arguments, "--cache", str(tmp_path / "report" / "cache")]) == 2
    assert "in the report's own folder" in capsys.readouterr().err


def test_one_prompt_for_the_original_is_not_guessed_from_two(arguments, smaller, tmp_path, capsys):
    import shutil

    other = tmp_path / "other"
    shutil.copytree(smaller, other)
    (other / "manifest.json").write_text('{"prompt": "good "}', "utf-8")
    third = tmp_path / "third"
    shutil.copytree(smaller, third)
    (third / "manifest.json").write_text('{"prompt": "red "}', "utf-8")
    assert main([*arguments, "--model", f"other={other}", f"third={third}"]) == 2
    assert "different prompts" in capsys.readouterr().err


def test_scores_are_written_into_the_published_card_and_the_manifest_follows(arguments, smaller, capsys):
    ours, theirs = ("---\nlicense: mit\ntags:\n- smaller-labse\n---\n# x\n", "---\nlicense: mit\n---\n# y\n")
    folder = Path(smaller)
    cards = (folder / "README.md", folder / "huggingface" / "README.md")
    arguments = [argument for argument in arguments if not argument.startswith("same=")]
    (folder / "huggingface").mkdir()
    manifest = folder / "manifest.json"
    try:
        manifest.write_text('{"files": {"README.md": 1, "other": 2}}', "utf-8")
        for published, written in ((ours, True), (theirs, False)):
            cards[0].write_text(ours, "utf-8")
            cards[1].write_text(published, "utf-8")
            assert main([*arguments, "--cards", "--no-pictures", "--overwrite"]) == 0, capsys.readouterr().err
            assert "## Scores" in cards[0].read_text("utf-8")
            assert ("## Scores" in cards[1].read_text("utf-8")) is written, "only into a card of ours"
            files = json.loads(manifest.read_text("utf-8"))["files"]
            assert files["README.md"] == cards[0].stat().st_size
            assert files["other"] == 2
    finally:
        for file in (*cards, manifest):
            file.unlink(missing_ok=True)
        (folder / "huggingface").rmdir()
