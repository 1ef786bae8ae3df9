"""Promise 3: counts equal a plain loop over what the original's own preprocessor emits."""

from __future__ import annotations

import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.corpora import line_batches
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.languages import find_language
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.sources import Source
from smaller_labse.select_vocab.counting.count_sources import count_source, new_counters
from smaller_labse.select_vocab.counting.counts_file import write_counts

EVERYTHING = LineFilter(longer_than=0, max_lines=None)


def source(lines: list[str], name: str = "en") -> Source:
    return Source(name, find_language(name), "drawn", lambda: iter(lines))


def plain_loop(preprocess, pieces: list[str], lines: list[str]) -> tuple[Counter, Counter]:
    """Occurrences and lines of each piece, by the SavedModel and dictionaries."""
    import tensorflow as tf

    occurrences: Counter[str] = Counter()
    in_lines: Counter[str] = Counter()
    for start in range(0, len(lines), 1000):
        ragged = preprocess.tokenize(tf.constant(lines[start : start + 1000]))
        numbers = ragged.flat_values.numpy().tolist()
        words, ends = (splits.numpy().tolist() for splits in ragged.nested_row_splits)
        for first, last in pairwise(words):
            found = [pieces[number] for number in numbers[ends[first] : ends[last]]]
            occurrences.update(found)
            in_lines.update(set(found))
    return occurrences, in_lines


def as_counters(counts, pieces: list[str]) -> tuple[Counter, Counter]:
    return tuple(
        Counter({piece: n for piece, n in zip(pieces, column.tolist(), strict=True) if n})
        for column in (counts.occurrences, counts.lines)
    )


def load_preprocess(original: Path):
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the preprocessor's ops

    return tf.saved_model.load(str(original / "preprocess"))


@pytest.fixture(scope="module")
def preprocess(example):
    return load_preprocess(example)


@pytest.fixture(scope="module", params=["LaBSE", "mended", "LEALLA"])
def family(request, tokenizer, preprocess):
    """A tokenizer, and a preprocessor of the same vocabulary; LEALLA's own graph is compared elsewhere."""
    if request.param == "LaBSE":
        return tokenizer, preprocess
    if request.param == "mended":
        from smaller_labse.encoders.preprocessors.mended_preprocessor import MendedPreprocessor
        from smaller_labse.originals.tokenizers.wordpiece import MendedWordPiece

        return MendedWordPiece(tokenizer.file), MendedPreprocessor(tokenizer.file)
    from smaller_labse.encoders.preprocessors.lealla_preprocessor import LEALLAPreprocessor
    from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer

    return LEALLATokenizer(tokenizer.file), LEALLAPreprocessor(tokenizer.file)


@pytest.fixture
def labse_format(shared, tmp_path) -> Path:
    """An original as the Model Garden exports it, with LaBSE's whole vocabulary."""
    folder = tmp_path / "labse_format"
    shutil.copytree(shared / "labse_format", folder, copy_function=shutil.copyfile)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for part in ("encoder", "preprocess"):
        shutil.copyfile(shared / "labse" / "cased_vocab.txt", folder / part / "assets" / "cased_vocab.txt")
    return folder


def test_counts_of_all_tatoeba_files_equal_the_plain_loop(shared, labse_format, labse, run, tmp_path):
    from smaller_labse.originals.open import open_original
    from smaller_labse.select_vocab.counting.counts_file import read_counts

    tokenizer = open_original(str(labse)).tokenizer
    pieces = tokenizer.pieces
    assert len(pieces) == 501_153
    preprocess = load_preprocess(labse_format)
    tatoeba = shared / "tatoeba" / "v1"
    codes = sorted({file.name[8:11] for file in tatoeba.iterdir()})
    arguments = ["--model", labse, "--longer-than", 0, "--max-lines", 0]
    text = ["--text", tatoeba / "tatoeba.{iso3}-eng.{iso3}"]
    ended = run("count", *arguments, *text, "--languages", ",".join(codes), "--out", tmp_path / "a")
    assert ended.code == 0, ended.error
    checked = 0
    for code in codes:
        for iso3 in (code, "eng"):
            file = tatoeba / f"tatoeba.{code}-eng.{iso3}"
            lines = file.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
            checked += len(lines)
            if iso3 == "eng":
                found = count_source(source(lines), tokenizer, EVERYTHING)
            else:
                counts_file = tmp_path / "a" / f"{find_language(code).code}.parquet"
                found = read_counts(counts_file, pieces, tokenizer.fingerprint)
            assert found.total_lines == len(lines)
            assert as_counters(found, pieces) == plain_loop(preprocess, pieces, lines), file
    assert checked == 27_096


# What breaks counters: control characters, spaces that are none, line ends that are none, the replacement
# of unknown words, words beyond 100 bytes, characters outside the first plane.
STRANGE = "\x00\x01\t\r\x0b\x85\xa0\xad\u200b\u200d\u202f\u2028\u2029\u3000\ufeff\ufffd😀🏳️‍🌈́"
REAL = [text for texts in builtin_sentences().values() for text in texts[0].split()]
WORDS = st.sampled_from([*REAL, "[UNK]", "[CLS]", "##a", "ß", "İ", "x" * 100, "x" * 101, "я" * 51])
ANY = st.characters(exclude_characters="\n", exclude_categories=["Cs"])  # a line has no line feed
LINE = st.lists(WORDS | st.text(STRANGE, max_size=3) | st.text(ANY, max_size=5), max_size=6).map(" ".join)
LINES = st.lists(LINE | st.lists(WORDS).map("".join) | st.text(STRANGE), max_size=30)


@given(LINES)
@settings(max_examples=50, deadline=None)
def test_counts_of_drawn_text_equal_the_plain_loop(family, lines):
    tokenizer, preprocess = family
    expected = plain_loop(preprocess, tokenizer.pieces, [line for line in lines if line])
    if not expected[0]:
        return
    found = count_source(source(lines), tokenizer, EVERYTHING)
    assert found.total_lines == sum(map(bool, lines))
    assert as_counters(found, tokenizer.pieces) == expected


@given(LINES, st.integers(1, 7), st.integers(1, 40))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_workers_and_batches_change_no_byte(tokenizer, tmp_path, monkeypatch, lines, size, characters):
    lines = ["at least this line", *lines]
    files = []
    for number, (workers, batch, limit) in enumerate([(1, 4096, 1 << 20), (2, size, characters), (3, 2, 1)]):
        monkeypatch.setattr(line_batches, "BATCH_LINES", batch)
        monkeypatch.setattr(line_batches, "BATCH_CHARACTERS", limit)
        counts = count_source(source(lines), tokenizer, EVERYTHING, new_counters(tokenizer, workers))
        files.append(tmp_path / f"{number}.parquet")
        write_counts(counts, tokenizer.pieces, files[-1], overwrite=True)
    assert all(first.read_bytes() == second.read_bytes() for first, second in pairwise(files))


@given(LINES, st.integers(0, 9), st.integers(1, 9) | st.none())
@settings(max_examples=30, deadline=None)
def test_the_filter_takes_the_first_lines_that_are_long_enough(tokenizer, lines, longer_than, max_lines):
    lines = ["this line is long enough", *lines]
    passing = [line for line in lines if len(line) > longer_than][:max_lines]
    found = count_source(source(lines), tokenizer, LineFilter(longer_than, max_lines))
    alone = count_source(source(passing), tokenizer, EVERYTHING)
    assert found.total_lines == len(passing)
    assert np.array_equal(found.occurrences, alone.occurrences)
    assert np.array_equal(found.lines, alone.lines)
    assert found.sample == alone.sample


@given(st.lists(st.tuples(LINE.filter(str.strip), st.integers(0, 9)), min_size=1, max_size=9))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_of_words_counts_as_the_text_that_repeats_them(tokenizer, tmp_path, words):
    from smaller_labse.corpora.sources import text_sources

    words = [(word.replace("\n", " "), times) for word, times in [("at least one", 2), *words]]
    text = "".join(f"{word}\t{times}\n" for word, times in words)
    (tmp_path / "en.tsv").write_bytes(text.encode())
    (read,) = text_sources([], [f"en={tmp_path / 'en.tsv'}"])
    listed = count_source(read, tokenizer, LineFilter(5, 1))  # a list is counted whole, whatever the filter
    repeated = count_source(source([w for w, times in words for _ in range(times)]), tokenizer, EVERYTHING)
    assert listed.total_lines == repeated.total_lines
    assert np.array_equal(listed.occurrences, repeated.occurrences)
    assert np.array_equal(listed.lines, repeated.lines)


def test_five_characters_are_too_few_and_six_enough(example, run, tmp_path):
    (tmp_path / "en.txt").write_text("12345\n123456\néééééé\nééééé\n", encoding="utf-8")
    arguments = ["count", "--model", example, "--text", f"en={tmp_path / 'en.txt'}"]
    assert "|     2 |" in run(*arguments, "--out", tmp_path / "a").out
    assert "|     4 |" in run(*arguments, "--out", tmp_path / "b", "--longer-than", 4).out
    assert "|     1 |" in run(*arguments, "--out", tmp_path / "c", "--max-lines", 1).out


def test_at_most_a_million_lines_of_more_than_five_characters_are_counted_by_default(counted):
    from smaller_labse.select_vocab.counting.counts_file import read_metadata

    assert read_metadata(counted / "en.parquet")["filter"] == '{"longer_than": 5, "max_lines": 1000000}'


def test_a_line_of_a_million_characters_is_counted_whole_and_its_counts_can_be_read(tokenizer, tmp_path):
    """500 sampled lines of that length would be too much for Parquet's metadata, which the sample is in."""
    from smaller_labse.select_vocab.counting.counts_file import read_counts

    line = "a b c d " * 125_000
    counts = count_source(source([line] * 3), tokenizer)
    write_counts(counts, tokenizer.pieces, tmp_path / "en.parquet")
    again = read_counts(tmp_path / "en.parquet", tokenizer.pieces, tokenizer.fingerprint)
    assert again.occurrences[tokenizer.ids["a"]] == 3 * 125_000
    assert sum(len(line.text) for line in again.sample) == 3 * 2_000
    assert again.sample[0].text == line[:2_000]
