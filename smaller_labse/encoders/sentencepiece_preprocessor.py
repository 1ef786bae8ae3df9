"""The preprocessor of an encoder with SentencePiece pieces: tf-text's, with the same interface as LaBSE's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text as text

from smaller_labse.encoders.bert_preprocessor import DEFAULT_SEQUENCE_LENGTH, SENTENCES, input_packer


@dataclass(frozen=True)
class PieceIds:
    """Which rows of the table the pieces of a SentencePiece model have.

    Attributes:
        of_piece: SentencePiece's id → row, int32 [pieces].
        start: the row of the piece before a text, `<s>`.
        end: the row of the piece behind it, `</s>`.
        padding: the row of `<pad>`.
    """

    of_piece: np.ndarray
    start: int
    end: int
    padding: int


class SentencePiecePreprocessor(tf.Module):
    """Turns strings into an encoder's inputs.

    Attributes:
        tokenize: splits strings into pieces.
        bert_pack_inputs: packs the pieces of one or two segments into an encoder's inputs; see
            `preprocessor.input_packer`.
    """

    def __init__(
        self, model: Path, ids: PieceIds, sequence_length: int = DEFAULT_SEQUENCE_LENGTH, prompt: str = ""
    ) -> None:
        """Read a SentencePiece model.

        Args:
            model: the file, e.g. `sentencepiece.bpe.model`.
            ids: the rows of its pieces.
            sequence_length: how many pieces the encoder's inputs hold, `<s>` and `</s>` included.
            prompt: what goes before every sentence, e.g. "query: ".
        """
        super().__init__(name="preprocessor")
        self.tokenize = SentencePieceTokenizer(model, ids.of_piece)
        special_ids = {
            "padding_id": ids.padding,
            "start_of_sequence_id": ids.start,
            "end_of_segment_id": ids.end,
        }
        self.bert_pack_inputs = input_packer(special_ids, sequence_length)
        self._prompt = prompt

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> dict[str, tf.Tensor]:
        """Preprocess sentences.

        Args:
            sentences: strings [batch], in UTF-8; the prompt goes before each.

        Returns:
            `input_word_ids`, `input_mask` and `input_type_ids`, each int32 [batch, sequence_length].
        """
        return self.bert_pack_inputs([self.tokenize(tf.strings.join([self._prompt, sentences]))])


class SentencePieceTokenizer(tf.Module):
    """Splits strings into pieces."""

    def __init__(self, model: Path, of_piece: np.ndarray) -> None:
        """See `PieceIds`."""
        super().__init__(name="tokenize")
        self._tokenizer = text.SentencepieceTokenizer(model.read_bytes(), out_type=tf.int32)
        self._of_piece = tf.constant(of_piece, tf.int32)

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """The ids of the pieces of `sentences` (strings [batch]): int32 [batch, pieces]."""
        pieces = self._tokenizer.tokenize(sentences)
        return pieces.with_flat_values(tf.gather(self._of_piece, pieces.flat_values))
