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

KILOBYTE = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes


def main() -> None:
    way, pairs, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    random = np.random.default_rng(0)
    left = random.standard_normal((pairs, width), np.float32)
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    right = left + 0.1 * random.standard_normal((pairs, width), np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    if way == "ours":
        from smaller_labse.evaluate.retrieval import found_both_ways

        there, back = found_both_ways(left, right)
    else:
        import faiss

        there, back = (_search(faiss, *sides) for sides in ((left, right), (right, left)))
    seconds = time.monotonic() - started
    if not (there.all() and back.all()):
        sys.exit("a nearest neighbour is not the expected one")
    risen = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"pairs": pairs, "seconds": seconds, "gigabytes": risen * KILOBYTE / 1e9}))


def _search(faiss, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    return index.search(queries, 1)[1][:, 0] == np.arange(len(queries))


if __name__ == "__main__":
    main()
