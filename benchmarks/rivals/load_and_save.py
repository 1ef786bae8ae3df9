"""Load an encoder with TensorFlow and save it again, untrimmed.

python load_and_save.py ENCODER OUT
"""

from __future__ import annotations

import sys

import tensorflow as tf
import tensorflow_text  # noqa: F401 - registers operations

tf.saved_model.save(tf.saved_model.load(sys.argv[1]), sys.argv[2])
