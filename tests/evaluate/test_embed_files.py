"""Files of texts become one file of embeddings, whatever their number."""

from __future__ import annotations

import gzip
import json
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.encoders import sentence_encoder as encode_module
from smaller_labse.evaluate import load
from smaller_labse.evaluate.__main__ import main
from smaller_labse.evaluate.embed_files import embed_files

TEXTS = ["good morning", "the red house", "", "night", "good night.", "the house"]


def test_every_line_is_a_row_in_order(original, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(encode_module, "TEXTS_AT_A_TIME", 4)
    (tmp_path / "a.txt").write_text("\n".join(TEXTS[:4]) + "\n", encoding="utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress("\n".join(TEXTS[4:]).encode()))
    out = tmp_path / "embeddings.npy"
    arguments = ["encode", "--model", str(original), "--text", str(tmp_path / "a.txt")]
    assert main([*arguments, str(tmp_path / "b.txt.gz"), "--out", str(out), "--normalize"]) == 0
    assert "6 x 16, float32" in capsys.readouterr().out
    found = np.load(out, mmap_mode="r")
    expected = load(original).encode(TEXTS, normalize=True)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_parts_are_encoded_as_the_texts_come(original, monkeypatch):
    """An endless iterator does, which shows that no more than a part is taken from it."""
    monkeypatch.setattr(encode_module, "TEXTS_AT_A_TIME", 4)
    encoder = load(original)
    parts = encoder.encode_parts(TEXTS[number % 6] for number in count())
    first, second = next(parts), next(parts)
    expected = encoder.encode([TEXTS[number % 6] for number in range(8)])
    np.testing.assert_allclose(np.concatenate([first, second]), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"", "no line of text in it"), (b"caf\xe9\n", "line 1 is not UTF-8"), (None, "there is no such file")],
)
def test_bad_text_is_one_clear_line_and_no_file(original, tmp_path, capsys, text, message):
    file, out = tmp_path / "a.txt", tmp_path / "out.npy"
    if text is not None:
        file.write_bytes(text)
    assert main(["encode", "--model", str(original), "--text", str(file), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not out.exists()


def test_text_that_ends_badly_later_leaves_no_file(original, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(encode_module, "TEXTS_AT_A_TIME", 2)
    file, out = tmp_path / "a.txt", tmp_path / "out.npy"
    file.write_bytes(b"good\n" * 300_000 + b"\xff\n")
    out.write_bytes(b"earlier")
    arguments = ["encode", "--model", str(original), "--text", str(file), "--out", str(out)]
    assert main(arguments) == 1
    assert "exists" in capsys.readouterr().err
    file.write_bytes(b"good\n" * 3 + b"\xff\n")
    monkeypatch.setattr("smaller_labse.corpora.decompressed_lines.BUFFER_BYTES", 8)
    assert main([*arguments, "--overwrite"]) == 1
    assert "line 4 is not UTF-8" in capsys.readouterr().err
    assert out.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out.npy"]


RECORDS = ["good morning", None, "the red house", "", "good\nnight", "the house"]


def write_records(file) -> None:
    if file.suffix == ".parquet":
        pq.write_table(pa.table({"text": RECORDS}), file)
    else:
        file.write_text("".join(json.dumps({"text": text}) + "\n\n" for text in RECORDS))


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_every_record_is_one_row_and_null_is_refused_or_nan(original, tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr(encode_module, "TEXTS_AT_A_TIME", 4)
    file, out = tmp_path / name, tmp_path / "out.npy"
    write_records(file)
    arguments = ["encode", "--model", str(original), "--text", str(file), str(file), "--out", str(out)]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert f"{file}: record 2 has no text ('text' is null)" in error
    assert "--nulls nan" in error
    assert not out.exists()
    assert main([*arguments, "--nulls", "nan"]) == 0
    assert "12 x 16, float32, 2 rows NaN (text null)" in capsys.readouterr().out
    found = np.load(out)
    expected = load(original).encode([text or "" for text in RECORDS])
    expected[1] = np.nan
    np.testing.assert_allclose(found, np.concatenate([expected, expected]), atol=1e-6)


def test_what_is_read_is_never_replaced(original, tmp_path, capsys):
    (tmp_path / "texts").mkdir()
    file, link = tmp_path / "texts" / "a.txt", tmp_path / "link"
    file.write_text("good morning\n")
    link.symlink_to(file)
    for text, out in (
        (file, file),
        (file, link),
        (tmp_path / "texts", file),
        (file, original / "encoder" / "saved_model.pb"),
    ):
        arguments = ["encode", "--model", str(original), "--text", str(text), "--out", str(out)]
        before = out.read_bytes()
        assert main([*arguments, "--overwrite"]) == 2
        assert "choose another place for the output" in capsys.readouterr().err
        assert out.read_bytes() == before
    assert link.is_symlink()


def test_a_field_where_there_is_none_is_a_usage_error(original, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("good morning\n")
    arguments = ["encode", "--model", str(original), "--text", str(tmp_path / "a.txt")]
    assert main([*arguments, "--text-field", "body", "--out", str(tmp_path / "out.npy")]) == 2
    assert "a.txt is plain text, which has no fields" in capsys.readouterr().err


def test_a_length_may_come_as_text(original, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    for given, out in ((8, tmp_path / "number.npy"), ("8", tmp_path / "text.npy")):
        embed_files(str(original), [tmp_path / "a.txt"], out, max_length=given)
    assert (tmp_path / "text.npy").read_bytes() == (tmp_path / "number.npy").read_bytes()
    encoder = load(original)
    np.testing.assert_array_equal(encoder.encode(TEXTS, max_length="8"), encoder.encode(TEXTS, max_length=8))
    with pytest.raises(UsageError, match="max_length: expected a non-negative integer, got 'long'"):
        encoder.encode(TEXTS, max_length="long")
