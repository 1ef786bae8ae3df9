"""Writing the modules of a sentence-transformers folder: from tokens' outputs to a sentence embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.json_files import write_json
from smaller_labse.encoders.config import Activation, EncoderConfig
from smaller_labse.encoders.sentence_transformers_folder import LIMITS, MODULES
from smaller_labse.originals.huggingface import CONFIG, SENTENCE_TRANSFORMERS
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS
from smaller_labse.originals.weights.safetensors_writer import NewTensor, write_safetensors

PYTORCH = {"format": "pt"}  # what transformers asks the file's metadata for
TORCH_ACTIVATIONS: Mapping[Activation, str] = {
    "tanh": "torch.nn.modules.activation.Tanh",
    "identity": "torch.nn.modules.linear.Identity",
    "hardswish": "torch.nn.modules.activation.Hardswish",
    "glu": "torch.nn.modules.activation.GLU",
}


@dataclass(frozen=True)
class DenseModule:
    """A dense layer and what follows it.

    Attributes:
        activation: a class of PyTorch's modules that is made without arguments: no other is loaded without
            running code of the folder's.
        weight: float32 [out features, in features].
        bias: float32 [out features]; None for none.
    """

    activation: str
    weight: np.ndarray
    bias: np.ndarray | None = None


def write_sentence_transformers(
    folder: Path,
    config: EncoderConfig,
    dense: Sequence[DenseModule],
    sequence_length: int,
    normalize: bool,
) -> None:
    """Name the steps from a folder's outputs to the sentence embedding, for sentence-transformers.

    Args:
        folder: the folder; what it says of prompts stays.
        config: the encoder's; of a pooler's input, [CLS], `dense` makes the rest.
        dense: the dense layers, in order.
        sequence_length: the longest input, in tokens, `[CLS]` and `[SEP]` included.
        normalize: whether embeddings get length 1.
    """
    steps = {"": "Transformer", "1_Pooling": "Pooling"}
    folders = [f"{number}_Dense" for number in range(2, 2 + len(dense))]
    steps |= dict.fromkeys(folders, "Dense")
    steps |= {f"{len(steps)}_Normalize": "Normalize"} if normalize else {}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{step}"}
        for number, (path, step) in enumerate(steps.items())
    ]
    write_json(folder / MODULES, modules)
    if not (folder / SENTENCE_TRANSFORMERS).exists():
        write_json(folder / SENTENCE_TRANSFORMERS, {"prompts": {}, "similarity_fn_name": "cosine"})
    transformer = {"max_seq_length": sequence_length, "do_lower_case": False}  # the tokenizer lower-cases
    write_json(folder / LIMITS, transformer)
    pooling = {
        "word_embedding_dimension": config.hidden_size,
        "pooling_mode_cls_token": config.pooling.mode != "mean",
        "pooling_mode_mean_tokens": config.pooling.mode == "mean",
    }
    write_json(folder / "1_Pooling" / CONFIG, pooling)
    for name, module in zip(folders, dense, strict=True):
        _write_dense(folder / name, module)


def _write_dense(folder: Path, module: DenseModule) -> None:
    out_features, in_features = module.weight.shape
    dense = {
        "in_features": in_features,
        "out_features": out_features,
        "bias": module.bias is not None,
        "activation_function": module.activation,
    }
    write_json(folder / CONFIG, dense)
    tensors = {"linear.weight": module.weight, "linear.bias": module.bias}
    new = [_new_tensor(name, values) for name, values in tensors.items() if values is not None]
    write_safetensors(folder / WEIGHTS, new, PYTORCH)


def _new_tensor(name: str, values: np.ndarray) -> NewTensor:
    data = np.ascontiguousarray(values, dtype="<f4")
    return NewTensor(name, "F32", data.shape, data.nbytes, lambda: [data.data])
