"""Pack and pad token ids into an encoder's inputs: special tokens, truncation, padding, mask, segments.

The same as the TF Model Garden's layer `BertPackInputs` (official/nlp/modeling/layers/text_layers.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf
import tensorflow_text as text

DEFAULT_SEQUENCE_LENGTH = 128  # of LaBSE's preprocessor on TF Hub


def input_packer(
    special_ids: Mapping[str, int], sequence_length: int
) -> tf.types.experimental.PolymorphicFunction:
    """Make the function that packs segments.

    Args:
        special_ids: the ids of the special tokens by TF Hub's names: `padding_id`, `start_of_sequence_id` and
            `end_of_segment_id`.
        sequence_length: the default of the function's `seq_length`, which a SavedModel keeps.
    """

    def bert_pack_inputs(
        inputs: Sequence[tf.RaggedTensor], seq_length: int | tf.Tensor = sequence_length
    ) -> dict[str, tf.Tensor]:
        """Join segments to `[CLS] first [SEP] second [SEP]`, truncated to a length or padded with `[PAD]`.

        Args:
            inputs: a list of one or two segments, each int32 [batch, tokens] or [batch, words, tokens]. What
                does not fit is left out at their ends: they take turns in taking one token more.
            seq_length: how many tokens the result holds.

        Returns:
            `input_word_ids`, `input_mask` and `input_type_ids`, each int32 [batch, seq_length].
        """
        segments = [segment.merge_dims(1, -1) if segment.ragged_rank > 1 else segment for segment in inputs]
        packed = pack(segments, tf.convert_to_tensor(seq_length, tf.int32))
        if isinstance(seq_length, int):
            return {name: tf.ensure_shape(values, [None, seq_length]) for name, values in packed.items()}
        return packed

    # A function of its own, because it is long and otherwise would be in every function that packs.
    @tf.function(autograph=False)
    def pack(segments: Sequence[tf.RaggedTensor], seq_length: tf.Tensor) -> dict[str, tf.Tensor]:
        special_tokens = len(segments) + 1
        tokens, types = text.combine_segments(
            text.RoundRobinTrimmer(seq_length - special_tokens).trim(segments),
            start_of_sequence_id=special_ids["start_of_sequence_id"],
            end_of_segment_id=special_ids["end_of_segment_id"],
        )
        word_ids, mask = text.pad_model_inputs(tokens, seq_length, pad_value=special_ids["padding_id"])
        type_ids, _ = text.pad_model_inputs(types, seq_length)
        return {"input_word_ids": word_ids, "input_mask": mask, "input_type_ids": type_ids}

    return tf.function(bert_pack_inputs, autograph=False)
