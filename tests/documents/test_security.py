"""The limits that docs/security.md states are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from smaller_labse.common import json_files
from smaller_labse.corpora import decompressed_lines, languages
from smaller_labse.corpora.records import file_records
from smaller_labse.originals import original_card
from smaller_labse.originals.tokenizers import normalizer
from smaller_labse.originals.weights import leveldb_table, safetensors_file, saved_model_graph, tensor_bundle
from smaller_labse.select_vocab.counting import counts_columns

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
LIMITS = {
    "a line, record or row of text": decompressed_lines.LONGEST_LINE,
    "a page of a Parquet column of text, unpacked, by its own header": file_records.BATCH_BYTES,
    f"counts, unpacked, beside {2 * counts_columns.ROW_BYTES} bytes and twice its text for each token": counts_columns.SPARE_BYTES,
    "rows of counts whose vocabulary is not known": counts_columns.MOST_TOKENS,
    "memory that an `.xz` file may ask for": decompressed_lines.XZ_MEMORY,
    "a JSON file, published frequencies, a list of tokens, a SentencePiece model": json_files.LARGEST,
    "objects and arrays of JSON in each other": json_files.DEEPEST,
    "how many times as long a normalizer may make a text": normalizer.MOST_GROWTH,
    "header of a safetensors file": safetensors_file.LONGEST_HEADER,
    "graph of a SavedModel": saved_model_graph.LARGEST_GRAPH,
    "index of a checkpoint": tensor_bundle.LARGEST_INDEX,
    "a key in it": leveldb_table.LONGEST_KEY,
    "an original's model card": original_card.LARGEST_CARD,
    "a list of languages": languages.LARGEST_LIST,
}


def test_the_limits_are_those_of_the_code() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Limits")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\S.*) \| ([\d,]+)(?: bytes)? \|$", section, flags=re.MULTILINE)
    assert {what: int(number.replace(",", "")) for what, number in rows} == LIMITS
