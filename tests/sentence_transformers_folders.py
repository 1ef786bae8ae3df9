"""Small sentence-transformers folders of several architectures, with random weights and real tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from smaller_labse.corpora.builtin_sentences import builtin_sentences

LANGUAGES = ("en", "ja", "no", "th")
TEXTS = [text for code in LANGUAGES for text in builtin_sentences()[code]]
SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
DECODER = SIZES | {"head_dim": 8, "num_key_value_heads": 1}
T5 = {"d_model": 24, "d_kv": 8, "d_ff": 40, "num_layers": 2, "num_heads": 3}
LENGTH = 48  # where texts are truncated
POSITIONS = 64


def word_piece() -> Tokenizer:
    """BERT's and MPNet's family, with MPNet's tokens."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def byte_pair(around: bool) -> Tokenizer:
    """GPT-2's and ModernBERT's family; ModernBERT's puts two tokens around every text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if around else ["<|endoftext|>", "<|pad|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=500, special_tokens=special, initial_alphabet=alphabet)
    )
    if around:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    return tokenizer


def unigram() -> Tokenizer:
    """T5's family: one token behind every text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Replace(" {2,}", " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        TEXTS, trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>")
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


# Name → transformers' model and config, how the config is filled, the tokenizer, its special tokens, pooling.
ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any], Callable[[], Tokenizer], dict[str, str], str]] = {
    "modernbert": (
        "ModernBertModel",
        "ModernBertConfig",
        SIZES
        | {"max_position_embeddings": POSITIONS, "pad_token_id": 0, "local_attention": 8}
        | {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3},
        lambda: byte_pair(around=True),
        {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"},
        "mean",
    ),
    "mpnet": (
        "MPNetModel",
        "MPNetConfig",
        SIZES | {"max_position_embeddings": POSITIONS + 2, "pad_token_id": 1},
        word_piece,
        {"pad_token": "<pad>", "unk_token": "[UNK]", "cls_token": "<s>", "sep_token": "</s>"},
        "cls",
    ),
    "bert-max": (  # rebuilt in TensorFlow, but for its pooling
        "BertModel",
        "BertConfig",
        SIZES | {"max_position_embeddings": POSITIONS, "pad_token_id": 1},
        word_piece,
        {"pad_token": "<pad>", "unk_token": "[UNK]", "cls_token": "<s>", "sep_token": "</s>"},
        "max",
    ),
    "t5": (
        "T5EncoderModel",
        "T5Config",
        T5,
        unigram,
        {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"},
        "mean",
    ),
    "gpt2": (
        "GPT2Model",
        "GPT2Config",
        {"n_embd": 24, "n_layer": 2, "n_head": 3, "n_positions": POSITIONS}
        | {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1},
        lambda: byte_pair(around=False),
        {"pad_token": "<|pad|>", "eos_token": "<|endoftext|>"},
        "lasttoken",
    ),
    "qwen3": (
        "Qwen3Model",
        "Qwen3Config",
        DECODER | {"max_position_embeddings": POSITIONS, "pad_token_id": 1, "eos_token_id": 0},
        lambda: byte_pair(around=False),
        {"pad_token": "<|pad|>", "eos_token": "<|endoftext|>", "padding_side": "left"},
        "lasttoken",
    ),
}


def write_folder(architecture: str, folder: Path, **settings: Any) -> Path:
    """Write a small model with a Dense layer and normalization behind the pooling.

    Args:
        architecture: one of `ARCHITECTURES`.
        folder: where to.
        settings: of the model, such as `prompts` and `default_prompt_name`.
    """
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

    model_name, config_name, options, make_tokenizer, special, pooling = ARCHITECTURES[architecture]
    tokenizer = make_tokenizer()
    config = getattr(transformers, config_name)(vocab_size=tokenizer.get_vocab_size(), **options)
    torch.manual_seed(0)
    model = getattr(transformers, model_name)(config)
    with torch.no_grad():
        for parameter in model.parameters():  # no zeros and ones: biases and norms must count, too
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    plain = folder.with_name(f"{folder.name}.plain")
    model.save_pretrained(plain)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=LENGTH, **special
    ).save_pretrained(plain)
    transformer = Transformer(str(plain), max_seq_length=LENGTH)
    modules = [transformer, Pooling(24, pooling_mode=pooling), Dense(24, 16), Normalize()]
    SentenceTransformer(modules=modules, device="cpu", **settings).save_pretrained(str(folder))
    return folder
