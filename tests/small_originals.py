"""Small originals from Hugging Face with random weights, one of each kind of tokenizer; written without torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from smaller_labse.common.json_files import write_json
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.labse_tensor_names import bert_model_names
from smaller_labse.make_smaller.example import learn_pieces, random_tensors

SENTENCES = [text for code in ("en", "de", "fr", "ja", "ru") for text in builtin_sentences()[code]]
BERT = EncoderConfig(
    vocab_size=0,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=56,
    max_position_embeddings=66,
    type_vocab_size=2,
    hidden_act="gelu",
)
XLM_ROBERTA = replace(BERT, type_vocab_size=1, layer_norm_eps=1e-5, first_position=2)
PROMPTS = {"query": "query: ", "passage": "passage: "}


def write_xlm_roberta(folder: Path) -> Path:
    """As multilingual-e5: SentencePiece's Unigram, mean pooling, prompts of which none is the default."""
    import sentencepiece

    folder.mkdir(parents=True)
    text = folder / "text.txt"
    everything = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
    text.write_text("\n".join([*everything, *PROMPTS.values()]), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "sentencepiece.bpe"), vocab_size=3000,
        model_type="unigram", character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    text.unlink()
    (folder / "sentencepiece.bpe.vocab").unlink()
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer"})
    _write_encoder(folder, replace(XLM_ROBERTA, vocab_size=3013), "xlm-roberta")
    write_sentence_transformers(folder)
    return folder


def write_mean_bert(folder: Path) -> Path:
    """BERT with WordPiece tokens and mean pooling: its tensors say nothing of how it pools."""
    folder.mkdir(parents=True)
    pieces = learn_pieces([*SENTENCES, *PROMPTS.values()], 3000)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    _write_encoder(folder, replace(BERT, vocab_size=len(pieces)), "bert")
    write_sentence_transformers(folder)
    return folder


def write_byte_pairs(folder: Path) -> Path:
    """A model with byte-level BPE tokens, of an architecture that is not rebuilt in TensorFlow."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*SENTENCES, *PROMPTS.values()], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = tokenizer.get_vocab_size()
    random = np.random.default_rng(0)
    tensors = {
        "embeddings.tok_embeddings.weight": random.standard_normal((rows, 32), dtype=np.float32),
        "layers.0.attn.Wo.weight": random.standard_normal((32, 32), dtype=np.float32),
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {"model_type": "modernbert", "vocab_size": rows, "hidden_size": 32, "pad_token_id": 1}
    write_json(folder / "config.json", config)
    write_sentence_transformers(folder)
    return folder


WRITERS: dict[str, Callable[[Path], Path]] = {
    "xlm-roberta": write_xlm_roberta,
    "bert": write_mean_bert,
    "byte-pairs": write_byte_pairs,
}


def write_sentence_transformers(folder: Path, default_prompt: str | None = None) -> None:
    """The side files of sentence-transformers: mean pooling, length 1, prompts."""
    steps = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{step}"}
        for number, (path, step) in enumerate(steps.items())
    ]
    write_json(folder / "modules.json", modules)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    (folder / "2_Normalize").mkdir(exist_ok=True)
    settings = {"prompts": PROMPTS, "default_prompt_name": default_prompt, "similarity_fn_name": "cosine"}
    write_json(folder / "config_sentence_transformers.json", settings)


def read_settings(folder: Path) -> dict:
    """What `config_sentence_transformers.json` of a Hugging Face folder says."""
    return json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))


def _write_encoder(folder: Path, config: EncoderConfig, model_type: str) -> None:
    draw, shapes = random_tensors(config), config.bert_tensor_shapes()
    tensors = {}
    for name, theirs in bert_model_names(config).items():
        values = draw(name)
        if name.endswith("/kernel"):
            inputs = int(np.prod(values.shape[:2])) if "attention_output" in name else values.shape[0]
            values = values.reshape(inputs, -1).T
        elif name.endswith("/bias"):
            values = values.reshape(-1)
        tensors[theirs] = np.ascontiguousarray(values)
    assert len(tensors) == len(shapes)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    settings = {
        "architectures": ["BertModel" if model_type == "bert" else "XLMRobertaModel"],
        "model_type": model_type,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_position_embeddings,
        "type_vocab_size": config.type_vocab_size,
        "hidden_act": config.hidden_act,
        "layer_norm_eps": config.layer_norm_eps,
        "pad_token_id": 1 if model_type == "xlm-roberta" else 0,
    }
    write_json(folder / "config.json", settings)
