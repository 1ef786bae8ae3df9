"""Monolingual texts to train on: which are held out, which lost tokens, and how often each is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.line_batches import LineFilter, read_batches
from smaller_labse.corpora.sources import Source
from smaller_labse.distill.data.examples import Examples, number_texts, shares_of_languages, token_counts
from smaller_labse.distill.data.held_out import HeldOutTexts, choose_held_out
from smaller_labse.originals.tokenizers.base import Tokenizer

MOST_HELD_OUT = 64  # of a language; cosines differ little from text to text


@dataclass(frozen=True)
class Texts:
    """The texts of one language, in the order in which they were read.

    Attributes:
        code: what the language is called.
        texts: the texts, equal ones too.
        corpus: names of their files, without folders.
    """

    code: str
    texts: list[str]
    corpus: str


@dataclass(frozen=True)
class Draw:
    """Which texts are trained on, and how often.

    Attributes:
        exponent: see `shares_of_languages`.
        lost_share: of the texts that are drawn of a language, how many have lost tokens, 0 to 1; where it has
            only texts of one kind, it has no effect.
        most_texts: of each language, of which `lost_share` have lost tokens; None for all. Which ones follows
            from a hash.
    """

    exponent: float
    lost_share: float
    most_texts: int | None


def read_texts(sources: Sequence[Source], line_filter: LineFilter) -> list[Texts]:
    """Read the lines of each language.

    Raises:
        UsageError: a source is a word list.
        SmallerLabseError: a file cannot be read, or no line of it passes the filter.
    """
    for source in sources:
        if source.is_word_list:
            raise UsageError(
                f"{source.description}: a word list, expected text to train on; of a table, name the column "
                "with --text-field"
            )
    return [_read(source, line_filter) for source in sources]


def split_texts(
    languages: Sequence[Texts],
    tokenizer: Tokenizer,
    have_lost_tokens: Callable[[Sequence[str]], np.ndarray],
    targets: Callable[[list[str]], np.ndarray],
    draw: Draw,
    prompt: str = "",
) -> tuple[Examples, HeldOutTexts]:
    """Hold texts out, and group the others by language and by whether they lost tokens.

    Args:
        languages: the texts of each.
        tokenizer: the student's, for the lengths.
        have_lost_tokens: which of some texts have other tokens than the original gives them, bool [texts].
        targets: different texts → the teacher's embeddings.
        draw: see the class.
        prompt: what the student puts before every text.

    Raises:
        SmallerLabseError: there are too few different texts, or a language has none to train on.
    """
    different = [list(dict.fromkeys(each.texts)) for each in languages]
    training, held_out = choose_held_out(different)
    lost = [have_lost_tokens(texts) for texts in different]
    if not any(of_language.any() for of_language in lost):
        raise SmallerLabseError(
            "no text lost a token, so the model gives its original's embeddings already; give other text"
        )
    groups: list[list[str]] = []
    shares: list[float] = []
    of_languages = shares_of_languages([len(kept) for kept in training], draw.exponent)
    for number, (each, texts, kept) in enumerate(zip(languages, different, training, strict=True)):
        if not len(kept):
            raise SmallerLabseError(f"{each.corpus}: all texts of {each.code} are held out; give more")
        by_kind = _by_kind([texts[index] for index in kept.tolist()], lost[number][kept], draw)
        groups += [texts for texts, _ in by_kind]
        shares += [of_languages[number] * of_kind for _, of_kind in by_kind]
    trained_on = list(chain.from_iterable(groups))
    held = {
        each.code: [texts[index] for index in kept[:MOST_HELD_OUT].tolist()]
        for each, texts, kept in zip(languages, different, held_out, strict=True)
        if len(kept)
    }
    all_different, rows = number_texts([*trained_on, *chain.from_iterable(held.values())])
    vectors = targets(all_different)
    ids = rows[np.newaxis, : len(trained_on)]
    examples = Examples(
        sides=(trained_on,),
        ids=ids,
        target_rows=ids,
        targets=vectors,
        lengths=token_counts(trained_on, tokenizer, prompt),
        sizes=[len(group) for group in groups],
        shares=np.array(shares) / sum(shares),
        prompt=prompt,
    )
    ends = len(trained_on) + np.cumsum([len(texts) for texts in held.values()])
    rows_of_held = np.split(rows[len(trained_on) :], ends[:-1] - len(trained_on))
    return examples, HeldOutTexts(
        {
            code: (texts, _unit(vectors[of_language]))
            for (code, texts), of_language in zip(held.items(), rows_of_held, strict=True)
        }
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors at length 1, float32."""
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _read(source: Source, line_filter: LineFilter) -> Texts:
    lines = [line for batch in read_batches(source, line_filter) for line in batch.lines]
    if not lines:
        raise SmallerLabseError(
            f"{source.description}: no line of more than {line_filter.longer_than} characters in it, "
            f"expected text of {source.language} to train on"
        )
    return Texts(source.name, lines, source.stored_corpus)


def _by_kind(texts: list[str], lost: np.ndarray, draw: Draw) -> list[tuple[list[str], float]]:
    """The texts that lost tokens, and those that kept them, each with its share of what is drawn."""
    kinds = []
    for which, share in ((True, draw.lost_share), (False, 1 - draw.lost_share)):
        of_kind = [text for text, one in zip(texts, lost, strict=True) if one == which]
        most = None if draw.most_texts is None else max(1, round(share * draw.most_texts))
        kinds.append((_some(of_kind, most), share))
    there = [(of_kind, share) for of_kind, share in kinds if of_kind and share]
    if not there:  # all are of the kind that is not wanted, and still the language is
        return [(of_kind, 1.0) for of_kind, _ in kinds if of_kind]
    whole = sum(share for _, share in there)
    return [(of_kind, share / whole) for of_kind, share in there]


def _some(texts: list[str], most: int | None) -> list[str]:
    """At most so many of different texts, in their order."""
    if most is None or len(texts) <= most:
        return texts
    hashes = [blake2b(text.encode(), digest_size=8).digest() for text in texts]
    chosen = sorted(range(len(texts)), key=hashes.__getitem__)[:most]
    return [texts[index] for index in sorted(chosen)]
