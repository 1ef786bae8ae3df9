"""The 15-language script, run as users run it, on local stand-ins for the two downloads."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import smaller_labse
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.evaluate.comparison.model_pair import match_vocabularies
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.select_vocab.selection import read_selection

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = parse_languages(str(ROOT / "scripts" / "languages" / "15.txt"))
WIKIPEDIAS = [wikipedia for language in LANGUAGES for wikipedia in language.wikipedias]


@pytest.fixture
def wikipedia(tmp_path: Path) -> Path:
    """A folder laid out like wikimedia/wikipedia: a configuration a Wikipedia, an article a row."""
    folder = tmp_path / "wikipedia"
    configurations = []
    for language in LANGUAGES:
        for name in language.wikipedias:
            config = f"20231101.{name.replace('_', '-')}"
            articles = ["\n\n".join(builtin_sentences()[language.code]), "Short\nx"]
            (folder / config).mkdir(parents=True)
            table = pa.table({"id": ["1", "2"], "title": ["a", "b"], "text": articles})
            pq.write_table(table, folder / config / "train-00000-of-00001.parquet")
            configurations.append(
                f"- config_name: {config}\n  data_files:\n  - split: train\n    path: {config}/train-*"
            )
    (folder / "README.md").write_text("---\nconfigs:\n" + "\n".join(configurations) + "\n---\n")
    return folder


@pytest.fixture
def hub(example: Path) -> Iterator[str]:
    """A TF Hub on this machine: it answers a handle with the encoder as a compressed archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(example / "encoder", arcname=".")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.startswith("/google/LaBSE/2") and "tf-hub-format=compressed" in self.path
            self.send_response(200 if found else 404)
            self.end_headers()
            if found:
                self.wfile.write(archive.getvalue())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/google/LaBSE/2"
    server.shutdown()


def run_script(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VENV": str(folder / "no-venv"),
        "TFHUB_CACHE_DIR": str(folder / "hub"),
        "HF_HOME": str(folder / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        **variables,
    }
    return subprocess.run(
        [ROOT / "scripts" / "reproduce_15_languages.sh", str(folder / "work")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_script_goes_from_wikipedia_and_tf_hub_to_a_verified_model(
    tmp_path: Path, wikipedia: Path, hub: str
) -> None:
    done = run_script(tmp_path, MODEL=hub, WIKIPEDIA=str(wikipedia))
    assert done.returncode == 0, done.stderr
    work = tmp_path / "work"
    assert sorted(file.stem for file in (work / "counts").iterdir()) == sorted(WIKIPEDIAS)
    selection = read_selection(work / "selection")
    assert len(WIKIPEDIAS) == len(selection.coverage) == 16
    assert selection.pieces[104:] == sorted(selection.pieces[104:])
    assert not selection.keep_characters
    # Every Wikipedia is so short that one line is enough, so all of its text is unchanged.
    assert all(language.unchanged == 1.0 for language in selection.coverage)
    assert "verified" in done.stdout
    assert "license: apache-2.0" in (work / "model" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("rows", "row_of_a"), [("exact", "a"), ("published", "\xa0a")])
def test_the_published_lists_give_the_published_vocabulary(
    tmp_path: Path, shared: Path, labse: Path, rows: str, row_of_a: str
) -> None:
    """The model is made once, of the rows as published; test_published_model.py knows more of the exact ones."""
    lists = str(shared / "labse15" / "selected_tokens")
    variables = {"MODEL": str(labse), "PIECES": lists, "ROWS": rows}
    if rows == "exact":
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "make-smaller").write_text("#!/bin/sh\n")
        (tmp_path / "bin" / "make-smaller").chmod(0o755)
        variables["PATH"] = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = run_script(tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "work" / "selection" / "vocab.txt").read_bytes()
    assert written == (shared / "labse15" / "vocab.txt").read_bytes()
    selection = read_selection(tmp_path / "work" / "selection")
    assert len(selection.pieces) == 173_347
    original = read_pieces(shared / "labse" / "cased_vocab.txt")
    assert original[selection.subset.original_ids[selection.pieces.index("a")]] == row_of_a
    if rows == "exact":
        return
    assert (tmp_path / "work" / "model" / "huggingface" / "vocab.txt").read_bytes() == written
    assert "verified: 173,347 rows equal to the bit" in done.stdout
    verification = json.loads((tmp_path / "work" / "model" / "manifest.json").read_text(encoding="utf-8"))[
        "proof"
    ]
    assert verification["rows"] == 173_347
    assert verification["unchanged"] > 0.7 * verification["texts"]
    card = (tmp_path / "work" / "model" / "README.md").read_text(encoding="utf-8")
    assert r"`'##'` that of `'##\u3000'`" in card
    assert r"`'a'` that of `'\xa0a'`" in card
    for folder in ("model", "model/encoder", "model/huggingface"):
        assert read_lineage(tmp_path / "work" / folder).renamed.get("a", "a") == row_of_a
    _require_that_only_others_count_as_unchanged(labse, tmp_path / "work" / "model")


def _require_that_only_others_count_as_unchanged(original: Path, smaller: Path) -> None:
    """Of texts with tokens that have other tokens' rows, and of those without; by tokens and by embeddings."""
    before, after = smaller_labse.load(original), smaller_labse.load(smaller)
    subset = match_vocabularies(before, after)
    for text, same in (("a dog", False), ("dog", True), ("7", False)):
        tokens = [encoder.tokenize([text])[0] for encoder in (before, after)]
        assert subset.same_tokens(*tokens) == same
        assert np.allclose(before.encode([text]), after.encode([text]), atol=1e-5) == same


def test_other_rows_than_exact_and_published_are_refused(tmp_path: Path) -> None:
    done = run_script(tmp_path, PIECES=str(tmp_path), ROWS="mine")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ROWS is exact or published, not mine" in done.stderr
