"""Options that commands of `distill-encoder` share: text, translation pairs, training and its loss."""

from __future__ import annotations

import argparse
from pathlib import Path

from smaller_labse.common.arguments import (
    device_name,
    non_negative_integer,
    non_negative_number,
    number_up_to_1,
    positive_integer,
    positive_number,
)
from smaller_labse.corpora import defaults
from smaller_labse.distill.training_arguments import PRECISIONS
from smaller_labse.options.option import add_options, option
from smaller_labse.options.text_options import LONGER_THAN, MAX_LINES, TEXT, TEXT_FIELD

OUT = option("--out", required=True, type=Path, metavar="FOLDER", help="the new model's folder")
OVERWRITE = option("--overwrite", action="store_true", help="replace an earlier model")


def add_text(parser: argparse.ArgumentParser) -> None:
    """Options that say where text is, as for counting, and which of it is taken."""
    text = parser.add_argument_group("text")
    add_options(text, TEXT, TEXT_FIELD)
    of_texts = f"texts are lines of more than N characters; default: {defaults.LONGER_THAN}"
    add_options(text, LONGER_THAN.but(help=of_texts), MAX_LINES)
    text.add_argument(
        "--max-texts",
        type=non_negative_integer,
        metavar="N",
        help="train on at most N texts per language, 0 for all; default: 20000",
    )
    text.add_argument(
        "--lost-share",
        type=number_up_to_1,
        metavar="SHARE",
        help="how many of the texts that are drawn have lost tokens; default: 0.75",
    )


def add_pairs(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Options that say where translation pairs are, and how many of them are taken."""
    pairs = parser.add_argument_group("translation pairs")
    pairs.add_argument(
        "--pairs",
        required=required,
        nargs="+",
        metavar="XX-YY=FILE",
        help="sentences and translations: TSV, two files with a comma between, or a table with the fields XX "
        "and YY, or datasets:NAME:CONFIG of the Hugging Face hub; {code} stands for the languages'",
    )
    pairs.add_argument(
        "--max-pairs",
        type=non_negative_integer,
        default=0,
        metavar="N",
        help="take at most N pairs per language, 0 for all; default: %(default)s",
    )


def add_languages(parser: argparse.ArgumentParser, where: str) -> None:
    """The option that fills patterns, in the option `where`."""
    parser.add_argument("--languages", metavar="LIST", help=f"fill {{code}} in {where}, e.g. fr,de")


def add_training(
    parser: argparse.ArgumentParser, *, batch: str, default_batch: int, learning_rate: float
) -> argparse._ArgumentGroup:
    """Options of every kind of training; the group, for what is one kind's own."""
    training = parser.add_argument_group("training")
    training.add_argument(
        "--max-minutes",
        type=positive_number,
        metavar="N",
        help="train for so long at most; how many batches that are depends on the machine",
    )
    training.add_argument(
        "--steps",
        type=positive_integer,
        metavar="N",
        help="batches; default: as many as have as many examples as there are",
    )
    training.add_argument(
        batch,
        type=positive_integer,
        default=default_batch,
        metavar="N",
        help="in each batch; default: %(default)s",
    )
    training.add_argument(
        "--learning-rate",
        type=non_negative_number,
        default=learning_rate,
        metavar="N",
        help="the highest, between warm-up and decay; default: %(default)s",
    )
    training.add_argument(
        "--exponent",
        type=number_up_to_1,
        default=0.5,
        metavar="N",
        help="1 draws languages by their sizes, 0 all alike; default: %(default)s",
    )
    training.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="what the layers multiply; auto: bfloat16 where the hardware does; default: %(default)s",
    )
    training.add_argument("--seed", type=non_negative_integer, default=0, metavar="N", help="default: 0")
    training.add_argument(
        "--device",
        type=device_name,
        metavar="NAME",
        help="where the embeddings that are learnt are computed: cpu, gpu or gpu:1",
    )
    return training


def add_chunks(training: argparse._ArgumentGroup) -> None:
    """The option for batches larger than memory."""
    training.add_argument(
        "--chunk-texts",
        type=positive_integer,
        metavar="N",
        help="texts in memory at a time, for larger batches with the same gradients; default: all of a batch",
    )


def add_weights(training: argparse._ArgumentGroup, *weights: tuple[str, float, str]) -> None:
    """Options that weight objectives: option, default and what it weights."""
    for flag, default, what in weights:
        training.add_argument(
            flag, type=non_negative_number, default=default, metavar="N", help=f"{what}; default: {default}"
        )
