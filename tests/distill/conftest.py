"""Most tests of this folder import TensorFlow; as the commands do it, without Keras, takes half of the time."""

from __future__ import annotations

from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly

import_tensorflow_quietly()
