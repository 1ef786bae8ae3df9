"""Small models of many architectures, saved by transformers, trimmed, and loaded by transformers again.

On the kept pieces they must compute what the original computes, and lose nothing on the way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smaller_labse.make_smaller.back_ends.trim_huggingface import TrimmedFolder, trim_huggingface
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.originals.weights.safetensors_folder import open_safetensors

torch = pytest.importorskip("torch", reason="needs torch, from the extra interop")
transformers = pytest.importorskip("transformers", reason="needs transformers, from the extra interop")

from safetensors.torch import load_file, save_file  # noqa: E402 - needs torch

pytestmark = pytest.mark.interop

TOLERANCE = 1e-5  # promise 1: float32 rounding
ROWS, PIECES, KEPT = 203, 197, 90  # the table has more rows than the tokenizer has pieces
SMALL = {"vocab_size": ROWS, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3}
BERT = SMALL | {"intermediate_size": 40, "max_position_embeddings": 32}
DECODER = SMALL | {"intermediate_size": 40, "head_dim": 12, "num_key_value_heads": 1}
T5 = {"vocab_size": ROWS, "d_model": 24, "d_kv": 8, "d_ff": 40, "num_layers": 2, "num_heads": 3}
IDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1, "cls_token_id": 2, "sep_token_id": 1}
MODERNBERT = BERT | IDS
EMBEDDINGGEMMA = DECODER | {"use_bidirectional_attention": True}
QWEN3 = DECODER | {"pad_token_id": 195, "eos_token_id": 196}
UNTIED = {"tie_word_embeddings": False}


@dataclass(frozen=True)
class Architecture:
    """A model to make.

    Attributes:
        model: transformers' class of the model.
        config: and of its config.
        options: how the config is filled.
        trimmed: names of the tensors that have one row per token.
        pad: id of the pad piece, before and after.
    """

    model: str
    config: str
    options: dict[str, Any]
    trimmed: tuple[str, ...]
    pad: int = 0

    def __str__(self) -> str:
        return self.model + " untied" * (not self.options.get("tie_word_embeddings", True))


BERT_MODEL = Architecture("BertModel", "BertConfig", BERT, ("embeddings.word_embeddings.weight",))
GEMMA = Architecture("Gemma3TextModel", "Gemma3TextConfig", EMBEDDINGGEMMA, ("embed_tokens.weight",))
T5_ENCODER = Architecture("T5EncoderModel", "T5Config", T5, ("shared.weight",))
T5_FULL = Architecture(
    "T5ForConditionalGeneration", "T5Config", T5 | {"decoder_start_token_id": 0}, ("shared.weight",)
)
XLM_ROBERTA_CUT = ("roberta.embeddings.word_embeddings.weight", "lm_head.bias")
ARCHITECTURES = [
    BERT_MODEL,
    Architecture(
        "BertForPreTraining",
        "BertConfig",
        BERT,
        ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"),
    ),
    Architecture("XLMRobertaForMaskedLM", "XLMRobertaConfig", BERT, XLM_ROBERTA_CUT, pad=1),
    Architecture(
        "XLMRobertaForMaskedLM",
        "XLMRobertaConfig",
        BERT | UNTIED,
        (*XLM_ROBERTA_CUT, "lm_head.decoder.weight", "lm_head.decoder.bias"),
        pad=1,
    ),
    Architecture("ModernBertModel", "ModernBertConfig", MODERNBERT, ("embeddings.tok_embeddings.weight",)),
    Architecture(
        "ModernBertForMaskedLM",
        "ModernBertConfig",
        MODERNBERT,
        ("model.embeddings.tok_embeddings.weight", "decoder.bias"),
    ),
    GEMMA,
    Architecture("Gemma3ForCausalLM", "Gemma3TextConfig", DECODER, ("model.embed_tokens.weight",)),
    Architecture("Qwen3Model", "Qwen3Config", QWEN3, ("embed_tokens.weight",)),
    Architecture(
        "Qwen3ForCausalLM", "Qwen3Config", QWEN3 | UNTIED, ("model.embed_tokens.weight", "lm_head.weight")
    ),
    T5_ENCODER,
    T5_FULL,
]
NAMED = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)


def make(architecture: Architecture, folder: Path, dtype: torch.dtype = torch.float32, **saving: str) -> Any:
    torch.manual_seed(0)
    config = getattr(transformers, architecture.config)(**architecture.options)
    model = getattr(transformers, architecture.model)(config)
    with torch.no_grad():
        for parameter in model.parameters():  # no zeros and ones: biases and norms must count, too
            parameter.copy_(torch.randn_like(parameter) * 0.2)
    model = model.to(dtype).eval()
    model.save_pretrained(folder, **saving)
    return model


def draw_kept(architecture: Architecture, in_order: bool) -> np.ndarray:
    """Special pieces where they were; of the others, half, in their order or in any."""
    random = np.random.default_rng(1)
    specials = [architecture.options.get(f"{name}_token_id") or 0 for name in ("pad", "eos")]
    others = sorted({number for number in specials if number > 3})
    drawn = random.choice(np.setdiff1d(np.arange(4, PIECES), others), KEPT - 4 - len(others), replace=False)
    drawn = np.concatenate([drawn, np.array(others, dtype=np.int64)])
    return np.concatenate([np.arange(4), np.sort(drawn) if in_order else random.permutation(drawn)])


def load(architecture: Architecture, folder: Path) -> Any:
    """The model, of which nothing was missing, left over or of another shape."""
    model, loading = getattr(transformers, architecture.model).from_pretrained(
        folder, output_loading_info=True, dtype="auto"
    )
    assert not any(loading.values()), loading
    return model.eval()


def draw_inputs(architecture: Architecture) -> tuple[np.ndarray, np.ndarray]:
    """New ids and mask of a padded batch, [4, 12]."""
    random = np.random.default_rng(2)
    ids = random.integers(4, KEPT, (4, 12))
    mask = np.arange(12) < np.array([[12], [7], [3], [1]])
    return np.where(mask, ids, architecture.pad), mask.astype(np.int64)


def run(model: Any, ids: np.ndarray, mask: np.ndarray) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """Hidden states of every layer, and logits where there are any."""
    inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if "ConditionalGeneration" in type(model).__name__:
        inputs["decoder_input_ids"] = inputs["input_ids"]
    with torch.no_grad():
        outputs = model(**inputs, output_hidden_states=True)
    states = ("hidden_states", "encoder_hidden_states", "decoder_hidden_states")
    hidden = [state for name in states for state in (outputs.get(name) or ())]
    logits = outputs.get("logits", outputs.get("prediction_logits"))
    assert hidden
    return hidden, logits


def trim(original: Path, kept_ids: np.ndarray, out: Path, dtype: str | None = None) -> TrimmedFolder:
    config = json.loads((original / "config.json").read_text())
    vocab_size = config.get("vocab_size") or config["text_config"]["vocab_size"]
    return trim_huggingface(original, VocabularySubset(kept_ids, vocab_size), out, dtype)


def compare(original: Any, smaller: Any, architecture: Architecture, kept_ids: np.ndarray) -> None:
    ids, mask = draw_inputs(architecture)
    expected, expected_logits = run(original, kept_ids[ids], mask)
    found, found_logits = run(smaller, ids, mask)
    seen = mask == 1
    assert len(found) == len(expected)
    for before, after in zip(expected, found, strict=True):
        assert (before - after)[seen].abs().max() < TOLERANCE
        assert before[seen].std() > 1e-2, "a model that computes nothing proves nothing"
    assert (found_logits is None) == (expected_logits is None)
    if found_logits is not None:
        assert found_logits.shape[-1] == len(kept_ids)
        assert (expected_logits[..., kept_ids] - found_logits)[seen].abs().max() < TOLERANCE


@NAMED
@pytest.mark.parametrize("in_order", [True, False], ids=["in order", "in any order"])
def test_a_cut_model_computes_what_the_original_computes(
    architecture: Architecture, in_order: bool, tmp_path: Path
) -> None:
    original = make(architecture, tmp_path / "original")
    kept_ids = draw_kept(architecture, in_order)
    made = trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    assert set(made.tensors) == set(architecture.trimmed)
    assert (made.original_vocab_size, made.vocab_size, made.hidden_size) == (ROWS, KEPT, 24)
    smaller = load(architecture, tmp_path / "smaller")
    assert smaller.config.vocab_size == KEPT
    assert made.original_parameters - original.num_parameters() == made.parameters - smaller.num_parameters()
    compare(original, smaller, architecture, kept_ids)


@NAMED
def test_ids_in_the_configs_name_the_same_pieces(architecture: Architecture, tmp_path: Path) -> None:
    original = make(architecture, tmp_path / "original")
    kept_ids = draw_kept(architecture, in_order=False)
    trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    smaller = load(architecture, tmp_path / "smaller")
    pairs = [(original.config, smaller.config)]
    if original.can_generate():
        pairs.append((original.generation_config, smaller.generation_config))
    for before, after in pairs:
        before, after = before.to_dict(), after.to_dict()
        assert set(after) - {"_name_or_path"} == set(before) - {"_name_or_path"}
        named = [name for name in before if name.endswith("_token_id") and before[name] is not None]
        assert named
        assert [kept_ids[after[name]] for name in named] == [before[name] for name in named]


@NAMED
def test_what_is_tied_stays_tied_and_what_is_not_does_not(architecture: Architecture, tmp_path: Path) -> None:
    original = make(architecture, tmp_path / "original")
    trim(tmp_path / "original", draw_kept(architecture, in_order=True), tmp_path / "smaller")
    smaller = load(architecture, tmp_path / "smaller")

    def tied(model: Any) -> bool | None:
        output = model.get_output_embeddings()
        return None if output is None else output.weight is model.get_input_embeddings().weight

    assert tied(smaller) == tied(original)
    assert tied(original) in (None, architecture.options.get("tie_word_embeddings", True))
    before, after = (
        set(load_file(tmp_path / name / "model.safetensors")) for name in ("original", "smaller")
    )
    assert after == before


@NAMED
def test_shards_stay_shards(architecture: Architecture, tmp_path: Path) -> None:
    original = make(architecture, tmp_path / "original", max_shard_size="10KB")
    kept_ids = draw_kept(architecture, in_order=True)
    trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    before, after = (
        json.loads((tmp_path / name / "model.safetensors.index.json").read_text())
        for name in ("original", "smaller")
    )
    assert after["weight_map"] == before["weight_map"]
    assert len(set(after["weight_map"].values())) > 2
    smaller = load(architecture, tmp_path / "smaller")
    assert after["metadata"] == {
        "total_parameters": smaller.num_parameters(),
        "total_size": smaller.num_parameters() * 4,
    }
    compare(original, smaller, architecture, kept_ids)


@NAMED
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_half_precision_is_kept_to_the_bit(
    architecture: Architecture, dtype: torch.dtype, tmp_path: Path
) -> None:
    make(architecture, tmp_path / "original", dtype)
    kept_ids = draw_kept(architecture, in_order=False)
    made = trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("original", "smaller"))
    assert set(before) == set(after)
    for name, values in before.items():
        expected = values[kept_ids] if name in made.tensors else values
        assert after[name].dtype == dtype
        assert torch.equal(after[name].view(torch.int16), expected.view(torch.int16)), name
    assert load(architecture, tmp_path / "smaller").dtype == dtype


@NAMED
def test_float16_on_request_is_torch_s_rounding(architecture: Architecture, tmp_path: Path) -> None:
    make(architecture, tmp_path / "original")
    kept_ids = draw_kept(architecture, in_order=True)
    made = trim(tmp_path / "original", kept_ids, tmp_path / "smaller", dtype="float16")
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("original", "smaller"))
    for name, values in before.items():
        expected = values[kept_ids] if name in made.tensors else values
        assert torch.equal(after[name], expected.half()), name
    assert load(architecture, tmp_path / "smaller").dtype == torch.float16


def test_bfloat16_reads_as_torch_reads_it(tmp_path: Path) -> None:
    values = torch.randn(300, 7).bfloat16()
    save_file({"a": values}, tmp_path / "model.safetensors")
    found = open_safetensors(tmp_path)
    assert np.array_equal(found.read("a"), values.float().numpy())
    rows = np.array([299, 0, 17])
    assert np.array_equal(found.read_rows("a", rows), values.float().numpy()[rows])


def write_tokenizer(folder: Path, pieces: list[str]) -> None:
    """A tokenizer of whole words, to stand for whichever the model has."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    ids = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


@pytest.mark.parametrize("dtype", [None, "float16"])
@pytest.mark.parametrize("architecture", [BERT_MODEL, GEMMA, T5_ENCODER], ids=str)
def test_sentence_transformers_loads_it_with_all_its_modules(
    architecture: Architecture, dtype: str | None, tmp_path: Path
) -> None:
    sentence_transformers = pytest.importorskip(
        "sentence_transformers", reason="needs sentence-transformers, from the extra interop"
    )
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

    make(architecture, tmp_path / "plain")
    pieces = ["<pad>", "<s>", "</s>", "<unk>", *(f"w{number}" for number in range(4, PIECES))]
    write_tokenizer(tmp_path / "plain", pieces)
    modules = [Transformer(str(tmp_path / "plain")), Pooling(24, "mean"), Dense(24, 10), Normalize()]
    original = sentence_transformers.SentenceTransformer(
        modules=modules, device="cpu", prompts={"query": "w5 w9 "}, default_prompt_name="query"
    )
    original.save_pretrained(str(tmp_path / "original"))
    kept_ids = np.union1d(draw_kept(architecture, in_order=True), [5, 9])
    made = trim(tmp_path / "original", kept_ids, tmp_path / "smaller", dtype)
    assert made.left_out == ()
    write_tokenizer(tmp_path / "smaller", [pieces[number] for number in kept_ids])
    smaller = sentence_transformers.SentenceTransformer(str(tmp_path / "smaller"), device="cpu")
    assert [type(module).__name__ for module in smaller] == [type(module).__name__ for module in modules]
    assert smaller.prompts["query"] == "w5 w9 "
    texts = [" ".join(pieces[number] for number in kept_ids[start : start + 9]) for start in (4, 20, 37)]
    difference = np.abs(smaller.encode(texts) - original.encode(texts)).max()
    assert difference < (TOLERANCE if dtype is None else 2e-2)
    assert (smaller.dtype == torch.float16) == (dtype == "float16")


def test_a_tied_table_saved_twice_is_cut_twice(tmp_path: Path) -> None:
    """As older versions of transformers saved T5."""
    original = make(T5_FULL, tmp_path / "original")
    file = tmp_path / "original" / "model.safetensors"
    tensors = load_file(file)
    names = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
    save_file(tensors | {name: tensors["shared.weight"].clone() for name in names}, file, {"format": "pt"})
    kept_ids = draw_kept(T5_FULL, in_order=True)
    made = trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    assert set(made.tensors) == {"shared.weight", *names}
    smaller = load(T5_FULL, tmp_path / "smaller")
    assert smaller.lm_head.weight is smaller.shared.weight
    compare(original, smaller, T5_FULL, kept_ids)


def test_a_model_that_reads_pictures_too_keeps_its_other_half(tmp_path: Path) -> None:
    vision = {"hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 1, "num_attention_heads": 2}
    options = {
        "text_config": DECODER,
        "vision_config": vision | {"image_size": 28, "patch_size": 14},
        **{"image_token_id": 196, "boi_token_id": 195, "eoi_token_id": 194, "mm_tokens_per_image": 4},
    }
    architecture = Architecture("Gemma3ForConditionalGeneration", "Gemma3Config", options, ())
    make(architecture, tmp_path / "original")
    kept_ids = np.array([*range(4), *range(60, 120), 194, 195, 196])
    trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    config = load(architecture, tmp_path / "smaller").config
    assert config.text_config.vocab_size == len(kept_ids)
    assert [kept_ids[number] for number in (config.image_token_id, config.boi_token_id)] == [196, 195]


def test_the_way_out_of_pickled_weights_leads_out(tmp_path: Path) -> None:
    model = make(BERT_MODEL, tmp_path / "made")
    (tmp_path / "pickled").mkdir()
    torch.save(model.state_dict(), tmp_path / "pickled" / "pytorch_model.bin")
    (tmp_path / "pickled" / "config.json").write_bytes((tmp_path / "made" / "config.json").read_bytes())
    loaded = transformers.AutoModel.from_pretrained(tmp_path / "pickled")
    loaded.save_pretrained(tmp_path / "original", safe_serialization=True)
    kept_ids = draw_kept(BERT_MODEL, in_order=True)
    trim(tmp_path / "original", kept_ids, tmp_path / "smaller")
    compare(model, load(BERT_MODEL, tmp_path / "smaller"), BERT_MODEL, kept_ids)
