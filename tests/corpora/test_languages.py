"""Languages by any name, and text under any name."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.labse_languages import LANGUAGES, MORE_LANGUAGES
from smaller_labse.corpora.languages import find_language, name_language, parse_languages
from smaller_labse.select_vocab.count import find_sources
from smaller_labse.select_vocab.counting.counts_file import read_metadata, summarize

LINE = "A line of some text.\n"


@pytest.mark.parametrize(
    ("text", "code", "iso3", "wikipedias"),
    [
        ("ps", "ps", "pus", ("ps",)),
        ("pus", "ps", "pus", ("ps",)),
        ("Pashto", "ps", "pus", ("ps",)),
        ("zh-tw", "zh-TW", "zho", ()),
        ("sr_latn", "sr-Latn", "srp", ()),
        ("yue", "yue", "yue", ("zh_yue",)),
        ("zh-yue", "yue", "yue", ("zh_yue",)),
        ("als", "gsw", "gsw", ("als",)),
        ("Tosk Albanian", "als", "als", ()),  # whose Wikipedia is that of Albanian
        ("simple", "en", "eng", ("simple",)),
        ("zh_classical", "zh", "cmn", ("zh_classical",)),
        ("be-x-old", "be", "bel", ("be_x_old",)),
        ("npi", "ne", "nep", ("ne",)),
    ],
)
def test_languages_beyond_labse_and_wikipedias_have_names(text, code, iso3, wikipedias):
    language = find_language(text)
    assert (language.code, language.iso3, language.wikipedias) == (code, iso3, wikipedias)


@pytest.mark.parametrize("text", ["xx", "medical", "qaa-x", "", "zz-ZZ", "../en", "fr.fr"])
def test_what_is_no_language_is_refused(text):
    with pytest.raises(UsageError, match="unknown language"):
        find_language(text)


def test_no_name_means_two_languages():
    languages = (*LANGUAGES, *MORE_LANGUAGES)
    names = [name for language in languages for name in {name.casefold() for name in language.names}]
    assert len(names) == len(set(names))
    codes = [language.code for language in languages]
    assert len(codes) == len(set(codes))


def test_text_has_any_name_that_can_be_a_files():
    for name in ("medical", "zh-TW", "sr-Latn", "news.2024", "Юр", "simple"):
        assert name_language(name).code == name
    assert name_language("German").code == "de"
    assert name_language("als").name == "Tosk Albanian"  # here no Wikipedia is meant
    for name in ("", ".en", "../en", "a/b", "two words", "x" * 65):
        with pytest.raises(UsageError):
            name_language(name)


def test_wikipedias_of_one_language_count_once_each():
    (english,) = parse_languages("simple,English,eng,simple")
    assert (english.code, english.wikipedias) == ("en", ("simple", "en"))


def write(file: Path, lines: int = 1) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(LINE * lines)
    return file


def test_text_of_any_name_is_counted_selected_and_named(example, run, tmp_path):
    medical, taiwan = write(tmp_path / "a.txt", 2), write(tmp_path / "b.txt")
    out, selection = tmp_path / "counts", tmp_path / "selection"
    text = ["--text", f"medical={medical}", f"zh-TW={taiwan}", f"ps={write(tmp_path / 'c.txt')}"]
    ended = run("count", "--model", example, *text, "--out", out)
    assert ended.code == 0, ended.error
    assert sorted(file.name for file in out.iterdir()) == ["medical.parquet", "ps.parquet", "zh-TW.parquet"]
    chosen = ["--counts", out, "--languages", "medical,zh-tw", "--top-k", 5]
    ended = run("select", "--model", example, *chosen, "--out", selection)
    assert ended.code == 0, ended.error
    described = json.loads((selection / "selection.json").read_text(encoding="utf-8"))
    assert sorted(described["languages"]) == ["medical", "zh-TW"]
    ended = run("select", "--model", example, "--counts", out, "--languages", "fr", "--out", tmp_path / "x")
    assert (ended.code, f"no counts of French (fr) among {out}" in ended.error) == (2, True)


def test_several_files_globs_and_folders_of_one_language_are_added_up(example, run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "news" / "b.txt", 2)
    write(tmp_path / "news" / "a.txt", 1)
    write(tmp_path / "web" / "c.txt", 4)
    write(tmp_path / "[d].txt", 8)  # a name that looks like a glob
    text = ["--text", "en=~/news/*.txt", f"en={tmp_path / 'web'}", f"eng={tmp_path / '[d].txt'}"]
    ended = run("count", "--model", example, *text, "--out", tmp_path / "counts")
    assert ended.code == 0, ended.error
    assert summarize(tmp_path / "counts" / "en.parquet").lines == 15
    corpus = read_metadata(tmp_path / "counts" / "en.parquet")["corpus"]
    assert corpus == "*.txt + web + [d].txt", "names, and no folders"
    pattern = ["--text", "~/{code}/*.txt", "--languages", "news,web"]
    ended = run("count", "--model", example, *pattern, "--out", tmp_path / "patterns")
    assert ended.code == 0, ended.error
    assert [summarize(tmp_path / "patterns" / f"{name}.parquet").lines for name in ("news", "web")] == [3, 4]


def test_a_file_that_comes_twice_or_a_list_among_texts_is_refused(tmp_path):
    file, words = write(tmp_path / "a.txt"), tmp_path / "a.tsv"
    words.write_text("word\t3\n")
    (tmp_path / "link.txt").symlink_to(file)
    for texts, reason in (
        ([f"en={file}", f"en={tmp_path}/*.txt"], r"is given twice for English \(en\)"),
        (
            [f"en={file}", f"it={tmp_path}/link.txt"],
            r"English \(en\) and Italian \(it\) would be counted from the same text",
        ),
        ([f"en={file}", f"en={words}"], "a.tsv is a word list, the others are text"),
    ):
        with pytest.raises(UsageError, match=reason):
            find_sources(text=texts)


def test_a_table_is_read_by_its_column_and_a_word_list_stays_one(example, run, tmp_path):
    table, words = tmp_path / "table.tsv", tmp_path / "words.tsv"
    table.write_text("id\tbody\n1\tA line of some text.\n2\tAnother line.\n")
    words.write_text("line\t3\n")
    count = ["count", "--model", example, "--text"]
    ended = run(*count, f"en={table}", "--text-field", "body", "--out", tmp_path / "a")
    assert ended.code == 0, ended.error
    assert summarize(tmp_path / "a" / "en.parquet").lines == 2
    ended = run(*count, f"en={words}", "--out", tmp_path / "b")
    assert ended.code == 0, ended.error
    assert summarize(tmp_path / "b" / "en.parquet").lines == 3
    ended = run(*count, f"en={table}", "--out", tmp_path / "c")
    assert ended.code == 1
    assert "expected word<TAB>count; of a table, name the column that holds text" in ended.error


def test_documents_are_refused_before_the_model_is_read(run, tmp_path):
    (tmp_path / "a.docx").write_bytes(b"PK")
    ended = run(
        "count", "--model", tmp_path / "none", "--text", f"en={tmp_path / 'a.docx'}", "--out", tmp_path / "c"
    )
    assert ended.code == 1
    assert "a.docx: a word processor's document; save it as plain text (.txt)" in ended.error


def test_text_and_wikipedia_in_one_run(example, run, tmp_path):
    wikipedia = tmp_path / "wikipedia"
    configs = ""
    for code in ("fr", "ps", "simple"):
        (wikipedia / f"20231101.{code}").mkdir(parents=True)
        pq.write_table(pa.table({"text": [LINE]}), wikipedia / f"20231101.{code}" / "train-0.parquet")
        configs += (
            f"- config_name: 20231101.{code}\n  data_files:\n  - split: train\n    path: 20231101.{code}/*\n"
        )
    (wikipedia / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    text = ["--text", f"medical={write(tmp_path / 'a.txt', 3)}", f"it={write(tmp_path / 'b.txt', 2)}"]
    both = ["--languages", "fr,it,Pashto,simple", "--wikipedia", wikipedia]
    ended = run("count", "--model", example, *text, *both, "--out", tmp_path / "counts")
    assert ended.code == 0, ended.error
    lines = {file.stem: summarize(file).lines for file in (tmp_path / "counts").iterdir()}
    assert lines == {"medical": 3, "it": 2, "fr": 1, "ps": 1, "simple": 1}
    assert read_metadata(tmp_path / "counts" / "simple.parquet")["language"] == "en"


def test_the_users_folder_is_found_behind_every_equals_sign(tmp_path, monkeypatch):
    from smaller_labse.corpora.language_files import parse_texts
    from smaller_labse.evaluate.comparison.models import parse_models
    from smaller_labse.evaluate.tasks.sts import read_sts
    from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel

    monkeypatch.setenv("HOME", str(tmp_path))
    file = write(tmp_path / "a.txt")
    (tmp_path / "sts.tsv").write_text("one\ttwo\t1\none\tthree\t2\n")
    assert parse_texts(["en=~/a.txt"]) == parse_texts(["en=~/a.tx*"]) == {"en": file}
    assert read_parallel("en=~/a.txt,it=~/a.txt").left == (LINE.strip(),)
    assert len(read_sts("x=~/sts.tsv").left) == 2
    assert parse_models(["small=~/model"])[0].folder == str(tmp_path / "model")
    assert parse_models(["~nobody-of-this-name"])[0].folder == "~nobody-of-this-name"
