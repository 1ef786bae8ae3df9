"""The texts that a smaller model is verified on: counted lines, our own sentences, hostile text, kept tokens.

A verification is worth as much as its texts. There are at least `TEXTS`, and at least `KEEPING` of them keep
their tokens: texts of kept tokens are drawn until so many do, by a generator with a fixed seed, so that the
same selection is always verified on the same texts. Where too few tokens are kept for that, there are fewer,
and whoever asks is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.selection import Selection

TEXTS = 64
KEEPING = 32  # of them, at least, keep their tokens
SENTENCES = 16  # of the counted ones, and as many of our own, shared out among the languages
SENTENCES_OF_ONE = 4  # language, at most
DRAWN_TEXTS = 16  # of kept tokens, at least
DRAWN_WORDS = 4  # of one text, at most: short ones are embedded sooner
WORDS = 256  # to draw from; more would only have to be tokenized
ROUNDS = 8  # of drawing; whatever keeps its tokens at all has done so by then

HOSTILE = (
    "",
    " \t \u00a0\u3000 ",
    "Ελληνικά, Кириллица, עברית, العربية, हिन्दी, ไทย, 中文, 한국어, ქართული, አማርኛ",
    "𐍈𐌰 𓀀𓁐 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ꙮ ⅷ ﷽ \U0010fffd",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇮🇹🇯🇵 👍🏽 ☃ ❤️",
    "e\u0301 é ｆｕｌｌ ﬁ Å \u212b ñ n\u0303 İ ß ẞ ǅ",
    "Z\u0351\u036b\u0343a\u0329\u035cl\u0323\u0300g\u0316\u0357o\u034e\u0312",
    "\u202eright to left\u202c \u2066left\u2069 \u200fmark\u200e",
    "zero\u200bwidth\u200djoin\u200cnon\u2060word\ufeffmark soft\u00adhyphen",
    "a\x00b \x01\x07\x08 \x1b[31mred\x1b[0m \x7f\x85",
    "tab\there, line\nfeed, return\r\nand\x0bvertical\x0cform, \u2028line\u2029paragraph",
    "no-break\u00a0space ami\u00a0! 10\u202f000",
    "[CLS] [SEP] [PAD] [MASK] [UNK] <s> </s> <unk> <pad> <mask>",
    "## ##a ▁ ▁a Ġ Ġa <0x0A> </w> @@",
    "'; DROP TABLE tokens; -- ${HOME} $(id) %s %n {0} \\x41 \\u0041 <script>alert(1)</script>",
    "https://example.com/a?b=c&d=%20#e user@example.com C:\\folder\\file.txt",
    "0 1 12 123 1,234.5 −1e−5 ½ ٣ ३ 三 Ⅷ 1⁄3",
    "!!!??? ... --- ___ *** ((( ))) «» „“ ‚‘ 、。「」",
    "x" * 99 + " " + "x" * 100 + " " + "x" * 101,
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 5,
    "ก" * 33 + " " + "ก" * 34 + " " + "ก" * 101,
    "a\u0300" * 60,
    "a, " * 700,
    "\ufffd \ufffe \U000e0041 \ue000",
)


@dataclass(frozen=True)
class VerificationTexts:
    """The texts of one verification, none twice, and where they are from.

    Attributes:
        counted: lines of the text that was counted, where the selection holds some.
        builtin: our own sentences, in the selection's languages.
        hostile: text of the kind that breaks tokenizers.
        drawn: texts of kept tokens.
    """

    counted: tuple[str, ...]
    builtin: tuple[str, ...]
    hostile: tuple[str, ...]
    drawn: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        """Every one of them."""
        return [*self.counted, *self.builtin, *self.hostile, *self.drawn]

    @property
    def numbers(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {name: len(texts) for name, texts in vars(self).items()}


Keeps = Callable[[Sequence[str]], np.ndarray]


def choose_texts(selection: Selection, tokenizer: Tokenizer, keeps: Keeps) -> VerificationTexts:
    """Choose the texts to verify a smaller model on.

    Args:
        selection: the kept tokens.
        tokenizer: the original's.
        keeps: texts [n] → which of them have tokens, all of them readable and kept, bool [n].
    """
    taken: dict[str, None] = {}

    def not_taken(texts: Iterable[str]) -> tuple[str, ...]:
        new = tuple(text for text in dict.fromkeys(texts) if text not in taken)
        taken.update(dict.fromkeys(new))
        return new

    counted = not_taken(_of_each(selection.languages, selection.sentences))
    builtin = not_taken(_of_each(selection.languages, builtin_sentences()))
    if not counted and not builtin:
        # Lists of tokens say no language, and of texts with names of their own there is no sentence.
        builtin = not_taken(sentences[0] for sentences in builtin_sentences().values())
    hostile = not_taken(HOSTILE)
    drawn = draw_texts(selection, tokenizer, keeps, keeping=int(keeps(list(taken)).sum()), taken=list(taken))
    return VerificationTexts(counted, builtin, hostile, drawn)


def kept_by_tokenizer(selection: Selection, tokenizer: Tokenizer) -> Keeps:
    """Which texts keep their tokens, by the original's tokenizer; see `choose_texts`."""

    def keeps(texts: Sequence[str]) -> np.ndarray:
        ids, lengths = tokenizer.tokenize(texts)
        lost = ~selection.subset.contains(ids)
        if tokenizer.unknown_id is not None:
            lost |= ids == tokenizer.unknown_id
        # How many are lost until each text's end, and so within each text.
        before = np.concatenate([[0], np.cumsum(lost)])
        ends = np.cumsum(lengths)
        return (before[ends] == before[ends - lengths]) & (lengths > 0)

    return keeps


def draw_texts(
    selection: Selection,
    tokenizer: Tokenizer,
    keeps: Keeps,
    keeping: int = 0,
    taken: Sequence[str] = (),
) -> tuple[str, ...]:
    """Texts of kept tokens, at least `DRAWN_TEXTS` of them, that are tokenized into kept tokens.

    Args:
        selection: the kept tokens.
        tokenizer: the original's.
        keeps: see `choose_texts`.
        keeping: how many of the other texts keep their tokens.
        taken: the other texts.

    Returns:
        So many that there are `TEXTS` in all, of which `KEEPING` keep their tokens; fewer where few tokens
        are kept.
    """
    random = np.random.default_rng(0)
    ids = random.permutation(np.setdiff1d(selection.subset.original_ids, tokenizer.special_ids))
    candidates = (text for token_id in ids.tolist() if (text := tokenizer.text_of(token_id).strip()))
    words = list(dict.fromkeys(islice(candidates, WORDS)))
    words = [word for word, is_kept in zip(words, keeps(words), strict=True) if is_kept] if words else []
    if not words:
        return ()
    wanted = max(DRAWN_TEXTS, TEXTS - len(taken), KEEPING - keeping)
    found: dict[str, None] = {}
    for _ in range(ROUNDS):
        longest = DRAWN_WORDS if len(words) > DRAWN_WORDS else TEXTS  # of few words, few texts are short
        lengths = random.integers(1, longest + 1, size=2 * wanted).tolist()
        texts = [" ".join(words[each] for each in random.integers(len(words), size=n)) for n in lengths]
        new = [text for text in dict.fromkeys(texts) if text not in found and text not in taken]
        if new:
            found |= dict.fromkeys(text for text, is_kept in zip(new, keeps(new), strict=True) if is_kept)
        if len(found) >= wanted:
            break
    return tuple(islice(found, wanted))


def _of_each(languages: Sequence[str], sentences: Mapping[str, Sequence[str]]) -> list[str]:
    """Some sentences of each language; at least one, and no fewer of one than of another."""
    of_one = min(SENTENCES_OF_ONE, max(1, SENTENCES // max(1, len(languages))))
    return [sentence for code in languages for sentence in sentences.get(code, ())[:of_one]]
