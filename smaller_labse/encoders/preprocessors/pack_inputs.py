"""Pack and pad token ids into an encoder's inputs: special tokens, truncation, padding, mask, segments.

The same as the TF Model Garden's layer `BertPackInputs` (official/nlp/modeling/layers/text_layers.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

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
        length = tf.convert_to_tensor(seq_length, tf.int32)
        packed = _pack([merge_words(segment) for segment in inputs], length, special_ids)
        if isinstance(seq_length, int):
            return {name: tf.ensure_shape(values, [None, seq_length]) for name, values in packed.items()}
        return packed

    return tf.function(bert_pack_inputs, autograph=False)


def merge_words(segment: tf.RaggedTensor) -> tf.RaggedTensor:
    """Tokens [batch, tokens] of tokens [batch, words, tokens], without the words; others as they are.

    `RaggedTensor.merge_dims` does so too, and checks the row splits.
    """
    if segment.ragged_rank == 1:
        return segment
    row_splits = tf.gather(segment.values.row_splits, segment.row_splits)
    return tf.RaggedTensor.from_row_splits(segment.flat_values, row_splits, validate=False)


def _pack(
    segments: Sequence[tf.RaggedTensor], length: tf.Tensor, special_ids: Mapping[str, int]
) -> dict[str, tf.Tensor]:
    """Fill the places of every row from left to right: `[CLS]`, then each segment and its `[SEP]`.

    tf-text's `combine_segments` does so too, by ten times as many operations, most of which check row splits:
    writing and loading a preprocessor took most of their time for them.
    """
    place = tf.expand_dims(tf.range(length), 0)
    start, end = special_ids["start_of_sequence_id"], special_ids["end_of_segment_id"]
    # Of each segment, where every row's tokens start and end, int32 [batch, 1].
    bounds = [tf.expand_dims(tf.cast(segment.row_splits, tf.int32), 1) for segment in segments]
    firsts, ends = [bound[:-1] for bound in bounds], [bound[1:] for bound in bounds]
    kept_lengths = _kept_lengths([last - first for first, last in zip(firsts, ends, strict=True)], length)
    next_place = tf.ones_like(firsts[0])  # [CLS] has the first
    word_ids = tf.where(place < next_place, start, special_ids["padding_id"])
    type_ids = tf.zeros_like(word_ids)
    for number, (segment, first, kept) in enumerate(zip(segments, firsts, kept_lengths, strict=True)):
        after = next_place + kept
        begun = place >= next_place
        within = begun & (place < after)
        index = tf.where(within, first + place - next_place, 0)
        # A place outside takes the first token; one is added because there may be none.
        tokens = tf.gather(tf.concat([segment.flat_values, [end]], axis=0), index)
        word_ids = tf.where(within, tokens, tf.where(place == after, end, word_ids))
        if number:
            type_ids = tf.where(begun & (place <= after), number, type_ids)
        next_place = after + 1
    mask = tf.cast(place < next_place, tf.int32)
    return {"input_word_ids": word_ids, "input_mask": mask, "input_type_ids": type_ids}


def _kept_lengths(lengths: Sequence[tf.Tensor], length: tf.Tensor) -> list[tf.Tensor]:
    """How many tokens of each segment fit, int32 [batch, 1], as are the segments' lengths.

    Two segments take turns, and one has what the other leaves.
    """
    room = tf.maximum(length - len(lengths) - 1, 0)
    if len(lengths) == 1:
        return [tf.minimum(lengths[0], room)]
    first, second = lengths
    half = room // 2
    return [
        tf.minimum(first, tf.maximum(room - half, room - second)),
        tf.minimum(second, tf.maximum(half, room - first)),
    ]
