"""An example original in LaBSE's TF Hub format: random weights, a vocabulary of our own sentences.

It stands in for LaBSE where LaBSE cannot be downloaded or would be too large: in the example, in tests and,
at any size, in benchmarks.

    python -m smaller_labse.make_smaller.example --out example/original
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from smaller_labse.common.atomic_output import new_folder, require_absent
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.originals.tokenizers.wordpiece import END, MASK, PADDING, START, UNKNOWN

SPECIAL_TOKENS = [PADDING, *(f"[unused{n}]" for n in range(1, 100)), UNKNOWN, START, END, MASK]
LEARNED_TOKENS = 10_000
LONGEST_PART = 5  # of a word, in characters
SMALL = EncoderConfig(
    vocab_size=0,
    hidden_size=64,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=128,
    max_position_embeddings=512,
    type_vocab_size=2,
)


def learn_pieces(texts: Iterable[str], size: int = LEARNED_TOKENS) -> list[str]:
    """A WordPiece vocabulary: the most frequent words and beginnings and insides of words.

    Not how WordPiece is trained, but the same from one run to the next, which the library's trainer is not.

    Args:
        texts: to learn from; every character of theirs gets a token for the start of a word and one for
            inside it.
        size: how many tokens to learn besides; there may be fewer.

    Returns:
        LaBSE's special tokens first, then the learned ones by code point.
    """
    from tokenizers import normalizers, pre_tokenizers

    normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    splitter = pre_tokenizers.BertPreTokenizer()
    counts: Counter[str] = Counter()
    characters: set[str] = set()
    for text in texts:
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)):
            characters.update(word)
            counts.update({word, *(word[:end] for end in range(2, LONGEST_PART + 1))})
            for start in range(1, len(word)):
                counts.update(f"##{word[start:end]}" for end in range(start + 2, start + LONGEST_PART + 1))
    frequent = sorted(counts, key=lambda piece: (-counts[piece], piece))[:size]
    learned = {*frequent, *characters, *(f"##{character}" for character in characters)}
    return SPECIAL_TOKENS + sorted(learned - set(SPECIAL_TOKENS))


def random_tensors(config: EncoderConfig, seed: int = 0) -> Callable[[str], np.ndarray]:
    """Draw each tensor anew, float32, spread so wide that one which is lost or transposed shows.

    The spread is that of an encoder that tells sentences apart: embeddings around 0, layer norms around 1.
    """
    shapes = config.tensor_shapes()

    def draw(name: str) -> np.ndarray:
        rng = np.random.default_rng([seed, list(shapes).index(name)])
        values = rng.standard_normal(shapes[name], dtype=np.float32)
        if name == WORD_EMBEDDINGS:
            return values
        if name.endswith("/embeddings"):
            return 0.3 * values
        if name.endswith("/kernel"):
            return (1.5 / np.prod(shapes[name]) ** 0.25 * values).astype(np.float32)
        return (float(name.endswith("gamma")) + 0.1 * values).astype(np.float32)

    return draw


def write_original(
    folder: Path, pieces: Sequence[str], config: EncoderConfig = SMALL, seed: int = 0, overwrite: bool = False
) -> None:
    """Write `encoder/` and `preprocess/` in LaBSE's TF Hub format.

    Args:
        folder: where to.
        pieces: the vocabulary.
        config: the encoder's; its `vocab_size` is the vocabulary's length whatever it says.
        seed: of the weights.
        overwrite: replace an earlier one.
    """
    from dataclasses import replace

    from smaller_labse.encoders.bert import Encoder, save_encoder
    from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor
    from smaller_labse.encoders.preprocessors.preprocessor import save_preprocessor

    config = replace(config, vocab_size=len(pieces))
    with (
        new_folder(folder, overwrite, "encoder/saved_model.pb") as partial,
        scratch_folder() as scratch,
    ):
        vocabulary = scratch / "cased_vocab.txt"
        vocabulary.write_bytes("".join(f"{piece}\n" for piece in pieces).encode("utf-8"))
        save_encoder(Encoder(config, random_tensors(config, seed), vocabulary), partial / "encoder")
        save_preprocessor(BertPreprocessor(vocabulary), partial / "preprocess")


def main(arguments: list[str] | None = None) -> int:
    """Run as a command with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(
        prog="python -m smaller_labse.make_smaller.example",
        description="Write an original in LaBSE's TF Hub format with random weights.",
    )
    parser.set_defaults(run=_write)
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--rows", type=int, default=0, help="invent tokens until there are so many")
    for option, default in {
        "--hidden-size": SMALL.hidden_size,
        "--layers": SMALL.num_hidden_layers,
        "--heads": SMALL.num_attention_heads,
        "--intermediate-size": SMALL.intermediate_size,
    }.items():
        parser.add_argument(option, type=int, default=default, help="default: %(default)s")
    parser.add_argument("--overwrite", action="store_true")
    return run_command(parser, arguments)


def _write(options: argparse.Namespace) -> None:
    require_absent(options.out, options.overwrite, "encoder/saved_model.pb")
    import_tensorflow_quietly()
    pieces = learn_pieces(sentence for sentences in builtin_sentences().values() for sentence in sentences)
    pieces += [f"invented{number:06d}" for number in range(options.rows - len(pieces))]
    config = EncoderConfig(
        vocab_size=len(pieces),
        hidden_size=options.hidden_size,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=options.intermediate_size,
        max_position_embeddings=SMALL.max_position_embeddings,
        type_vocab_size=SMALL.type_vocab_size,
    )
    write_original(options.out, pieces, config, overwrite=options.overwrite)
    print(
        f"{options.out}: {config.vocab_size:,} tokens x {config.hidden_size}, "
        f"{config.parameters / 1e6:,.1f}M parameters"
    )


if __name__ == "__main__":
    sys.exit(main())
