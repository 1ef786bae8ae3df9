"""Lists of tokens, and of words whose tokens a user wants kept."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.visible_text import visible
from smaller_labse.corpora.languages import Language, name_language
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.vocabulary import read_piece_lines

PUBLISHED_LIST = re.compile(r"selected_(?P<name>.+)_tokens\.txt")


def read_token_lists(
    files: Sequence[Path], tokenizer: Tokenizer, strip: bool = False, skip_missing: bool = False
) -> tuple[list[np.ndarray], list[Language]]:
    """Read lists of tokens; see `read_token_list`.

    Returns:
        The ids of each list, and the languages that the names of published lists say.
    """
    listed, languages = [], []
    for file in files:
        ids, missing = read_token_list(file, tokenizer, strip, skip_missing)
        say_missing(file, missing)
        listed.append(ids)
        named = PUBLISHED_LIST.fullmatch(file.name)
        if named:
            languages.append(name_language(named["name"], of_wikipedia=True))
    return listed, languages


def read_token_list(
    file: Path, tokenizer: Tokenizer, strip: bool = False, skip_missing: bool = False
) -> tuple[np.ndarray, int]:
    """The ids of a list of tokens, one per line; empty lines are passed over.

    Args:
        file: the list.
        tokenizer: the original's.
        strip: take white space off both ends of every line first, as the author of the published
            lists did: his lists hold tokens such as "\\u00a07" that his vocabulary has as "7".
        skip_missing: leave out tokens that the original does not have, instead of failing.

    Returns:
        Ids, int32, ascending, and how many lines were left out.

    Raises:
        SmallerLabseError: the original does not have a token, or the list is empty.
    """
    lines = read_piece_lines(file)
    if strip:
        lines = [line.strip() for line in lines]
    ids, missing = set(), []
    for number, piece in enumerate(lines, start=1):
        if piece in tokenizer.ids:
            ids.add(tokenizer.ids[piece])
        elif piece:
            missing.append((number, piece))
    if missing and not skip_missing:
        number, piece = missing[0]
        advice = "--skip-missing leaves such tokens out"
        if piece.strip() != piece:
            advice = "--strip takes the white space off, as for the published lists; " + advice
        others = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise SmallerLabseError(
            f"{file}: the original has no token {piece!r}, line {number}{others}; {advice}"
        )
    if not ids:
        raise SmallerLabseError(f"{file}: no token of the original in it, expected one per line")
    return np.array(sorted(ids), dtype=np.int32), len(missing)


def read_keep_list(files: Sequence[Path], tokenizer: Tokenizer, prompts: Sequence[str] = ()) -> np.ndarray:
    """The ids of all tokens into which the original splits a user's words or sentences, one per line.

    Args:
        files: the lists.
        tokenizer: the original's.
        prompts: texts whose tokens are kept, too.

    Returns:
        Ids, int32, ascending, without the unknown token.

    Raises:
        SmallerLabseError: a list is empty, or the original cannot read one of its lines.
    """
    ids: set[int] = set(tokenizer.tokenize(prompts)[0].tolist())
    for file in files:
        lines = [line for line in read_piece_lines(file) if line.strip()]
        if not lines:
            raise SmallerLabseError(f"{file}: no word in it, expected one per line")
        found, lengths = tokenizer.tokenize(lines)
        unknown = tokenizer.unknown_id
        unreadable = np.repeat(np.arange(len(lines)), lengths)[found == unknown]
        if unknown is not None and len(unreadable):
            raise SmallerLabseError(
                f"{file}: the original itself cannot read {lines[unreadable[0]]!r} "
                f"(it gets {tokenizer.pieces[unknown]}); take it off the list"
            )
        ids.update(found.tolist())
    return np.array(sorted(ids), dtype=np.int32)


def say_missing(file: Path, missing: int) -> None:
    """Say on standard error how many tokens of a file were left out."""
    if missing:
        print(
            f"{visible(str(file))}: {missing:,} tokens that the original does not have are left out",
            file=sys.stderr,
        )
