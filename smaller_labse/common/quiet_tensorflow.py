"""Import TensorFlow without the lines that it writes to standard error while it starts, and without Keras."""

from __future__ import annotations

import gc
import importlib.abc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# By TensorFlow, one of the two, which does without if it cannot.
EAGERLY_IMPORTED = ("keras.src.optimizers", "tf_keras.src.optimizers")
KERAS_LAYERS = "tensorflow_text.python.keras"


def import_tensorflow_quietly() -> None:
    """Import TensorFlow and start its runtime, for commands whose standard error is for people.

    TensorFlow's C++ code reports the processor's features and missing CUDA drivers before its log level
    counts, so the file descriptor itself looks away meanwhile. Errors are exceptions and still come through.

    Keras takes half of the time of importing TensorFlow, with what it imports in turn (matplotlib, pandas,
    scikit-learn), and nothing here needs it. `tf.keras` and `tensorflow_text.keras` import it when they are
    used.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    collects = gc.isenabled()
    gc.disable()  # hardly anything of what is imported is garbage; looking for it takes a fifth of the time
    try:
        os.dup2(nowhere, 2)
        with _keras_when_used():
            import tensorflow as tf
            import tensorflow_text  # noqa: F401 - registers the ops of preprocessors

        tf.constant(0)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        if collects:
            gc.enable()
    tf.get_logger().setLevel("ERROR")
    gc.freeze()  # or the collector looks through TensorFlow's million objects again and again


@contextmanager
def _keras_when_used() -> Iterator[None]:
    """While it lasts, importing TensorFlow does not import Keras, and importing tf-text puts that off."""
    put_off = [name for name in EAGERLY_IMPORTED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(put_off))  # type: ignore[arg-type]  # to Python: there are none
    sys.meta_path.insert(0, LATER)
    try:
        yield
    finally:
        for name in put_off:
            del sys.modules[name]
        sys.meta_path.remove(LATER)


class _Later(importlib.abc.MetaPathFinder):
    """Finds tf-text's Keras layers, as a module that is run when one of them is asked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == KERAS_LAYERS else None
        if spec is not None and spec.loader is not None:
            spec.loader = _WhenUsed(spec.loader)
        return spec


class _WhenUsed(importlib.abc.Loader):
    """As `importlib.util.LazyLoader`, whose modules are run already when `inspect` looks for their files."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        def get(name: str) -> object:
            if name.startswith("__"):
                raise AttributeError(name)
            del module.__dict__["__getattr__"]
            self._loader.exec_module(module)
            return getattr(module, name)

        module.__dict__["__getattr__"] = get


LATER = _Later()
