"""LaBSE's preprocessor: from strings to an encoder's inputs, and its SavedModel.

The same as the TF Model Garden's layers `BertTokenizer` and `BertPackInputs`, which LaBSE's preprocessor on
TF Hub was exported from (official/nlp/modeling/layers/text_layers.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_text as text
from google.protobuf.message import DecodeError
from tensorflow.core.framework.types_pb2 import DT_INT32
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tfhub import SAVED_MODEL

SENTENCES = tf.TensorSpec([None], tf.string, name="sentences")
SPECIAL_PIECES = {
    "padding_id": "[PAD]",
    "start_of_sequence_id": "[CLS]",
    "end_of_segment_id": "[SEP]",
    "mask_id": "[MASK]",
}
UNKNOWN_PIECE = "[UNK]"
DEFAULT_SEQUENCE_LENGTH = 128  # of LaBSE's preprocessor on TF Hub


class Preprocessor(tf.Module):
    """Turns strings into an encoder's inputs.

    Attributes:
        tokenize: splits strings into pieces.
        bert_pack_inputs: packs the pieces of one or two segments into an encoder's inputs; see
            `input_packer`.
    """

    def __init__(
        self,
        vocabulary: Path,
        lower_case: bool = False,
        sequence_length: int = DEFAULT_SEQUENCE_LENGTH,
        prompt: str = "",
    ) -> None:
        """Read the vocabulary.

        Args:
            vocabulary: a WordPiece vocabulary, one piece a line.
            lower_case: whether to lower-case the text and to strip its accents; LaBSE does not.
            sequence_length: how many pieces the encoder's inputs hold, `[CLS]` and `[SEP]` included.
            prompt: what goes before every sentence.

        Raises:
            SmallerLabseError: a special piece is missing.
        """
        super().__init__(name="preprocessor")
        self.tokenize = Tokenizer(vocabulary, lower_case)
        self.bert_pack_inputs = input_packer(self.tokenize.special_ids, sequence_length)
        self._prompt = prompt

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> dict[str, tf.Tensor]:
        """Preprocess sentences.

        Args:
            sentences: strings [batch], in UTF-8.

        Returns:
            `input_word_ids`, `input_mask` and `input_type_ids`, each int32 [batch, sequence_length].
        """
        if self._prompt:
            sentences = tf.strings.join([self._prompt, sentences])
        return self.bert_pack_inputs([self.tokenize(sentences)])


class Tokenizer(tf.Module):
    """Splits strings into words, and words into pieces.

    Attributes:
        special_ids: the special pieces' ids, by the names that TF Hub gives them.
    """

    def __init__(self, vocabulary: Path, lower_case: bool) -> None:
        """See `Preprocessor`."""
        super().__init__(name="tokenize")
        lines = tf.lookup.TextFileInitializer(
            str(vocabulary),
            key_dtype=tf.string,
            key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
            value_dtype=tf.int64,
            value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self._table = tf.lookup.StaticHashTable(lines, default_value=-1)
        self._tokenizer = text.BertTokenizer(self._table, lower_case=lower_case, token_out_type=tf.int32)
        for piece in (*SPECIAL_PIECES.values(), UNKNOWN_PIECE):
            if self._find(piece) < 0:
                raise SmallerLabseError(
                    f"{vocabulary}: {piece} is missing, expected it among the pieces of a BERT vocabulary"
                )
        self.special_ids = {name: self._find(piece) for name, piece in SPECIAL_PIECES.items()}

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """The ids of the pieces of `sentences` (strings [batch]): int32 [batch, words, pieces]."""
        return self._tokenizer.tokenize(sentences)

    @tf.function(input_signature=[], autograph=False)
    def get_special_tokens_dict(self) -> dict[str, tf.Tensor]:
        """`special_ids` and `vocab_size`, int32 [], for users of the SavedModel."""
        ids = {name: tf.constant(number) for name, number in self.special_ids.items()}
        return ids | {"vocab_size": tf.cast(self._table.size(), tf.int32)}

    def _find(self, piece: str) -> int:
        return int(self._table.lookup(tf.constant(piece)))


def save_preprocessor(preprocessor: Preprocessor, folder: Path) -> None:
    """Write a preprocessor as a SavedModel with TF Hub's common interface of text preprocessors.

    It can be called like the preprocessor itself, as can its parts `tokenize` and `bert_pack_inputs`; its
    signature `serving_default` takes `sentences` and returns the encoder's inputs by their names.

    Args:
        preprocessor: the preprocessor.
        folder: where to write it; an empty folder or none yet.
    """
    for ragged_rank in (1, 2):
        for segments in (1, 2):
            preprocessor.bert_pack_inputs.get_concrete_function(
                [tf.RaggedTensorSpec([None] * (ragged_rank + 1), tf.int32)] * segments,
                seq_length=tf.TensorSpec([], tf.int32),
            )
    signature = preprocessor.__call__.get_concrete_function()
    tf.saved_model.save(preprocessor, str(folder), signatures={"serving_default": signature})


def read_sequence_length(preprocess: Path) -> int:
    """How many pieces an original's preprocessor packs into the encoder's inputs.

    It stands in the shapes that its signature `serving_default` returns; the graph is not loaded.

    Args:
        preprocess: the preprocessor's SavedModel folder.

    Raises:
        SmallerLabseError: there is no such signature, or it does not return tensors of one fixed length.
    """
    file = preprocess / SAVED_MODEL
    expected = "expected a preprocessor in LaBSE's TF Hub format"
    try:
        saved_model = SavedModel.FromString(file.read_bytes())
    except FileNotFoundError:
        raise SmallerLabseError(f"{file}: there is no such file; {expected}") from None
    except DecodeError:
        raise SmallerLabseError(f"{file}: no SavedModel in it; {expected}") from None
    signatures = saved_model.meta_graphs[0].signature_def if saved_model.meta_graphs else {}
    if "serving_default" not in signatures:
        raise SmallerLabseError(f"{file}: no signature serving_default in it; {expected}")
    lengths = {_fixed_length(output) for output in signatures["serving_default"].outputs.values()}
    if len(lengths) != 1 or None in lengths:
        raise SmallerLabseError(
            f"{file}: serving_default does not return int32 tensors of one fixed length; {expected}"
        )
    return lengths.pop()


def input_packer(
    special_ids: dict[str, int], sequence_length: int
) -> tf.types.experimental.PolymorphicFunction:
    """Make the function that packs segments; `sequence_length` is its default, which a SavedModel keeps."""

    def bert_pack_inputs(
        inputs: Sequence[tf.RaggedTensor], seq_length: int | tf.Tensor = sequence_length
    ) -> dict[str, tf.Tensor]:
        """Join segments to `[CLS] first [SEP] second [SEP]`, cut to length or padded with `[PAD]`.

        Args:
            inputs: a list of one or two segments, each int32 [batch, pieces] or [batch, words, pieces]. What
                does not fit is cut off their ends: they take turns in taking one piece more.
            seq_length: how many pieces the result holds.

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
        special_pieces = len(segments) + 1
        pieces, types = text.combine_segments(
            text.RoundRobinTrimmer(seq_length - special_pieces).trim(segments),
            start_of_sequence_id=special_ids["start_of_sequence_id"],
            end_of_segment_id=special_ids["end_of_segment_id"],
        )
        word_ids, mask = text.pad_model_inputs(pieces, seq_length, pad_value=special_ids["padding_id"])
        type_ids, _ = text.pad_model_inputs(types, seq_length)
        return {"input_word_ids": word_ids, "input_mask": mask, "input_type_ids": type_ids}

    return tf.function(bert_pack_inputs, autograph=False)


def _fixed_length(output: TensorInfo) -> int | None:
    """n of an int32 tensor [batch, n], None of any other."""
    sizes = [dimension.size for dimension in output.tensor_shape.dim]
    return sizes[1] if output.dtype == DT_INT32 and len(sizes) == 2 and sizes[1] > 0 else None
