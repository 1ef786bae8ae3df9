"""The preprocessor of an encoder with SentencePiece tokens: tf-text's, with the same interface as LaBSE's."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as text

from smaller_labse.encoders.preprocessors.bert_preprocessor import SENTENCES
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH, input_packer
from smaller_labse.originals.tokenizers.base import SentencePieceSetup


class SentencePiecePreprocessor(tf.Module):
    """Turns strings into an encoder's inputs.

    Attributes:
        tokenize: splits strings into tokens.
        bert_pack_inputs: packs the tokens of one or two segments into an encoder's inputs; see
            `pack_inputs.input_packer`.
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
        super().__init__(name="preprocessor")
        self.tokenize = SentencePieceTokenizer(setup)
        special_ids = {
            "padding_id": setup.padding_id,
            "start_of_sequence_id": setup.start_id,
            "end_of_segment_id": setup.end_id,
        }
        self.bert_pack_inputs = input_packer(special_ids, sequence_length)
        self.vocab_file = tf.saved_model.Asset(str(setup.vocabulary))
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
