"""What tests of several stages share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material that lies beside a developer's checkout; users do not have it."""
    folder = ROOT.parent / "shared"
    if not (folder / "labse15").is_dir():
        pytest.skip("needs the reference material in ../shared, which is not here")
    return folder
