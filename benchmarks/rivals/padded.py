"""Encode as the examples on TF Hub do: batches of 32 sentences, each padded to 128 tokens.

    python padded.py MODEL FILE

Prints JSON: the sentences, and the seconds of encoding alone, after one batch to warm up.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import tensorflow as tf
import tensorflow_text  # noqa: F401 - registers operations

BATCH_TEXTS = 32


def main() -> None:
    model, sentences = Path(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8").splitlines()
    preprocess = tf.saved_model.load(str(model / "preprocess"))
    encoder = tf.saved_model.load(str(model / "encoder"))
    encode = tf.function(lambda texts: encoder(preprocess(texts))["default"], autograph=False)
    encode = encode.get_concrete_function(tf.TensorSpec([None], tf.string))
    encode(tf.constant(sentences[:BATCH_TEXTS]))
    started = time.monotonic()
    for start in range(0, len(sentences), BATCH_TEXTS):
        encode(tf.constant(sentences[start : start + BATCH_TEXTS])).numpy()
    print(json.dumps({"sentences": len(sentences), "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
