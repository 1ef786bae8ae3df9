"""A network in onnxruntime: an ONNX file of ours and the tokenizer beside it. No TensorFlow is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_object_if_there
from smaller_labse.encoders.onnx.names import EMBEDDING, IDS, MASK
from smaller_labse.encoders.sentence_transformers_folder import read_sequence_length
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_CONFIG, TOKENIZER_JSON

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

LIBRARY = "onnxruntime"
INSTALL = "pip install 'smaller-labse[onnx]'"
OURS = "add --onnx to make-smaller to write it anew"


class OnnxNetwork:
    """A session of onnxruntime and a tokenizer; a `Network`.

    Attributes:
        format: what the file notes that it is, whatever it is called.
    """

    pads = True  # the attention mask hides what is added

    def __init__(
        self, name: str, session: InferenceSession, tokenizer: Tokenizer, length: int | None
    ) -> None:
        """Read what the file notes of itself.

        Args:
            name: of the model, for messages.
            session: the file, loaded.
            tokenizer: what its token ids are of.
            length: the length in tokens at which the folder says to truncate; None where it does not say.

        Raises:
            SmallerLabseError: the file is none of ours.
        """
        properties = session.get_modelmeta().custom_metadata_map
        rows, hidden, positions, self.parameters = (
            _number(properties, key, name) for key in ("vocab_size", "hidden_size", "positions", "parameters")
        )
        if (written := FORMATS.get(properties.get("format", ""))) is None:
            raise SmallerLabseError(
                f"{name}: its format is {properties.get('format', '')[:20]!r}, expected one of "
                f"{', '.join(FORMATS)}; {OURS}"
            )
        self.format = written
        outputs = {each.name: each.shape for each in session.get_outputs()}
        if EMBEDDING not in outputs:
            raise SmallerLabseError(f"{name}: it has no output {EMBEDDING}; {OURS}")
        self.embedding_size = int(outputs[EMBEDDING][1])
        self.embedding_matrix_shape = (rows, hidden)
        self.positions: int | None = positions
        self.sequence_length = min(length or positions, positions)
        self.pieces: Sequence[str] = _pieces(tokenizer)
        if len(self.pieces) > rows:
            raise SmallerLabseError(
                f"{name}: its embedding matrix has {rows:,} rows, but {TOKENIZER_JSON} {len(self.pieces):,} "
                "tokens; give the tokenizer that belongs to it"
            )
        self.special_tokens = tokenizer.num_special_tokens_to_add(False)
        threads = session.get_session_options().intra_op_num_threads
        self.computed_by = f"{LIBRARY} on {threads} thread{'s' * (threads > 1)}"
        self._session, self._tokenizer = session, tokenizer

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """See `Network`."""
        self._tokenizer.no_truncation()
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(each.ids, np.int32) for each in encodings]

    def prepare(self, texts: Sequence[str], length: int) -> EncodedTexts:
        """See `Network`."""
        self._tokenizer.enable_truncation(length)
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        return EncodedTexts(np.array([len(each) for each in encodings]), encodings, self._session)

    def exact(self) -> AbstractContextManager[None]:
        """See `Network`; onnxruntime's results are the same each time."""
        return nullcontext()


@dataclass(frozen=True)
class EncodedTexts:
    """Tokenized texts; see `PreparedTexts`."""

    lengths: np.ndarray
    encodings: list[Encoding]
    session: InferenceSession

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """See `PreparedTexts`."""
        ids, mask = self.padded(batch)
        return self.session.run([EMBEDDING], {IDS: ids, MASK: mask})[0]

    def padded(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token ids and mask of some of the texts, int64 [batch, length] each."""
        lengths = self.lengths[batch]
        mask = np.arange(lengths.max()) < lengths[:, np.newaxis]
        ids = np.zeros(mask.shape, np.int64)
        ids[mask] = np.concatenate([self.encodings[text].ids for text in batch])
        return ids, mask.astype(np.int64)


def open_onnx(name: str, file: Path, folder: Path) -> OnnxNetwork:
    """Load an ONNX file.

    Args:
        name: of the model, for messages.
        file: the ONNX file.
        folder: the Hugging Face folder that the tokenizer is in.

    Raises:
        UsageError: onnxruntime is not installed.
        SmallerLabseError: the file or the tokenizer cannot be read, or is none of ours.
    """
    require_onnxruntime(name)
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 3  # errors
    try:
        session = InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # those of onnxruntime have no class in common
        reason = " ".join(str(error).split())[:200]
        raise SmallerLabseError(f"{file}: cannot be loaded ({reason}); {OURS}") from error
    return OnnxNetwork(name, session, open_fast_tokenizer(folder), read_sequence_length(folder))


def open_fast_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a Hugging Face folder, as the library tokenizers reads it.

    Raises:
        SmallerLabseError: it cannot be read.
    """
    from tokenizers import Tokenizer

    file = folder / TOKENIZER_JSON
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more specific
        reason = " ".join(str(error).split())[:200]
        raise SmallerLabseError(
            f"{file}: cannot be read ({reason}); is the model's folder complete?"
        ) from error
    tokenizer.no_padding()
    if read_object_if_there(folder / TOKENIZER_CONFIG).get("split_special_tokens") is True:
        tokenizer.encode_special_tokens = True  # in a text, "[MASK]" is no special token
    return tokenizer


def require_onnxruntime(name: str) -> None:
    """See that onnxruntime is installed; nothing is imported.

    Raises:
        UsageError: it is not.
    """
    if find_spec(LIBRARY) is None:
        raise UsageError(f"{name}: needs {LIBRARY}, which is not installed: {INSTALL}")


def available_cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pieces(tokenizer: Tokenizer) -> list[str]:
    ids = tokenizer.get_vocab()
    pieces = [""] * (max(ids.values(), default=-1) + 1)
    for piece, token_id in ids.items():
        pieces[token_id] = piece
    return pieces


def _number(properties: Mapping[str, str], key: str, name: str) -> int:
    value = properties.get(key, "")
    if not (value.isascii() and value.isdigit() and len(value) < 19 and int(value) > 0):
        raise SmallerLabseError(f"{name}: {key} is {value[:20]!r}, expected a number; {OURS}")
    return int(value)
