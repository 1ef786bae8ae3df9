"""LEALLA as a student: its own models, and a new one of its architecture with a LaBSE's vocabulary."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.distill.students.hidden_size import principal_directions, project_embeddings
from smaller_labse.encoders.bert import Encoder, save_encoder
from smaller_labse.encoders.config import LEALLA_POOLING, EncoderConfig, infer_config
from smaller_labse.encoders.lealla.huggingface_folder import write_lealla_huggingface
from smaller_labse.encoders.lealla.sentence_model import save_sentence_model
from smaller_labse.encoders.lealla.weights import PUBLISHED_HEADS, read_weights
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.preprocessor import (
    build_preprocessor,
    read_sequence_length,
    save_preprocessor,
)
from smaller_labse.originals.lealla_conversions import LAYERS, LEALLA_NAMES
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, PREPROCESS, SENTENCES
from smaller_labse.originals.tfhub import LEALLAFolder, TFHubFolders
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import open_tfhub_tokenizer
from smaller_labse.originals.weights.checkpoint import Checkpoint

DEVIATION = 0.02  # of new kernels and embeddings (BERT's initializer_range)

ReadTensor = Callable[[str], np.ndarray]


class LEALLAStudent:
    """A model that is written as LEALLA; see `Student`."""

    prompt = ""
    can_have_dense = False

    def __init__(
        self,
        folder: Path,
        config: EncoderConfig,
        read_tensor: ReadTensor,
        tokenizer: LEALLATokenizer,
        sequence_length: int,
    ) -> None:
        """See the attributes of `Student`; `folder` is the encoder's."""
        self.folder, self.config = folder, config
        self.tokenizer: Tokenizer = tokenizer
        self.sequence_length = sequence_length
        self._read_tensor = read_tensor

    def read_tensor(self, name: str) -> np.ndarray:
        return self._read_tensor(name)

    def write(self, folder: Path, config: EncoderConfig, trained: ReadTensor, kept: tuple[int, ...]) -> None:
        """`sentences/` too, which is called as LEALLA is."""
        pieces, length = list(self.tokenizer.pieces), self.sequence_length
        write_lealla_huggingface(folder / HUGGINGFACE, config, trained, pieces, length)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = self.tokenizer.write_for_tensorflow(Path(scratch))
            encoder = Encoder(config, trained, setup.file, splits_by_script=True)
            save_encoder(encoder, folder / ENCODER)
            preprocessor = build_preprocessor(setup, length)
            save_preprocessor(preprocessor, folder / PREPROCESS)
            save_sentence_model(preprocessor, encoder, folder / SENTENCES)
            del encoder, preprocessor
            gc.collect()  # the traced functions and the encoder hold each other


def open_lealla(place: TFHubFolders) -> LEALLAStudent:
    """LEALLA on TF Hub, or a smaller LEALLA of ours by its SavedModels.

    Raises:
        SmallerLabseError: it is not whole.
    """
    if isinstance(place, LEALLAFolder):
        checkpoint = place.open_checkpoint()
        weights = read_weights(checkpoint)
        config, read_tensor, length = weights.config, weights.read, DEFAULT_SEQUENCE_LENGTH
        tokenizer = open_tfhub_tokenizer(place, checkpoint)
    else:
        if place.preprocess is None:
            raise SmallerLabseError(f"{place.name}: a LEALLA without its preprocess/; give its model folder")
        ours = Checkpoint(place.encoder)
        config = replace(infer_config(ours.shapes, str(place.encoder)), pooling=LEALLA_POOLING)
        read_tensor, length = ours.read, read_sequence_length(place.preprocess)
        tokenizer = open_tfhub_tokenizer(place, ours)
    return LEALLAStudent(place.encoder, config, read_tensor, LEALLATokenizer(tokenizer.file), length)


def lealla_config(name: str, vocab_size: int) -> EncoderConfig:
    """The config of one of LEALLA's three models, with another vocabulary.

    Args:
        name: one of `LEALLA_NAMES`.
        vocab_size: tokens.

    >>> f"{lealla_config('lealla-small', 501_153).parameters:,}"
    '68,988,672'
    """
    width = LEALLA_NAMES[name]
    return EncoderConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        num_hidden_layers=LAYERS,
        num_attention_heads=PUBLISHED_HEADS[width],
        intermediate_size=4 * width,
        max_position_embeddings=512,
        type_vocab_size=2,
        pooling=LEALLA_POOLING,
    )


def new_lealla(config: EncoderConfig, of: EncoderConfig, read_tensor: ReadTensor) -> ReadTensor:
    """The tensors of a new LEALLA before training.

    Its layers and pooler are drawn at random, as no wider model has so many layers; its embeddings are those
    of a wider model, projected as `hidden_size.py` says, or, where that is not wider, random too.

    Args:
        config: the new one's.
        of: the model's of whose embeddings it begins.
        read_tensor: that model's tensors.
    """
    shapes = config.tensor_shapes()
    projected: dict[str, np.ndarray] = {}
    if config.hidden_size < of.hidden_size:
        directions = principal_directions(of, read_tensor, config.hidden_size)
        projected = project_embeddings(of, read_tensor, directions)
        projected = {name: values for name, values in projected.items() if values.shape == shapes[name]}

    def draw(name: str) -> np.ndarray:
        if name in projected:
            return np.asarray(projected[name], np.float32)
        if name.endswith(("/bias", "/beta", "/gamma")):
            return np.full(shapes[name], float(name.endswith("/gamma")), np.float32)
        random = np.random.default_rng([0, list(shapes).index(name)])
        return np.float32(DEVIATION) * random.standard_normal(shapes[name], np.float32)

    return draw
