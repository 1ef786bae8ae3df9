"""Translation pairs come out of every kind of file as they went in, or a line says which pair is none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.languages import find_language, parse_languages
from smaller_labse.corpora.translation_pairs import (
    TranslationPairs,
    find_pairs,
    limit_pairs,
    read_pairs,
    require_one_first_language,
)

ENGLISH = ["a dog", "a\u2028cat ", '"quoted"']
FRENCH = ["un chien", "un chat\u00a0!", "«\u202fcité\u202f»"]


def write(file: Path, lines: list[str]) -> Path:
    data = "".join(line + "\n" for line in lines).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def read(*written: str, languages: str = "") -> list[TranslationPairs]:
    return read_pairs(find_pairs(written, parse_languages(languages) if languages else ()))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the same pairs in every form; it is the current one."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "en-fr.tsv.gz", [f"{a}\t{b}" for a, b in zip(ENGLISH, FRENCH, strict=True)])
    write(tmp_path / "sourced.tsv", [f"{a}\t{b}\tbook\t7" for a, b in zip(ENGLISH, FRENCH, strict=True)])
    write(tmp_path / "a.en", ENGLISH)
    write(tmp_path / "a.fr.gz", FRENCH)
    rows = [{"en": a, "fr": b, "source": "book"} for a, b in zip(ENGLISH, FRENCH, strict=True)]
    write(tmp_path / "rows.jsonl", [json.dumps(row) for row in rows])
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    return tmp_path


@pytest.mark.parametrize(
    "files", ["en-fr.tsv.gz", "sourced.tsv", "a.en,a.fr.gz", "rows.jsonl", "rows.parquet"]
)
def test_pairs_come_out_as_they_went_in(here: Path, files: str) -> None:
    (found,) = read(f"en-fr={files}")
    assert found.languages == (find_language("en"), find_language("fr"))
    assert list(found.sentences) == ENGLISH and list(found.translations) == FRENCH
    assert found.corpus == files.replace(",", " + ")


def test_a_pattern_is_filled_and_files_of_one_language_are_joined(here: Path) -> None:
    write(here / "en-ja.tsv", ["a dog\t犬"])
    write(here / "en-de.tsv", ["a dog\tein Hund"])
    found = read("en-{code}=en-{code}.tsv", "en-fr=sourced.tsv", "en-ja=en-fr.tsv.gz", languages="en,ja,de")
    assert [(pairs.languages[1].code, len(pairs.sentences)) for pairs in found] == [
        ("ja", 4),
        ("de", 1),
        ("fr", 3),
    ]
    assert found[0].sentences[0] is found[1].sentences[0], "equal sentences are one string"


@pytest.mark.parametrize(
    ("written", "languages", "message"),
    [
        ("en-fr", "", "--pairs en-fr: expected NAMES=FILE, such as en-fr=pairs.tsv"),
        ("enfr=a.tsv", "", "--pairs enfr=a.tsv: expected NAMES=FILE"),
        ("{code}-en=a.tsv", "fr", "expected NAMES=FILE"),
        ("en-{cod}=a.tsv", "fr", "nothing is put in the place of {cod}; did you mean {code}?"),
        ("en-{code}=en-{code}.tsv", "", "a pattern needs --languages to fill it with"),
        ("en-{code}=en-{code}.tsv", "en", "English (en) alone has no pairs with itself"),
        ("en-fr=en-{code}.tsv", "fr", "put {code} before the equals sign, too: en-{code}=…"),
        ("en-fr=sourced.tsv", "fr", "--languages fills a pattern with {code}"),
        ("en-en=sourced.tsv", "", "both sides are English (en); name them apart"),
        ("en-fr=a.en,a.en", "", "both sides are the same file"),
        ("en-fr=a.*", "", "2 files, expected one, or two with a comma between"),
        ("en-{code}=sourced.tsv", "fr,de", "sourced.tsv is given for en-fr and for en-de"),
    ],
)
def test_wrong_usage_is_said_in_one_line(here: Path, written: str, languages: str, message: str) -> None:
    with pytest.raises(UsageError) as said:
        read(written, languages=languages)
    assert message in str(said.value) and "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("files", "lines", "message"),
    [
        (
            "x.tsv",
            ["a\tb", "a b"],
            "x.tsv: line 2 has no tab, expected a sentence, a tab and its translation",
        ),
        ("x.tsv", ["a\tb", "a\t \tbook"], "x.tsv: the side fr of pair 2 is empty; remove the pair"),
        ("x.tsv", ["\tb"], "x.tsv: the side en of pair 1 is empty"),
        ("x.tsv", [], "x.tsv: no lines in it, expected a pair in each"),
        ("a.en,x.txt", ["un", "deux"], "x.txt has 2 lines, but a.en has more; expected the translation"),
        ("x.txt,a.fr.gz", ["1", "2", "3", "4"], "a.fr.gz has 3 lines, but x.txt has more"),
        ("a.en,x.txt", ["un", "", "trois"], "x.txt: the side fr of pair 2 is empty"),
        ("x.jsonl", ['{"en": "a", "fr": null}'], "x.jsonl: the side fr of pair 1 is empty"),
        ("x.jsonl", ['{"en": "a"}'], "write --pairs FIELD-FIELD=x.jsonl with its fields' names"),
        ("none.tsv", [], "none.tsv: there is no such file of pairs for French (fr)"),
        ("x.pdf", ["%"], "x.pdf: a PDF"),
    ],
)
def test_what_is_no_pair_is_named(here: Path, files: str, lines: list[str], message: str) -> None:
    for name in files.split(","):
        if name.startswith("x."):
            write(here / name, lines)
    with pytest.raises(SmallerLabseError) as said:
        read(f"en-fr={files}")
    assert message in str(said.value) and "\n" not in str(said.value)


def test_at_most_so_many_pairs_are_whole_in_their_order_and_the_same_in_any_order(tmp_path: Path) -> None:
    lines = [f"sentence {number}\ttranslation {number}" for number in range(200)]
    write(tmp_path / "up.tsv", lines)
    write(tmp_path / "down.tsv", lines[::-1])
    (up,), (down,) = (read(f"en-fr={tmp_path / name}.tsv") for name in ("up", "down"))
    some, turned = limit_pairs(up, 50), limit_pairs(down, 50)
    numbers = [int(text.split()[1]) for text in some.sentences]
    assert len(numbers) == 50 and numbers == sorted(numbers) and 20 < numbers[12] < 80
    assert some.translations == tuple(f"translation {number}" for number in numbers)
    assert (turned.sentences, turned.translations) == (some.sentences[::-1], some.translations[::-1])
    assert limit_pairs(up, None) == limit_pairs(up, 200) == up


def test_the_side_that_a_teacher_embeds_is_of_one_language(here: Path) -> None:
    require_one_first_language(find_pairs(["en-fr=sourced.tsv", "en-it=a.en,a.fr.gz"]))
    with pytest.raises(UsageError, match=r"the first sides are .* and .*, expected one language"):
        require_one_first_language(find_pairs(["en-fr=sourced.tsv", "de-fr=a.en,a.fr.gz"]))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A folder laid out like Helsinki-NLP/opus-100, and in it a configuration with a column of each language."""
    nested = [{"translation": {"en": a, "fr": b}} for a, b in zip(ENGLISH, FRENCH, strict=True)]
    nested.insert(1, {"translation": {"en": "nothing", "fr": " "}})
    flat = [{"en": a, "fr": b, "score": 1.5} for a, b in zip(ENGLISH, FRENCH, strict=True)]
    configs = ""
    for config, rows in (("en-fr", nested), ("flat", flat)):
        (tmp_path / "opus" / config).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "opus" / config / "train.parquet")
        configs += f'- config_name: {config}\n  data_files:\n  - split: train\n    path: "{config}/*"\n'
    (tmp_path / "opus" / "README.md").write_text(f"---\nconfigs:\n{configs}---\nOPUS\n")
    return tmp_path / "opus"


def test_pairs_of_a_dataset_are_streamed(dataset: Path, monkeypatch, capsys) -> None:
    for config in ("en-fr", "flat:train"):
        (found,) = read(f"en-fr=datasets:{dataset}:{config}")
        assert list(found.sentences) == ENGLISH and list(found.translations) == FRENCH
        assert found.corpus == f"opus {config.partition(':')[0]} train"
    (filled,) = read(f"en-{{code}}=datasets:{dataset}:en-{{code}}", languages="fr")
    assert filled.sentences == found.sentences
    assert "opus en-fr train: 1 pairs with an empty side are left out" in capsys.readouterr().err
    monkeypatch.setattr("smaller_labse.corpora.translation_pairs.MOST_OF_A_DATASET", 2)
    (first,) = read(f"en-fr=datasets:{dataset}:flat")
    assert list(first.sentences) == ENGLISH[:2]


def test_what_is_wrong_with_a_dataset_is_one_line(dataset: Path) -> None:
    with pytest.raises(
        SmallerLabseError, match="no column 'de', it has en, fr; write the two that hold text"
    ):
        read(f"en-de=datasets:{dataset}:en-fr")
    with pytest.raises(UsageError, match="expected datasets:NAME:CONFIG:SPLIT, of which the last two"):
        read("en-fr=datasets:a:b:c:d")
    with pytest.raises(
        SmallerLabseError, match=r"cannot be opened \(.*; check the name and the network, or give"
    ):
        read(f"en-fr=datasets:{dataset}:none")


def test_no_code_of_a_dataset_is_run(monkeypatch) -> None:
    """What is asked of the hub's library: streaming, and never `trust_remote_code`."""
    import datasets

    asked = []

    def load(*arguments: object, **options: object) -> list[dict]:
        asked.append((arguments, options))
        return [{"translation": {"en": "a dog", "fr": "un chien"}}]

    monkeypatch.setattr(datasets, "load_dataset", load)
    (found,) = read("en-fr=datasets:Helsinki-NLP/opus-100:en-fr")
    assert found.corpus == "Helsinki-NLP/opus-100 en-fr train" and found.sentences == ("a dog",)
    expected = {"split": "train", "revision": None, "streaming": True}
    assert asked == [(("Helsinki-NLP/opus-100", "en-fr"), expected)]
