"""How good is an encoder, and is it still the original?

`load("folder").encode(["…", …])` gives embeddings; the command `evaluate-encoder` measures them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaller_labse.evaluate.encode import SentenceEncoder
    from smaller_labse.evaluate.loading import load

__all__ = ["SentenceEncoder", "load"]


def __getattr__(name: str) -> object:
    """Import TensorFlow only when an encoder is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from smaller_labse.evaluate import encode, loading

    return loading.load if name == "load" else encode.SentenceEncoder
