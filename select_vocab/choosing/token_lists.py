"""Lists of tokens, and of words whose tokens a user wants kept."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.visible_text import visible
from smaller_labse.corpora.languages import Language, name_language
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.vocabulary import read_piece_lines
from smaller_labse.select_vocab.choosing.stripped_tokens import StrippedToken, StrippedVocabulary

PUBLISHED_LIST = re.compile(r"selected_(?P<name>.+)_tokens\.txt")


@dataclass(frozen=True)
class TokenLists:
    """Lists of tokens.

    Attributes:
        ids: of each list's tokens, int32 [n] each, ascending.
        languages: those that the names of published lists say.
        stripped: the tokens that are spelled otherwise in the original, or are ambiguous there.
    """

    ids: tuple[np.ndarray, ...] = ()
    languages: tuple[Language, ...] = ()
    stripped: tuple[StrippedToken, ...] = ()


def read_token_lists(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    strip: bool = False,
    skip_missing: bool = False,
    strip_original: bool = False,
) -> TokenLists:
    """Read lists of tokens, one per line; empty lines are passed over.

    Args:
        files: the lists.
        tokenizer: the original's.
        strip: take white space off both ends of every line first, as the author of the published lists did. A
            token that the original does not have then is one that strips to it, the last one if several do.
        skip_missing: leave out tokens that the original does not have, instead of failing.
        strip_original: as the author did, take the last of the original's tokens that strip to a listed one,
            even where the original has the token itself.

    Raises:
        SmallerLabseError: the original does not have a token, or a list is empty.
    """
    vocabulary = StrippedVocabulary(tokenizer.pieces) if strip else None
    ids, languages = [], []
    listed: set[str] = set()
    for file in files:
        tokens = read_piece_lines(file)
        if vocabulary is None:
            found = {token: tokenizer.ids.get(token) for token in tokens if token}
        else:
            stripped = (token.strip() for token in tokens)
            found = {token: vocabulary.find(token, strip_original) for token in stripped if token}
            listed.update(found)
        missing = _missing(file, tokens, found, skip_missing)
        say_missing(file, missing)
        ids.append(np.array(sorted(one for one in found.values() if one is not None), dtype=np.int32))
        named = PUBLISHED_LIST.fullmatch(file.name)
        if named:
            languages.append(name_language(named["name"], of_wikipedia=True))
    described = () if vocabulary is None else vocabulary.describe(listed, strip_original)
    return TokenLists(tuple(ids), tuple(languages), described)


def _missing(file: Path, lines: Sequence[str], found: Mapping[str, int | None], skip_missing: bool) -> int:
    """How many tokens of a list the original does not have.

    Raises:
        SmallerLabseError: one, and none may be left out; or it has none of them.
    """
    missing = [token for token, token_id in found.items() if token_id is None]
    if missing and not skip_missing:
        number = next(
            number for number, line in enumerate(lines, start=1) if missing[0] in (line, line.strip())
        )
        advice = "--skip-missing leaves such tokens out"
        if missing[0].strip() != missing[0]:
            advice = "--strip takes the white space off, as for the published lists; " + advice
        others = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise SmallerLabseError(
            f"{file}: the original has no token {missing[0]!r}, line {number}{others}; {advice}"
        )
    if len(missing) == len(found):
        raise SmallerLabseError(f"{file}: no token of the original in it, expected one per line")
    return len(missing)


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
