"""Import TensorFlow without the lines that it writes to standard error while it starts."""

from __future__ import annotations

import gc
import os
import sys


def import_tensorflow_quietly() -> None:
    """Import TensorFlow and start its runtime, for commands whose standard error is for people.

    TensorFlow's C++ code reports the processor's features and missing CUDA drivers before its log level
    counts, so the file descriptor itself looks away meanwhile. Errors are exceptions and still come through.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf
        import tensorflow_text  # noqa: F401 - registers the ops of preprocessors

        tf.constant(0)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    tf.get_logger().setLevel("ERROR")
    gc.freeze()  # or the collector looks through TensorFlow's million objects again and again
