"""Batches of texts of similar length, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def batches_by_length(lengths: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Sort texts by length and group neighbours.

    Args:
        lengths: tokens of each text, int [texts], all positive.
        budget: tokens that a batch may have, padding included; a text longer than that is a batch of its own.

    Yields:
        Indices into `lengths`, int [batch], the longest texts first, so that memory that does not suffice
        shows at once; every index comes once. Texts of one length keep their order.

    Example:
        >>> [batch.tolist() for batch in batches_by_length(np.array([3, 9, 4, 3]), budget=8)]
        [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        end = start + max(1, budget // longest)
        yield order[start:end]
        start = end
