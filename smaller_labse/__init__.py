"""Trim multilingual sentence encoders to the languages that you need.

What the commands do, with the same names and defaults::

    import smaller_labse

    labse = "sentence-transformers/LaBSE"
    counts = smaller_labse.count(labse, languages=["en", "it", "ja"], out="work/counts")
    selection = smaller_labse.select(labse, counts, out="work/selection", vocab_size="25%")

Each function is imported when it is asked for, so that `import smaller_labse` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaller_labse.encoders.load import load
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder
    from smaller_labse.evaluate.compare_models import compare
    from smaller_labse.evaluate.comparison.side_by_side import Report
    from smaller_labse.select_vocab.count import count, merge_counts
    from smaller_labse.select_vocab.select import select
    from smaller_labse.select_vocab.selection import Selection

    __version__: str

__all__ = [
    "Report",
    "Selection",
    "SentenceEncoder",
    "__version__",
    "compare",
    "count",
    "load",
    "merge_counts",
    "select",
]

_MODULES = {
    "Report": "smaller_labse.evaluate.comparison.side_by_side",
    "Selection": "smaller_labse.select_vocab.selection",
    "SentenceEncoder": "smaller_labse.encoders.sentence_encoder",
    "compare": "smaller_labse.evaluate.compare_models",
    "count": "smaller_labse.select_vocab.count",
    "load": "smaller_labse.encoders.load",
    "merge_counts": "smaller_labse.select_vocab.count",
    "select": "smaller_labse.select_vocab.select",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, and remember it (PEP 562)."""
    if name == "__version__":
        value: object = import_module("importlib.metadata").version("smaller-labse")
    elif name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
