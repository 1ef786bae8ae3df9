"""The ONNX files of a model: written from its `huggingface/`, and verified against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.result_table import Table
from smaller_labse.encoders.config import PoolingMode
from smaller_labse.make_smaller.rounding import NO_LANGUAGE, EmbeddingChange, measure_embeddings
from smaller_labse.originals.onnx_formats import FOLDER, OnnxFormat

if TYPE_CHECKING:
    from smaller_labse.encoders.from_huggingface import HuggingFaceEncoder
    from smaller_labse.encoders.networks.onnx_network import OnnxNetwork

TOLERANCE = 1e-5  # promise 1
SAME_IN_A_BATCH = 1e-6  # promise 7
# Below that something else is wrong: multilingual-e5-small has 0.999 on these texts, in both.
LOWEST_COSINE: Mapping[str, float] = {"int8": 0.95, "int4": 0.9}
BATCH_TEXTS = 16
MOST_TEXTS = 96
OF_A_LANGUAGE = 4
LONG_TEXT = 24  # sentences, so that one text has many tokens


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file that was written and verified.

    Attributes:
        format: its format's name.
        file: its path in `huggingface/`.
        sequence_length: the length in tokens at which texts are to be truncated.
        bytes: its size, with the file of data where it has one.
        largest_difference: of its embeddings from the float32 model's, absolute.
        alone_or_in_a_batch: the largest difference of a text's embeddings alone and in a batch.
        embeddings: of a quantized one, how far embeddings moved, of each language and of all, the last.
    """

    format: str
    file: str
    sequence_length: int
    bytes: int
    largest_difference: float
    alone_or_in_a_batch: float
    embeddings: tuple[EmbeddingChange, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What embeddings ONNX files are to give: those of TensorFlow.

    Attributes:
        languages: of each text.
        texts: the prompt before each.
        embeddings: float32 [texts, embedding size].
        verified: how far these are from the original's at most.
    """

    languages: Sequence[str]
    texts: Sequence[str]
    embeddings: np.ndarray
    verified: float


def write_onnx_files(
    huggingface: Path,
    formats: Sequence[OnnxFormat],
    texts: Sequence[tuple[str, str]],
    prompt: str,
    verified: float = 0.0,
    pooling: PoolingMode | None = None,
    out: Path | None = None,
) -> tuple[OnnxFile, ...]:
    """Write the ONNX files of a Hugging Face folder, and verify each.

    A float32 file must give what TensorFlow gives; as far as that was verified against the original, the two
    differences together must not exceed 1e-5. A quantized one must come near it. Every file must give a text
    alone what it gives it in a batch.

    Args:
        huggingface: the folder, with weights, tokenizer and side files.
        formats: which.
        texts: to compare with, each behind its language; see `choose`.
        prompt: what goes before every text.
        verified: how far TensorFlow's embeddings are from the original's at most.
        pooling: see `read_encoder`.
        out: where to; None for the folder's `onnx/`.

    Raises:
        SmallerLabseError: the encoder is not rebuilt, or a file is not what it should be.
    """
    from smaller_labse.encoders.from_huggingface import read_encoder
    from smaller_labse.encoders.networks.onnx_network import open_onnx
    from smaller_labse.encoders.onnx.write_onnx import write_onnx
    from smaller_labse.originals.weights.safetensors_folder import open_safetensors

    encoder = read_encoder(huggingface, open_safetensors(huggingface).tensors, pooling)
    files = write_onnx(out or huggingface / FOLDER, encoder.config, encoder.read_tensor, formats)
    chosen = choose(texts)
    languages, with_prompt = [language for language, _ in chosen], [prompt + text for _, text in chosen]
    expected: Expected | None = None
    written = []
    for each, file in zip(formats, files, strict=True):
        network = open_onnx(str(file), file, huggingface)
        if expected is None:
            embeddings = _embed_in_tensorflow(encoder, network, with_prompt, huggingface)
            expected = Expected(languages, with_prompt, embeddings, verified)
        written.append(_verify(each, file, network, expected))
    return tuple(written)


def choose(texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Some texts of each language, and a long one of many.

    Args:
        texts: each behind its language.
    """
    numbers: dict[str, int] = {}
    chosen = []
    for language, text in texts:
        numbers[language] = numbers.get(language, 0) + 1
        if numbers[language] <= OF_A_LANGUAGE:
            chosen.append((language, text))
    evenly = np.linspace(0, len(chosen) - 1, min(len(chosen), MOST_TEXTS)).astype(int)
    some = [chosen[number] for number in evenly]
    return [*some, (NO_LANGUAGE, " ".join(text for _, text in some[:LONG_TEXT]))]


def onnx_table(files: Sequence[OnnxFile]) -> Table:
    """One row for each file."""
    rows = []
    for each in files:
        total = each.embeddings[-1] if each.embeddings else None
        rows.append(
            (
                each.format,
                each.file,
                f"{each.bytes / 1e6:,.1f} MB",
                f"{each.largest_difference:.1e}",
                f"{total.mean_cosine:.5f}" if total else "1",
                f"{total.lowest_cosine:.5f}" if total else "1",
                f"{each.alone_or_in_a_batch:.1e}",
            )
        )
    columns = ("format", "file", "size", "largest difference", "mean cosine", "lowest cosine", "in a batch")
    return Table(columns, rows)


def _embed_in_tensorflow(
    encoder: HuggingFaceEncoder, network: OnnxNetwork, texts: Sequence[str], huggingface: Path
) -> np.ndarray:
    """The embeddings of texts by the encoder in TensorFlow, with the rows of their tokens only."""
    from smaller_labse.encoders.from_huggingface import build_encoder
    from smaller_labse.make_smaller.verify import embed_inputs, traced_once
    from smaller_labse.originals.tokenizers.base import BertTokenizerSetup
    from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON

    prepared = network.prepare(texts, network.sequence_length)
    ids, mask = prepared.padded(np.arange(len(texts)))
    used = np.unique(ids)
    inputs = {
        "input_word_ids": np.searchsorted(used, ids).astype(np.int32),
        "input_mask": mask.astype(np.int32),
        "input_type_ids": np.zeros(ids.shape, np.int32),
    }
    # The file would go into a SavedModel, and none is written.
    setup = BertTokenizerSetup(huggingface / TOKENIZER_JSON, lower_case=False)
    return embed_inputs(lambda: traced_once(build_encoder(encoder, setup, used)), inputs)


def _verify(written: OnnxFormat, file: Path, network: OnnxNetwork, expected: Expected) -> OnnxFile:
    prepared = network.prepare(expected.texts, network.sequence_length)
    order = np.argsort(prepared.lengths, kind="stable")
    batches = [order[start : start + BATCH_TEXTS] for start in range(0, len(order), BATCH_TEXTS)]
    together = np.empty_like(expected.embeddings)
    for batch in batches:
        together[batch] = prepared.embed(batch)
    alone = np.concatenate([prepared.embed(np.array([text])) for text in range(len(order))])
    own = _require_within(SAME_IN_A_BATCH, together, alone, expected, f"{file}: in a batch")
    changes: tuple[EmbeddingChange, ...] = ()
    if written.quantized:
        changes = measure_embeddings(expected.embeddings, together, expected.languages)
        lowest = LOWEST_COSINE[written.name]
        if not changes[-1].lowest_cosine >= lowest:
            raise SmallerLabseError(
                f"{file}: an embedding's cosine with the float32 model's is {changes[-1].lowest_cosine:.4f}, "
                f"expected at least {lowest}; this model cannot be quantized so far, leave {written.name} out"
            )
        difference = changes[-1].largest_difference
    else:
        limit = TOLERANCE - expected.verified
        difference = _require_within(limit, together, expected.embeddings, expected, f"{file}: TensorFlow's")
    data = file.with_name(f"{file.name}_data")
    size = sum(each.stat().st_size for each in (file, data) if each.is_file())
    return OnnxFile(
        written.name, f"{FOLDER}/{file.name}", network.sequence_length, size, difference, own, changes
    )


def _require_within(
    limit: float, found: np.ndarray, other: np.ndarray, expected: Expected, what: str
) -> float:
    """The largest difference of two arrays of embeddings.

    Raises:
        SmallerLabseError: it exceeds a limit.
    """
    differences = np.abs(found - other).max(axis=1)
    worst = int(differences.argmax())
    if not differences[worst] <= limit:
        raise SmallerLabseError(
            f"{what} embedding of {expected.texts[worst][:60]!r} differs by {differences[worst]:.2g}, "
            f"expected at most {limit:.1e}"
        )
    return float(differences[worst])
