"""Counting as the published recipe does: tf-text's tokens come out as strings, Python counts them.

A batch is ragged, [lines, words, tokens], and is taken apart line by line.

    python recipe_loop.py VOCABULARY FILE...

Prints JSON: the tokens, and the seconds of the loop alone, nothing loaded or imported in them.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

BATCH_LINES = 1000


def recipe_loop(vocabulary: Path, lines: Iterable[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Occurrences of each token, and in how many lines it occurs."""
    import tensorflow as tf
    import tensorflow_text as text

    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        num_oov_buckets=1,
    )
    tokenizer = text.BertTokenizer(table, token_out_type=tf.string)
    occurrences: defaultdict[str, int] = defaultdict(int)
    in_lines: defaultdict[str, int] = defaultdict(int)
    batches = tf.data.Dataset.from_tensor_slices(list(lines)).batch(BATCH_LINES)
    for batch in batches.map(tokenizer.tokenize, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE):
        for line in batch:
            tokens = [token.decode() for token in line.flat_values.numpy()]
            for token in tokens:
                occurrences[token] += 1
            for token in set(tokens):
                in_lines[token] += 1
    return dict(occurrences), dict(in_lines)


def main() -> None:
    import tensorflow_text  # noqa: F401 - not in the loop's time

    lines = [line for file in sys.argv[2:] for line in Path(file).read_text("utf-8").splitlines()]
    started = time.monotonic()
    occurrences, _ = recipe_loop(Path(sys.argv[1]), lines)
    print(json.dumps({"tokens": sum(occurrences.values()), "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
