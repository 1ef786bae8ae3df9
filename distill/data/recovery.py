"""What a trimmed model is recovered on: text or translation pairs, towards its original's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from smaller_labse.corpora.translation_pairs import TranslationPairs
from smaller_labse.distill.data.examples import Examples
from smaller_labse.distill.data.held_out import HeldOut
from smaller_labse.distill.data.pairs import split_pairs
from smaller_labse.distill.data.texts import Draw, Texts, split_texts
from smaller_labse.distill.students.student import Student

Targets = Callable[[list[str]], np.ndarray]  # different texts → the original's embeddings


@dataclass(frozen=True)
class Recovery:
    """What a trimmed model is recovered on.

    Attributes:
        examples: what it is trained on.
        held_out: what its best state is chosen by.
        languages: by code.
        corpus: names of the files, without folders.
        kind: what the examples are, in the plural.
        draw: how they are drawn, for the manifest.
    """

    examples: Examples
    held_out: HeldOut
    languages: list[str]
    corpus: str
    kind: str
    draw: Mapping[str, Any]


def recovery_on_text(
    texts: Sequence[Texts],
    student: Student,
    have_lost_tokens: Callable[[Sequence[str]], np.ndarray] | None,
    targets: Targets,
    draw: Draw,
) -> Recovery:
    """Each text gets the original's embedding of it.

    Args:
        texts: of each language.
        student: the trimmed model.
        have_lost_tokens: see `split_texts`; None where that is not known, and texts are drawn all alike.
        targets: see `Targets`.
        draw: how texts are drawn.

    Raises:
        SmallerLabseError: as `split_texts` does.
    """
    drawn = asdict(draw)
    if have_lost_tokens is None:
        have_lost_tokens, draw = _all_alike, replace(draw, lost_share=1.0)
        drawn["lost_share"] = None
    examples, held_out = split_texts(
        texts, student.tokenizer, have_lost_tokens, targets, draw, student.prompt
    )
    corpus = " + ".join(each.corpus for each in texts)
    return Recovery(examples, held_out, [each.code for each in texts], corpus, "texts", drawn)


def recovery_on_pairs(
    pairs: Sequence[TranslationPairs], student: Student, targets: Targets, exponent: float
) -> Recovery:
    """Both sides of a pair get the original's embedding of its first sentence.

    Args:
        pairs: of each language.
        student: the trimmed model.
        targets: see `Targets`.
        exponent: see `shares_of_languages`.

    Raises:
        SmallerLabseError: as `split_pairs` does.
    """
    examples, held_out = split_pairs(
        pairs, student.tokenizer, targets, exponent, student.prompt, together=False
    )
    languages = [language.code for each in pairs for language in each.languages]
    corpus = " + ".join(each.corpus for each in pairs)
    kind = "texts of translation pairs"
    return Recovery(examples, held_out, languages, corpus, kind, {"exponent": exponent})


def _all_alike(texts: Sequence[str]) -> np.ndarray:
    return np.ones(len(texts), bool)
