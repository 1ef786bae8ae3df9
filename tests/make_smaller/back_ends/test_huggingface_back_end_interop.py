"""Originals from Hugging Face, trimmed: transformers, sentence-transformers and our SavedModels agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.open import open_original
from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
from smaller_labse.select_vocab.selection import read_selection, write_selection

torch = pytest.importorskip("torch", reason="needs torch, from the extra interop")
transformers = pytest.importorskip("transformers", reason="needs transformers, from the extra interop")
pytestmark = pytest.mark.interop

SENTENCES = [text for texts in builtin_sentences().values() for text in texts]
LANGUAGES = ("en", "de", "fr", "ja", "ru", "ko")  # no Thai: tf-text's WordPiece cuts it otherwise
KEPT_SENTENCES = [text for code in LANGUAGES for text in builtin_sentences()[code]]
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 56,
    "initializer_range": 0.3,
}


def write_modules(folder: Path, modules: list[str], mode: str) -> None:
    """The side files of a sentence-transformers folder."""
    kinds = ["Transformer", *modules]
    paths = ["" if kind == "Transformer" else f"{number}_{kind}" for number, kind in enumerate(kinds)]
    content = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(content))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 48, "do_lower_case": false}')
    pooling = {"word_embedding_dimension": 32, f"pooling_mode_{mode}": True}
    for number, kind in enumerate(kinds):
        (folder / paths[number]).mkdir(exist_ok=True)
        if kind == "Pooling":
            (folder / paths[number] / "config.json").write_text(json.dumps(pooling))
        if kind == "Dense":
            settings = {"in_features": 32, "out_features": 32, "bias": True}
            settings["activation_function"] = "torch.nn.modules.activation.Tanh"
            (folder / paths[number] / "config.json").write_text(json.dumps(settings))
            from safetensors.torch import save_file

            dense = torch.nn.Linear(32, 32)
            save_file(
                {"linear.weight": dense.weight.data, "linear.bias": dense.bias.data},
                folder / paths[number] / "model.safetensors",
            )


def write_xlm_roberta(folder: Path) -> None:
    """As multilingual-e5 and paraphrase-multilingual are: Unigram pieces, mean pooling, a longer table."""
    import sentencepiece

    text = folder / "text.txt"
    text.write_text("\n".join(SENTENCES), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "sentencepiece.bpe"), vocab_size=3500,
        model_type="unigram", character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    text.unlink()
    (folder / "sentencepiece.bpe.vocab").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    config = transformers.XLMRobertaConfig(
        vocab_size=3513, max_position_embeddings=66, type_vocab_size=1, pad_token_id=1, **SHAPE
    )
    transformers.XLMRobertaModel(config).save_pretrained(folder)
    write_modules(folder, ["Pooling", "Normalize"], "mean_tokens")
    settings = {"prompts": {"query": "query: "}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))


def write_bert(folder: Path) -> None:
    """LaBSE in `BertModel`'s form, with the tanh approximation: WordPiece and the pooler."""
    from smaller_labse.make_smaller.example import learn_pieces

    pieces = learn_pieces(SENTENCES, 5000)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": false, "model_max_length": 48}'
    )
    config = transformers.BertConfig(
        vocab_size=len(pieces), max_position_embeddings=64, hidden_act="gelu_pytorch_tanh", **SHAPE
    )
    transformers.BertModel(config).save_pretrained(folder)


def write_labse(folder: Path) -> None:
    """LaBSE as sentence-transformers has it: first piece, a dense layer with tanh, length 1."""
    write_bert(folder)
    write_modules(folder, ["Pooling", "Dense", "Normalize"], "cls_token")


def trim(original_folder: Path, folder: Path) -> Path:
    from smaller_labse.make_smaller.make_smaller import make_smaller

    original = open_original(str(original_folder))
    ids, _ = original.tokenizer.tokenize([*KEPT_SENTENCES, *original.prompts])
    selection = choose_tokens(
        original.tokenizer,
        original_size=original.vocab_size,
        hidden_size=original.hidden_size,
        listed=[np.unique(ids)],
        languages=LANGUAGES,
    )
    write_selection(selection, original.tokenizer, folder / "selection")
    return make_smaller(original_folder, read_selection(folder / "selection"), folder / "model").folder


@pytest.mark.parametrize("write", [write_xlm_roberta, write_labse, write_bert])
def test_the_trimmed_folder_the_original_and_our_saved_model_agree(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    from smaller_labse.evaluate import load

    torch.manual_seed(0)
    original = tmp_path / "original"
    original.mkdir()
    write(original)
    model = trim(original, tmp_path)
    config = json.loads((model / "huggingface" / "config.json").read_text())
    assert config["vocab_size"] < json.loads((original / "config.json").read_text())["vocab_size"] / 2
    if write is write_bert:
        before, after = (pooler_output(folder) for folder in (original, model / "huggingface"))
    else:
        from sentence_transformers import SentenceTransformer

        before, after = (
            SentenceTransformer(str(folder)).encode(KEPT_SENTENCES)
            for folder in (original, model / "huggingface")
        )
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5)
    np.testing.assert_allclose(load(model).encode(KEPT_SENTENCES), before, rtol=0, atol=1e-5)
    np.testing.assert_allclose(load(original).encode(KEPT_SENTENCES), before, rtol=0, atol=1e-5)
    assert np.std(before, axis=0).mean() > 1e-3, "all sentences look alike"


def pooler_output(folder: Path) -> np.ndarray:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    inputs = tokenizer(KEPT_SENTENCES, padding=True, truncation=True, max_length=48, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).pooler_output.numpy()


def test_prompts_go_before_every_sentence(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from smaller_labse.evaluate import load

    torch.manual_seed(0)
    original = tmp_path / "original"
    original.mkdir()
    write_xlm_roberta(original)
    model = trim(original, tmp_path)
    expected = SentenceTransformer(str(original)).encode(KEPT_SENTENCES, prompt_name="query")
    found = load(model, prompt="query: ").encode(KEPT_SENTENCES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert np.abs(found - load(model).encode(KEPT_SENTENCES)).max() > 1e-3
