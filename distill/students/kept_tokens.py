"""Kept tokens: which tokens of an original a smaller model has, found by what they are called."""

from __future__ import annotations

from collections import Counter

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.lineage import Lineage
from smaller_labse.originals.tokenizers.base import Tokenizer


def find_kept_tokens(original: Tokenizer, smaller: Tokenizer, lineage: Lineage) -> np.ndarray:
    """The original id of each token of a smaller model.

    Its folder does not hold them; but a trimmed tokenizer calls its tokens as the original does, or its
    lineage says what that calls them.

    Args:
        original: the original's tokenizer.
        smaller: the smaller model's.
        lineage: the smaller model's.

    Returns:
        int64 [tokens of the smaller model].

    Raises:
        SmallerLabseError: the original has no token of that name or several, or tokenizers of two kinds.
    """
    if smaller.kind != original.kind:
        raise SmallerLabseError(
            f"{smaller.file}: a {smaller.kind} tokenizer, that of the original is {original.kind}; give the "
            "original that this model was trimmed from"
        )
    names = lineage.original_pieces(smaller.pieces)
    missing = [name for name in names if name not in original.ids]
    if missing:
        raise SmallerLabseError(
            f"{smaller.file}: {len(missing):,} of {len(names):,} tokens, such as {missing[0]!r}, are not "
            f"among the original's ({original.file}); give the original that this model was trimmed from"
        )
    _require_unique(names, smaller)
    wanted = set(names)
    _require_unique([piece for piece in original.pieces if piece in wanted], original)
    return np.array([original.ids[name] for name in names], np.int64)


def _require_unique(names: tuple[str, ...] | list[str], tokenizer: Tokenizer) -> None:
    if len(set(names)) < len(names):
        name, times = Counter(names).most_common(1)[0]
        raise SmallerLabseError(
            f"{tokenizer.file}: {times} tokens are called {name!r}, so it is not known whose row is whose; "
            "such a model cannot be grafted"
        )
