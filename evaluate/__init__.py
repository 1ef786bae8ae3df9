"""How good is an encoder, and is it still the original?

`load("folder").encode(["…", …])` gives embeddings; `compare` measures models side by side, on tasks that
`tatoeba_tasks`, `read_parallel`, `read_bucc` and `read_sts` read; the command `evaluate-encoder` does both.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaller_labse.encoders.load import load
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder
    from smaller_labse.evaluate.comparison.models import NamedModel
    from smaller_labse.evaluate.comparison.side_by_side import Report, compare
    from smaller_labse.evaluate.report.write_report import write_report
    from smaller_labse.evaluate.tasks.bucc import read_bucc
    from smaller_labse.evaluate.tasks.sts import read_sts
    from smaller_labse.evaluate.tasks.tatoeba import tatoeba_tasks
    from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel

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
    "NamedModel": "evaluate.comparison.models",
    "Report": "evaluate.comparison.side_by_side",
    "SentenceEncoder": "encoders.sentence_encoder",
    "compare": "evaluate.comparison.side_by_side",
    "load": "encoders.load",
    "read_bucc": "evaluate.tasks.bucc",
    "read_parallel": "evaluate.tasks.translation_retrieval",
    "read_sts": "evaluate.tasks.sts",
    "tatoeba_tasks": "evaluate.tasks.tatoeba",
    "write_report": "evaluate.report.write_report",
}


def __getattr__(name: str) -> object:
    """Import a name's module, and TensorFlow with it where that needs it, only when asked for (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"smaller_labse.{MODULES[name]}"), name)
