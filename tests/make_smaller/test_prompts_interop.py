"""What users of both formats get from a model with a prompt: the same vectors, by the card's two snippets."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.make_smaller.test_prompts import PROMPT, trim
from tests.small_originals import write_mean_bert, write_xlm_roberta

pytest.importorskip("torch", reason="needs torch, from the extra interop")
pytest.importorskip("sentence_transformers", reason="needs sentence-transformers, from the extra interop")
pytestmark = pytest.mark.interop


@pytest.mark.parametrize("kind", ["xlm-roberta", "pooler", "cls"])
def test_the_cards_two_snippets_give_the_same_vectors(tmp_path, monkeypatch, kind) -> None:
    options = {"prompt": PROMPT}
    if kind == "xlm-roberta":
        original = write_xlm_roberta(tmp_path / "original")
    else:  # a folder that says nothing of sentence-transformers
        original = write_mean_bert(tmp_path / "original")
        (original / "modules.json").unlink()
        (original / "config_sentence_transformers.json").unlink()
        options["pooling"] = kind
    model = trim(original, tmp_path, **options)
    monkeypatch.chdir(tmp_path)
    by_savedmodel, by_sentence_transformers = (run(snippet) for snippet in snippets(model / "README.md"))
    length = np.linalg.norm(by_sentence_transformers, axis=1, keepdims=True)
    np.testing.assert_allclose(by_savedmodel, by_sentence_transformers / length, rtol=0, atol=1e-5)


def snippets(card: Path) -> list[str]:
    found = re.findall(r"```python\n(.*?)```", card.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(found) == 2 and "tensorflow" in found[0] and "SentenceTransformer" in found[1]
    return found


def run(snippet: str) -> np.ndarray:
    names: dict = {}
    exec(snippet, names)
    return np.asarray(names["embeddings"])
