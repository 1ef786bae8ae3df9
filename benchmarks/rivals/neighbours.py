"""Both ways' nearest neighbours of so many random embeddings, by us or by faiss.

    python neighbours.py ours|faiss PAIRS WIDTH

Prints JSON: the pairs, the seconds of searching, and how far memory rose above the embeddings.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np

ROWS_AT_ONCE = 1000
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes


def main() -> None:
    way, pairs, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    left, right = _embeddings(pairs, width)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    if way == "ours":
        from smaller_labse.metrics.nearest_neighbours import found_both_ways

        there, back = found_both_ways(left, right)
    else:
        import faiss

        there, back = (_search(faiss, *sides) for sides in ((left, right), (right, left)))
    seconds = time.monotonic() - started
    if not (there.all() and back.all()):
        sys.exit("a nearest neighbour is not the expected one")
    risen = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"pairs": pairs, "seconds": seconds, "gigabytes": risen * KILOBYTE / 1e9}))


def _embeddings(pairs: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Random rows of length 1 and others near them, a few at a time, so that the peak is what they take."""
    random = np.random.default_rng(0)
    left, right = np.empty((pairs, width), np.float32), np.empty((pairs, width), np.float32)
    for start in range(0, pairs, ROWS_AT_ONCE):
        rows = random.standard_normal((min(ROWS_AT_ONCE, pairs - start), width), np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        left[start : start + len(rows)] = rows
        right[start : start + len(rows)] = rows + 0.1 * random.standard_normal(rows.shape, np.float32)
    return left, right


def _search(faiss, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    return index.search(queries, 1)[1][:, 0] == np.arange(len(queries))


if __name__ == "__main__":
    main()
