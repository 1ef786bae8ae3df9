"""GELU by tanh as dense layers of sentence-transformers, which has no module for it that needs no code.

    gelu(x) = x/2 (1 + tanh(u)) = x sigmoid(2u),   u = sqrt(2/pi) (x + 0.044715 x^3)

(arXiv 1606.08415, section 2). PyTorch's `torch.nn.GELU` is the exact one where it is made without arguments,
and up to 4.7e-4 away. But `torch.nn.GLU` takes [a, b] to a sigmoid(b), and `torch.nn.Hardswish` is a parabola
between -3 and 3, h(z) = z (z + 3) / 6, of which squares, and so the cube, are made:

    h(z) - h(-z) = z,   h(z) + h(-z) = z^2 / 3

With z = x/2, v = h(z) and w = h(-z):   v - w = z,   v^2 - w^2 = z^3 / 3. So three layers give gelu(x), but
for float32's rounding, where x is between -6 and 6. Beyond, where h(z) is z or 0, b is linear in x; the
sigmoid has become 1 or 0 before.
"""

from __future__ import annotations

import math

import numpy as np

from smaller_labse.encoders.sentence_transformers_modules import DenseModule

SCALE = 2.0  # x/2, a power of two, so that scaling rounds nothing
CUBIC = 0.044715
TWICE_ROOT = 2 * math.sqrt(2 / math.pi)
HARDSWISH = "torch.nn.modules.activation.Hardswish"
GLU = "torch.nn.modules.activation.GLU"
IDENTITY = "torch.nn.modules.linear.Identity"


def tanh_gelu_modules(weight: np.ndarray, bias: np.ndarray) -> list[DenseModule]:
    """The modules that compute gelu(x) of x = weight · input + bias.

    Args:
        weight: float32 [n, in features].
        bias: float32 [n].

    Returns:
        From [in features] to [n]: two with Hardswish, one with GLU, and one that changes nothing:
        sentence-transformers takes the last one's `out_features` for the embedding's size, and a GLU halves
        them.
    """
    one = np.eye(len(bias), dtype=np.float32)
    none = np.zeros_like(one)
    # From h(v), h(-v), h(w), h(-w): z = v - w, and z^3 / 9 = (v^2 - w^2) / 3.
    of_z, of_cube = np.array([1, -1, -1, 1]), np.array([1, 1, -1, -1])
    passed = SCALE * of_z
    gate = TWICE_ROOT * (SCALE * of_z + CUBIC * SCALE**3 * 9 * of_cube)
    return [
        DenseModule(
            HARDSWISH, np.concatenate([weight, -weight]) / SCALE, np.concatenate([bias, -bias]) / SCALE
        ),
        DenseModule(HARDSWISH, np.block([[one, none], [-one, none], [none, one], [none, -one]])),
        DenseModule(GLU, np.concatenate([np.kron(row, one) for row in (passed, gate)]).astype(np.float32)),
        DenseModule(IDENTITY, one),
    ]
