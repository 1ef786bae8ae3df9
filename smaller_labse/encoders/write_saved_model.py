"""Write a SavedModel: each of its functions traced once, and the same bytes in every process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.python.saved_model.save_context import save_context

from smaller_labse.originals.weights.saved_model_graph import make_repeatable


def write_saved_model(
    root: tf.Module, folder: Path, trace: Callable[[], dict[str, tf.types.experimental.ConcreteFunction]]
) -> None:
    """Write a SavedModel.

    `tf.saved_model.save` traces anew what was traced outside of it, and where a signature is of the functions
    from before, it writes them twice. So they are traced here as it would.

    Args:
        root: what is saved.
        folder: where to write it; an empty folder or none yet.
        trace: traces the functions of `root` that have no input signature of their own, none of which was
            traced before, and returns the signatures by their names.
    """
    with save_context(tf.saved_model.SaveOptions()):
        signatures = trace()
    tf.saved_model.save(root, str(folder), signatures=signatures)
    make_repeatable(folder)
