"""Trim multilingual sentence encoders to the languages that you need.

What the commands do, with the same names and defaults::

    import smaller_labse

    labse = "sentence-transformers/LaBSE"
    counts = smaller_labse.count(labse, languages=["en", "it", "ja"], out="work/counts")
    selection = smaller_labse.select(labse, counts, out="work/selection", vocab_size="25%")
    model = smaller_labse.make_smaller(labse, selection, out="work/model")
    embeddings = smaller_labse.load(model).encode(["Hello, world."], normalize=True)
    better = smaller_labse.recover(model, labse, "text/{code}.txt", "work/better", languages="en,it,ja")
    six = smaller_labse.shrink(model, labse, "en-it=en-it.tsv", "work/six", layers=6, max_minutes=60)
    report = smaller_labse.compare(labse, [model, six], tatoeba="tatoeba/v1")

All of it in one call::

    folder = smaller_labse.trim(labse, "en,it,ja", out="model", max_megabytes=120, onnx="int8")

Each is imported when it is asked for, so that `import smaller_labse` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaller_labse.all_stages.trim import trim
    from smaller_labse.common.errors import SmallerLabseError, UsageError
    from smaller_labse.distill.graft import Grafted, graft
    from smaller_labse.distill.recover import Recovered, recover
    from smaller_labse.distill.shrink import Shrunk, shrink
    from smaller_labse.distill.tune import Tuned, tune
    from smaller_labse.encoders.load import load
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder
    from smaller_labse.evaluate.compare_models import compare
    from smaller_labse.evaluate.comparison.side_by_side import Report
    from smaller_labse.make_smaller.make_smaller import SmallerModel, make_smaller
    from smaller_labse.select_vocab.count import count, merge_counts
    from smaller_labse.select_vocab.inspect_model import InspectedModel, inspect
    from smaller_labse.select_vocab.select import select
    from smaller_labse.select_vocab.selection import Selection

    __version__: str

__all__ = [
    "Grafted",
    "InspectedModel",
    "Recovered",
    "Report",
    "Selection",
    "SentenceEncoder",
    "Shrunk",
    "SmallerLabseError",
    "SmallerModel",
    "Tuned",
    "UsageError",
    "__version__",
    "compare",
    "count",
    "graft",
    "inspect",
    "load",
    "make_smaller",
    "merge_counts",
    "recover",
    "select",
    "shrink",
    "trim",
    "tune",
]

_MODULES = {
    "Grafted": "distill.graft",
    "InspectedModel": "select_vocab.inspect_model",
    "Recovered": "distill.recover",
    "Report": "evaluate.comparison.side_by_side",
    "Selection": "select_vocab.selection",
    "Shrunk": "distill.shrink",
    "SentenceEncoder": "encoders.sentence_encoder",
    "SmallerLabseError": "common.errors",
    "SmallerModel": "make_smaller.make_smaller",
    "Tuned": "distill.tune",
    "UsageError": "common.errors",
    "compare": "evaluate.compare_models",
    "count": "select_vocab.count",
    "graft": "distill.graft",
    "inspect": "select_vocab.inspect_model",
    "load": "encoders.load",
    "make_smaller": "make_smaller.make_smaller",
    "merge_counts": "select_vocab.count",
    "recover": "distill.recover",
    "select": "select_vocab.select",
    "shrink": "distill.shrink",
    "trim": "all_stages.trim",
    "tune": "distill.tune",
}

# `make_smaller` is a package and a function, and the first import of the package would bind its name here, at
# any time. So it is imported now, while it is empty, and unbound: the name is free for the function, and
# `from smaller_labse.make_smaller.make_smaller import …` goes through sys.modules.
import_module("smaller_labse.make_smaller")
globals().pop("make_smaller")


def __getattr__(name: str) -> object:
    """Import what is asked for, and remember it (PEP 562)."""
    if name == "__version__":
        value: object = import_module("importlib.metadata").version("smaller-labse")
    elif name in _MODULES:
        value = getattr(import_module(f"smaller_labse.{_MODULES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
