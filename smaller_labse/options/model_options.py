"""Options that name the original, and what reads its text."""

from __future__ import annotations

from smaller_labse.options.option import Option, option
from smaller_labse.originals.preprocessors import PREPROCESSORS

MODEL = option(
    "--model",
    help="the original: a Hugging Face folder or hub id, a model folder of make-smaller's, a folder with "
    "encoder/ (and preprocess/), a SavedModel folder, or a TF Hub handle",
)
READS_TEXT = (
    "LaBSE: what reads text: faithful, as the original's own does, or mended, which loses nothing: "
    "no-break and other Unicode spaces are spaces, control characters are deleted, no word is too long"
)


def preprocessor(default: str) -> Option:
    """`--preprocessor` of commands that take a name only.

    Args:
        default: whose text's is meant where none is given.
    """
    return option("--preprocessor", choices=PREPROCESSORS, help=f"{READS_TEXT}; default: {default}")


PREPROCESSOR = preprocessor("the model's own")
