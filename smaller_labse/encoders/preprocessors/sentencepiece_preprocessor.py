"""The preprocessor of an encoder with SentencePiece tokens: tf-text's, with the same interface as LaBSE's."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as text

from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.text_preprocessor import SENTENCES, TextPreprocessor
from smaller_labse.originals.tokenizers.base import SentencePieceSetup


class SentencePiecePreprocessor(TextPreprocessor):
    """Turns strings into an encoder's inputs; see `TextPreprocessor`.

    Attributes:
        vocab_file: the pieces by token id, which `load` reads.
    """

    def __init__(
        self, setup: SentencePieceSetup, sequence_length: int = DEFAULT_SEQUENCE_LENGTH, prompt: str = ""
    ) -> None:
        """Read a SentencePiece model.

        Args:
            setup: the model's file and the token ids of its pieces.
            sequence_length: how many tokens the encoder's inputs hold, `<s>` and `</s>` included.
            prompt: what goes before every sentence, e.g. "query: ".
        """
        special_ids = {
            "padding_id": setup.padding_id,
            "start_of_sequence_id": setup.start_id,
            "end_of_segment_id": setup.end_id,
        }
        super().__init__(SentencePieceTokenizer(setup), special_ids, sequence_length, prompt)
        self.vocab_file = tf.saved_model.Asset(str(setup.vocabulary))


class SentencePieceTokenizer(tf.Module):
    """Splits strings into tokens."""

    def __init__(self, setup: SentencePieceSetup) -> None:
        """See `SentencePiecePreprocessor`."""
        super().__init__(name="tokenize")
        self._tokenizer = text.SentencepieceTokenizer(setup.file.read_bytes(), out_type=tf.int32)
        self._token_ids = tf.constant(setup.token_ids, tf.int32)

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """The ids of the tokens of `sentences` (strings [batch]): int32 [batch, tokens]."""
        pieces = self._tokenizer.tokenize(sentences)
        return pieces.with_flat_values(tf.gather(self._token_ids, pieces.flat_values))
