"""Open an original's tokenizer: of a TF Hub model, or of a Hugging Face folder, whatever its family."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import LARGEST, read_limited, read_text
from smaller_labse.originals.huggingface import read_config
from smaller_labse.originals.preprocessors import FAITHFUL, MENDED
from smaller_labse.originals.tfhub import AnyCheckpoint, TFHubFolders, find_vocabulary
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.bpe import BytePairEncoding
from smaller_labse.originals.tokenizers.huggingface_wordpiece import (
    HuggingFaceWordPiece,
    MendedHuggingFaceWordPiece,
    bert_tokenizer_json,
    is_mended,
)
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.originals.tokenizers.sentencepiece_conversion import SAVE_IT, t5_json, xlm_roberta_json
from smaller_labse.originals.tokenizers.sentencepiece_model import find_sentencepiece, read_sentencepiece
from smaller_labse.originals.tokenizers.tokenizer_files import (
    TOKENIZER_JSON,
    VOCABULARY,
    TokenizerSettings,
    ids_named_beside,
    read_tokenizer_settings,
)
from smaller_labse.originals.tokenizers.tokenizer_json import parse_tokenizer_json
from smaller_labse.originals.tokenizers.unigram import Unigram
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.originals.tokenizers.wordpiece import MendedWordPiece, WordPiece

# How a model's type, or the name of its tokenizer's class, says which pieces have which ids.
T5 = ("t5", "mt5", "umt5", "T5Tokenizer", "T5TokenizerFast")
XLM_ROBERTA = ("xlm-roberta", "xlm-roberta-xl", "XLMRobertaTokenizer", "XLMRobertaTokenizerFast")
BERT = ("bert", "BertTokenizer", "BertTokenizerFast")


def open_huggingface_tokenizer(folder: Path, vocab_size: int) -> Tokenizer:
    """The tokenizer of a Hugging Face folder.

    Read from `tokenizer.json`; where there is none, from a SentencePiece model or from `vocab.txt`, as
    transformers reads these for XLM-R, T5 and BERT. Where both forms are there, they must have the same
    pieces and scores.

    Args:
        folder: the folder.
        vocab_size: how many rows the embedding matrix has; those beyond the tokenizer's pieces are padding.

    Returns:
        The tokenizer; all its pieces have rows.

    Raises:
        SmallerLabseError: there is no tokenizer, it is of no known family, its files are damaged or
            contradict each other, or the embedding matrix has fewer rows than it has pieces.
    """
    file, text = _tokenizer_json(folder)
    json_file = parse_tokenizer_json(text, file, vocab_size)
    special_ids = ids_named_beside(folder, len(json_file.pieces))
    family = _family(json_file.model)
    if family == "WordPiece":
        kind = MendedHuggingFaceWordPiece if is_mended(json_file.content) else HuggingFaceWordPiece
        return kind(json_file, special_ids)
    if family == "BPE":
        return BytePairEncoding(json_file, special_ids)
    if family == "Unigram":
        found = find_sentencepiece(folder)
        return Unigram(json_file, (found, read_sentencepiece(found)) if found else None, special_ids)
    raise SmallerLabseError(f"{file}: the model is {family}, expected WordPiece, Unigram or BPE")


def open_tfhub_tokenizer(original: TFHubFolders, checkpoint: AnyCheckpoint) -> WordPiece:
    """The tokenizer of a TF Hub original.

    Args:
        original: where its parts are.
        checkpoint: its encoder's.

    Raises:
        UsageError: a preprocessor is chosen that it does not have.
        SmallerLabseError: the vocabulary is not that of the embedding matrix, or not the preprocessor's.
    """
    if original.chosen not in (None, *preprocessors_of(checkpoint)):
        raise UsageError(_no_choice(original, checkpoint))
    file = find_vocabulary(original.encoder)
    tokenizer = _wordpiece(file, checkpoint, original.chosen)
    vocab_size, _ = checkpoint.embedding_matrix_shape
    if len(tokenizer.pieces) != vocab_size:
        raise SmallerLabseError(
            f"{file}: {len(tokenizer.pieces):,} pieces, but the embedding matrix has {vocab_size:,} rows; "
            "they do not belong together"
        )
    if original.preprocess is not None:
        other = find_vocabulary(original.preprocess)
        if read_limited(other, LARGEST, "a list of tokens") != file.read_bytes():
            raise SmallerLabseError(
                f"{other}: not the same vocabulary as {file}; preprocessor and encoder do not belong together"
            )
    return tokenizer


def preprocessors_of(checkpoint: AnyCheckpoint) -> tuple[str, ...]:
    """How the text of a TF Hub original can be read, the default first; none where there is no choice."""
    if checkpoint.splits_by_script:
        return ()
    if checkpoint.mended:
        return (MENDED,)
    return (FAITHFUL,) if checkpoint.lower_case else (FAITHFUL, MENDED)


def _wordpiece(file: Path, checkpoint: AnyCheckpoint, chosen: str | None) -> WordPiece:
    if checkpoint.splits_by_script:
        return LEALLATokenizer(file)
    if MENDED in (chosen, *preprocessors_of(checkpoint)[:1]):
        return MendedWordPiece(file)
    return WordPiece(file, checkpoint.lower_case)


def _no_choice(original: TFHubFolders, checkpoint: AnyCheckpoint) -> str:
    """What is said where a preprocessor is chosen that an original does not have."""
    reasons = {
        (): "LEALLA has a preprocessor of its own",
        (MENDED,): "its preprocessor is mended already, and its rows are trimmed to that",
        (FAITHFUL,): "its vocabulary is lower-case, and mended is for vocabularies that are not",
    }
    reason = reasons[preprocessors_of(checkpoint)]
    return f"--preprocessor {original.chosen}: {original.name} cannot be read so, {reason}; leave it out"


def read_vocabulary(folder: Path) -> list[str]:
    """The pieces, by token id, of a tokenizer that `Tokenizer.write_subset` wrote.

    Raises:
        SmallerLabseError: there is none, or it is damaged.
    """
    file = folder / TOKENIZER_JSON
    if not file.exists():
        return read_pieces(folder / VOCABULARY)
    return parse_tokenizer_json(read_text(file), file, vocab_size=sys.maxsize).pieces


def _tokenizer_json(folder: Path) -> tuple[Path, str]:
    """The file that the tokenizer is in, and its content as a `tokenizer.json`."""
    if (folder / TOKENIZER_JSON).exists():
        return folder / TOKENIZER_JSON, read_text(folder / TOKENIZER_JSON)
    sentencepiece = find_sentencepiece(folder)
    if sentencepiece is not None:
        return sentencepiece, _from_sentencepiece(folder, sentencepiece)
    vocabulary = folder / VOCABULARY
    if vocabulary.exists():
        settings = read_tokenizer_settings(folder)
        if not _is_one_of(folder, settings, BERT):
            raise SmallerLabseError(f"{vocabulary}: the tokenizer is not BERT's; {SAVE_IT}")
        return vocabulary, bert_tokenizer_json(read_pieces(vocabulary), settings, vocabulary)
    raise SmallerLabseError(
        f"{folder}: no tokenizer in it, expected {TOKENIZER_JSON}, sentencepiece.bpe.model or {VOCABULARY}; "
        f"{SAVE_IT}"
    )


def _from_sentencepiece(folder: Path, file: Path) -> str:
    settings = read_tokenizer_settings(folder)
    model = read_sentencepiece(file)
    if _is_one_of(folder, settings, T5):
        return t5_json(model, settings, file)
    if _is_one_of(folder, settings, (*XLM_ROBERTA, "bert")):
        return xlm_roberta_json(model, settings, file)
    raise SmallerLabseError(f"{file}: the tokenizer is neither XLM-R's nor T5's; {SAVE_IT}")


def _is_one_of(folder: Path, settings: TokenizerSettings, names: tuple[str, ...]) -> bool:
    """Whether the tokenizer's class, or where nothing says it the model's type, is one of these."""
    config = read_config(folder)
    return (settings.tokenizer_class or config.tokenizer_class or config.model_type) in names


def _family(model: Mapping[str, Any]) -> object:
    """The type of a model, which files of older tokenizers do not say."""
    if "type" in model:
        return model["type"]
    if "merges" in model:
        return "BPE"
    return "Unigram" if isinstance(model.get("vocab"), list) else "WordPiece"
