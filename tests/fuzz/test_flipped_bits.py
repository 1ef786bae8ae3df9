"""Promise 6: one flipped bit in counts, a selection, kept results or a model's folder does not pass unnoticed."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.records.file_records import read_records
from smaller_labse.evaluate.__main__ import main
from smaller_labse.evaluate.comparison.cache import read_measured, read_scores, write_measured, write_scores
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.results import Measured, ModelSize, TokenizedTexts
from smaller_labse.make_smaller.manifest import note_files
from smaller_labse.metrics.scores import Score
from smaller_labse.originals.folder_check import FolderCheck, check_folder
from smaller_labse.select_vocab.counting.counts_file import read_counts, summarize
from smaller_labse.select_vocab.selection import read_selection

BITS = 250  # drawn of each file; both ends of it are looked at bit by bit
ENDS = 8  # bytes


def flipped(data: bytes) -> list[tuple[int, bytes]]:
    """The bits of a file's ends and some between them: which, and the file with that bit flipped."""
    last = 8 * len(data)
    ends = [*range(min(8 * ENDS, last)), *range(max(0, last - 8 * ENDS), last)]
    drawn = random.Random(len(data)).sample(range(last), min(BITS, last))
    bits = []
    for bit in sorted({*ends, *drawn}):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        bits.append((bit, bytes(changed)))
    return bits


def unnoticed(file: Path, read: Callable[[], object]) -> list[int]:
    """The bits that can be flipped so that something else is read."""
    whole, found = file.read_bytes(), []
    expected = read()
    for bit, data in flipped(whole):
        file.write_bytes(data)
        try:
            if read() != expected:
                found.append(bit)
        except SmallerLabseError:
            continue
    file.write_bytes(whole)
    return found


def test_no_bit_of_a_footer_ends_the_process(counted, tmp_path):
    """pyarrow aborts where it is asked for a column that the footer describes wrongly."""
    whole = (counted / "it.parquet").read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    file = tmp_path / "it.parquet"
    child = os.fork()
    if not child:
        for bit in range(8 * footer, 8 * footer + 400):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            file.write_bytes(data)
            for read in (lambda: summarize(file), lambda: list(read_records(file, "piece"))):
                with suppress(SmallerLabseError):
                    read()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_in_counts(counted, tokenizer, tmp_path):
    file = tmp_path / "it.parquet"
    shutil.copyfile(counted / "it.parquet", file)

    def read() -> object:
        counts = read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
        return repr((counts, counts.occurrences.tobytes(), counts.lines.tobytes()))

    assert unnoticed(file, read) == []
    assert unnoticed(file, lambda: summarize(file)) == []


def test_in_what_the_footer_of_counts_says(counted, tokenizer, tmp_path):
    """Bits of the metadata, of which no checksum of Parquet's is."""
    file = tmp_path / "it.parquet"
    table = pq.read_table(counted / "it.parquet")
    for key, value in table.schema.metadata.items():
        for changed in ({key: bytes([value[0] ^ 1]) + value[1:]}, {key[:-1] + bytes([key[-1] ^ 1]): value}):
            kept = {name: one for name, one in table.schema.metadata.items() if name != key}
            pq.write_table(table.replace_schema_metadata(kept | changed), file, write_page_checksum=True)
            with pytest.raises(SmallerLabseError):
                read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    lines = table["lines"].to_numpy().copy()
    lines[table["occurrences"].to_numpy().argmax()] -= 1
    changed = table.set_column(3, "lines", [lines])
    pq.write_table(changed, file)
    with pytest.raises(SmallerLabseError, match=r"its columns do not have their digest"):
        read_counts(file, tokenizer.pieces, tokenizer.fingerprint)


def test_counts_without_digests_are_read(counted, tokenizer, tmp_path):
    table = pq.read_table(counted / "it.parquet")
    old = {key: one for key, one in table.schema.metadata.items() if key not in (b"columns", b"digest")}
    pq.write_table(table.replace_schema_metadata(old), tmp_path / "it.parquet")
    counts = read_counts(tmp_path / "it.parquet", tokenizer.pieces, tokenizer.fingerprint)
    assert counts.occurrences.sum() == summarize(counted / "it.parquet").occurrences


@pytest.mark.parametrize("name", ["selection.json", "kept_ids.npy", "vocab.txt"])
def test_in_a_selection(trimmed, tmp_path, name):
    folder = tmp_path / "selection"
    shutil.copytree(trimmed.selection, folder)

    def read() -> object:
        selection = read_selection(folder)
        return repr((selection, selection.subset.original_ids.tobytes()))

    assert unnoticed(folder / name, read) == []


def test_a_file_put_into_a_selection_is_not_read(trimmed, tmp_path):
    folder = tmp_path / "selection"
    shutil.copytree(trimmed.selection, folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(SmallerLabseError, match=r"tokenizer.json: not as it was written"):
        read_selection(folder)


def test_in_results_that_are_kept(tmp_path):
    model, found = NamedModel("model", "model"), np.arange(40) % 3 > 0
    scores = (Score("tatoeba", "en→it", "precision at 1", found, "en-it"),)
    tokenized = {"en": TokenizedTexts.of([np.arange(5, dtype=np.int32)])}
    written = Measured(
        model,
        ModelSize(9, 4, 60, 900, 1000, None, 1.5, None, None, None, None, None),
        tuple("abcdefghi"),
        scores,
        tokenized,
        "a",
    )
    write_measured(tmp_path / "model.npz", written)
    write_scores(tmp_path / "task.npz", scores)

    def measured_again() -> object:
        kept = read_measured(tmp_path / "model.npz", model), read_scores(tmp_path / "task.npz")
        if None in kept:
            raise SmallerLabseError("measured again")
        return repr(kept)

    for name in ("model.npz", "task.npz"):
        assert unnoticed(tmp_path / name, measured_again) == []


@pytest.fixture
def model(trimmed, tmp_path) -> Path:
    shutil.copytree(trimmed.model, tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_is_as_it_was_written(model, capsys):
    (model / ".git").mkdir()
    (model / ".git" / "config").touch()
    assert main(["check", "--model", str(model)]) == 0
    files = sum(path.is_file() and ".git" not in path.parts for path in model.rglob("*"))
    assert capsys.readouterr().out == f"{model}: all {files} files are as they were written\n"


def test_a_flipped_bit_in_any_file_of_a_folder(model):
    for file in [path for path in model.rglob("*") if path.is_file()]:
        whole = file.read_bytes()
        bits = flipped(whole)
        for _, data in random.Random(0).sample(bits, min(len(bits), 3)):
            file.write_bytes(data)
            try:
                changed = check_folder(model).changed
                # A flipped bit of the manifest may be one of what it says of another file.
                others = changed if file.name == "manifest.json" else ()
                assert set(changed) == {file.relative_to(model).as_posix(), *others}, file
            except SmallerLabseError:
                assert file.name == "manifest.json"
        file.write_bytes(whole)


def test_what_is_changed_missing_and_added_is_said(model, capsys):
    (model / "encoder" / "saved_model.pb").write_bytes(b"")
    (model / "huggingface" / "vocab.txt").unlink()
    (model / "huggingface" / "added.bin").touch()
    said = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(said | {"prompt": "query: "}))
    assert main(["check", "--model", str(model)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"evaluate-encoder check: {line}"
        for line in (
            f"{model}/encoder/saved_model.pb: not as it was written",
            f"{model}/manifest.json: not as it was written",
            f"{model}/huggingface/vocab.txt: missing",
            f"{model}/huggingface/added.bin: added, it was not written with the model",
            f"{model}: 4 differences; get the model again, or make it again",
        )
    ]


def test_a_folder_without_digests_is_said_to_have_none(model, tmp_path, capsys):
    said = json.loads((model / "manifest.json").read_text())
    del said["sha256"], said["digest"]
    (model / "manifest.json").write_text(json.dumps(said))
    assert main(["check", "--model", str(model)]) == 1
    assert "manifest.json: no digests in it, as in those of version 0.1.0" in capsys.readouterr().err
    assert main(["check", "--model", str(tmp_path)]) == 1
    assert "no manifest.json of make-smaller's in it" in capsys.readouterr().err


def test_a_card_that_is_written_anew_is_noted_and_damage_is_not(model):
    (model / "README.md").write_text("another")
    note_files(model, [model / "README.md"])
    assert check_folder(model) == FolderCheck(check_folder(model).files, (), (), ())
    said = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(said | {"prompt": "query: "}))
    with pytest.raises(SmallerLabseError, match=r"manifest.json: not as it was written"):
        note_files(model, [model / "README.md"])
