"""The preprocessor of a tokenizer, in TensorFlow: built, saved as a SavedModel, and a saved one's length."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework.types_pb2 import DT_INT32
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_limited
from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor
from smaller_labse.encoders.preprocessors.lealla_preprocessor import LEALLAPreprocessor
from smaller_labse.encoders.preprocessors.mended_preprocessor import MendedPreprocessor
from smaller_labse.encoders.preprocessors.sentencepiece_preprocessor import SentencePiecePreprocessor
from smaller_labse.encoders.preprocessors.text_preprocessor import TextPreprocessor
from smaller_labse.encoders.write_saved_model import write_saved_model
from smaller_labse.originals.tfhub import SAVED_MODEL
from smaller_labse.originals.tokenizers.base import (
    BertTokenizerSetup,
    LEALLASetup,
    MendedSetup,
    SentencePieceSetup,
    TensorFlowSetup,
)
from smaller_labse.originals.weights.saved_model_graph import LARGEST_GRAPH


def build_preprocessor(setup: TensorFlowSetup, sequence_length: int, prompt: str = "") -> TextPreprocessor:
    """The preprocessor for a tokenizer.

    Args:
        setup: what `Tokenizer.write_for_tensorflow` wrote.
        sequence_length: how many tokens inputs are truncated to.
        prompt: what goes before every sentence.

    Raises:
        SmallerLabseError: a special token is missing.
    """
    match setup:
        case BertTokenizerSetup():
            return BertPreprocessor(setup.file, setup.lower_case, sequence_length, prompt)
        case MendedSetup():
            return MendedPreprocessor(setup.file, sequence_length, prompt)
        case LEALLASetup():
            return LEALLAPreprocessor(setup.file, sequence_length, prompt)
        case SentencePieceSetup():
            return SentencePiecePreprocessor(setup, sequence_length, prompt)


def save_preprocessor(preprocessor: TextPreprocessor, folder: Path) -> None:
    """Write a preprocessor as a SavedModel with TF Hub's common interface of text preprocessors.

    It can be called like the preprocessor itself, as can its parts `tokenize` and `bert_pack_inputs`; its
    signature `serving_default` takes `sentences` and returns the encoder's inputs by their names.

    Args:
        preprocessor: the preprocessor.
        folder: where to write it; an empty folder or none yet.
    """

    def trace() -> dict[str, tf.types.experimental.ConcreteFunction]:
        for ragged_rank in (1, 2):
            for segments in (1, 2):
                preprocessor.bert_pack_inputs.get_concrete_function(
                    [tf.RaggedTensorSpec([None] * (ragged_rank + 1), tf.int32)] * segments,
                    seq_length=tf.TensorSpec([], tf.int32, name="seq_length"),
                )
        return {"serving_default": preprocessor.__call__.get_concrete_function()}

    write_saved_model(preprocessor, folder, trace)


def read_sequence_length(preprocess: Path) -> int:
    """How many tokens an original's preprocessor packs into the encoder's inputs.

    It stands in the shapes that its signature `serving_default` returns; the graph is not loaded.

    Args:
        preprocess: the preprocessor's SavedModel folder.

    Raises:
        SmallerLabseError: there is no such signature, or it does not return tensors of one fixed length.
    """
    file = preprocess / SAVED_MODEL
    expected = "expected a preprocessor in LaBSE's TF Hub format"
    try:
        saved_model = SavedModel.FromString(read_limited(file, LARGEST_GRAPH, "a SavedModel's graph"))
    except FileNotFoundError:
        raise SmallerLabseError(f"{file}: there is no such file; {expected}") from None
    except DecodeError:
        raise SmallerLabseError(f"{file}: no SavedModel in it; {expected}") from None
    signatures = saved_model.meta_graphs[0].signature_def if saved_model.meta_graphs else {}
    if "serving_default" not in signatures:
        raise SmallerLabseError(f"{file}: no signature serving_default in it; {expected}")
    lengths = {_fixed_length(output) for output in signatures["serving_default"].outputs.values()}
    length = lengths.pop() if len(lengths) == 1 else None
    if length is None:
        raise SmallerLabseError(
            f"{file}: serving_default does not return int32 tensors of one fixed length; {expected}"
        )
    return length


def _fixed_length(output: TensorInfo) -> int | None:
    """n of an int32 tensor [batch, n], None of any other."""
    sizes = [dimension.size for dimension in output.tensor_shape.dim]
    return sizes[1] if output.dtype == DT_INT32 and len(sizes) == 2 and sizes[1] > 0 else None
