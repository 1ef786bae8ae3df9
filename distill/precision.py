"""Precision: what a student's layers multiply while it is trained; its weights are float32 in any case."""

from __future__ import annotations

from smaller_labse.common.errors import UsageError

PRECISIONS = ("float32", "bfloat16")


def require_precision(precision: str) -> None:
    """Check what a user chose.

    Raises:
        UsageError: it is none of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: expected {' or '.join(PRECISIONS)}")
