"""Load a model to encode sentences with: a folder, a TF Hub handle or a hub id."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from smaller_labse.common.arguments import StrPath, check, device_name
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.encoders.config import is_rebuilt
from smaller_labse.encoders.networks.onnx_network import open_onnx, require_onnxruntime
from smaller_labse.encoders.networks.sentence_transformers_network import (
    has_sentence_transformers,
    open_sentence_transformers,
    require_sentence_transformers,
)
from smaller_labse.encoders.prompt import prompt_of
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.encoders.sentence_transformers_folder import (
    pools_without_prompt,
    read_sentence_transformers,
)
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.locate import in_runtime, locate_encoder
from smaller_labse.originals.model_folder import HUGGINGFACE
from smaller_labse.originals.tfhub import LEALLAFolder, TFHubFolders, find_vocabularies, find_vocabulary
from smaller_labse.originals.tokenizers.open_tokenizer import (
    open_huggingface_tokenizer,
    open_tfhub_tokenizer,
    read_vocabulary,
)
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.originals.weights.allowed_operations import load_saved_model

if TYPE_CHECKING:
    import tensorflow as tf


def load(
    model: StrPath,
    preprocessor: StrPath | None = None,
    prompt: str | None = None,
    device: str | None = None,
    runtime: str | None = None,
) -> SentenceEncoder:
    """Load a model to encode sentences with.

    Args:
        model: a model folder as `make-smaller` writes it: its `encoder/` and `preprocess/`, or where these
            are not there, its `huggingface/`. Or an encoder's SavedModel folder or TF Hub handle; without a
            preprocessor, one is built from the vocabulary among the encoder's assets. Or a Hugging Face
            folder or hub id: BERT's and XLM-R's encoders are rebuilt in TensorFlow, any other architecture
            or pooling is loaded with sentence-transformers. Or an ONNX file of `make-smaller --onnx`, which
            onnxruntime computes; TensorFlow is not imported then.
        preprocessor: the preprocessor's folder or handle, where it is not beside the encoder; or "faithful"
            or "mended", what reads text, of models in LaBSE's format.
        prompt: what goes before every text, e.g. "query: "; None for the model's own.
        device: where it is computed: "cpu", "gpu" or, of several, "gpu:1"; None for a GPU where there is one.
            ONNX files are computed on the CPU.
        runtime: "onnx" for the ONNX file in a model folder (float32's, or int8's, or int4's, the first that
            is there), or "tensorflow"; None for what `model` is.

    Raises:
        UsageError: there is no such device or runtime, sentence-transformers or onnxruntime is needed and not
            installed, or the model cannot have that preprocessor.
        SmallerLabseError: there is no model, it has another format, or encoder and preprocessor have
            different vocabularies.
    """
    model = in_runtime(os.fspath(model), runtime)
    original = locate_encoder(model, None if preprocessor is None else os.fspath(preprocessor))
    prompt = (prompt_of(original) or "") if prompt is None else prompt
    if isinstance(original, HuggingFaceFolder):
        if original.onnx is not None:
            return _load_onnx(original, original.onnx, prompt, device)
        return _load_huggingface(original, prompt, device)
    if isinstance(original, LEALLAFolder):
        return _load_lealla(original, prompt, device)
    pieces = _read_vocabulary(original)
    import_tensorflow_quietly()

    from smaller_labse.encoders.networks.devices import tensorflow_device
    from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork, on_device

    device = None if device is None else tensorflow_device(device)
    with on_device(device):
        encoder = load_saved_model(original.encoder)
    _require_vocabulary(original, encoder, pieces)
    network = TensorFlowNetwork(original.name, _load_preprocessor(original, encoder), encoder, pieces, device)
    return SentenceEncoder(original.name, network, prompt, read_lineage(original.encoder))


def require_loadable(model: StrPath, device: str | None = None) -> None:
    """See, without loading a model, that what computes it is installed and finds the device.

    Args:
        model: see `load`.
        device: see `load`; to look for it, TensorFlow or PyTorch is imported.

    Raises:
        UsageError: it is not.
        SmallerLabseError: there is no model.
    """
    place = locate_encoder(os.fspath(model))
    if isinstance(place, HuggingFaceFolder) and place.onnx is not None:
        _require_cpu(place.name, device)
        return require_onnxruntime(place.name)
    rebuilt = not isinstance(place, HuggingFaceFolder) or _is_rebuilt(place)
    if not rebuilt:
        require_sentence_transformers(place.name)
    if device is None:
        return
    from smaller_labse.encoders.networks.devices import tensorflow_device, torch_device

    if rebuilt:
        import_tensorflow_quietly()
        tensorflow_device(device)
    else:
        torch_device(device)


def import_library(model: StrPath) -> None:
    """Import what computes a model, which takes seconds, so that they are not in what is measured next.

    Raises:
        SmallerLabseError: there is no model.
    """
    place = locate_encoder(os.fspath(model))
    if isinstance(place, HuggingFaceFolder) and place.onnx is not None:
        import_module("onnxruntime")
    elif isinstance(place, HuggingFaceFolder) and not _is_rebuilt(place):
        import_module("sentence_transformers")
    else:
        import_tensorflow_quietly()
        import_module("tensorflow_text")


def _load_onnx(place: HuggingFaceFolder, file: Path, prompt: str, device: str | None) -> SentenceEncoder:
    _require_cpu(place.name, device)
    network, lineage = open_onnx(place.name, file, place.folder), read_lineage(place.folder)
    if network.format.quantized:
        lineage = replace(lineage, rounded_to=network.format.name)
    return SentenceEncoder(place.name, network, prompt, lineage)


def _require_cpu(name: str, device: str | None) -> None:
    if device is not None and check("device", device_name, device) not in ("cpu", "cpu:0"):
        raise UsageError(f"device {device!r}: {name} is an ONNX file, computed on the CPU; leave it out")


def _load_lealla(place: LEALLAFolder, prompt: str, device: str | None) -> SentenceEncoder:
    import_tensorflow_quietly()
    from smaller_labse.encoders.bert import Encoder
    from smaller_labse.encoders.lealla.weights import read_weights
    from smaller_labse.encoders.networks.devices import tensorflow_device
    from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork, on_device
    from smaller_labse.encoders.preprocessors.lealla_preprocessor import LEALLAPreprocessor

    device = None if device is None else tensorflow_device(device)
    checkpoint = place.open_checkpoint()
    weights, tokenizer = read_weights(checkpoint), open_tfhub_tokenizer(place, checkpoint)
    with on_device(device):
        encoder = Encoder(weights.config, weights.read, tokenizer.file, splits_by_script=True)
    preprocessor = LEALLAPreprocessor(tokenizer.file)
    network = TensorFlowNetwork(place.name, preprocessor, encoder, tokenizer.pieces, device)
    return SentenceEncoder(place.name, network, prompt)


def _load_huggingface(place: HuggingFaceFolder, prompt: str, device: str | None) -> SentenceEncoder:
    if prompt and pools_without_prompt(place.folder):
        raise SmallerLabseError(
            f"{place.name}: its pooling leaves the tokens of the prompt {prompt!r} out (include_prompt), "
            "which is not computed here; load it with sentence-transformers, or without a prompt: ''"
        )
    lineage = read_lineage(place.folder)
    if not _is_rebuilt(place):
        return SentenceEncoder(place.name, open_sentence_transformers(place, device), prompt, lineage)
    import_tensorflow_quietly()
    from smaller_labse.encoders.from_huggingface import build_encoder, read_encoder
    from smaller_labse.encoders.networks.devices import tensorflow_device
    from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork, on_device
    from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor
    from smaller_labse.originals.weights.safetensors_folder import open_safetensors

    device = None if device is None else tensorflow_device(device)
    encoder = read_encoder(place.folder, open_safetensors(place.folder).tensors)
    tokenizer = open_huggingface_tokenizer(place.folder, encoder.config.vocab_size)
    with scratch_folder() as scratch:
        setup = tokenizer.write_for_tensorflow(scratch)
        preprocessor = build_preprocessor(setup, encoder.sequence_length)
        with on_device(device):
            built = build_encoder(encoder, setup)
    network = TensorFlowNetwork(place.name, preprocessor, built, tokenizer.pieces, device)
    return SentenceEncoder(place.name, network, prompt, lineage)


def _is_rebuilt(place: HuggingFaceFolder) -> bool:
    """Whether TensorFlow computes a folder, and not sentence-transformers, which knows more ways to pool."""
    if not is_rebuilt(read_object(place.folder / CONFIG)):
        return False
    try:
        read_sentence_transformers(place.folder)
    except SmallerLabseError:  # where sentence-transformers is missing, the user is to read this
        return not has_sentence_transformers()
    return True


def _read_vocabulary(original: TFHubFolders) -> list[str]:
    """The tokens, by id: of a WordPiece vocabulary, or of a SentencePiece model that we exported."""
    tokenizer = original.encoder.parent / HUGGINGFACE
    if (tokenizer / TOKENIZER_JSON).is_file() and not find_vocabularies(original.encoder):
        return read_vocabulary(tokenizer)
    return read_pieces(find_vocabulary(original.preprocess or original.encoder))


def _load_preprocessor(original: TFHubFolders, encoder: tf.Module) -> tf.Module:
    """The original's own; where it has none, or another was chosen, one of the encoder's vocabulary."""
    from smaller_labse.encoders.networks.tensorflow_network import find_rows
    from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
    from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor, read_sequence_length

    if original.preprocess is not None and original.chosen is None:
        return load_saved_model(original.preprocess)
    lower_case = getattr(encoder, "do_lower_case", None)
    if lower_case is None:
        raise SmallerLabseError(
            f"{original.name}: the encoder does not say whether its vocabulary is lower-case; "
            "give its preprocessor too"
        )
    positions = find_rows(original.name, encoder, "position_embedding")
    length = min(DEFAULT_SEQUENCE_LENGTH, positions)
    if original.preprocess is not None:
        length = read_sequence_length(original.preprocess)
    tokenizer = open_tfhub_tokenizer(original, original.open_checkpoint())
    with scratch_folder() as scratch:
        return build_preprocessor(tokenizer.write_for_tensorflow(scratch), length)


def _require_vocabulary(original: TFHubFolders, encoder: tf.Module, pieces: list[str]) -> None:
    """Refuse a preprocessor whose ids mean other rows: the embeddings would be nonsense, silently."""
    from smaller_labse.encoders.networks.tensorflow_network import find_rows

    rows = find_rows(original.name, encoder, "word_embedding")
    if len(pieces) > rows:
        raise SmallerLabseError(
            f"{original.name}: the vocabulary has {len(pieces):,} tokens, but the encoder's embedding matrix "
            f"has only {rows:,} rows; give the preprocessor that belongs to it"
        )
    if find_vocabularies(original.encoder) and read_pieces(find_vocabulary(original.encoder)) != pieces:
        raise SmallerLabseError(
            f"{original.preprocess}: its vocabulary is not that of the encoder {original.encoder}; "
            "give the preprocessor that belongs to it"
        )
