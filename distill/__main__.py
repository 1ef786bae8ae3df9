"""The command `distill-encoder`: a model folder is trained, or put back into its original."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from smaller_labse.common.arguments import (
    non_negative_number,
    positive_integer,
    positive_number,
)
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser, add_command
from smaller_labse.common.visible_text import visible
from smaller_labse.distill.command_options import (
    OUT,
    OVERWRITE,
    add_chunks,
    add_languages,
    add_pairs,
    add_text,
    add_training,
    add_weights,
)
from smaller_labse.options.option import add_options

if TYPE_CHECKING:
    from smaller_labse.distill.recover import Recovered
    from smaller_labse.distill.shrink import Shrunk
    from smaller_labse.distill.tune import Tuned

SHRINK_EXAMPLES = (
    "distill-encoder shrink --model demo/model --teacher demo/original "
    "--pairs 'en-{code}=pairs/en-{code}.tsv.gz' --languages fr,de --layers 6 --max-minutes 120 "
    "--out work/six",
    "distill-encoder shrink --model work/model --teacher work/model --pairs en-it=it.en,it.it "
    "--layers 0,5,11 --steps 2000 --out work/three",
)
RECOVER_EXAMPLES = (
    "distill-encoder recover --model work/model --teacher intfloat/multilingual-e5-small "
    "--text 'text/{code}.txt' --languages fr,de --max-minutes 60 --out work/recovered",
    "distill-encoder recover --model work/model --teacher work/original "
    "--pairs 'en-{code}=pairs/en-{code}.tsv.gz' --languages fr,de --steps 600 --out work/recovered",
)
TUNE_EXAMPLES = (
    "distill-encoder tune --model demo/model --pairs 'en-{code}=pairs/en-{code}.tsv.gz' --languages fr,de "
    "--max-minutes 60 --out work/tuned",
    "distill-encoder tune --model labse --pairs en-it=it.en,it.it --margin 0.3 --batch-pairs 1024 "
    "--chunk-texts 64 --steps 500 --out work/tuned",
)
GRAFT_EXAMPLES = (
    "distill-encoder graft --original intfloat/multilingual-e5-small --tuned work/tuned --out work/full",
    "distill-encoder graft --original labse --tuned work/tuned --out work/full --overwrite",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    return run_command(make_parser(), arguments)


def make_parser() -> CommandParser:
    """The command's parser."""
    parser = CommandParser(
        prog="distill-encoder",
        description="Train encoders: fewer layers, lost tokens recovered, tuned on translation pairs; or put "
        "what was tuned back into the original.",
        examples=(SHRINK_EXAMPLES[0], RECOVER_EXAMPLES[0]),
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_recover(commands)
    _add_shrink(commands)
    _add_tune(commands)
    _add_graft(commands)
    return parser


def _add_recover(commands: argparse._SubParsersAction[CommandParser]) -> None:
    parser = add_command(
        commands,
        "recover",
        _recover,
        "a trimmed model with its original's embeddings again, trained on text or on translation pairs",
        description="Train a trimmed model to give its original's embeddings again: of text that lost "
        "tokens; or, for both sides of translation pairs, of the first. The same command goes on where it "
        "was interrupted.",
        examples=RECOVER_EXAMPLES,
    )
    parser.add_argument("--model", required=True, help="the trimmed model")
    parser.add_argument(
        "--teacher",
        required=True,
        metavar="MODEL",
        help="the model that it was trimmed from, or a .npy file with a row for each text or pair",
    )
    add_languages(parser, "--text or --pairs")
    add_options(parser, OUT)
    add_text(parser)
    add_pairs(parser, required=False)
    training = add_training(parser, batch="--batch-texts", default_batch=64, learning_rate=2e-4)
    training.add_argument(
        "--train",
        default="all",
        metavar="WHAT",
        help="matrix, the embedding matrix; lowest:4, all that comes before layer 4 (from 0); or all; "
        "default: %(default)s",
    )
    add_weights(
        training,
        ("--feature-weight", 10.0, "of 1 - cosine to the teacher"),
        ("--similarity-weight", 1.0, "of the similarities within a batch"),
        ("--retrieval-weight", 1.0, "of what is found among the teacher's embeddings of other texts"),
    )
    add_options(parser, OVERWRITE)


def _add_shrink(commands: argparse._SubParsersAction[CommandParser]) -> None:
    parser = add_command(
        commands,
        "shrink",
        _shrink,
        "a model with fewer or thinner layers, trained on translation pairs",
        description="Keep some of a model's layers, or make them thinner, and train them on translation "
        "pairs to give a teacher's embeddings. The same command goes on where it was interrupted.",
        examples=SHRINK_EXAMPLES,
    )
    parser.add_argument("--model", required=True, help="what is to become smaller, e.g. a trimmed model")
    parser.add_argument(
        "--teacher",
        required=True,
        metavar="MODEL",
        help="whose embeddings are learnt: any model, of another family and size too, or a .npy file with "
        "a row for each pair",
    )
    add_languages(parser, "--pairs")
    parser.add_argument(
        "--layers",
        metavar="N",
        help="how many: those that the embeddings need most; or which from 0 on, e.g. 0,2,4,6,8,11",
    )
    parser.add_argument(
        "--hidden-size", type=positive_integer, metavar="N", help="project the model to a smaller one"
    )
    parser.add_argument(
        "--like",
        metavar="LEALLA",
        help="a new model in place of the model's layers: lealla-small, lealla-base or lealla-large",
    )
    add_options(parser, OUT)
    add_pairs(parser)
    training = add_training(parser, batch="--batch-pairs", default_batch=64, learning_rate=2e-4)
    add_chunks(training)
    add_weights(
        training,
        ("--feature-weight", 10.0, "of 1 - cosine to the teacher"),
        ("--similarity-weight", 1.0, "of the similarities within a batch"),
        ("--margin-weight", 0.0, "of additive margin softmax"),
        ("--retrieval-weight", 1.0, "of what is found among the teacher's embeddings of other texts"),
    )
    training.add_argument(
        "--export-projection",
        action="store_true",
        help="where the teacher's embeddings have another size: keep the layer that leads to it",
    )
    add_options(parser, OVERWRITE)


def _add_tune(commands: argparse._SubParsersAction[CommandParser]) -> None:
    parser = add_command(
        commands,
        "tune",
        _tune,
        "a model that finds more translations like yours, trained on pairs",
        description="Train a model on translation pairs, so that sentences find their translations: both "
        "sides learn the model's own embedding of the first, or find each other by additive margin softmax, "
        "where an option of margins is given. The same command goes on where it was interrupted.",
        examples=TUNE_EXAMPLES,
    )
    parser.add_argument("--model", required=True, help="the model that is tuned, trimmed or not")
    add_languages(parser, "--pairs")
    add_options(parser, OUT)
    add_pairs(parser)
    training = add_training(parser, batch="--batch-pairs", default_batch=64, learning_rate=1e-4)
    add_chunks(training)
    training.add_argument(
        "--train-matrix", action="store_true", help="train the embedding matrix, too, not only the layers"
    )
    for option, read, what in (
        ("--feature-weight", non_negative_number, "of 1 - cosine to the first sentence's; default: 10"),
        ("--similarity-weight", non_negative_number, "of the similarities within a batch; default: 1"),
        ("--retrieval-weight", non_negative_number, "of what is found among other sentences; default: 1"),
        ("--margin-weight", non_negative_number, "of additive margin softmax; default: 0, or 1 with one of "
         "the options below; the three above are then 0, where not given"),
        ("--margin", non_negative_number, "by which a translation's cosine must be above the others'; "
         "default: 0.3"),
        ("--scale", positive_number, "of cosines in the softmax; large, only the nearest count; default: 20"),
    ):  # fmt: skip
        training.add_argument(option, type=read, metavar="N", help=what)
    add_weights(training, ("--near-weight", 0.0, "of 1 - cosine to the model's embeddings before training"))
    add_options(parser, OVERWRITE)


def _add_graft(commands: argparse._SubParsersAction[CommandParser]) -> None:
    parser = add_command(
        commands,
        "graft",
        _graft,
        "a full original with what was tuned of a smaller model",
        description="Put the layers and rows of a tuned smaller model back into the full original. Rows of "
        "other tokens, the tokenizer and the side files stay the original's to the bit.",
        examples=GRAFT_EXAMPLES,
    )
    parser.add_argument(
        "--original", required=True, metavar="MODEL", help="the model that the other was trimmed from"
    )
    parser.add_argument(
        "--tuned", required=True, metavar="MODEL", help="the smaller model, with all of the original's layers"
    )
    add_options(parser, OUT, OVERWRITE)


def _recover(options: argparse.Namespace) -> None:
    from smaller_labse.distill.recover import recover

    recovered = recover(**vars(options))
    print(
        f"{visible(str(recovered.folder))}: {recovered.rows:,} rows of the embedding matrix changed in "
        f"{_steps(recovered)}; {recovered.measure} is {recovered.after:.4f} on what was held out, before "
        f"{recovered.before:.4f}"
    )


def _shrink(options: argparse.Namespace) -> None:
    from smaller_labse.distill.shrink import shrink

    shrunk = shrink(**vars(options))
    print(
        f"{visible(str(shrunk.folder))}: {shrunk.parameters / 1e6:,.1f}M parameters, trained in "
        f"{_steps(shrunk)}; {shrunk.after:.1%} of held-out pairs are found, {shrunk.before:.1%} before"
    )


def _tune(options: argparse.Namespace) -> None:
    from smaller_labse.distill.tune import tune

    tuned = tune(**vars(options))
    print(
        f"{visible(str(tuned.folder))}: tuned in {_steps(tuned)}; {tuned.after:.1%} of held-out "
        f"pairs are found, {tuned.before:.1%} before"
    )


def _graft(options: argparse.Namespace) -> None:
    from smaller_labse.distill.graft import graft

    grafted = graft(**vars(options))
    print(
        f"{visible(str(grafted.folder))}: {grafted.parameters / 1e6:,.1f}M parameters; layers and "
        f"{grafted.tokens:,} rows are the tuned model's, {grafted.rows_changed:,} of these rows changed"
    )


def _steps(trained: Recovered | Shrunk | Tuned) -> str:
    """How long a model was trained, and when it was at its best."""
    steps = f"{trained.steps:,} steps"
    if trained.best_step == trained.steps:
        return steps
    return f"{steps}, of which it was best after {trained.best_step:,}"


if __name__ == "__main__":
    sys.exit(main())
