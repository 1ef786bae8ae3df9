"""Search across languages: ask in one language, find sentences in all that the model knows.

    .venv/bin/python examples/search.py --model work/model --texts corpus.txt "How much is the ticket?"

The texts, one per line, are encoded once; a question is one product of a matrix with a vector.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import smaller_labse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True, help="a model's folder, TF Hub handle or hub id")
    parser.add_argument("--texts", required=True, type=Path, help="what is searched, one text per line")
    parser.add_argument("--top", type=int, default=3, help="how many texts to show; default: 3")
    parser.add_argument("question", help="in any of the model's languages")
    options = parser.parse_args()

    texts = options.texts.read_text(encoding="utf-8").splitlines()
    encoder = smaller_labse.load(options.model)
    # Normalized embeddings: their product is the cosine. Keep this matrix (np.save) to search again.
    embeddings = encoder.encode(texts, normalize=True)
    cosines = embeddings @ encoder.encode([options.question], normalize=True)[0]
    for index in np.argsort(-cosines, kind="stable")[: options.top]:
        print(f"{cosines[index]:.3f}  {texts[index]}")


if __name__ == "__main__":
    main()
