"""The command `make-smaller`: the original and a selection become a smaller model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from smaller_labse.common.command import run_command
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly

if TYPE_CHECKING:
    from smaller_labse.make_smaller.manifest import Made
    from smaller_labse.originals.open import OpenOriginal
    from smaller_labse.select_vocab.selection import Selection


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
        help="the original: a Hugging Face folder or hub id, a folder with encoder/ (and preprocess/), a "
        "SavedModel folder, or a TF Hub handle",
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
    parser.add_argument("--no-huggingface", action="store_true", help="TF Hub originals: no huggingface/")
    huggingface = parser.add_argument_group("originals from Hugging Face")
    huggingface.add_argument("--no-savedmodel", action="store_true", help="write huggingface/ only")
    huggingface.add_argument("--dtype", choices=("float16",), help="of huggingface/; default: the original's")
    huggingface.add_argument(
        "--prompt", metavar="TEXT", help='what the preprocessor puts before every sentence, e.g. "query: "'
    )
    huggingface.add_argument(
        "--pooling", choices=("mean", "cls", "pooler"), help="where the folder does not say (no modules.json)"
    )
    parser.add_argument("--license", metavar="NAME", help="for the model card, e.g. apache-2.0")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier model")
    return parser


def _make(options: argparse.Namespace) -> None:
    from smaller_labse.common.atomic_output import require_absent
    from smaller_labse.common.errors import UsageError
    from smaller_labse.common.result_table import print_table
    from smaller_labse.originals.open import open_original
    from smaller_labse.select_vocab.selection import read_selection, size_table

    if options.sequence_length is not None and options.sequence_length < 3:
        raise UsageError("--sequence-length must be 3 or more: [CLS], one piece, [SEP]")
    require_absent(options.out, options.overwrite, "manifest.json")
    selection = read_selection(options.selection)
    original = open_original(options.model, options.preprocessor)
    import_tensorflow_quietly()
    made = _cut(options, original, selection)
    print_table(size_table(selection, made.original_parameters))
    proof = made.proof
    print(f"\nproved: {proof.rows:,} rows equal to the bit; {proof.about_texts}\n{made.folder}")


def _cut(options: argparse.Namespace, original: OpenOriginal, selection: Selection) -> Made:
    from smaller_labse.common.errors import UsageError
    from smaller_labse.originals.huggingface import HuggingFaceFolder

    def say(step: str) -> None:
        print(f"{step} …", file=sys.stderr, flush=True)

    common = {"license_name": options.license, "overwrite": options.overwrite, "say": say}
    if isinstance(original.place, HuggingFaceFolder):
        from smaller_labse.make_smaller.from_huggingface import make_from_huggingface
        from smaller_labse.make_smaller.hf_saved_model import SavedModelOptions

        if options.no_huggingface:
            raise UsageError("--no-huggingface is for TF Hub originals")
        return make_from_huggingface(
            original.place,
            original.tokenizer,
            options.selection,
            selection,
            options.out,
            saved_model=False if options.no_savedmodel else None,
            dtype=options.dtype,
            options=SavedModelOptions(options.sequence_length, options.prompt, options.pooling),
            **common,
        )
    from smaller_labse.make_smaller.from_tfhub import make_smaller

    if options.no_savedmodel or options.dtype or options.prompt or options.pooling:
        raise UsageError(
            "--no-savedmodel, --dtype, --prompt and --pooling are for originals from Hugging Face"
        )
    return make_smaller(
        original.place,
        options.selection,
        selection,
        options.out,
        huggingface=not options.no_huggingface,
        sequence_length=options.sequence_length,
        tokenizer=original.tokenizer,
        **common,
    )


if __name__ == "__main__":
    sys.exit(main())
