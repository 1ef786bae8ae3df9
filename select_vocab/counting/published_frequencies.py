"""Published frequencies: JSON files of token → occurrences, as the author of the 15-language model published.

They have no line counts, and nobody knows which lines were counted.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import LARGEST
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.counts import Counts

MOST_OCCURRENCES = 10**12  # of one token; the sum over a vocabulary stays an int64


def read_frequencies(
    file: Path, name: str, language: str, tokenizer: Tokenizer, skip_missing: bool = False
) -> tuple[Counts, int]:
    """Read a file of frequencies, JSON or `.json.gz`: an object of token → occurrences.

    Args:
        file: the file.
        name: what to call these counts.
        language: the language's code.
        tokenizer: the original's.
        skip_missing: leave out tokens that the original does not have, instead of failing.

    Returns:
        The counts, without line counts, and how many tokens were left out.

    Raises:
        SmallerLabseError: the file is no such JSON, has a token that the original does not have, or none
            that it has.
    """
    try:
        with gzip.open(file) if file.name.endswith(".gz") else file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise SmallerLabseError(f"{file}: more than {LARGEST:,} bytes of JSON; are these frequencies?")
        frequencies = json.loads(data)
    except FileNotFoundError:
        raise SmallerLabseError(f"{file}: there is no such file of frequencies") from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise SmallerLabseError(f"{file}: not readable as JSON ({error}); is it complete?") from None
    if not isinstance(frequencies, dict) or not all(
        type(count) is int and 0 <= count <= MOST_OCCURRENCES for count in frequencies.values()
    ):
        raise SmallerLabseError(
            f"{file}: expected a JSON object of token → occurrences (non-negative integers)"
        )
    missing = [piece for piece in frequencies if piece not in tokenizer.ids]
    if missing and not skip_missing:
        raise SmallerLabseError(
            f"{file}: {len(missing):,} of {len(frequencies):,} tokens, {missing[0]!r} among them, are not in "
            "the original: these are counts of another vocabulary (--skip-missing leaves such tokens out)"
        )
    occurrences = np.zeros(len(tokenizer.ids), np.int64)
    for piece, count in frequencies.items():
        if piece in tokenizer.ids:
            occurrences[tokenizer.ids[piece]] = count
    if not occurrences.any():
        raise SmallerLabseError(f"{file}: no token of the original occurs in it")
    counts = Counts(
        name=name,
        language=language,
        corpus=f"published frequencies {file.name}",
        line_filter=None,
        fingerprint=tokenizer.fingerprint,
        total_lines=None,
        occurrences=occurrences,
        lines=None,
        preprocessor=tokenizer.preprocessor,
    )
    return counts, len(missing)
