"""How good is an encoder, and is it still the original?

`compare` measures an original and the models trimmed from it, and `load("folder").encode(["…", …])` gives
embeddings. The command `evaluate-encoder` does both, and more. One level below: `measure_side_by_side` takes
tasks, as `read_tatoeba`, `read_parallel`, `read_bucc`, `read_sts` and `read_dataset` read them, or one of
your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaller_labse.encoders.load import load
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder
    from smaller_labse.evaluate.compare_models import compare
    from smaller_labse.evaluate.comparison.models import NamedModel
    from smaller_labse.evaluate.comparison.side_by_side import Report, measure_side_by_side
    from smaller_labse.evaluate.report.write_report import write_report
    from smaller_labse.evaluate.tasks.bitext_mining import read_bucc
    from smaller_labse.evaluate.tasks.datasets_by_name import read_dataset
    from smaller_labse.evaluate.tasks.sts import read_sts
    from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel, read_tatoeba

__all__ = [
    "NamedModel",
    "Report",
    "SentenceEncoder",
    "compare",
    "load",
    "measure_side_by_side",
    "read_bucc",
    "read_dataset",
    "read_parallel",
    "read_sts",
    "read_tatoeba",
    "write_report",
]
MODULES = {
    "NamedModel": "evaluate.comparison.models",
    "Report": "evaluate.comparison.side_by_side",
    "SentenceEncoder": "encoders.sentence_encoder",
    "compare": "evaluate.compare_models",
    "load": "encoders.load",
    "measure_side_by_side": "evaluate.comparison.side_by_side",
    "read_bucc": "evaluate.tasks.bitext_mining",
    "read_dataset": "evaluate.tasks.datasets_by_name",
    "read_parallel": "evaluate.tasks.translation_retrieval",
    "read_sts": "evaluate.tasks.sts",
    "read_tatoeba": "evaluate.tasks.translation_retrieval",
    "write_report": "evaluate.report.write_report",
}


def __getattr__(name: str) -> object:
    """Import a name's module, and TensorFlow with it where that needs it, only when asked for (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"smaller_labse.{MODULES[name]}"), name)
