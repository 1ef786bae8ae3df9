"""How good is an encoder, and is it still the original?

`load("folder").encode(["…", …])` gives embeddings; `compare` measures models side by side, on tasks that
`tatoeba_tasks`, `read_parallel`, `read_bucc` and `read_sts` read; the command `evaluate-encoder` does both.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaller_labse.evaluate.bucc import read_bucc
    from smaller_labse.evaluate.encode import SentenceEncoder
    from smaller_labse.evaluate.loading import load
    from smaller_labse.evaluate.models import NamedModel
    from smaller_labse.evaluate.parallel import read_parallel
    from smaller_labse.evaluate.report import write_report
    from smaller_labse.evaluate.side_by_side import Report, compare
    from smaller_labse.evaluate.sts import read_sts
    from smaller_labse.evaluate.tatoeba import tatoeba_tasks

__all__ = [
    "NamedModel",
    "Report",
    "SentenceEncoder",
    "compare",
    "load",
    "read_bucc",
    "read_parallel",
    "read_sts",
    "tatoeba_tasks",
    "write_report",
]
MODULES = {
    "NamedModel": "models",
    "Report": "side_by_side",
    "SentenceEncoder": "encode",
    "compare": "side_by_side",
    "load": "loading",
    "read_bucc": "bucc",
    "read_parallel": "parallel",
    "read_sts": "sts",
    "tatoeba_tasks": "tatoeba",
    "write_report": "report",
}


def __getattr__(name: str) -> object:
    """Import a name's module, and TensorFlow with it where that needs it, only when asked for (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
