"""What users do with a smaller tokenizer: transformers loads its folder and gives text the same token ids as we do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.make_smaller.example import learn_pieces
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

transformers = pytest.importorskip("transformers", reason="needs transformers, from the extra interop")

pytestmark = pytest.mark.interop

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
TEXTS = ["The train leaves at half past seven.", "  Zwei   Wörter ", "京都は寒い。", "a", "", "a <mask> b"]


def write_config(folder: Path, model_type: str) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))


def sentencepiece_folder(folder: Path, model_type: str, **options: int) -> None:
    import sentencepiece

    name = "spiece.model" if model_type == "t5" else "sentencepiece.bpe.model"
    with (folder / name).open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES),
            model_writer=file,
            vocab_size=4000,
            character_coverage=1.0,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
            **options,
        )
    write_config(folder, model_type)


def xlm_roberta(folder: Path) -> None:
    sentencepiece_folder(folder, "xlm-roberta")
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)


def xlm_roberta_without_json(folder: Path) -> None:
    sentencepiece_folder(folder, "xlm-roberta")


def t5(folder: Path) -> None:
    sentencepiece_folder(folder, "t5", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)


def t5_without_json(folder: Path) -> None:
    sentencepiece_folder(folder, "t5", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)


def bert(folder: Path) -> None:
    pieces = learn_pieces(SENTENCES)
    (folder / "vocab.txt").write_bytes("".join(f"{piece}\n" for piece in pieces).encode())
    write_config(folder, "bert")


def qwen3(folder: Path) -> None:
    """Byte-level BPE with an added token for each special piece."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        _qwen2(folder, SENTENCES), pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )
    tokenizer.save_pretrained(folder)


def _qwen2(folder: Path, sentences: list[str]) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learned.train_from_iterator(
        sentences, trainers.BpeTrainer(vocab_size=3000, initial_alphabet=alphabet, show_progress=False)
    )
    learned.model.save(str(folder))  # vocab.json and merges.txt
    write_config(folder, "qwen2")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "Qwen2Tokenizer"}))
    return folder


def gemma(folder: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    learned = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    learned.normalizer = normalizers.Replace(" ", "▁")
    learned.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=4000, special_tokens=special, show_progress=False)
    learned.train_from_iterator(SENTENCES, trainer)
    model = json.loads(learned.to_str())["model"]
    vocabulary, merges = model["vocab"], [tuple(pair) for pair in model["merges"]]
    transformers.GemmaTokenizer(vocab=vocabulary, merges=merges).save_pretrained(folder)
    write_config(folder, "gemma3_text")


@pytest.mark.parametrize(
    "make",
    [xlm_roberta, xlm_roberta_without_json, t5, t5_without_json, bert, qwen3, gemma],
    ids=lambda f: f.__name__,
)
def test_transformers_tokenizes_as_before(tmp_path, make: Callable[[Path], Any]):
    folder, out = tmp_path / "original", tmp_path / "smaller"
    folder.mkdir()
    out.mkdir()
    make(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    original = open_huggingface_tokenizer(folder, vocab_size=20_000)
    assert len(theirs) == len(original.pieces)
    wanted = {token_id for text in [*TEXTS, *SENTENCES[::2]] for token_id in theirs(text).input_ids}
    kept = original.with_dependencies(np.union1d(original.special_ids, sorted(wanted)))
    assert len(kept) < len(original.pieces)
    original.write_subset(VocabularySubset(kept, len(original.pieces)), out)
    (out / "config.json").write_bytes((folder / "config.json").read_bytes())
    smaller = transformers.AutoTokenizer.from_pretrained(out)
    assert len(smaller) == len(kept)
    assert type(smaller) is type(theirs)
    for text in [*TEXTS, *SENTENCES[::2]]:
        assert kept[smaller(text).input_ids].tolist() == theirs(text).input_ids
    if list(out.glob("*.model")):  # by itself it makes the same tokenizer
        (out / "tokenizer.json").unlink()
        rebuilt = transformers.AutoTokenizer.from_pretrained(out)
        assert [rebuilt(text).input_ids for text in TEXTS] == [smaller(text).input_ids for text in TEXTS]
    for name in ("pad_token_id", "unk_token_id", "eos_token_id", "cls_token_id", "mask_token_id"):
        before, after = getattr(theirs, name, None), getattr(smaller, name, None)
        assert (before is None and after is None) or kept[after] == before
    texts = SENTENCES[::7]
    ours = original.tokenize(texts)[0].tolist()
    assert ours == [
        token_id for text in texts for token_id in theirs(text, add_special_tokens=False).input_ids
    ]
