"""Tensor names: LaBSE's on TF Hub mapped to Hugging Face's `BertModel`."""

from __future__ import annotations

import re

from smaller_labse.encoders.config import EncoderConfig

_MODULES = {
    "word_embeddings": "embeddings.word_embeddings",
    "position_embedding": "embeddings.position_embeddings",
    "type_embeddings": "embeddings.token_type_embeddings",
    "embeddings/layer_norm": "embeddings.LayerNorm",
    "pooler_transform": "pooler.dense",
}
_LAYER_MODULES = {
    "self_attention/query": "attention.self.query",
    "self_attention/key": "attention.self.key",
    "self_attention/value": "attention.self.value",
    "self_attention/attention_output": "attention.output.dense",
    "self_attention_layer_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_layer_norm": "output.LayerNorm",
}
_PARAMETERS = {"embeddings": "weight", "kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}


def bert_model_names(config: EncoderConfig) -> dict[str, str]:
    """Every tensor's name in LaBSE on TF Hub → its name in transformers' `BertModel`, in LaBSE's order."""
    names = {}
    for source in config.bert_tensor_shapes():
        module, parameter = source.rsplit("/", 1)
        layer = re.fullmatch(r"transformer/layer_(\d+)/(.+)", module)
        name = f"encoder.layer.{layer[1]}.{_LAYER_MODULES[layer[2]]}" if layer else _MODULES[module]
        names[source] = f"{name}.{_PARAMETERS[parameter]}"
    return names
