"""WordPiece as Hugging Face folders hold it: `tokenizer.json`, or a `vocab.txt` and BERT's settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.preprocessors import FAITHFUL, MENDED
from smaller_labse.originals.tokenizers.base import (
    BertTokenizerSetup,
    LEALLASetup,
    MendedSetup,
    TensorFlowSetup,
)
from smaller_labse.originals.tokenizers.compiled.mended_words import LONGEST_PART, mended_kinds
from smaller_labse.originals.tokenizers.kept_characters import wordpiece_characters, wordpiece_unreadable
from smaller_labse.originals.tokenizers.lealla import KIND as LEALLA
from smaller_labse.originals.tokenizers.lealla import is_lealla_json, lealla_fingerprint
from smaller_labse.originals.tokenizers.tokenizer_files import (
    TOKENIZER_JSON,
    VOCABULARY,
    TokenizerSettings,
    write_files_beside,
)
from smaller_labse.originals.tokenizers.tokenizer_json import (
    TokenizerJson,
    errors_of_tokenizers,
    require_kept,
    write_trimmed_json,
)
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset, distinct_ids, write_pieces
from smaller_labse.originals.tokenizers.wordpiece import (
    CONTINUATION,
    END,
    MASK,
    PADDING,
    START,
    UNKNOWN,
    mended_fingerprint,
    special_pieces,
    text_of,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# What transformers' `BertTokenizer` calls the special tokens, and what they are unless it is told otherwise.
SPECIAL_TOKENS = {
    "unk_token": UNKNOWN,
    "sep_token": END,
    "pad_token": PADDING,
    "cls_token": START,
    "mask_token": MASK,
}


class HuggingFaceWordPiece:
    """A WordPiece vocabulary, tokenized as Hugging Face does, not quite as tf-text does; a `Tokenizer`.

    Attributes:
        kind: "wordpiece", or "lealla" where words are split as LEALLA's are.
        json_file: the `tokenizer.json`.
        special_ids: added tokens, those that the folder's files name, `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`,
            `[MASK]` and the `[unused…]` ones; int32, ascending.
    """

    preprocessor = FAITHFUL

    def __init__(self, json_file: TokenizerJson, special_ids: Iterable[int] = ()) -> None:
        """Take a tokenizer whose model is WordPiece.

        Args:
            json_file: the tokenizer.
            special_ids: ids that other files of its folder name.

        Raises:
            SmallerLabseError: it has no unknown piece.
        """
        self.json_file = json_file
        self.file, self.pieces, self.ids = json_file.file, json_file.pieces, json_file.ids
        self.fingerprint, self.without_embedding = json_file.fingerprint, json_file.without_embedding
        self.kind = "wordpiece"
        if is_lealla_json(json_file.content):
            self.kind, self.fingerprint = LEALLA, lealla_fingerprint(self.fingerprint)
        unknown = json_file.model.get("unk_token")
        if unknown not in self.ids:
            raise SmallerLabseError(f"{self.file}: the unknown piece {unknown!r} is not in the vocabulary")
        self.unknown_id = self.ids[unknown]
        self._continuation: str = json_file.model.get("continuing_subword_prefix", CONTINUATION)
        special = {self.unknown_id, *json_file.named_ids, *special_ids, *special_pieces(self.pieces)}
        self.special_ids = np.array(sorted(special), dtype=np.int32)

    @property
    def ranked_ids(self) -> np.ndarray:
        """See `Tokenizer`; the vocabulary's own order."""
        return np.arange(len(self.pieces), dtype=np.int32)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize`."""
        return self.json_file.tokenize(lines)

    @property
    def word_kinds(self) -> np.ndarray | None:
        """See `compiled.huggingface_words.word_kinds`."""
        return self.json_file.word_kinds

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize_words`."""
        return self.json_file.tokenize_words(text, starts)

    def with_dependencies(self, ids: np.ndarray) -> np.ndarray:
        """The ids themselves, ascending: longest-match needs no pieces besides those that it finds."""
        return distinct_ids(ids).astype(np.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """See `kept_characters.wordpiece_characters`."""
        return wordpiece_characters(seen, self.pieces, self.ids, self.special_ids, self._continuation)

    def unreadable(self, ids: Iterable[int], kept: np.ndarray) -> list[int]:
        """See `kept_characters.wordpiece_unreadable`."""
        return wordpiece_unreadable(ids, self.pieces, kept, self._continuation)

    def text_of(self, token_id: int) -> str:
        """See `wordpiece.text_of`."""
        return text_of(self.pieces[token_id], self._continuation)

    def write_subset(self, subset: VocabularySubset, folder: Path) -> None:
        """Write `tokenizer.json`, `vocab.txt` and the files beside; see `Tokenizer`."""
        require_kept(subset, self.json_file)
        kept, of_model = subset.pieces_of(self.pieces), self.json_file.model["vocab"]
        in_model = [self.pieces[token_id] in of_model for token_id in subset.original_ids.tolist()]
        vocabulary = {piece: new_id for new_id, piece in enumerate(kept) if in_model[new_id]}
        model = self.json_file.model | {"vocab": vocabulary}
        write_trimmed_json(self.json_file, model, subset, folder / TOKENIZER_JSON)
        write_pieces(kept, folder / VOCABULARY)
        write_files_beside(self.file.parent, subset, len(self.pieces), folder)

    def write_for_tensorflow(self, folder: Path) -> TensorFlowSetup:
        """Write `vocab.txt`; see `Tokenizer`."""
        write_pieces(self.pieces, folder / VOCABULARY)
        if self.kind == LEALLA:
            return LEALLASetup(folder / VOCABULARY)
        normalizer = self.json_file.content.get("normalizer") or {}
        return BertTokenizerSetup(folder / VOCABULARY, bool(normalizer.get("lowercase", False)))


class MendedHuggingFaceWordPiece(HuggingFaceWordPiece):
    """What `mended_tokenizer_json` wrote, in the `huggingface/` of a mended model; a `Tokenizer`."""

    preprocessor = MENDED

    def __init__(self, json_file: TokenizerJson, special_ids: Iterable[int] = ()) -> None:
        """See `HuggingFaceWordPiece`."""
        super().__init__(json_file, special_ids)
        self.fingerprint = mended_fingerprint(json_file.fingerprint)
        # Where transformers saved the folder anew, special tokens are added tokens.
        json_file.backend.encode_special_tokens = True

    @property
    def word_kinds(self) -> np.ndarray:
        """See `mended_kinds`."""
        return mended_kinds()

    def write_for_tensorflow(self, folder: Path) -> MendedSetup:
        """Write `vocab.txt`; see `Tokenizer`."""
        write_pieces(self.pieces, folder / VOCABULARY)
        return MendedSetup(folder / VOCABULARY)


def mended_tokenizer_json(pieces: Sequence[str]) -> str:
    """The `tokenizer.json` of `mended_backend`."""
    return str(mended_backend(pieces).to_str(pretty=True))


def mended_backend(pieces: Sequence[str]) -> Tokenizer:
    """The tokenizer of the library tokenizers that reads every text as `MendedWordPiece` does.

    It has no added tokens: in a text, `[MASK]` is three words, as for LaBSE's own preprocessor. transformers
    adds them, and must be told `split_special_tokens`.

    Args:
        pieces: the vocabulary, by token id.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    ids = {piece: token_id for token_id, piece in enumerate(pieces)}
    model = models.WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_PART)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=False
    )
    parts = pre_tokenizers.Split(Regex(f".{{1,{LONGEST_PART}}}"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), parts])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START}:0 $A:0 {END}:0",
        pair=f"{START}:0 $A:0 {END}:0 $B:1 {END}:1",
        special_tokens=[(START, ids[START]), (END, ids[END])],
    )
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUATION, cleanup=True)
    return tokenizer


def is_mended(content: dict[str, Any]) -> bool:
    """Whether a `tokenizer.json` reads text as that of `mended_tokenizer_json`; its content, parsed."""
    model = content["model"]
    ours = json.loads(mended_tokenizer_json((UNKNOWN, START, END)))
    steps = ("normalizer", "pre_tokenizer")
    settings = ("max_input_chars_per_word", "continuing_subword_prefix", "unk_token")
    return all(content.get(step) == ours[step] for step in steps) and all(
        model.get(setting) == ours["model"][setting] for setting in settings
    )


def bert_tokenizer_json(pieces: Sequence[str], settings: TokenizerSettings, file: Path) -> str:
    """The `tokenizer.json` that transformers' `BertTokenizer` makes of a `vocab.txt`.

    Args:
        pieces: the vocabulary, by token id.
        settings: the folder's; what they do not say is as `BertTokenizer` has it, which lower-cases unless
            told not to.
        file: the vocabulary's, for messages.

    Raises:
        SmallerLabseError: a special token is not in the vocabulary.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    ids = {piece: token_id for token_id, piece in enumerate(pieces)}
    special = {name: settings.token(name, default) for name, default in SPECIAL_TOKENS.items()}
    for name, piece in special.items():
        if piece not in ids:
            raise SmallerLabseError(f"{file}: the {name} {piece!r} is not in the vocabulary")
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=special["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.tokenize_chinese_chars is not False,
        strip_accents=settings.strip_accents,
        lowercase=settings.do_lower_case is not False,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    start, end = special["cls_token"], special["sep_token"]
    with errors_of_tokenizers(file, "its special tokens cannot be put around a text"):
        tokenizer.post_processor = processors.TemplateProcessing(
            single=[f"{start}:0", "$A:0", f"{end}:0"],
            pair=[f"{start}:0", "$A:0", f"{end}:0", "$B:1", f"{end}:1"],
            special_tokens=[(start, ids[start]), (end, ids[end])],
        )
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUATION)
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in special.values()])
    return tokenizer.to_str()
