"""The preprocessors' names: what reads an original's text."""

from __future__ import annotations

from smaller_labse.common.errors import UsageError

# As by the original's own preprocessor, or by ours that loses nothing.
FAITHFUL, MENDED = "faithful", "mended"
PREPROCESSORS = (FAITHFUL, MENDED)


def require_preprocessor(name: str | None) -> str | None:
    """Check the name of a preprocessor, where one is given.

    Raises:
        UsageError: it is none of `PREPROCESSORS`.

    Example:
        >>> require_preprocessor("mended")
        'mended'
    """
    if name is not None and name not in PREPROCESSORS:
        raise UsageError(f"--preprocessor: expected {' or '.join(PREPROCESSORS)}, got {name!r}")
    return name
