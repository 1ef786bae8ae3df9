"""Options of `make-smaller` that commands of all stages take, too."""

from __future__ import annotations

from smaller_labse.options.option import option

ONNX = option(
    "--onnx",
    metavar="FORMATS",
    help="write ONNX files into huggingface/onnx/: float32, int8 (8 bits), int4 (the embedding matrix in "
    "4), with commas between; default: none",
)
PROMPT = option(
    "--prompt",
    metavar="TEXT",
    help='what goes before every text, e.g. "query: ", in every format; default: the original\'s',
)
LICENSE = option(
    "--license",
    metavar="NAME",
    help="for the model cards, e.g. apache-2.0; default: what the original's card states",
)
