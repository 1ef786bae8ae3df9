"""tf-text's BertTokenizer alone, on all cores; its token ids are thrown away.

    python tf_text_alone.py VOCABULARY FILE...

Prints JSON: the tokens, and the seconds of tokenizing alone, nothing loaded or imported in them.
"""

from __future__ import annotations

import json
import sys
import time

import tensorflow as tf
import tensorflow_text as text

BATCH_LINES = 1024


def main() -> None:
    tokenizer = text.BertTokenizer(sys.argv[1], token_out_type=tf.int32)
    started = time.monotonic()
    lines = tf.data.TextLineDataset(sys.argv[2:]).batch(BATCH_LINES)
    sizes = lines.map(lambda batch: tf.size(tokenizer.tokenize(batch).flat_values), tf.data.AUTOTUNE)
    tokens = int(sizes.reduce(0, lambda total, size: total + size))
    print(json.dumps({"tokens": tokens, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
