"""Built-in sentences: a few in each of LaBSE's languages, to try a model where no text is at hand."""

from __future__ import annotations

from importlib import resources


def builtin_sentences() -> dict[str, tuple[str, ...]]:
    """Language code → four sentences, the same four in every language."""
    text = resources.files(__package__).joinpath("builtin_sentences.tsv").read_text(encoding="utf-8")
    sentences: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        code, sentence = line.split("\t")
        sentences[code] = (*sentences.get(code, ()), sentence)
    return sentences
