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


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small original in LaBSE's TF Hub format: random weights, pieces of our own sentences."""
    from smaller_labse.make_smaller.example import learn_pieces, write_original
    from smaller_labse.make_smaller.sentences import builtin_sentences

    folder = tmp_path_factory.mktemp("example") / "original"
    write_original(folder, learn_pieces(text for texts in builtin_sentences().values() for text in texts))
    return folder
