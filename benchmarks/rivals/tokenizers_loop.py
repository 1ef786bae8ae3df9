"""Hugging Face's tokenizers on all cores, their tokens counted by Python, as vocabulary trimmers do.

    python tokenizers_loop.py TOKENIZER_JSON FILE...

Prints JSON: the tokens, and the seconds of the loop alone, nothing loaded or imported in them.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

BATCH_LINES = 1024


def main() -> None:
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.no_padding()
    tokenizer.no_truncation()
    started = time.monotonic()
    occurrences: Counter[int] = Counter()
    in_lines: Counter[int] = Counter()
    for file in sys.argv[2:]:
        lines = Path(file).read_text("utf-8").splitlines()
        for start in range(0, len(lines), BATCH_LINES):
            batch = lines[start : start + BATCH_LINES]
            for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                occurrences.update(encoding.ids)
                in_lines.update(set(encoding.ids))
    print(json.dumps({"tokens": occurrences.total(), "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
