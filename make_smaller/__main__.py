"""The command `make-smaller`: the original and a selection become a smaller model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from smaller_labse.common.arguments import length_in_tokens
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.visible_text import visible
from smaller_labse.make_smaller.command_options import LICENSE, ONNX, PROMPT
from smaller_labse.options.model_options import MODEL, READS_TEXT
from smaller_labse.options.option import add_options

EXAMPLES = (
    "make-smaller --model sentence-transformers/LaBSE --selection work/selection --out work/model",
    "make-smaller --model intfloat/multilingual-e5-small --selection work/selection --prompt 'query: ' "
    "--out work/model",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    return run_command(_parser(adds_onnx=_asks_for_onnx_alone(given)), arguments)


def _asks_for_onnx_alone(arguments: Sequence[str]) -> bool:
    """Whether ONNX files are all that is wanted, of a model that is there: no --selection and no --out.

    It is known before the arguments are parsed, as argparse cannot say that an option is required only then.
    """
    named = {argument.partition("=")[0] for argument in arguments}
    return "--onnx" in named and not named & {"--selection", "--out"}


def _parser(adds_onnx: bool = False) -> CommandParser:
    """The command's parser; where ONNX files are added to a model, of the same options fewer are required."""
    parser = CommandParser(
        prog="make-smaller",
        description="Trim an original to a selection: SavedModel, preprocessor, Hugging Face folder, "
        "model card. The result is verified against the original before it appears.",
        examples=EXAMPLES,
    )
    parser.set_defaults(run=_add_onnx if adds_onnx else _make)
    add_options(parser, MODEL, required=True)
    parser.add_argument(
        "--preprocessor",
        metavar="faithful|mended|FOLDER",
        help=f"{READS_TEXT}, and preprocess/ and huggingface/ read every text alike; default: the "
        "selection's. Or the folder or handle of the original's own, if it is not beside the encoder (a "
        "folder of that name is ./mended)",
    )
    parser.add_argument(
        "--selection",
        required=not adds_onnx,
        type=Path,
        metavar="FOLDER",
        help="written by `select-vocab select`",
    )
    parser.add_argument(
        "--out", required=not adds_onnx, type=Path, metavar="FOLDER", help="the model's folder"
    )
    parser.add_argument(
        "--sequence-length",
        type=length_in_tokens,
        metavar="N",
        help="the length in tokens that the preprocessor packs to by default; default: the original's",
    )
    adding = "Without --selection and --out: into those of --model, a model folder of make-smaller's or "
    add_options(parser, ONNX.but(help=f"{ONNX.help}. {adding}distill-encoder's"))
    parser.add_argument("--no-huggingface", action="store_true", help="TF Hub originals: no huggingface/")
    huggingface = parser.add_argument_group("originals from Hugging Face")
    huggingface.add_argument("--no-savedmodel", action="store_true", help="write huggingface/ only")
    huggingface.add_argument("--dtype", choices=("float16",), help="of huggingface/; default: the original's")
    add_options(huggingface, PROMPT)
    huggingface.add_argument(
        "--pooling", choices=("mean", "cls", "pooler"), help="where the folder does not say (no modules.json)"
    )
    add_options(parser, LICENSE)
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier model")
    return parser


def _make(options: argparse.Namespace) -> None:
    from smaller_labse.common.result_table import print_table
    from smaller_labse.make_smaller.make_smaller import make_smaller
    from smaller_labse.select_vocab.selection_tables import size_table

    model = make_smaller(
        options.model,
        options.selection,
        options.out,
        preprocessor=options.preprocessor,
        sequence_length=options.sequence_length,
        huggingface=not options.no_huggingface,
        savedmodel=False if options.no_savedmodel else None,
        dtype=options.dtype,
        prompt=options.prompt,
        pooling=options.pooling,
        license=options.license,
        onnx=options.onnx or (),
        overwrite=options.overwrite,
    )
    print_table(size_table(model.selection, model.original_parameters))
    print(f"\nverified: {visible(model.verification.summary)}\n{visible(str(model.folder))}")


def _add_onnx(options: argparse.Namespace) -> None:
    from smaller_labse.common.errors import UsageError
    from smaller_labse.common.result_table import print_table
    from smaller_labse.make_smaller.onnx.add import add_onnx
    from smaller_labse.make_smaller.onnx.files import onnx_table

    taken = ("model", "onnx", "overwrite")
    others = sorted(name for name, value in vars(options).items() if name not in taken and value)
    if others:
        named = " and ".join(f"--{name.replace('_', '-')}" for name in others)
        raise UsageError(f"{named}: goes with --selection and --out, and --onnx alone adds to a model")
    print_table(onnx_table(add_onnx(options.model, options.onnx, options.overwrite)))


if __name__ == "__main__":
    sys.exit(main())
