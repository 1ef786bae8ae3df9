"""The options of `evaluate-encoder`'s commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from smaller_labse.common.arguments import (
    device_name,
    length_in_tokens,
    non_negative_number,
    positive_integer,
)
from smaller_labse.common.command_parser import CommandParser, add_command
from smaller_labse.options.option import add_options, option
from smaller_labse.options.text_options import TEXT_FIELD
from smaller_labse.originals.onnx_formats import RUNTIMES

Run = Callable[[argparse.Namespace], None]  # what a command does

COMPARE_EXAMPLES = (
    "evaluate-encoder compare --original sentence-transformers/LaBSE --model work/model --tatoeba tatoeba/v1 "
    "--out work/report",
    "evaluate-encoder compare --original original=work/original --model small=work/small large=work/large "
    "--parallel en=text/en.txt,it=text/it.txt --out work/report",
)
TATOEBA_EXAMPLES = (
    "evaluate-encoder tatoeba --model work/model --data tatoeba/v1",
    "evaluate-encoder tatoeba --model original=sentence-transformers/LaBSE smaller=work/model "
    "--data tatoeba/v1 --languages fr,de,ja --json work/tatoeba.json --markdown work/tatoeba.md",
)
PARITY_EXAMPLES = (
    "evaluate-encoder parity --original sentence-transformers/LaBSE --model work/model "
    "--text en=english.txt it=italian.txt",
    "evaluate-encoder parity --original work/original --model work/model "
    "--text 'text/{code}.txt' --languages en,it,ja",
)
ENCODE_EXAMPLES = (
    "evaluate-encoder encode --model work/model --text sentences.txt --normalize --out sentences.npy",
    "evaluate-encoder encode --model work/model --text articles.jsonl.gz --text-field title --out titles.npy",
)

CHECK_EXAMPLES = (
    "evaluate-encoder check --model work/model",
    "evaluate-encoder check --model work/small work/large",
)

TATOEBA = option("--tatoeba", type=Path, metavar="DIR", help="folder of tatoeba.xxx-eng.{xxx,eng} files")
PARALLEL = option(
    "--parallel",
    nargs="+",
    action="extend",
    metavar="XX=FILE,YY=FILE",
    help="two files of translations, line by line, as of the UN's Parallel Corpus",
)


def add_compare(commands: argparse._SubParsersAction, run: Run) -> None:
    """The options of `compare`."""
    parser = add_command(
        commands,
        "compare",
        run,
        "what was lost? an original and the models trimmed from it, side by side: a report",
        description="Measure an original and any number of models trimmed from it on any data, and write a "
        "report: scores, differences with intervals, sizes, unchanged texts, lost tokens, pictures.",
        examples=COMPARE_EXAMPLES,
    )
    add = parser.add_argument
    add(
        "--original",
        required=True,
        metavar="[NAME=]MODEL",
        help="the original: a folder, TF Hub handle or hub id",
    )
    add(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        metavar="[NAME=]MODEL",
        help="the trimmed models; may be empty",
    )
    data = parser.add_argument_group("data, one or more")
    add_options(data, TATOEBA)
    data.add_argument(
        "--languages",
        metavar="LIST",
        help="of Tatoeba and --dataset: fr,de,..., a file with one per line, or tatoeba14, tatoeba36, the "
        "papers' groups (default: all that there are)",
    )
    add_options(data, PARALLEL, default=[])
    data.add_argument(
        "--bucc", type=Path, metavar="DIR", help="folder of BUCC's files, xx-en.training.gold and so on"
    )
    data.add_argument(
        "--sts",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=FILE",
        help="similarity: sentence<TAB>sentence<TAB>score per line, the STS benchmark's files, or SemEval's "
        "NAME=INPUT,GOLD",
    )
    data.add_argument(
        "--dataset",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="by name, from the Hugging Face hub: tatoeba, bucc, sts17, flores200; or NAME=FOLDER for a copy",
    )
    add("--out", type=Path, required=True, metavar="FOLDER", help="the report's folder")
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where results are kept, so that nothing is measured twice (default: OUT.cache)",
    )
    add("--no-pictures", action="store_true", help="draw none; then matplotlib is not needed")
    add("--cards", action="store_true", help="write each trimmed model's scores into its model card")
    _add_prompt(parser)
    _add_device(parser, "the original")
    add("--overwrite", action="store_true", help="replace an earlier report")


def add_tatoeba(commands: argparse._SubParsersAction, run: Run) -> None:
    """The options of `tatoeba`."""
    parser = add_command(
        commands,
        "tatoeba",
        run,
        "accuracy of translation retrieval, English to other languages and back",
        description="Accuracy on Tatoeba: how often a sentence's nearest neighbour by cosine is its "
        "translation. Among equally near sentences the first counts.",
        examples=TATOEBA_EXAMPLES,
    )
    add = parser.add_argument
    add(
        "--model",
        nargs="+",
        action="extend",
        required=True,
        metavar="[NAME=]FOLDER",
        help="models to measure",
    )
    add_options(parser, TATOEBA.but("--data"), required=True)
    add("--languages", metavar="LIST", help="fr,de,... or a file with one per line (default: all in DIR)")
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where results are kept, so that nothing is measured twice (default: beside the written files, "
        "such as tatoeba.cache beside tatoeba.json)",
    )
    _add_prompt(parser)
    _add_device(parser)
    _add_reports(parser)


def add_parity(commands: argparse._SubParsersAction, run: Run) -> None:
    """The options of `parity`."""
    parser = add_command(
        commands,
        "parity",
        run,
        "is a smaller model still the original?",
        description="Compare a smaller model with its original, text by text: tokens, embeddings, unknown "
        "tokens. Fails if a text has the same tokens from both, but not the same embedding.",
        examples=PARITY_EXAMPLES,
    )
    add = parser.add_argument
    add("--original", required=True, metavar="MODEL", help="folder or TF Hub handle of the original")
    add(
        "--original-preprocessor",
        metavar="MODEL",
        help="its preprocessor, if it is not beside the encoder; or faithful or mended, what reads its text "
        "(default: its own)",
    )
    add("--model", required=True, metavar="FOLDER", help="the smaller model")
    add(
        "--text",
        nargs="+",
        action="extend",
        required=True,
        metavar="LANG=FILE",
        help="files with one text per line; or a pattern with {code} or {iso3} for each of --languages",
    )
    add("--languages", metavar="LIST", help="fr,de,... or a file with one per line, to fill a pattern with")
    _add_prompt(parser)
    _add_device(parser, "the original")
    add(
        "--tolerance",
        type=non_negative_number,
        metavar="DIFFERENCE",
        help="the largest difference allowed (default: 1e-05)",
    )
    _add_reports(parser)


def add_encode(commands: argparse._SubParsersAction, run: Run) -> None:
    """The options of `encode`."""
    parser = add_command(
        commands,
        "encode",
        run,
        "texts to embeddings, files of any size",
        description="Write the embedding of every record (a line of plain text) as one row of a NumPy file "
        "(float32), in order. Memory does not grow with the number of records.",
        examples=ENCODE_EXAMPLES,
    )
    add = parser.add_argument
    add("--model", required=True, metavar="FOLDER", help="the model: a folder, TF Hub handle or hub id")
    add(
        "--text",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="files with one text per line, or .jsonl, .csv, .tsv, .parquet with one per record; .gz, .zst, "
        ".xz, .bz2 of them; or folders of them",
    )
    add_options(parser, TEXT_FIELD)
    add(
        "--nulls",
        choices=("refuse", "nan"),
        default="refuse",
        help="a record without text (null): an error, or a row of NaN (default: %(default)s)",
    )
    add("--out", type=Path, required=True, metavar="FILE", help="the .npy file to write")
    add("--normalize", action="store_true", help="scale every embedding to length 1")
    add(
        "--max-length",
        type=length_in_tokens,
        metavar="N",
        help="truncate texts to N tokens (default: the preprocessor's length)",
    )
    _add_prompt(parser)
    _add_device(parser)
    add("--overwrite", action="store_true", help="replace an existing file")


def add_check(commands: argparse._SubParsersAction, run: Run) -> None:
    """The options of `check`."""
    parser = add_command(
        commands,
        "check",
        run,
        "is a model's folder as make-smaller wrote it?",
        description="Compare every file of a model's folder with the digests in its manifest, and say which "
        "are changed, missing or added. Nothing is loaded.",
        examples=CHECK_EXAMPLES,
    )
    parser.add_argument(
        "--model",
        nargs="+",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folders that make-smaller wrote",
    )


def _add_prompt(parser: CommandParser) -> None:
    parser.add_argument(
        "--prompt",
        metavar="TEXT",
        help='what goes before every text, e.g. "query: ", for all models (default: what their folders name)',
    )


def _add_device(parser: CommandParser, not_for: str = "") -> None:
    add = parser.add_argument
    add(
        "--device",
        type=device_name,
        metavar="DEVICE",
        help="where it is computed: cpu, gpu or, of several, gpu:1 (default: a GPU where there is one)",
    )
    add(
        "--batch-size",
        type=positive_integer,
        metavar="N",
        help="compute N texts at a time (default: as many as have 1,024 tokens together)",
    )
    add(
        "--runtime",
        choices=RUNTIMES,
        help="onnx: load the ONNX file in a model's folder, float32's if it is there, else int8's or int4's; "
        "an ONNX file may be named as a model, too" + (not_for and f" (not for {not_for})"),
    )


def _add_reports(parser: CommandParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown, too")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
