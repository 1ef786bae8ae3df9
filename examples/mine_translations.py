"""Mine translations: which sentences of two files are each other's translation?

    .venv/bin/python examples/mine_translations.py --model work/model \\
        --left english.txt --right italian.txt > pairs.tsv

A pair is found where each is the other's best match by the ratio margin: the cosine, divided by the mean
cosine of both sentences' nearest neighbours (Artetxe and Schwenk 2019, arXiv 1811.01136). It keeps a sentence
that is a little like everything from being the translation of anything.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import smaller_labse

NEIGHBOURS = 4  # as in the paper


def ratio_margins(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The ratio margin of every pair, float32 [left, right].

    Args:
        left: normalized embeddings, float32 [left, hidden size].
        right: normalized embeddings, float32 [right, hidden size].
    """
    cosines = left @ right.T  # for more than some ten thousand sentences, search with an index such as faiss
    of_left = np.sort(cosines, axis=1)[:, -NEIGHBOURS:].mean(axis=1)
    of_right = np.sort(cosines, axis=0)[-NEIGHBOURS:].mean(axis=0)
    return cosines / ((of_left[:, None] + of_right[None, :]) / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True, help="a model's folder, TF Hub handle or hub id")
    parser.add_argument("--left", required=True, type=Path, help="sentences of one language, one per line")
    parser.add_argument("--right", required=True, type=Path, help="sentences of the other, one per line")
    parser.add_argument("--threshold", type=float, default=1.0, help="least margin of a pair; default: 1.0")
    options = parser.parse_args()

    left, right = (file.read_text(encoding="utf-8").splitlines() for file in (options.left, options.right))
    encoder = smaller_labse.load(options.model)
    margins = ratio_margins(encoder.encode(left, normalize=True), encoder.encode(right, normalize=True))
    best_right, best_left = margins.argmax(axis=1), margins.argmax(axis=0)
    for i, j in enumerate(best_right):
        if best_left[j] == i and margins[i, j] >= options.threshold:
            print(f"{margins[i, j]:.3f}", left[i], right[j], sep="\t")


if __name__ == "__main__":
    main()
