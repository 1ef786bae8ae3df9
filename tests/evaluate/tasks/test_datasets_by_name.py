"""Test data by name, read from folders that are laid out as on the hub; only the network is replaced."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.languages import LANGUAGES, find_language, parse_languages
from smaller_labse.evaluate.__main__ import main
from smaller_labse.evaluate.tasks.datasets_by_name import DATASETS, _flores_code, read_dataset
from smaller_labse.evaluate.tasks.language_groups import GROUPS, parse_group
from smaller_labse.evaluate.tasks.translation_retrieval import read_tatoeba

ENGLISH = ["good morning", "the red house", "night"]
FRENCH = ["bonjour", "la maison rouge", "la nuit"]
ROOT = Path(__file__).resolve().parents[3]


def write_card(folder: Path, configs: dict[str, str], split: str) -> None:
    """The head of a card, by which `datasets` knows the configurations."""
    lines = ["---", "configs:"]
    for name, path in configs.items():
        lines += [f"- config_name: {name}", "  data_files:", f"  - split: {split}", f"    path: {path}"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))


def write_lines(file: Path, records: list[dict]) -> None:
    file.parent.mkdir(parents=True)
    with gzip.open(file, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in records)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    """What `datasets` keeps, it keeps in the test's own folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "kept")


@pytest.fixture
def tatoeba(tmp_path) -> Path:
    folder = tmp_path / "tatoeba"
    for iso3, sentences in (("fra", FRENCH), ("cmn", ["早", "红房子", "夜"])):
        records = [
            {"sentence1": one, "sentence2": other} for one, other in zip(sentences, ENGLISH, strict=True)
        ]
        write_lines(folder / f"{iso3}-eng" / "test.jsonl.gz", records)
    write_card(folder, {f"{iso3}-eng": f"{iso3}-eng/test.jsonl.gz" for iso3 in ("fra", "cmn")}, "test")
    return folder


@pytest.fixture
def flores(tmp_path) -> Path:
    folder = tmp_path / "flores"
    (folder / "data").mkdir(parents=True)
    columns = {"eng_Latn": ENGLISH, "fra_Latn": FRENCH, "zho_Hant": ["早", "紅房子", "夜"], "id": [1, 2, 3]}
    for split in ("dev", "devtest"):
        pq.write_table(pa.table(columns), folder / "data" / f"{split}-00000-of-00001.parquet")
    write_card(folder, {"default": "data/devtest-*"}, "devtest")
    return folder


def test_tatoeba_is_what_the_files_hold(tatoeba, tmp_path):
    tasks = read_dataset(f"tatoeba={tatoeba}")
    files = tmp_path / "v1"
    files.mkdir()
    for iso3, task in zip(("fra", "cmn"), tasks, strict=True):
        for code, texts in ((iso3, task.right), ("eng", task.left)):
            (files / f"tatoeba.{iso3}-eng.{code}").write_text("".join(f"{text}\n" for text in texts))
    assert [task.languages for task in tasks] == [("en", "fr"), ("en", "zh")]
    assert tasks == read_tatoeba(files)  # so that neither is measured again after the other
    assert read_dataset(f"tatoeba={tatoeba}", parse_languages("zh,en")) == tasks[1:]


def test_a_language_that_tatoeba_lacks_is_named(tatoeba):
    with pytest.raises(SmallerLabseError, match="deu-eng: cannot be opened"):
        read_dataset(f"tatoeba={tatoeba}", parse_languages("de"))
    with pytest.raises(SmallerLabseError, match="no pair of the languages en"):
        read_dataset(f"tatoeba={tatoeba}", parse_languages("en"))


def test_bucc_is_one_record_of_lists(tmp_path):
    folder = tmp_path / "bucc"
    left, right = ["a", "b", "c"], ["x", "y"]
    for pair in ("de-en", "fr-en"):
        record = {"sentence1": left, "sentence2": right, "gold": [[2, 1], [3, 2]]}
        write_lines(folder / pair / "test.jsonl.gz", [record])
    write_card(folder, {pair: f"{pair}/test.jsonl.gz" for pair in ("de-en", "fr-en")}, "test")
    (task,) = read_dataset(f"bucc={folder}", parse_languages("fr,ja"))
    assert task.languages == ("fr", "en")
    assert (task.training.left, task.training.right, task.test) == (("a", "b", "c"), ("x", "y"), None)
    assert set(task.training.gold) == {(1, 0), (2, 1)}


def test_a_true_pair_of_sentences_that_are_not_there_is_refused(tmp_path):
    record = {"sentence1": ["a"], "sentence2": ["x"], "gold": [[1, 1], [0, 1]]}
    write_lines(tmp_path / "de-en" / "test.jsonl.gz", [record])
    write_card(tmp_path, {"de-en": "de-en/test.jsonl.gz"}, "test")
    with pytest.raises(SmallerLabseError, match="true pair 2 names the sentences 0 and 1"):
        read_dataset(f"bucc={tmp_path}", parse_languages("de"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gold": [["1", "1"]]}, r"the true pair 1 is \['1', '1'\], expected the numbers of two sentences"),
        ({"gold": [[1, 1, 1]]}, r"the true pair 1 is \[1, 1, 1\], expected the numbers"),
        ({"gold": [[1.5, 1.0]]}, r"the true pair 1 is \[1.5, 1.0\], expected the numbers"),
        ({"gold": [1, 1]}, "the true pair 1 is 1, expected the numbers"),
        ({"sentence1": ["a", None]}, "de-en: record 2 has None in 'sentence1', expected text"),
        ({"sentence2": [3]}, "de-en: record 1 has 3 in 'sentence2', expected text"),
    ],
)
def test_cells_of_bucc_that_are_something_else_are_refused(tmp_path, changed, message):
    record = {"sentence1": ["a"], "sentence2": ["x"], "gold": [[1, 1]]} | changed
    write_lines(tmp_path / "de-en" / "test.jsonl.gz", [record])
    write_card(tmp_path, {"de-en": "de-en/test.jsonl.gz"}, "test")
    with pytest.raises(SmallerLabseError, match=message):
        read_dataset(f"bucc={tmp_path}", parse_languages("de"))


def test_sts17_has_scores(tmp_path):
    for pair in ("es-es", "en-de", "es-en"):
        records = [
            {"sentence1": "a", "sentence2": "b", "score": 4.2},
            {"sentence1": "c", "sentence2": "d", "score": 0},
        ]
        write_lines(tmp_path / pair / "test.jsonl.gz", records)
    write_card(tmp_path, {pair: f"{pair}/test.jsonl.gz" for pair in ("es-es", "en-de", "es-en")}, "test")
    tasks = read_dataset(f"sts17={tmp_path}", parse_languages("es"))
    assert [task.languages for task in tasks] == ["es-en", "es-es"]
    assert (tasks[0].left, tasks[0].right, tasks[0].gold) == (("a", "c"), ("b", "d"), (4.2, 0.0))


def test_flores200_has_a_column_a_language(flores):
    tasks = read_dataset(f"flores200={flores}")
    assert [task.languages for task in tasks] == [("en", "fra_Latn"), ("en", "zho_Hant")]
    (task,) = read_dataset(f"flores200={flores}", [find_language("zh-TW")])
    assert (task.name, task.languages, task.left) == ("flores200", ("en", "zh-TW"), tuple(ENGLISH))
    assert task.right == ("早", "紅房子", "夜")
    with pytest.raises(SmallerLabseError, match="no language deu_Latn in it"):
        read_dataset(f"flores200={flores}", parse_languages("de"))


def test_of_flores200_columns_are_languages_by_their_names_and_hold_text(flores):
    columns = {
        "eng_Latn": ENGLISH,
        "fra_Latn": FRENCH,
        "has_image": [0, 0, 1],
        "topic_of_it": ["a", "b", "c"],
    }
    damaged = flores.with_name("damaged")
    shutil.copytree(flores, damaged)
    pq.write_table(pa.table(columns), flores / "data" / "devtest-00000-of-00001.parquet")
    assert [task.languages for task in read_dataset(f"flores200={flores}")] == [("en", "fra_Latn")]
    columns["fra_Latn"] = ["a", None, "c"]
    pq.write_table(pa.table(columns), damaged / "data" / "devtest-00000-of-00001.parquet")
    with pytest.raises(SmallerLabseError, match="record 2 has None in 'fra_Latn', expected text"):
        read_dataset(f"flores200={damaged}", parse_languages("fr"))


def test_flores_has_its_own_names_for_languages():
    codes = ("ar", "zh", "no", "de", "sr", "ko", "sw")
    names = ["arb_Arab", "zho_Hans", "nob_Latn", "deu_Latn", "srp_Cyrl", "kor_Hang", "swh_Latn"]
    assert [_flores_code(find_language(code)) for code in codes] == names
    all_names = [_flores_code(language) for language in LANGUAGES]
    assert len(set(all_names)) == len(all_names)


def test_by_name_the_hub_is_asked_for_the_pinned_revision(tatoeba, monkeypatch):
    load, asked = datasets.load_dataset, []

    def from_here(path, name, *, revision, **options):
        asked.append((path, name, revision))
        return load(str(tatoeba), name, **options)

    monkeypatch.setattr(datasets, "load_dataset", from_here)
    (task,) = read_dataset("tatoeba", parse_languages("fr"))
    assert task.right == tuple(FRENCH)
    assert asked == [("mteb/tatoeba-bitext-mining", "fra-eng", DATASETS["tatoeba"].revision)]


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("languages", [None, "fr"])
def test_without_a_network_the_message_says_what_to_give_instead(name, languages, monkeypatch):
    def unreachable(*arguments, **options):
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    monkeypatch.setattr(datasets, "get_dataset_config_names", unreachable)
    with pytest.raises(SmallerLabseError, match=r"no route to the hub.*give files: --\w+ "):
        read_dataset(name, None if languages is None else parse_languages(languages))


@pytest.mark.parametrize("text", ["flores", "tatoeba=", "", "=folder", "mteb/BUCC"])
def test_other_names_are_usage_errors(text):
    with pytest.raises(UsageError, match="expected tatoeba, bucc, sts17, flores200, or NAME=FOLDER"):
        read_dataset(text)
    with pytest.raises(SmallerLabseError, match="no such folder"):
        read_dataset("tatoeba=nowhere")


def test_columns_and_values_of_another_kind_are_refused(tmp_path):
    write_lines(tmp_path / "a" / "fra-eng" / "test.jsonl.gz", [{"text": "a"}])
    write_card(tmp_path / "a", {"fra-eng": "fra-eng/test.jsonl.gz"}, "test")
    with pytest.raises(SmallerLabseError, match="no column 'sentence1', it has text"):
        read_dataset(f"tatoeba={tmp_path / 'a'}")
    write_lines(tmp_path / "b" / "fra-eng" / "test.jsonl.gz", [{"sentence1": None, "sentence2": "b"}])
    write_card(tmp_path / "b", {"fra-eng": "fra-eng/test.jsonl.gz"}, "test")
    with pytest.raises(SmallerLabseError, match="record 1 has None in 'sentence1'"):
        read_dataset(f"tatoeba={tmp_path / 'b'}")
    write_lines(
        tmp_path / "c" / "es-es" / "test.jsonl.gz", [{"sentence1": "a", "sentence2": "b", "score": "x"}]
    )
    write_card(tmp_path / "c", dict.fromkeys(("es-en", "es-es"), "es-es/test.jsonl.gz"), "test")
    with pytest.raises(SmallerLabseError, match="record 1 has the score 'x'"):
        read_dataset(f"sts17={tmp_path / 'c'}", parse_languages("es"))


def test_the_papers_groups_are_those_of_the_scripts():
    for name in GROUPS:
        listed = parse_languages(ROOT / "scripts" / "languages" / f"{name}.txt")
        assert parse_group(name) == listed
        assert len(listed) == int(name.removeprefix("tatoeba"))


@pytest.mark.usefixtures("in_this_process")
def test_compare_measures_on_data_by_name(original, smaller, tatoeba, flores, tmp_path, capsys):
    data = ["--dataset", f"tatoeba={tatoeba}", f"flores200={flores}", "--languages", "fr"]
    models = ["--original", str(original), "--model", str(smaller)]
    out = tmp_path / "report"
    assert main(["compare", *models, *data, "--no-pictures", "--out", str(out)]) == 0
    lines = json.loads((out / "report.json").read_text())["averages"]
    assert [line["task"] for line in lines] == ["tatoeba", "flores200"]
    assert main(["compare", *models, "--languages", "fr", "--out", str(out), "--overwrite"]) == 2
    assert "--languages goes with --tatoeba or --dataset" in capsys.readouterr().err
