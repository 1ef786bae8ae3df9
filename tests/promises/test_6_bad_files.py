"""Promise 6: what cannot be read ends in one line that names it, exit code 1, and nothing is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences


def assert_one_line(ended, *reasons: object) -> None:
    assert ended.code == 1
    assert ended.error.startswith("select-vocab ")
    assert ended.error.count("\n") == 1
    for reason in reasons:
        assert str(reason) in ended.error


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (
            "empty.txt",
            b"",
            "English (en): no line in {file} has more than 5 characters, so there is nothing to count",
        ),
        ("short.txt", b"12345\n\n", "English (en): no line in {file} has more than 5 characters"),
        (
            "blank.txt",
            b" \t \x01\x02  \n" * 3,
            "English (en): the 3 lines of {file} are white space and control charac",
        ),
        ("latin1.txt", b"long enough\ncaf\xe9 au lait\n", "{file}: line 2 is not UTF-8 (its byte 4)"),
        (
            "half.txt.gz",
            gzip.compress(b"long enough\n" * 99, mtime=0)[:-9],
            "{file}: cannot be read (Truncated",
        ),
        ("text.parquet", b"long enough\n", "{file}: cannot be read"),
        ("words.tsv", b"word\t3\n\nword 4\n", "{file}: line 3 is 'word 4', expected word<TAB>count"),
        ("words.tsv", b"\t3\n", "{file}: line 1 is '\\t3', expected word<TAB>count"),
        ("words.tsv", b"word\t-3\n", "{file}: line 1 is 'word\\t-3', expected word<TAB>count"),
        ("words.tsv", b"word\t" + b"9" * 5000, "{file}: line 1 counts 999"),
        ("words.tsv", b"word\t0\n", "so there is nothing to count"),
        ("missing.txt", None, "{file}: there is no such text for English (en)"),
    ],
)
def test_text_that_cannot_be_counted(example, run, tmp_path, nothing_left, name, data, reason):
    file = tmp_path / name
    if data is not None:
        file.write_bytes(data)
    ended = run("count", "--model", example, "--text", f"en={file}", "--out", tmp_path / "counts")
    assert_one_line(ended, reason.format(file=file))
    nothing_left(*[name] if data is not None else [])


def rewrite(file: Path, source: Path, metadata: dict, columns: dict | None = None) -> None:
    """Write counts with other metadata (None: without) and other columns (by a function; None: without)."""
    table = pq.read_table(source)
    for name, change in (columns or {}).items():
        if change is None:
            table = table.drop_columns([name])
        else:
            values = change(table[name].to_numpy())
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    found = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    no_digests = {"columns": None, "digest": None}  # as of version 0.1.0
    changed = found | no_digests | (metadata or {})
    found = {key: value for key, value in changed.items() if value is not None}
    pq.write_table(table.replace_schema_metadata(found), file)


DAMAGES = {
    "another vocabulary": ({"fingerprint": "0" * 64}, {}, "counts of another vocabulary (fingerprint 000000"),
    "another format": (
        {"format": "counts.0"},
        {},
        "its format is 'counts.0', expected 'smaller_labse.counts.1'",
    ),
    "no format": ({"format": None}, {}, "its format is None"),
    "no metadata": ({"lines": None}, {}, "a damaged counts file (its metadata lacks lines); count again"),
    "nonsense metadata": ({"lines": "many"}, {}, "a damaged counts file"),
    "nonsense filter": ({"filter": "{}x"}, {}, "a damaged counts file"),
    "a negative number of lines": ({"lines": "-1"}, {}, "(it has -1 lines)"),
    "a filter of other types": ({"filter": '{"longer_than": "5"}'}, {}, "(its filter is {"),
    "a sample of other types": ({"sample": '[["0", "line"]]'}, {}, "(its sample holds '0': 'line')"),
    "a sample without numbers": ({"sample": "[1]"}, {}, "a damaged counts file"),
    "no fingerprint": ({"fingerprint": None}, {}, "(its metadata lacks fingerprint)"),
    "no column": ({}, {"lines": None}, "(its column lines is None, expected int64)"),
    "ids beyond the vocabulary": (
        {},
        {"piece_id": lambda ids: ids + 10**6},
        "(its token ids are not ascending from 0 to",
    ),
    "negative ids": ({}, {"piece_id": lambda ids: ids - 10**5}, "(its token ids are not ascending"),
    "an id twice": ({}, {"piece_id": lambda ids: np.append(ids[:-1], ids[-2])}, "are not ascending"),
    "ids of another type": (
        {},
        {"piece_id": lambda ids: ids.astype(np.float64)},
        "(its column piece_id is double, expected int32)",
    ),
    "null occurrences": (
        {},
        {"occurrences": lambda counts: [None, *counts[1:].tolist()]},
        "(its column occurrences has 1 nulls)",
    ),
    "negative occurrences": ({}, {"occurrences": lambda counts: -counts}, "(its token '"),
    "no occurrences": ({}, {"lines": lambda lines: lines * 0}, "times in 0 of"),
    "more lines than occurrences": ({}, {"occurrences": lambda counts: counts * 0 + 1}, "occurs 1 times in"),
    "more lines than there are": ({"lines": "3"}, {}, "of 3 lines)"),
    "occurrences that overflow": (
        {},
        {"occurrences": lambda counts: counts * 0 + (1 << 60)},
        "(its occurrences are too many to be added up)",
    ),
    "another piece": (
        {},
        {"piece": lambda pieces: np.append(pieces[:-1], "invented")},
        "'invented', expected '",
    ),
    "a piece that unpacks to much": (
        {},
        {"piece": lambda pieces: np.append(pieces[:-1], "x" * (1 << 26))},
        "bytes, expected at most",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_counts_that_are_damaged_or_another_originals(example, counted, run, tmp_path, nothing_left, damage):
    metadata, columns, reason = DAMAGES[damage]
    rewrite(tmp_path / "it.parquet", counted / "it.parquet", metadata, columns)
    ended = run("select", "--model", example, "--counts", tmp_path, "--out", tmp_path / "selection")
    assert_one_line(ended, f"{tmp_path / 'it.parquet'}: ", reason)
    nothing_left("it.parquet")


def test_counts_with_more_rows_than_tokens_are_refused_unread(example, counted, run, tmp_path):
    table = pq.read_table(counted / "it.parquet")
    many = pa.concat_tables([table.slice(0, 1)] * 100_000)  # a small file, and whatever one likes unpacked
    pq.write_table(many, tmp_path / "it.parquet")
    ended = run("select", "--model", example, "--counts", tmp_path, "--out", tmp_path / "selection")
    assert_one_line(ended, f"{tmp_path / 'it.parquet'}: ", "it has 100,000 rows, expected at most")


@pytest.mark.parametrize("where", [0.2, 0.5, 0.9])
def test_a_flipped_bit_in_the_pages_of_counts_is_noticed(example, counted, run, tmp_path, where):
    data = bytearray((counted / "it.parquet").read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[int(where * (len(data) - footer))] ^= 4
    (tmp_path / "it.parquet").write_bytes(data)
    ended = run("select", "--model", example, "--counts", tmp_path, "--out", tmp_path / "selection")
    assert_one_line(ended, f"{tmp_path / 'it.parquet'}: ")


@pytest.mark.parametrize("size", [0, 5, 100, -1])
def test_a_truncated_counts_file(example, counted, run, tmp_path, nothing_left, size):
    (tmp_path / "it.parquet").write_bytes((counted / "it.parquet").read_bytes()[:size])
    for command in (["select", "--counts", tmp_path / "it.parquet"], ["merge", tmp_path / "it.parquet"]):
        ended = run(*command, "--model", example, "--out", tmp_path / "out")
        assert_one_line(ended, f"{tmp_path / 'it.parquet'}: not a counts file")
    nothing_left("it.parquet")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("it_freqs.json.gz", gzip.compress(b'{"a": 1}', mtime=0)[:10] + b"\xff" * 20, "not readable as JSON"),
        ("it_freqs.json", b"not JSON", "not readable as JSON"),
        ("it_freqs.json", b'{"caf\xe9": 1}', "not readable as JSON"),
        ("it_freqs.json", b"[" * 100_000, "not readable as JSON"),
        ("it_freqs.json.gz", b'{"a": 1}', "not readable as JSON"),
        ("it_freqs.json.gz", gzip.compress(b'{"a": 1}', mtime=0)[:-4], "not readable as JSON"),
        ("it_freqs.json", b'["a"]', "expected a JSON object of token → occurrences (non-negative integers)"),
        (
            "it_freqs.json",
            b'{"a": 0.5}',
            "expected a JSON object of token → occurrences (non-negative integers)",
        ),
        (
            "it_freqs.json",
            b'{"a": true}',
            "expected a JSON object of token → occurrences (non-negative integers)",
        ),
        (
            "it_freqs.json",
            b'{"a": -1}',
            "expected a JSON object of token → occurrences (non-negative integers)",
        ),
        (
            "it_freqs.json",
            b'{"a": 99999999999999999999}',
            "expected a JSON object of token → occurrences (non-negative integers)",
        ),
        (
            "it_freqs.json",
            b'{"a": 1, "zzzzz": 1}',
            "1 of 2 tokens, 'zzzzz' among them, are not in the original",
        ),
        ("it_freqs.json", b'{"a": 0}', "no token of the original occurs in it"),
        ("it_freqs.json", b"{}", "no token of the original occurs in it"),
    ],
)
def test_frequencies_that_are_none(example, run, tmp_path, nothing_left, name, data, reason):
    (tmp_path / name).write_bytes(data)
    arguments = ["--counts", tmp_path, "--top-k", 5, "--out", tmp_path / "selection"]
    assert_one_line(run("select", "--model", example, *arguments), f"{tmp_path / name}: {reason}")
    nothing_left(name)


@pytest.mark.parametrize("option", ["--pieces", "--keep"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected one per line"),
        (b"\n\n", "expected one per line"),
        (b"a\ncaf\xe9\n", "not UTF-8 (byte 6); save it as UTF-8"),
        (None, "there is no such file"),
    ],
)
def test_lists_that_are_none(example, counted, run, tmp_path, nothing_left, option, data, reason):
    file = tmp_path / "list.txt"
    if data is not None:
        file.write_bytes(data)
    arguments = ["--counts", counted, option, file, "--out", tmp_path / "selection"]
    assert_one_line(run("select", "--model", example, *arguments), f"{file}: ", reason)
    nothing_left(*["list.txt"] if data is not None else [])


@pytest.mark.parametrize(
    ("option", "data", "reason"),
    [
        (
            "--pieces",
            "a\nzzzzz\nyyyyy\n",
            "the original has no token 'zzzzz', line 2 (and 1 more); --skip-missing",
        ),
        ("--pieces", "a\n\u00a0a\n", "no token '\\xa0a', line 2; --strip takes the white space off"),
        ("--pieces", "a\r\n", "the original has no token 'a\\r', line 1; --strip takes the white space off"),
        ("--keep", "a\n☃ a\n", "the original itself cannot read '☃ a' (it gets [UNK]); take it off the list"),
    ],
)
def test_pieces_that_the_original_does_not_have(example, counted, run, tmp_path, option, data, reason):
    (tmp_path / "list.txt").write_bytes(data.encode())
    arguments = ["--counts", counted, option, tmp_path / "list.txt", "--out", tmp_path / "selection"]
    assert_one_line(
        run("select", "--model", example, *arguments), f"{tmp_path / 'list.txt'}: the ori", reason
    )


def test_missing_pieces_are_left_out_aloud_and_white_space_is_stripped_when_asked(
    example, tokenizer, run, tmp_path
):
    (tmp_path / "list.txt").write_text("a\nzzzzz\n\u00a0b\r\n[UNK]\n", newline="")
    arguments = ["--pieces", tmp_path / "list.txt", "--strip", "--skip-missing", "--no-keep-characters"]
    ended = run("select", "--model", example, *arguments, "--out", tmp_path / "selection")
    assert ended.code == 0
    assert ended.error == f"{tmp_path / 'list.txt'}: 1 tokens that the original does not have are left out\n"
    kept = np.load(tmp_path / "selection" / "kept_ids.npy").tolist()
    assert kept == sorted([*tokenizer.special_ids.tolist(), tokenizer.ids["a"], tokenizer.ids["b"]])


def test_words_to_keep_are_kept_with_all_their_pieces(example, counted, tokenizer, run, tmp_path):
    words = [builtin_sentences()[code][0] for code in ("ja", "de", "th")]
    (tmp_path / "words.txt").write_text("\n".join(["", *words]), encoding="utf-8")
    arguments = ["--counts", counted / "it.parquet", "--top-k", 3, "--keep", tmp_path / "words.txt"]
    ended = run("select", "--model", example, *arguments, "--out", tmp_path / "selection")
    assert ended.code == 0, ended.error
    kept = np.load(tmp_path / "selection" / "kept_ids.npy")
    assert np.isin(tokenizer.tokenize(words)[0], kept).all()


def test_counts_given_twice_and_nowhere(example, counted, run, tmp_path, nothing_left):
    select = ["select", "--model", example, "--out", tmp_path / "selection"]
    ended = run(*select, "--counts", counted, counted / "it.parquet")
    assert_one_line(ended, "it.parquet: it is given twice; add them up with `select-vocab merge`")
    assert_one_line(run(*select, "--counts", tmp_path), f"{tmp_path}: no counts file in it; write some with")
    assert_one_line(run(*select, "--counts", tmp_path / "it.parquet"), "there is no such counts file")
    merge = ["merge", "--model", example, "--out", tmp_path / "merged.parquet"]
    ended = run(*merge, counted / "it.parquet", counted / "en.parquet")
    assert_one_line(ended, "counts of different languages cannot be added up: en, it")
    nothing_left()


def test_an_output_that_cannot_be_made_is_refused_before_any_work(
    example, counted, text_files, run, tmp_path
):
    (tmp_path / "file").write_text("somebody's")
    count = ["count", "--model", tmp_path / "no-model", "--text", f"en={text_files / 'en.txt'}"]
    select = ["select", "--model", tmp_path / "no-model", "--counts", counted]
    ended = run(*select, "--out", tmp_path / "file")
    assert_one_line(ended, f"{tmp_path / 'file'} exists; choose another place or add --overwrite")
    ended = run(*select, "--out", tmp_path, "--overwrite")
    assert_one_line(ended, f"{tmp_path} holds no selection.json, so it is not an output of this command")
    count[2] = select[2] = example
    assert_one_line(run(*count, "--out", tmp_path / "file"), f"{tmp_path / 'file'} is a file, expected a fol")
    assert_one_line(run(*select, "--out", tmp_path / "file" / "selection"), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "somebody's"
