"""nanotoken alone, WordPiece in Rust: its token ids are thrown away.

    python nanotoken_alone.py TOKENIZER_JSON THREADS FILE...

Prints JSON: the tokens, and the seconds of tokenizing alone, nothing loaded or imported in them. The text was
tokenized once before, as it remembers words.
"""

from __future__ import annotations

import json
import os
import sys
import time

import nanotoken


def main() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
    tokenizer = nanotoken.Tokenizer(sys.argv[1])
    source = nanotoken.TextFileSource(sys.argv[3:], separator="\n")
    for _ in range(2):
        started = time.monotonic()
        tokens = tokenizer.encode_files(source, add_special_tokens=False).num_tokens
        seconds = time.monotonic() - started
    print(json.dumps({"tokens": tokens, "seconds": seconds}))


if __name__ == "__main__":
    main()
