"""Verify a mended model: its formats read every text alike, and ordinary text as the original does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.make_smaller.verify import MASK, WORD_IDS, Inputs
from smaller_labse.originals.tokenizers.compiled.mended_words import reads_alike
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON
from smaller_labse.originals.tokenizers.wordpiece import WordPiece


def count_read_alike(own: Inputs, mended: Inputs, texts: Sequence[str]) -> int:
    """How many texts the original's own preprocessor reads as the mended one does; all ordinary ones must.

    Args:
        own: the inputs that the original's own preprocessor gives for the texts, int32 [n, length] each.
        mended: those that the mended one gives, with the original's whole vocabulary.
        texts: n texts.

    Raises:
        SmallerLabseError: a text without anything that they read otherwise is read otherwise.
    """
    alike = (own[WORD_IDS] == mended[WORD_IDS]).all(axis=1)
    for number in np.flatnonzero(~alike).tolist():
        if reads_alike(texts[number], WordPiece.longest_word):
            raise SmallerLabseError(
                f"the original's preprocessor reads {texts[number]!r} otherwise than BertTokenizer does, so "
                "nothing is known of what mended changes; choose --preprocessor faithful"
            )
    return int(alike.sum())


def require_same_ids(huggingface: Path, inputs: Inputs, texts: Sequence[str]) -> None:
    """Compare the tokens of a written Hugging Face folder with those of `preprocess/`.

    Args:
        huggingface: the folder.
        inputs: what `preprocess/` gives for the texts, int32 [n, length] each.
        texts: n texts.

    Raises:
        SmallerLabseError: a text has others.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(huggingface / TOKENIZER_JSON))
    encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    rows = zip(texts, encodings, inputs[WORD_IDS], inputs[MASK], strict=True)
    for text, encoding, ids, mask in rows:
        if encoding.ids[: len(ids) - 2] != ids[1 : mask.sum() - 1].tolist():
            raise SmallerLabseError(
                f"{huggingface}: reads {text!r} otherwise than preprocess/ does; a mended model must not"
            )
