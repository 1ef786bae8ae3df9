"""Options that say which text is read: of which languages, from where, and which lines of it."""

from __future__ import annotations

from smaller_labse.common.arguments import date, non_negative_integer
from smaller_labse.corpora import defaults
from smaller_labse.options.option import option

LANGUAGES_HELP = "codes or names, separated by commas, or a file with one per line"

LANGUAGES = option("--languages", help=LANGUAGES_HELP)

TEXT = option(
    "--text",
    nargs="+",
    action="extend",
    metavar="LANGUAGE=PATH",
    help="a file (.txt, .jsonl, .csv, .parquet; .gz, .zst, .xz, .bz2 too) or a folder of them; LANGUAGE "
    "may be any name and come several times; or a path with {code}, {iso3} or {name} in its place; each may "
    "be a URL (s3://, gs://, az://, hf://, https://)",
)
DATASET = option("--dataset", metavar="NAME", help="a Hugging Face dataset; {code} and {iso3} as above")
DATASET_CONFIG = option(
    "--dataset-config", metavar="NAME", help="its configuration; {code} and {iso3} as above"
)
DATASET_SPLIT = option(
    "--dataset-split", metavar="NAME", help=f"{{code}} and {{iso3}} as above; default: {defaults.SPLIT}"
)
TEXT_FIELD = option(
    "--text-field", metavar="NAME", help=f"field or column of the text; default: {defaults.TEXT_FIELD}"
)
WIKIPEDIA = option(
    "--wikipedia",
    nargs="?",
    const=defaults.WIKIPEDIA,
    metavar="NAME",
    help=f"the Wikipedia dataset, or a folder laid out like it; default: {defaults.WIKIPEDIA}. Beside "
    "--text: for the languages that have none there",
)
WIKIPEDIA_DATE = option(
    "--wikipedia-date",
    type=date,
    metavar="YYYYMMDD",
    help=f"its dump; default: {defaults.WIKIPEDIA_DATE}",
)
SOURCES = (
    TEXT.but(help=f"{TEXT.help}. Without --text-field, a .tsv file is a word list"),
    *(DATASET, DATASET_CONFIG, DATASET_SPLIT, TEXT_FIELD, WIKIPEDIA, WIKIPEDIA_DATE),
)
SOURCES_TITLE = "text (default: Wikipedia, streamed from the Hugging Face hub)"

LONGER_THAN = option(
    "--longer-than",
    type=non_negative_integer,
    metavar="N",
    help=f"count lines of more than N characters; default: {defaults.LONGER_THAN}",
)
MAX_LINES = option(
    "--max-lines",
    type=non_negative_integer,
    metavar="N",
    help=f"at most N lines per language, 0 for all; default: {defaults.MAX_LINES}",
)
DRAW = option(
    "--draw",
    choices=defaults.DRAWS,
    help="which N lines: the first, or N spread evenly over the whole text, which is then read twice; "
    f"default: {defaults.FIRST}",
)
