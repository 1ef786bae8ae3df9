"""Text from Hugging Face datasets: local folders laid out as on the hub, streamed as from there."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.select_vocab.counting.counts_file import read_metadata, summarize

ARTICLES = {
    "en": ["One line.\nAnother line.\n\nshort", "A second article of one line."],
    "fr": ["Première ligne d'ici.", "Seconde ligne."],
    "zh": ["這是第一行文字。"],
    "zh-classical": ["天地玄黃，宇宙洪荒。", "日月盈昃，辰宿列張。"],
    "simple": ["A simple line."],
    "be-x-old": ["Адзін радок."],
}


def write_dataset(folder: Path, column: str = "text") -> Path:
    """A folder laid out like wikimedia/wikipedia: a configuration a Wikipedia, named in the README."""
    configs = ""
    for code, articles in ARTICLES.items():
        config = f"20231101.{code}"
        configs += (
            f'- config_name: {config}\n  data_files:\n  - split: train\n    path: "{config}/*.parquet"\n'
        )
        (folder / config).mkdir(parents=True)
        for number, article in enumerate(articles):  # a shard each
            table = pa.table({"id": [str(number)], "title": ["Titel"], column: [article]})
            pq.write_table(table, folder / config / f"train-{number:05d}-of-{len(articles):05d}.parquet")
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\nWikipedia\n")
    return folder


@pytest.fixture
def dataset(tmp_path) -> Path:
    return write_dataset(tmp_path / "wikipedia")


def test_every_wikipedia_of_a_language_is_counted_into_a_file_of_its_own(example, dataset, run, tmp_path):
    arguments = ["--model", example, "--languages", "zh,fr,English", "--wikipedia", dataset]
    ended = run("count", *arguments, "--out", tmp_path / "counts")
    # On a slow machine importing datasets takes so long that progress is said.
    said = [line for line in ended.error.splitlines() if not line.startswith("counting ")]
    assert (ended.code, said) == (0, [])
    files = sorted((tmp_path / "counts").iterdir())
    assert [file.name for file in files] == ["en.parquet", "fr.parquet", "zh.parquet", "zh_classical.parquet"]
    assert [summarize(file).lines for file in files] == [3, 2, 1, 2]
    classical = read_metadata(files[3])
    assert (classical["name"], classical["language"]) == ("zh_classical", "zh")
    assert classical["corpus"] == f"{dataset.name} 20231101.zh-classical"
    assert json.loads(read_metadata(files[0])["sample"])[1] == [1, "Another line."]
    ended = run(
        "select", "--model", example, "--counts", tmp_path / "counts", "--out", tmp_path / "selection"
    )
    assert ended.code == 0, ended.error
    described = json.loads((tmp_path / "selection" / "selection.json").read_text(encoding="utf-8"))
    assert described["languages"] == ["en", "fr", "zh"]
    assert [part["name"] for part in described["coverage"]] == ["en", "fr", "zh", "zh_classical"]


@pytest.mark.parametrize("name", ["simple", "Simple", "zh_classical", "zh-classical", "be_x_old"])
def test_counts_of_a_wikipedia_are_selected_by_the_name_that_they_were_counted_by(
    example, dataset, run, tmp_path, name
):
    counts, selection = tmp_path / "counts", tmp_path / "selection"
    arguments = ["--model", example, "--languages"]
    assert run("count", *arguments, f"{name},en,zh", "--wikipedia", dataset, "--out", counts).code == 0
    ended = run("select", *arguments, name, "--counts", counts, "--out", selection)
    assert ended.code == 0, ended.error
    described = json.loads((selection / "selection.json").read_text(encoding="utf-8"))
    assert [part["name"] for part in described["coverage"]] == [name.lower().replace("-", "_")]
    assert described["languages"] == [{"s": "en", "z": "zh", "b": "be"}[name[0].lower()]]


def test_counts_of_a_wikipedia_that_are_not_there_are_named_by_its_name(example, dataset, run, tmp_path):
    arguments = ["--model", example, "--languages"]
    assert run("count", *arguments, "en", "--wikipedia", dataset, "--out", tmp_path / "counts").code == 0
    counts = ["--counts", tmp_path / "counts", "--out", tmp_path / "selection"]
    ended = run("select", *arguments, "simple", *counts)
    assert ended.code == 2
    assert f"no counts of English (simple) among {tmp_path / 'counts'}; count first" in ended.error


def test_a_dataset_is_named_by_the_language(example, tmp_path, run):
    for code, folder in (("en", "corpus-en"), ("fr", "corpus-fr")):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"text": ARTICLES[code]}), tmp_path / folder / "train.parquet")
    arguments = ["--model", example, "--languages", "en,fr", "--dataset", tmp_path / "corpus-{code}"]
    ended = run("count", *arguments, "--out", tmp_path / "counts")
    assert (ended.code, ended.error) == (0, "")
    assert [summarize(tmp_path / "counts" / f"{code}.parquet").lines for code in ("en", "fr")] == [3, 2]


def test_configuration_split_and_column_are_named_by_the_user(example, tmp_path, run):
    dataset = write_dataset(tmp_path / "corpus", column="body")
    arguments = ["--model", example, "--languages", "fr", "--dataset", dataset]
    named = ["--dataset-config", "20231101.{code}", "--dataset-split", "train", "--text-field", "body"]
    ended = run("count", *arguments, *named, "--out", tmp_path / "counts")
    assert (ended.code, ended.error) == (0, "")
    assert summarize(tmp_path / "counts" / "fr.parquet").lines == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--text-field", "body"], "no column 'body', it has id, title, text; name the one that holds text"),
        (["--dataset-config", "20231101.de"], "cannot be opened"),
        (["--dataset-split", "test"], "cannot be opened"),
    ],
)
def test_what_a_dataset_does_not_have_is_said_in_one_line(example, dataset, run, tmp_path, options, reason):
    arguments = ["--model", example, "--languages", "fr", "--dataset", dataset]
    config = [] if "--dataset-config" in options else ["--dataset-config", "20231101.fr"]
    ended = run("count", *arguments, *config, *options, "--out", tmp_path / "counts")
    assert ended.code == 1
    assert reason in ended.error
    assert str(dataset) in ended.error
    assert ended.error.count("\n") == 1
    assert not (tmp_path / "counts").exists()


def test_a_broken_shard_ends_the_count_and_leaves_nothing(example, dataset, run, tmp_path):
    shard = sorted((dataset / "20231101.fr").iterdir())[1]
    shard.write_bytes(shard.read_bytes()[:-30])
    arguments = ["--model", example, "--languages", "en,fr", "--wikipedia", dataset]
    ended = run("count", *arguments, "--out", tmp_path / "counts")
    assert ended.code == 1
    assert ended.error.count("\n") == 1
    assert "20231101.fr: " in ended.error
    assert [file.name for file in (tmp_path / "counts").iterdir()] == ["en.parquet"]


def test_a_hub_that_cannot_be_reached_is_said_soon(example, run, tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    started = time.monotonic()
    ended = run("count", "--model", example, "--languages", "fr", "--out", tmp_path / "counts")
    assert time.monotonic() - started < 30
    assert ended.code == 1
    assert "wikimedia/wikipedia 20231101.fr: cannot be opened" in ended.error
    assert "check the name and the network, or give local text with --text" in ended.error
    assert ended.error.count("\n") == 1
    assert not (tmp_path / "counts").exists()


def test_languages_without_a_wikipedia_are_named(example, run, tmp_path):
    ended = run("count", "--model", example, "--languages", "fr,hmn", "--out", tmp_path / "counts")
    assert (ended.code, ended.error) == (
        2,
        "select-vocab count: Hmong (hmn) has no Wikipedia; give text of it with --text hmn=FILE "
        "(see select-vocab count --help)\n",
    )
