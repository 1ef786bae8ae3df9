"""The command `make-smaller`: the original and a selection become a smaller model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smaller_labse.select_vocab.command import run_command
from smaller_labse.select_vocab.quiet_tensorflow import import_tensorflow_quietly


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    return run_command(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make-smaller",
        description="Cut an original down to a selection: SavedModel, preprocessor, Hugging Face folder, "
        "model card. The result is proved against the original before it appears.",
    )
    parser.set_defaults(run=_make)
    parser.add_argument(
        "--model",
        required=True,
        help="a folder with encoder/ (and preprocess/), a SavedModel folder, or a TF Hub handle",
    )
    parser.add_argument(
        "--preprocessor",
        metavar="MODEL",
        help="the original's preprocessor, where it is not beside the encoder",
    )
    parser.add_argument(
        "--selection", required=True, type=Path, metavar="FOLDER", help="written by `select-vocab select`"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="the model's folder")
    parser.add_argument(
        "--sequence-length",
        type=int,
        metavar="N",
        help="pieces that the preprocessor packs to by default; default: the original's",
    )
    parser.add_argument("--no-huggingface", action="store_true", help="do not write huggingface/")
    parser.add_argument("--license", metavar="NAME", help="for the model card, e.g. apache-2.0")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier model")
    return parser


def _make(options: argparse.Namespace) -> None:
    from smaller_labse.select_vocab.errors import UsageError
    from smaller_labse.select_vocab.original import locate_original
    from smaller_labse.select_vocab.outputs import require_absent
    from smaller_labse.select_vocab.report import size_table
    from smaller_labse.select_vocab.selection import read_selection
    from smaller_labse.select_vocab.tables import print_table

    if options.sequence_length is not None and options.sequence_length < 3:
        raise UsageError("--sequence-length must be 3 or more: [CLS], one piece, [SEP]")
    require_absent(options.out, options.overwrite, "manifest.json")
    selection = read_selection(options.selection)
    import_tensorflow_quietly()
    from smaller_labse.make_smaller.make import make_smaller

    made = make_smaller(
        locate_original(options.model, options.preprocessor),
        options.selection,
        selection,
        options.out,
        huggingface=not options.no_huggingface,
        sequence_length=options.sequence_length,
        license_name=options.license,
        overwrite=options.overwrite,
        say=lambda step: print(f"{step} …", file=sys.stderr, flush=True),
    )
    print_table(size_table(selection, made.original.parameters))
    proof = made.proof
    print(
        f"\nproved: {proof.rows:,} rows equal to the bit; {proof.unchanged:,} of {proof.texts:,} texts keep "
        f"their pieces, their embeddings differ by {proof.largest_difference:.1e} at most\n{made.folder}"
    )


if __name__ == "__main__":
    sys.exit(main())
