"""A network in PyTorch: a sentence-transformers folder of any architecture, which that library loads.

It is for what is not rebuilt in TensorFlow. Nothing of the folder is run or unpickled: only modules of
sentence-transformers itself are loaded, and safetensors. Texts of different lengths are never in one batch,
so no architecture can let the padding into a text's vector.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.encoders.networks.devices import torch_device
from smaller_labse.encoders.sentence_transformers_folder import MODULES, module_folder, read_modules
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.weights.safetensors_folder import SafetensorsFolder, open_safetensors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

LIBRARY = "sentence_transformers"
INSTALL = "pip install 'smaller-labse[interop]'"
WITHOUT_WEIGHTS = ("Pooling", "Normalize", "Dropout")
WITH_WEIGHTS = ("Dense", "LayerNorm")
UNLIMITED = 1_000_000  # transformers writes an enormous number for "no limit"


class SentenceTransformersNetwork:
    """A loaded sentence-transformers folder; a `Network`."""

    pads = False
    computed_by = ""

    def __init__(self, name: str, model: SentenceTransformer, pieces: Sequence[str]) -> None:
        """Wrap a model.

        Args:
            name: for messages.
            model: the loaded model, whose first module is a Transformer.
            pieces: its vocabulary.
        """
        self.pieces: Sequence[str] = tuple(pieces)
        self._model, self._tokenizer = model, model.tokenizer
        transformer = model[0].auto_model
        rows, width = transformer.get_input_embeddings().weight.shape
        self.embedding_matrix_shape = (int(rows), int(width))
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.special_tokens = len(self._tokenizer("")["input_ids"])
        self.positions = _positions(transformer)
        own = model.max_seq_length or UNLIMITED
        self.sequence_length = min(int(min(own, UNLIMITED)), self.positions or UNLIMITED)
        self.embedding_size = 0
        self.embedding_size = self.prepare(["a"], self.sequence_length).embed(np.array([0])).shape[1]

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """See `Network`."""
        ids = self._tokenizer(list(texts), add_special_tokens=False, truncation=False)["input_ids"]
        return [np.array(of_text, np.int32) for of_text in ids]

    def prepare(self, texts: Sequence[str], length: int) -> Features:
        """See `Network`."""
        self._model.max_seq_length = length
        # The name since sentence-transformers 6, which warns at the old one.
        preprocess = getattr(self._model, "preprocess", self._model.tokenize)
        features = preprocess(list(texts))
        lengths = features["attention_mask"].sum(dim=1).numpy()
        return Features(lengths, features, self._model, self.embedding_size)

    @contextmanager
    def exact(self) -> Iterator[None]:
        """See `Network`."""
        import torch

        precision = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")  # no TF32 on a GPU
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(precision)


@dataclass(frozen=True)
class Features:
    """Tokenized texts; see `PreparedTexts`.

    Attributes:
        lengths: see `PreparedTexts`.
        features: what the model takes, of all texts, padded to the longest.
        model: the loaded model.
        embedding_size: of an embedding, in components.
    """

    lengths: np.ndarray
    features: Mapping[str, Any]
    model: SentenceTransformer
    embedding_size: int

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """See `PreparedTexts`; the texts have one length, and those without any token the zero vector."""
        import torch

        if not self.lengths[batch].any():
            return np.zeros((len(batch), self.embedding_size), np.float32)
        rows = torch.from_numpy(batch)
        mask = self.features["attention_mask"]
        taken = mask[rows].bool()

        def without_padding(values: Any) -> Any:
            if not isinstance(values, torch.Tensor) or values.shape[:2] != mask.shape:
                return values
            return values[rows][taken].reshape(len(batch), -1).to(self.model.device)

        with torch.inference_mode():
            given = {name: without_padding(values) for name, values in self.features.items()}
            return self.model(given)["sentence_embedding"].float().cpu().numpy()


def open_sentence_transformers(
    place: HuggingFaceFolder, device: str | None = None
) -> SentenceTransformersNetwork:
    """Load a folder with sentence-transformers, in float32.

    Args:
        place: the folder.
        device: "cpu", "gpu" or "gpu:1"; None for what sentence-transformers takes by itself.

    Raises:
        UsageError: sentence-transformers is not installed, or there is no such device.
        SmallerLabseError: the folder does not say how to pool, has pickled weights or modules of its own, or
            cannot be loaded.
    """
    require_sentence_transformers(place.name)
    require_known_modules(place)
    weights = open_safetensors(place.folder)
    chosen = None if device is None else torch_device(device)
    model = _load(place, chosen)
    _require_whole(place, model, weights)
    rows = model[0].auto_model.get_input_embeddings().weight.shape[0]
    return SentenceTransformersNetwork(
        place.name, model, open_huggingface_tokenizer(place.folder, int(rows)).pieces
    )


def has_sentence_transformers() -> bool:
    """Whether sentence-transformers is installed; it is not imported to find out."""
    return find_spec(LIBRARY) is not None


def require_sentence_transformers(name: str) -> None:
    """Say what to install, where sentence-transformers is missing.

    Raises:
        UsageError: it is.
    """
    if not has_sentence_transformers():
        raise UsageError(
            f"{name}: only BERT's and XLM-R's encoders are rebuilt in TensorFlow; for any other architecture "
            f"sentence-transformers is needed: {INSTALL}"
        )


def require_known_modules(place: HuggingFaceFolder) -> None:
    """Refuse modules that are code of the folder's, and pickled weights.

    Raises:
        SmallerLabseError: it has such, or does not list its modules.
    """
    folder = place.folder
    if not (folder / MODULES).is_file():
        raise SmallerLabseError(
            f"{place.name}: no {MODULES} says how to pool; save the model with sentence-transformers: "
            'SentenceTransformer(…).save_pretrained("FOLDER")'
        )
    for number, module in enumerate(read_modules(folder)):
        library, kind = module.type.partition(".")[0], module.kind
        known = ("Transformer",) if number == 0 else (*WITHOUT_WEIGHTS, *WITH_WEIGHTS)
        if library != LIBRARY or kind not in known:
            raise SmallerLabseError(
                f"{folder / MODULES}: the module {module.type} at place {number}, expected "
                f"sentence-transformers' {' or '.join(known)}; code from models is never run"
            )
        if kind in WITH_WEIGHTS:
            open_safetensors(module_folder(folder, module))


def _load(place: HuggingFaceFolder, device: str | None) -> SentenceTransformer:
    with _quiet():
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(
                str(place.folder.resolve()),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:
            # transformers raises whatever its architectures and tokenizers raise.
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise SmallerLabseError(
                f"{place.name}: sentence-transformers cannot load it ({reason})"
            ) from error
    return model.float().eval()


def _require_whole(place: HuggingFaceFolder, model: SentenceTransformer, weights: SafetensorsFolder) -> None:
    """Refuse a folder that lacks weights: transformers would draw them at random, with a warning at most.

    A name that is not in the file may mean a part that the embedding does not need, or another name for the
    same; so then the model is loaded once more, and random weights would be others.
    """
    transformer = model[0].auto_model
    prefix = transformer.base_model_prefix
    names = set(weights.tensors) | {name.removeprefix(f"{prefix}.") for name in weights.tensors}
    missing = sorted(name for name, _ in transformer.named_parameters() if name not in names)
    if not missing:
        return
    import torch

    text = np.array([0])
    with torch.random.fork_rng():
        torch.manual_seed(torch.initial_seed() + 1)
        again = _load(place, str(model.device))
    first, second = (
        SentenceTransformersNetwork(place.name, one, ()).prepare(["a"], 8).embed(text)
        for one in (model, again)
    )
    if not np.array_equal(first, second):
        raise SmallerLabseError(
            f"{place.folder}: the tensor {missing[0]} is missing, which config.json asks for "
            f"({len(missing)} are missing in all)"
        )


def _positions(transformer: torch.nn.Module) -> int | None:
    """The longest input that the network can take; MPNet's positions, too, begin behind the padding's."""
    import torch

    most = getattr(transformer.config, "max_position_embeddings", None)
    for module_name, module in transformer.named_modules():
        if module_name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return most if isinstance(most, int) and most > 0 else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what transformers tells while it loads from standard error; what matters ends in an exception."""
    loggers = [logging.getLogger(name) for name in ("transformers", LIBRARY)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        from transformers.utils import logging as transformers_logging

        bars = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()
        for logger in loggers:  # importing transformers sets its own
            logger.setLevel(logging.CRITICAL)
        yield
        if bars:
            transformers_logging.enable_progress_bar()
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
