"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from tests.test_structure import ROOT, modules

# What examples import where they are run, of packages that are not always installed.
NEEDS = {"smaller_labse.encoders.onnx.graph": "onnx"}
WITH_EXAMPLES = sorted(name for name, file in modules(ROOT).items() if ">>> " in file.read_text("utf-8"))


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_hold(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    assert doctest.testmod(import_module(name)).failed == 0
