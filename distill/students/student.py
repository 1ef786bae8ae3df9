"""The student: a model's encoder with some of its layers, and how it is written when it is trained."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, write_json
from smaller_labse.distill.students.lealla import open_lealla
from smaller_labse.encoders.bert import Encoder, save_encoder
from smaller_labse.encoders.config import EncoderConfig, infer_config, is_rebuilt
from smaller_labse.encoders.from_huggingface import build_encoder, read_encoder
from smaller_labse.encoders.labse_tensor_names import bert_model_names
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.preprocessor import (
    build_preprocessor,
    read_sequence_length,
    save_preprocessor,
)
from smaller_labse.encoders.prompt import prompt_of
from smaller_labse.encoders.sentence_transformers_folder import MODULES
from smaller_labse.encoders.sentence_transformers_modules import (
    TORCH_ACTIVATIONS,
    DenseModule,
    write_sentence_transformers,
)
from smaller_labse.encoders.side_files import TOKENIZER_FILES, find_side_files
from smaller_labse.encoders.to_huggingface import torch_values, write_huggingface
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder
from smaller_labse.originals.locate import locate_original
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, PREPROCESS
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import (
    open_huggingface_tokenizer,
    open_tfhub_tokenizer,
)
from smaller_labse.originals.weights.checkpoint import Checkpoint
from smaller_labse.originals.weights.safetensors_file import Tensor
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS, open_safetensors
from smaller_labse.originals.weights.safetensors_writer import NewTensor, write_safetensors

# What of a `config.json` is another than before, by the names that transformers and `EncoderConfig` share.
SIZES = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")

ReadTensor = Callable[[str], np.ndarray]


class Student(Protocol):
    """A model of which a student is made.

    Attributes:
        folder: where the files are that it is made from.
        config: of its encoder, with all layers.
        tokenizer: its own, which the student keeps.
        sequence_length: the length in tokens that it truncates texts at.
        prompt: what goes before every text.
        can_have_dense: whether its format has dense layers behind the pooling.
    """

    folder: Path
    config: EncoderConfig
    tokenizer: Tokenizer
    sequence_length: int
    prompt: str
    can_have_dense: bool

    def read_tensor(self, name: str) -> np.ndarray:
        """The tensor of a name in `config.tensor_shapes()`, float32."""
        ...

    def write(self, folder: Path, config: EncoderConfig, trained: ReadTensor, kept: tuple[int, ...]) -> None:
        """Write `encoder/`, `preprocess/` and `huggingface/` of the trained student.

        Args:
            folder: where to; whoever calls this makes it appear whole.
            config: the student's.
            trained: its tensors by the names in `config.tensor_shapes()`.
            kept: which of the model's layers it has.
        """
        ...


def open_student(model: StrPath) -> Student:
    """Open the model of which a student is to be made.

    Args:
        model: a model folder, a Hugging Face folder or hub id, or an encoder in LaBSE's or LEALLA's TF Hub
            format.

    Raises:
        SmallerLabseError: there is no such model, or it is not rebuilt in TensorFlow.
    """
    place = locate_original(os.fspath(model))
    if isinstance(place, HuggingFaceFolder):
        if not is_rebuilt(read_object(place.folder / CONFIG)):
            raise SmallerLabseError(
                f"{place.name}: only encoders that are rebuilt in TensorFlow can be distilled, "
                "BERT's and XLM-R's"
            )
        student = _HuggingFaceStudent(place)
        if student.tokenizer.kind == LEALLATokenizer.kind:
            raise SmallerLabseError(
                f"{place.name}: a LEALLA's huggingface/ alone can be the teacher, and not the student; give "
                "its model folder with encoder/ and preprocess/"
            )
        return student
    if place.open_checkpoint().splits_by_script:
        return open_lealla(place)
    return _TFHubStudent(place)


class _HuggingFaceStudent:
    """A Hugging Face folder; see `Student`."""

    def __init__(self, place: HuggingFaceFolder) -> None:
        self.folder = place.folder
        self._weights = open_safetensors(place.folder)
        self._encoder = read_encoder(place.folder, self._weights.tensors)
        self.config = self._encoder.config
        self.tokenizer = open_huggingface_tokenizer(place.folder, self.config.vocab_size)
        self.sequence_length = self._encoder.sequence_length
        self.prompt = prompt_of(place) or ""
        self.can_have_dense = self.config.pooling.mode != "pooler"
        self._side_files = find_side_files(
            place.folder, {file.file.name for file in self._weights.files}, self.config.vocab_size
        )

    def read_tensor(self, name: str) -> np.ndarray:
        return self._encoder.read_tensor(name)

    def write(self, folder: Path, config: EncoderConfig, trained: ReadTensor, kept: tuple[int, ...]) -> None:
        target = folder / HUGGINGFACE
        target.mkdir(parents=True)
        self._side_files.copy_to(target)
        for pattern in TOKENIZER_FILES:
            for file in sorted(self.folder.glob(pattern)):
                shutil.copyfile(file, target / file.name)
        described = read_object(self.folder / CONFIG)
        dtypes = dict.fromkeys(set(described) & {"dtype", "torch_dtype"}, "float32")
        sizes = {name: getattr(config, name) for name in SIZES}
        write_json(target / CONFIG, {**described, **dtypes, **sizes})
        tensors = [*self._trained_tensors(config, trained), *self._other_tensors(config)]
        write_safetensors(target / WEIGHTS, tensors, {"format": "pt"})
        has_modules = (target / MODULES).exists()
        as_before = (config.pooling, config.hidden_size) == (self.config.pooling, self.config.hidden_size)
        if has_modules and not as_before:
            self._write_modules(target, config, trained)
        self._write_saved_models(folder)

    def _write_modules(self, folder: Path, config: EncoderConfig, trained: ReadTensor) -> None:
        """The dense layers behind the pooling, where there are more than before, or they have other sizes."""
        dense = [
            DenseModule(
                TORCH_ACTIVATIONS[layer.activation],
                trained(f"dense_{number}/kernel").T,
                trained(f"dense_{number}/bias"),
            )
            for number, layer in enumerate(config.pooling.dense)
        ]
        write_sentence_transformers(folder, config, dense, self.sequence_length, config.pooling.normalize)

    def _trained_tensors(self, config: EncoderConfig, trained: ReadTensor) -> list[NewTensor]:
        prefix = self._encoder.names["type_embeddings/embeddings"].removesuffix(
            bert_model_names(self.config)["type_embeddings/embeddings"]
        )
        shapes = config.bert_tensor_shapes()

        def new_tensor(name: str, theirs: str) -> NewTensor:
            shape = torch_values(name, np.broadcast_to(np.float32(0), shapes[name]), shapes[name]).shape
            size = 4 * int(np.prod(shape))
            chunks = lambda: [torch_values(name, trained(name), shapes[name]).data]  # noqa: E731
            return NewTensor(prefix + theirs, "F32", shape, size, chunks)

        return [new_tensor(name, theirs) for name, theirs in bert_model_names(config).items()]

    def _other_tensors(self, config: EncoderConfig) -> list[NewTensor]:
        """What the folder holds beside the encoder, such as a pooler that nobody asks; as it is.

        Of another hidden size it would not fit; a pooler is then zeros, so that transformers draws none.
        """
        ours = set(self._encoder.names.values())
        others = [tensor for name, tensor in self._weights.tensors.items() if name not in ours]
        if config.hidden_size == self.config.hidden_size:
            return [_as_it_is(tensor) for tensor in others]
        size = config.hidden_size
        shapes = {"pooler.dense.weight": (size, size), "pooler.dense.bias": (size,)}
        return [
            _zeros(tensor.name, shape)
            for tensor in others
            for end, shape in shapes.items()
            if tensor.name.endswith(end)
        ]

    def _write_saved_models(self, folder: Path) -> None:
        written = read_encoder(folder / HUGGINGFACE, open_safetensors(folder / HUGGINGFACE).tensors)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = self.tokenizer.write_for_tensorflow(Path(scratch))
            save_encoder(build_encoder(written, setup), folder / ENCODER)
            gc.collect()  # the traced functions and the encoder hold each other
            save_preprocessor(
                build_preprocessor(setup, self.sequence_length, self.prompt), folder / PREPROCESS
            )


class _TFHubStudent:
    """An encoder in LaBSE's TF Hub format; see `Student`."""

    prompt = ""
    can_have_dense = False

    def __init__(self, place: TFHubFolders) -> None:
        self.folder = place.encoder
        checkpoint = Checkpoint(place.encoder)
        self.read_tensor = checkpoint.read
        self.config = infer_config(checkpoint.shapes, str(place.encoder))
        self._lower_case, self._mended = checkpoint.lower_case, checkpoint.mended
        self.tokenizer: Tokenizer = open_tfhub_tokenizer(place, checkpoint)
        length = (
            DEFAULT_SEQUENCE_LENGTH if place.preprocess is None else read_sequence_length(place.preprocess)
        )
        self.sequence_length = min(length, self.config.max_length)

    def write(self, folder: Path, config: EncoderConfig, trained: ReadTensor, kept: tuple[int, ...]) -> None:
        pieces = list(self.tokenizer.pieces)
        write_huggingface(
            folder / HUGGINGFACE,
            config,
            trained,
            pieces,
            self._lower_case,
            self.sequence_length,
            mended=self._mended,
        )
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = self.tokenizer.write_for_tensorflow(Path(scratch))
            encoder = Encoder(config, trained, setup.file, self._lower_case, mended=self._mended)
            save_encoder(encoder, folder / ENCODER)
            del encoder
            gc.collect()
            save_preprocessor(build_preprocessor(setup, self.sequence_length), folder / PREPROCESS)


def _zeros(name: str, shape: tuple[int, ...]) -> NewTensor:
    values = np.zeros(shape, "<f4")
    return NewTensor(name, "F32", shape, values.nbytes, lambda: [values.data])


def _as_it_is(tensor: Tensor) -> NewTensor:
    return NewTensor(tensor.name, tensor.dtype, tensor.shape, tensor.size, tensor.chunks)
