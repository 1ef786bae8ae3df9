"""Encode with `smaller_labse.evaluate.load`, under the same conditions as `padded.py`.

python ours.py MODEL FILE
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from smaller_labse.evaluate import load

WARM_UP_TEXTS = 32


def main() -> None:
    sentences = Path(sys.argv[2]).read_text("utf-8").splitlines()
    encoder = load(sys.argv[1])
    encoder.encode(sentences[:WARM_UP_TEXTS], advance=lambda done: None)
    started = time.monotonic()
    encoder.encode(sentences, advance=lambda done: None)
    print(json.dumps({"sentences": len(sentences), "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
