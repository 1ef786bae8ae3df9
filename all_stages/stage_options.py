"""Which options of the stages the command `smaller-labse` takes, and which stage each is passed on to."""

from __future__ import annotations

from collections.abc import Mapping

from smaller_labse.evaluate.command_options import PARALLEL, TATOEBA
from smaller_labse.make_smaller.command_options import LICENSE, ONNX, PROMPT
from smaller_labse.options.model_options import MODEL, PREPROCESSOR
from smaller_labse.options.option import Option, option
from smaller_labse.options.text_options import DRAW, LANGUAGES, MAX_LINES, SOURCES
from smaller_labse.select_vocab.commands.count_command import NO_SAMPLE
from smaller_labse.select_vocab.commands.select_command import (
    COVERAGE,
    FILL_UP,
    FORMAT,
    KEEP,
    MAX_MEGABYTES,
    ROUND_TO,
    VOCAB_SIZE,
)

OUT = option("--out", metavar="FOLDER", help="the model's folder")
GENERAL = (MODEL, LANGUAGES, OUT)
LINES = (MAX_LINES, DRAW, NO_SAMPLE, PREPROCESSOR)
SIZES = (MAX_MEGABYTES, VOCAB_SIZE, COVERAGE)  # of which one may be given
RULES = (
    FORMAT.but(help=f"{FORMAT.help}; default: the one of --onnx, or without it safetensors"),
    *(KEEP, FILL_UP, ROUND_TO),
)
MODELS = (ONNX, PROMPT, LICENSE)
TEST_DATA = (TATOEBA.but(help=f"{TATOEBA.help}, of these --languages"), PARALLEL)
OPTIONS: Mapping[str, Option] = {
    each.name: each for each in (*GENERAL, *SOURCES, *LINES, *SIZES, *RULES, *MODELS, *TEST_DATA)
}

COUNTING = (*SOURCES, *LINES)
SELECTING = (*SIZES, *RULES, NO_SAMPLE, PREPROCESSOR)
MAKING = (*MODELS, PREPROCESSOR)
