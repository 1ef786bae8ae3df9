"""A BERT encoder as a Hugging Face folder that transformers and sentence-transformers load."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import write_json
from smaller_labse.encoders.config import DROPOUT_RATE, WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.encoders.labse_tensor_names import bert_model_names
from smaller_labse.encoders.sentence_transformers_folder import MODULES
from smaller_labse.originals.huggingface import CONFIG, SENTENCE_TRANSFORMERS
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON
from smaller_labse.originals.tokenizers.wordpiece import END, MASK, PADDING, START, UNKNOWN
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS
from smaller_labse.originals.weights.safetensors_writer import NewTensor, write_safetensors

# What transformers' tokenizers call BERT's special tokens: "pad_token" is "[PAD]".
SPECIAL_TOKENS = {
    "pad_token": PADDING,
    "unk_token": UNKNOWN,
    "cls_token": START,
    "sep_token": END,
    "mask_token": MASK,
}
PYTORCH = {"format": "pt"}  # what transformers asks the file's metadata for
LONGEST_WORD = 100  # in characters, as in Hugging Face's BertTokenizer; a longer word becomes [UNK]


def write_huggingface(
    folder: Path,
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    pieces: Sequence[str],
    lower_case: bool,
    sequence_length: int,
    embedding_matrix: Callable[[], Iterable[np.ndarray]] | None = None,
) -> None:
    """Write a BERT encoder as a Hugging Face folder, laid out as sentence-transformers/LaBSE is.

    `AutoModel`'s `pooler_output` is the SavedModel's `pooled_output`; `SentenceTransformer.encode` returns it
    at length 1. Only one tensor is in memory at a time. Whoever calls it makes the folder appear whole.

    Args:
        folder: where to write; it is made if need be.
        config: the encoder's; its pooling is the pooler.
        read_tensor: returns the float32 tensor of a name in `config.tensor_shapes()`; the pooler's twice.
        pieces: the vocabulary, token id → token.
        lower_case: whether the preprocessor lower-cases and strips accents, which LaBSE's does not; tf-text
            then also folds ß to ss and full-width letters to plain ones, Hugging Face does not.
        sequence_length: the longest input, in tokens, `[CLS]` and `[SEP]` included; longer ones are
            truncated, by sentence-transformers always, by transformers with `truncation=True`.
        embedding_matrix: returns its rows in parts, float32 [n, hidden size] each, where it is not to be
            read whole by `read_tensor`.

    Raises:
        SmallerLabseError: a special token is missing, the vocabulary or the sequence length does not fit the
            encoder, or a tensor does not have its shape or is not float32.
    """
    ids = _token_ids(pieces, config)
    if sequence_length > config.max_position_embeddings:
        limit = f"the encoder's {config.max_position_embeddings} positions"
        raise SmallerLabseError(f"the sequence length is {sequence_length}, expected at most {limit}")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, _model_config(config, ids))
    _write_tensors(folder / WEIGHTS, bert_model_names(config), config, read_tensor, embedding_matrix)
    _write_tokenizer(folder, ids, lower_case, sequence_length)
    write_sentence_transformers(folder, config, read_tensor, sequence_length, normalize=True)


def _write_tensors(
    file: Path,
    names: Mapping[str, str],
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    embedding_matrix: Callable[[], Iterable[np.ndarray]] | None = None,
) -> None:
    """Write tensors of an encoder, as PyTorch keeps them, to a safetensors file; one is in memory at a time.

    Args:
        file: where to write.
        names: which tensors, in which order: name in LaBSE on TF Hub → name in the file.
        config: the encoder's; its pooling is the pooler.
        read_tensor: see `write_huggingface`.
        embedding_matrix: see `write_huggingface`.

    Raises:
        SmallerLabseError: a tensor does not have its shape or is not float32.
    """

    def chunks(source: str, source_shape: tuple[int, ...]) -> Iterator[memoryview]:
        if source == WORD_EMBEDDINGS and embedding_matrix is not None:
            for rows in embedding_matrix():
                yield _torch_values(source, rows, (len(rows), config.hidden_size)).data
        else:
            yield _torch_values(source, read_tensor(source), source_shape).data

    def new_tensor(source: str, source_shape: tuple[int, ...]) -> NewTensor:
        return NewTensor(
            name=names[source],
            dtype="F32",
            shape=_torch_shape(source, source_shape),
            size=math.prod(source_shape) * 4,
            chunks=lambda: chunks(source, source_shape),
        )

    source_shapes = config.bert_tensor_shapes()
    write_safetensors(file, [new_tensor(source, source_shapes[source]) for source in names], PYTORCH)


def _torch_values(source: str, values: np.ndarray, source_shape: tuple[int, ...]) -> np.ndarray:
    """A tensor of LaBSE on TF Hub as PyTorch keeps it: C-contiguous, little-endian, matrices as [out, in]."""
    if values.shape != source_shape or values.dtype != np.float32:
        raise SmallerLabseError(
            f"the tensor {source} is {values.dtype} {list(values.shape)}, "
            f"expected float32 {list(source_shape)}"
        )
    shape = _torch_shape(source, source_shape)
    if source.endswith("/kernel"):
        values = values.reshape(shape[::-1]).T
    return np.ascontiguousarray(values.reshape(shape), dtype="<f4")


def _torch_shape(source: str, source_shape: tuple[int, ...]) -> tuple[int, ...]:
    if source.endswith("/kernel"):
        # The heads of attention's output come in, those of query, key and value go out.
        inputs = 2 if source.endswith("/attention_output/kernel") else 1
        return (math.prod(source_shape[inputs:]), math.prod(source_shape[:inputs]))
    if source.endswith("/bias"):
        return (math.prod(source_shape),)
    return source_shape


def _token_ids(pieces: Sequence[str], config: EncoderConfig) -> dict[str, int]:
    ids = {piece: number for number, piece in enumerate(pieces)}
    if not len(ids) == len(pieces) == config.vocab_size:
        raise SmallerLabseError(
            f"the vocabulary has {len(pieces):,} tokens ({len(ids):,} different) and the embedding matrix "
            f"{config.vocab_size:,} rows, expected one row per token"
        )
    for piece in SPECIAL_TOKENS.values():
        if piece not in ids:
            raise SmallerLabseError(f"the vocabulary has no token {piece}, which every BERT encoder needs")
    return ids


def _model_config(config: EncoderConfig, ids: Mapping[str, int]) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "hidden_act": config.hidden_act,  # exact GELU, which is "gelu", drifts from LaBSE's
        "hidden_dropout_prob": DROPOUT_RATE,
        "attention_probs_dropout_prob": DROPOUT_RATE,
        "max_position_embeddings": config.max_position_embeddings,
        "type_vocab_size": config.type_vocab_size,
        "layer_norm_eps": config.layer_norm_eps,
        "pad_token_id": ids[PADDING],
    }


def _write_tokenizer(folder: Path, ids: Mapping[str, int], lower_case: bool, sequence_length: int) -> None:
    """`tokenizer.json` is what fast tokenizers read; `vocab.txt` is for those who build their own."""
    (folder / "vocab.txt").write_bytes("".join(piece + "\n" for piece in ids).encode("utf-8"))
    (folder / TOKENIZER_JSON).write_bytes(_bert_tokenizer_json(ids, lower_case).encode("utf-8"))
    write_json(folder / "special_tokens_map.json", SPECIAL_TOKENS)
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lower_case,
        "strip_accents": None,  # as `do_lower_case`: tf-text strips accents when it lower-cases, only then
        "tokenize_chinese_chars": True,
        "model_max_length": sequence_length,
        "clean_up_tokenization_spaces": False,  # the decoder does it
    }
    write_json(folder / "tokenizer_config.json", settings | SPECIAL_TOKENS)


def _bert_tokenizer_json(ids: Mapping[str, int], lower_case: bool) -> str:
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    model = models.WordPiece(dict(ids), unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=lower_case
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START}:0 $A:0 {END}:0",
        pair=f"{START}:0 $A:0 {END}:0 $B:1 {END}:1",
        special_tokens=[(START, ids[START]), (END, ids[END])],
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in SPECIAL_TOKENS.values()])
    return tokenizer.to_str(pretty=True)


def write_sentence_transformers(
    folder: Path,
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    sequence_length: int,
    normalize: bool,
) -> None:
    """Name the steps from a folder's outputs to the sentence embedding, for sentence-transformers.

    Args:
        folder: the folder; what it says of prompts stays.
        config: the encoder's; a pooler is [CLS] and then a dense layer with tanh. No other dense layers.
        read_tensor: see `write_huggingface`.
        sequence_length: see `write_huggingface`.
        normalize: whether embeddings get length 1.
    """
    has_pooler = config.pooling.mode == "pooler"
    steps = {"": "Transformer", "1_Pooling": "Pooling"}
    steps |= {"2_Dense": "Dense"} if has_pooler else {}
    steps |= {f"{len(steps)}_Normalize": "Normalize"} if normalize else {}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{step}"}
        for number, (path, step) in enumerate(steps.items())
    ]
    write_json(folder / MODULES, modules)
    if not (folder / SENTENCE_TRANSFORMERS).exists():
        write_json(folder / SENTENCE_TRANSFORMERS, {"prompts": {}, "similarity_fn_name": "cosine"})
    transformer = {"max_seq_length": sequence_length, "do_lower_case": False}  # the tokenizer lower-cases
    write_json(folder / "sentence_bert_config.json", transformer)
    pooling = {
        "word_embedding_dimension": config.hidden_size,
        "pooling_mode_cls_token": config.pooling.mode != "mean",
        "pooling_mode_mean_tokens": config.pooling.mode == "mean",
    }
    write_json(folder / "1_Pooling" / CONFIG, pooling)
    if not has_pooler:
        return
    dense = {
        "in_features": config.hidden_size,
        "out_features": config.hidden_size,
        "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh",
    }
    write_json(folder / "2_Dense" / CONFIG, dense)
    pooler = {"pooler_transform/kernel": "linear.weight", "pooler_transform/bias": "linear.bias"}
    _write_tensors(folder / "2_Dense" / WEIGHTS, pooler, config, read_tensor)
