"""What does the mended preprocessor change, and do a mended model's two formats agree?

First every code point of Unicode, alone, between letters, beside a space and doubled, is read by the compiled
loops, by tf-text and by the library tokenizers. Then, of every language: how many lines the mended
preprocessor tokenizes otherwise than the faithful one, and how many tokens are unknown to each. Then a narrow
model with random weights is trimmed to the tokens of these texts, with the mended preprocessor, and its
SavedModels are compared with its Hugging Face folder, as transformers and sentence-transformers read it.

    python benchmarks/preprocessors.py [--vocabulary FILE] [--text PATTERN]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

import smaller_labse
from smaller_labse.common.result_table import Table, print_table
from smaller_labse.corpora.languages import find_language
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.preprocessors.mended_preprocessor import MendedPreprocessor
from smaller_labse.make_smaller.example import write_original
from smaller_labse.originals.tokenizers.huggingface_wordpiece import mended_tokenizer_json
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.originals.tokenizers.wordpiece import MendedWordPiece, WordPiece

SHARED = Path(__file__).resolve().parents[2] / "shared"
LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
ENGLISH = "en"
AT_ONCE = 4096  # lines
ISO3 = {"zh": "cmn"}  # in Tatoeba's files
HIDDEN_SIZE = 16


class Change(NamedTuple):
    """What the mended preprocessor changes in one language's lines.

    Attributes:
        lines: how many there are.
        changed: how many it tokenizes otherwise than the faithful one.
        unknown: tokens that are unknown to the faithful one.
        still_unknown: those that are unknown to the mended one.
    """

    lines: int
    changed: int
    unknown: int
    still_unknown: int


def read_texts(folder: Path) -> dict[str, list[str]]:
    """Tatoeba's lines by language; English has those of all pairs."""
    texts: dict[str, list[str]] = {ENGLISH: []}
    for code in LANGUAGES:
        iso3 = ISO3.get(code) or find_language(code).iso3
        for language, ending in ((code, iso3), (ENGLISH, "eng")):
            content = (folder / f"tatoeba.{iso3}-eng.{ending}").read_bytes().decode("utf-8")
            texts.setdefault(language, []).extend(content.removesuffix("\n").split("\n"))
    return texts


def compare(faithful: WordPiece, mended: MendedWordPiece, lines: Sequence[str]) -> Change:
    """Tokenize lines in both ways."""
    before, after = (
        np.split(ids, np.cumsum(lengths)[:-1])
        for ids, lengths in (tokenizer.tokenize(lines) for tokenizer in (faithful, mended))
    )
    changed = sum(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    unknown, still = (int((np.concatenate(ids) == faithful.unknown_id).sum()) for ids in (before, after))
    return Change(len(lines), changed, unknown, still)


def table_of(changes: Mapping[str, Change]) -> Table:
    """A row per language, the sums last."""
    total = Change(*(sum(numbers) for numbers in zip(*changes.values(), strict=True)))
    rows = [
        (name, *(f"{number:,}" for number in change)) for name, change in {**changes, "all": total}.items()
    ]
    return Table(("language", "lines", "changed", "unknown, faithful", "unknown, mended"), rows)


def make_mended(folder: Path, pieces: list[str], texts: Mapping[str, list[str]]) -> Path:
    """A narrow mended model of the tokens that the texts hold; returns its folder."""
    narrow = EncoderConfig(
        vocab_size=len(pieces),
        hidden_size=HIDDEN_SIZE,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * HIDDEN_SIZE,
        max_position_embeddings=128,
        type_vocab_size=2,
    )
    write_original(folder / "original", pieces, narrow)
    for code, lines in texts.items():
        (folder / f"{code}.txt").write_bytes("".join(f"{line}\n" for line in lines).encode())
    counts = smaller_labse.count(
        folder / "original",
        list(texts),
        text=folder / "{code}.txt",
        out=folder / "counts",
        longer_than=0,
        max_lines=0,
        preprocessor="mended",
    )
    smaller_labse.select(folder / "original", counts, out=folder / "selection", coverage=0.999)
    return smaller_labse.make_smaller(
        folder / "original", folder / "selection", folder / "model", license="mit"
    ).folder


def compare_formats(model: Path, lines: list[str]) -> str:
    """What the two formats have in common: tokens, and embeddings at length 1."""
    import transformers
    from sentence_transformers import SentenceTransformer

    encoder = smaller_labse.load(model)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model / "huggingface")
    same = 0
    for start in range(0, len(lines), AT_ONCE):
        part = lines[start : start + AT_ONCE]
        theirs = tokenizer(part, add_special_tokens=False, verbose=False).input_ids
        same += sum(ours.tolist() == ids for ours, ids in zip(encoder.tokenize(part), theirs, strict=True))
    vectors = encoder.encode(lines, normalize=True)
    others = SentenceTransformer(str(model / "huggingface"), device="cpu").encode(lines, batch_size=256)
    return (
        f"{same:,} of {len(lines):,} lines have the same tokens in preprocess/ and huggingface/; the "
        f"embeddings of all differ by {np.abs(vectors - others).max():.1e} at most"
    )


def compare_code_points(vocabulary: Path, mended: MendedWordPiece) -> str:
    """How many code points are read alike by all three, in each of four places."""
    import tensorflow as tf
    from tokenizers import Tokenizer

    graph = MendedPreprocessor(vocabulary)
    huggingface = Tokenizer.from_str(mended_tokenizer_json(mended.pieces))
    characters = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    alike = 0
    for start in range(0, len(characters), AT_ONCE):
        part = characters[start : start + AT_ONCE]
        ids = []
        for texts in (part, [f"a{c}b" for c in part], [f" {c} a" for c in part], [c + c for c in part]):
            found, lengths = mended.tokenize(texts)
            compiled = [one.tolist() for one in np.split(found, np.cumsum(lengths)[:-1])]
            by_graph = graph.tokenize(tf.constant(texts)).merge_dims(1, 2).to_list()
            encoded = huggingface.encode_batch_fast(texts, add_special_tokens=False)
            ids.append([compiled, by_graph, [one.ids for one in encoded]])
        alike += sum(
            all(place[0][n] == place[1][n] == place[2][n] for place in ids) for n in range(len(part))
        )
    return f"{alike:,} of {len(characters):,} code points are read alike, in every place"


def main() -> None:
    """Print the table, and what the formats have in common."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vocabulary", type=Path, default=SHARED / "labse" / "cased_vocab.txt")
    parser.add_argument("--text", type=Path, default=SHARED / "tatoeba" / "v1", help="Tatoeba's folder")
    options = parser.parse_args()
    texts = read_texts(options.text)
    faithful, mended = WordPiece(options.vocabulary), MendedWordPiece(options.vocabulary)
    print(f"{compare_code_points(options.vocabulary, mended)}\n")
    print_table(table_of({code: compare(faithful, mended, lines) for code, lines in texts.items()}))
    with TemporaryDirectory() as scratch:
        model = make_mended(Path(scratch), read_pieces(options.vocabulary), texts)
        print(f"\n{compare_formats(model, [line for lines in texts.values() for line in lines])}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
