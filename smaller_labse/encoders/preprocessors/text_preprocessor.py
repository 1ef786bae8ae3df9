"""What every preprocessor is: a tokenizer, a packer, and what goes before each sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from smaller_labse.encoders.preprocessors.pack_inputs import input_packer

SENTENCES = tf.TensorSpec([None], tf.string, name="sentences")


class TextPreprocessor(tf.Module):
    """Turns strings into an encoder's inputs.

    Attributes:
        tokenize: splits strings into tokens.
        bert_pack_inputs: packs the tokens of one or two segments into an encoder's inputs; see
            `pack_inputs.input_packer`.
    """

    def __init__(
        self,
        tokenize: Callable[[tf.Tensor], tf.RaggedTensor],
        special_ids: Mapping[str, int],
        sequence_length: int,
        prompt: str = "",
    ) -> None:
        """Put a tokenizer and a packer together.

        Args:
            tokenize: strings [batch] → token ids, int32 [batch, tokens] or [batch, words, tokens].
            special_ids: see `input_packer`.
            sequence_length: how many tokens the encoder's inputs hold, the special ones included.
            prompt: what goes before every sentence, e.g. "query: ".
        """
        super().__init__(name="preprocessor")
        self.tokenize = tokenize
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
        if self._prompt:
            sentences = tf.strings.join([self._prompt, sentences])
        return self.bert_pack_inputs([self.tokenize(sentences)])
