"""Promises 3 and 4: shards of a text, merged in any order, give the bytes of an undivided count."""

from __future__ import annotations

import gzip
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.corpora import line_batches
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.defaults import DRAWS
from smaller_labse.corpora.languages import find_language
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.shards import parted_text
from smaller_labse.corpora.shards.shard import Shard
from smaller_labse.corpora.sources import Source, dataset_sources, text_sources
from smaller_labse.select_vocab.counting import shared_numbers, word_counter
from smaller_labse.select_vocab.counting.count_sources import count_sources
from smaller_labse.select_vocab.counting.counts_file import read_counts, write_counts
from smaller_labse.select_vocab.counting.merge_shards import merge_shards

SENTENCES = [*builtin_sentences()["en"], *builtin_sentences()["ja"], "short", "", "Ça va\u2028, \U0001f600?"]


def write(file: Path, lines: list[str]) -> None:
    """Write lines in the format that the file's name says."""
    if file.suffix == ".parquet":
        texts = ["\n".join(lines[start : start + 2]) for start in range(0, len(lines), 2)]
        pq.write_table(pa.table({"text": pa.array([*texts, None], pa.string())}), file, row_group_size=3)
        return
    if ".jsonl" in file.name:
        lines = [json.dumps({"text": line}) for line in lines]
    data = "".join(f"{line}\r\n" for line in lines).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(parted_text, "PART_BYTES", 200)
    monkeypatch.setattr(word_counter, "KNOWN_WORDS", 1 << 12)


def count(sources: list[Source], tokenizer, folder: Path, line_filter: LineFilter, sample: bool = True):
    return count_sources(sources, tokenizer, folder, line_filter, workers=1, sample=sample)


def merged(
    source: Source, of: int, order: list[int], tokenizer, folder: Path, line_filter: LineFilter
) -> bytes:
    """Count the shards in an order, and add them up in that order."""
    files = [
        count([replace(source, shard=Shard(number, of))], tokenizer, folder / "shards", line_filter)[0]
        for number in order
    ]
    write_counts(merge_shards(files, tokenizer), tokenizer.pieces, folder / "merged.parquet")
    return (folder / "merged.parquet").read_bytes()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_shards_in_any_order_give_the_bytes_of_an_undivided_count(
    tokenizer, tmp_path_factory, small_parts, data
):
    folder = tmp_path_factory.mktemp("shards")
    (folder / "text").mkdir()
    endings = st.sampled_from([".txt", ".txt.gz", ".jsonl", ".parquet"])
    for number, ending in enumerate(data.draw(st.lists(endings, min_size=1, max_size=4))):
        lines = data.draw(st.lists(st.sampled_from(SENTENCES), max_size=30))
        write(folder / "text" / f"{number}{ending}", [*lines, "The last line is always long enough."])
    most = data.draw(st.none() | st.integers(1, 40))
    line_filter = LineFilter(data.draw(st.sampled_from([0, 5, 30])), most, data.draw(st.sampled_from(DRAWS)))
    (source,) = text_sources([], [f"en={folder / 'text'}"])
    of = data.draw(st.integers(1, 5))
    order = data.draw(st.permutations(range(1, of + 1)))
    (whole,) = count([source], tokenizer, folder / "whole", line_filter)
    assert merged(source, of, order, tokenizer, folder, line_filter) == whole.read_bytes()


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("files", [1, 3])
def test_shards_of_a_dataset_give_the_bytes_of_an_undivided_count(
    tokenizer, tmp_path, small_parts, files, draw
):
    text = tmp_path / "text"
    text.mkdir()
    for number in range(files):
        write(text / f"{number}.parquet", SENTENCES[number::files])
    (source,) = dataset_sources([find_language("en")], str(text), None, "train", "text")
    line_filter = LineFilter(5, 20, draw)
    (whole,) = count([source], tokenizer, tmp_path / "whole", line_filter)
    assert merged(source, 2, [2, 1], tokenizer, tmp_path / "out", line_filter) == whole.read_bytes()


def test_every_line_is_counted_by_one_shard_and_shards_share_a_large_file(tokenizer, tmp_path, small_parts):
    write(tmp_path / "en.txt", SENTENCES * 5)
    (source,) = text_sources([], [f"en={tmp_path / 'en.txt'}"])
    files = [
        count([replace(source, shard=Shard(number, 3))], tokenizer, tmp_path / "out", LineFilter())[0]
        for number in (1, 2, 3)
    ]
    assert [file.name for file in files] == [f"en.{number}-of-3.parquet" for number in (1, 2, 3)]
    shards = [read_counts(file, tokenizer.pieces, tokenizer.fingerprint) for file in files]
    numbers = [line.number for shard in shards for line in shard.sample]
    assert len(set(numbers)) == len(numbers) == sum(line != "" and len(line) > 5 for line in SENTENCES) * 5
    assert min(shard.total_lines for shard in shards) > 0.2 * len(numbers)
    for first, second in itertools.combinations(shards, 2):
        assert first.text_digest != second.text_digest


def test_shards_of_an_even_draw_number_every_file_once(tokenizer, tmp_path, small_parts, monkeypatch):
    (tmp_path / "text").mkdir()
    for number in range(4):
        write(tmp_path / "text" / f"{number}.txt", [f"{number} {line}" for line in SENTENCES])
    read: list[int] = []

    def number_lines(texts, line_filter):
        read.extend(text.size for text in texts)
        return line_batches.number_lines(texts, line_filter)

    monkeypatch.setattr(shared_numbers, "number_lines", number_lines)
    (source,) = text_sources([], [f"en={tmp_path / 'text'}"])
    line_filter = LineFilter(5, 20, "even")
    (whole,) = count([source], tokenizer, tmp_path / "whole", line_filter)
    assert merged(source, 3, [2, 3, 1], tokenizer, tmp_path, line_filter) == whole.read_bytes()
    assert sorted(read) == sorted(text.size for text in source.parted_texts())
    (tmp_path / "text" / "0.txt").write_text("Another text is here, and another number of lines.\n")
    count([replace(source, shard=Shard(1, 2))], tokenizer, tmp_path / "shards", line_filter)
    assert len(read) == 5


def test_the_numbers_of_one_field_are_not_taken_for_those_of_another(tokenizer, tmp_path, small_parts):
    file = tmp_path / "en.jsonl"
    records = (
        {"title": "A long enough title." * (number % 2), "body": line}
        for number, line in enumerate(SENTENCES)
    )
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    line_filter = LineFilter(5, 20, "even")
    for field in ("title", "body"):
        (source,) = text_sources([], [f"en={file}"], field)
        numbered = line_batches.numbered(source, line_filter)
        shard = replace(source, shard=Shard(1, 2))
        assert shared_numbers.number_together(shard, line_filter, tmp_path / "numbers") == numbered.numbers


@pytest.mark.parametrize("names", [("0.txt", "1.txt"), ("0.txt", "0.txt")])
def test_parts_with_each_other_s_lines_are_another_text(tokenizer, tmp_path, small_parts, names):
    """The counts are the same: the places' numbers in the digest tell the two apart."""
    halves = [[f"{letter} of twenty letters" for _ in range(20)] for letter in "ab"]  # 20 bytes a line
    found = []
    for order in (halves, halves[::-1]):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        for name, half in zip(names, order, strict=True):
            with (folder / name).open("a") as file:
                file.writelines(f"{line}\n" for line in half)
        (source,) = text_sources([], [f"en={folder}"])
        assert sum(1 for text in source.parted_texts() for _ in text.read_parts(parted_text.EVERY_PART)) > 1
        (counted,) = count([source], tokenizer, folder / "counts", LineFilter(), sample=False)
        found.append(read_counts(counted, tokenizer.pieces, tokenizer.fingerprint))
    assert (found[0].occurrences == found[1].occurrences).all()
    assert found[0].text_digest != found[1].text_digest


@pytest.fixture(scope="module")
def shards(example, tmp_path_factory) -> Path:
    """A folder with the counts of three shards of two languages, and the text that they are of."""
    from smaller_labse.select_vocab.__main__ import main

    folder = tmp_path_factory.mktemp("three")
    for code in ("en", "ja"):
        (folder / code).mkdir()
        for number in range(3):
            write(folder / code / f"{number}.txt", [f"{number} {line}" for line in builtin_sentences()[code]])
    for number in (1, 2, 3):
        arguments = ["--text", f"{folder}/{{code}}", "--languages", "en,ja", "--shard", f"{number}/3"]
        assert main(["count", "--model", str(example), *arguments, "--out", str(folder / "shards")]) == 0
    return folder


def test_shards_of_languages_are_merged_by_the_command_to_what_is_counted_before(
    shards, example, run, tmp_path
):
    ended = run("merge", "--model", example, shards / "shards", "--out", tmp_path / "counts")
    assert ended.code == 0
    assert sorted(file.name for file in (tmp_path / "counts").iterdir()) == ["en.parquet", "ja.parquet"]
    again = ["--text", shards / "{code}", "--languages", "en,ja", "--out", tmp_path / "counts"]
    ended = run("count", "--model", example, *again)
    assert ended.code == 0
    assert ended.error.count("its text has not changed") == 2
    assert run("count", "--model", example, *again, "--overwrite").code == 0
    assert run("merge", "--model", example, shards / "shards", "--out", tmp_path / "merged").code == 0
    for code in ("en", "ja"):
        one, other = (tmp_path / place / f"{code}.parquet" for place in ("counts", "merged"))
        assert one.read_bytes() == other.read_bytes()


def test_a_shard_that_was_counted_is_not_counted_again(shards, example, run):
    text = ["--text", f"en={shards / 'en'}", "--out", shards / "shards", "--shard", "2/3"]
    ended = run("count", "--model", example, *text)
    assert (ended.code, ended.error) == (
        0,
        f"en, shard 2 of 3: counted before ({shards / 'shards' / 'en.2-of-3.parquet'}), its text has not changed\n",
    )


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("en.1-of-3 en.3-of-3", "English (en): shard 2 of 3 is missing; count it with --shard 2/3"),
        ("en.1-of-3", "English (en): shard 2 of 3 and 1 more is missing"),
        (
            "en.1-of-3 en.2-of-3 en.3-of-3 copy",
            "are both shard 1 of 3, which would be added twice; leave one out",
        ),
        ("en.1-of-3 en.2-of-3 en.3-of-3 other-n", "en.1-of-3.parquet is shard 1 of 3 and "),
        ("en.1-of-3 en.2-of-3 other-filter", "are shards of different line filters ("),
        (
            "en.1-of-3 en.2-of-3 other-text",
            "are shards of different texts: their files differ in size or number",
        ),
        ("en.1-of-3 en.2-of-3 no-sample", "are shards of different commands: --no-sample was given for one"),
        ("en.1-of-3 en.2-of-3 en.3-of-3 whole", "holds counts of a shard, "),
        ("en.1-of-3 en.1-of-3", "a counts file is given twice"),
    ],
)
def test_shards_that_do_not_belong_together_are_refused(shards, example, run, tmp_path, files, said):
    three = ["--text", f"en={shards / 'en'}"]
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "0.txt").write_text("This is another text.\n" * 3)
    others = {
        "other-n": [*three, "--shard", "4/4"],
        "other-filter": [*three, "--shard", "3/3", "--longer-than", 7],
        "other-text": ["--text", f"en={tmp_path / 'en'}", "--shard", "3/3"],
        "no-sample": [*three, "--shard", "3/3", "--no-sample"],
        "whole": three,
    }
    given = []
    for name in files.split():
        given.append(shards / "shards" / f"{name}.parquet")
        if name in others:
            assert run("count", "--model", example, *others[name], "--out", tmp_path / "other").code == 0
            (given[-1],) = (tmp_path / "other").iterdir()
        if name == "copy":
            given[-1] = tmp_path / "copy.parquet"
            given[-1].write_bytes((shards / "shards" / "en.1-of-3.parquet").read_bytes())
    ended = run("merge", "--model", example, *given, "--out", tmp_path / "counts")
    assert said in ended.error and ended.error.count("\n") == 1
    assert ended.code == (2 if "given twice" in said else 1)
    assert not (tmp_path / "counts").exists()


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ("--shard 8/7", "--shard: expected I/N with I from 1 to N, such as 3/7, got '8/7'", 2),
        ("--shard 0/7", "got '0/7'", 2),
        ("--shard 3", "got '3'", 2),
    ],
)
def test_no_shard(shards, example, run, tmp_path, arguments, said, code):
    text = ["--text", f"en={shards / 'en'}", "--out", tmp_path / "counts"]
    ended = run("count", "--model", example, *text, *arguments.split())
    assert ended.code == code and said in ended.error and ended.error.count("\n") == 1


def test_a_selection_is_not_made_of_shards(shards, example, run, tmp_path):
    counts = ["--counts", shards / "shards", "--out", tmp_path / "selection"]
    ended = run("select", "--model", example, *counts)
    assert (ended.code, ended.error.count("\n")) == (1, 1)
    assert "counts of shard 1 of 3 only; add all up with `select-vocab merge`" in ended.error
