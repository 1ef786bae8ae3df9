"""A BERT encoder as a Hugging Face folder that transformers and sentence-transformers load."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import write_json
from smaller_labse.encoders.config import DROPOUT_RATE, WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.encoders.labse_tensor_names import bert_model_names
from smaller_labse.encoders.sentence_transformers_modules import (
    PYTORCH,
    DenseModule,
    write_sentence_transformers,
)
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.tokenizers.huggingface_wordpiece import mended_backend
from smaller_labse.originals.tokenizers.tokenizer_files import (
    SPECIAL_TOKENS_MAP,
    TOKENIZER_CONFIG,
    TOKENIZER_JSON,
    VOCABULARY,
)
from smaller_labse.originals.tokenizers.vocabulary import write_pieces
from smaller_labse.originals.tokenizers.wordpiece import END, MASK, PADDING, START, UNKNOWN
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS
from smaller_labse.originals.weights.safetensors_writer import NewTensor, write_safetensors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# What transformers' tokenizers call BERT's special tokens: "pad_token" is "[PAD]".
SPECIAL_TOKENS = {
    "pad_token": PADDING,
    "unk_token": UNKNOWN,
    "cls_token": START,
    "sep_token": END,
    "mask_token": MASK,
}
LONGEST_WORD = 100  # in characters, as in Hugging Face's BertTokenizer; a longer word becomes [UNK]


def write_huggingface(
    folder: Path,
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    pieces: Sequence[str],
    lower_case: bool,
    sequence_length: int,
    embedding_matrix: Callable[[], Iterable[np.ndarray]] | None = None,
    mended: bool = False,
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
        mended: whether text is read as by the mended preprocessor.

    Raises:
        SmallerLabseError: a special token is missing, the vocabulary or the sequence length does not fit the
            encoder, or a tensor does not have its shape or is not float32.
    """
    ids = write_bert_model(folder, config, read_tensor, pieces, sequence_length, embedding_matrix)
    if mended:
        _write_mended_tokenizer(folder, ids, sequence_length)
    else:
        _write_tokenizer(folder, ids, lower_case, sequence_length)
    dense = bert_pooler(config, read_tensor)
    write_sentence_transformers(folder, config, dense, sequence_length, normalize=True)


def write_bert_model(
    folder: Path,
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    pieces: Sequence[str],
    sequence_length: int,
    embedding_matrix: Callable[[], Iterable[np.ndarray]] | None = None,
) -> dict[str, int]:
    """Write `config.json` and the weights of a `BertModel`; see `write_huggingface`.

    Returns:
        Every token's id.
    """
    ids = _token_ids(pieces, config)
    if sequence_length > config.max_position_embeddings:
        limit = f"the encoder's {config.max_position_embeddings} positions"
        raise SmallerLabseError(f"the sequence length is {sequence_length}, expected at most {limit}")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, _model_config(config, ids))
    write_safetensors(folder / WEIGHTS, bert_tensors(config, read_tensor, embedding_matrix), PYTORCH)
    return ids


def bert_pooler(config: EncoderConfig, read_tensor: Callable[[str], np.ndarray]) -> list[DenseModule]:
    """BERT's pooler as a module behind the pooling of [CLS]; none where `config` has another pooling."""
    if config.pooling.mode != "pooler":
        return []
    shapes = config.bert_tensor_shapes()
    weight, bias = (
        torch_values(name, read_tensor(name), shapes[name])
        for name in ("pooler_transform/kernel", "pooler_transform/bias")
    )
    return [DenseModule("torch.nn.modules.activation.Tanh", weight, bias)]


def bert_tensors(
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    embedding_matrix: Callable[[], Iterable[np.ndarray]] | None = None,
) -> list[NewTensor]:
    """The tensors of a `BertModel`, as PyTorch keeps them; each is read when it is written.

    Args:
        config: the encoder's; its pooling is the pooler.
        read_tensor: see `write_huggingface`.
        embedding_matrix: see `write_huggingface`.
    """

    def chunks(source: str, source_shape: tuple[int, ...]) -> Iterator[memoryview]:
        if source == WORD_EMBEDDINGS and embedding_matrix is not None:
            for rows in embedding_matrix():
                yield torch_values(source, rows, (len(rows), config.hidden_size)).data
        else:
            yield torch_values(source, read_tensor(source), source_shape).data

    def new_tensor(source: str, name: str, source_shape: tuple[int, ...]) -> NewTensor:
        return NewTensor(
            name=name,
            dtype="F32",
            shape=_torch_shape(source, source_shape),
            size=math.prod(source_shape) * 4,
            chunks=lambda: chunks(source, source_shape),
        )

    shapes, names = config.bert_tensor_shapes(), bert_model_names(config)
    return [new_tensor(source, name, shapes[source]) for source, name in names.items()]


def torch_values(source: str, values: np.ndarray, source_shape: tuple[int, ...]) -> np.ndarray:
    """A tensor of LaBSE on TF Hub as PyTorch keeps it: C-contiguous, little-endian, matrices as [out, in].

    Raises:
        SmallerLabseError: it does not have its shape or is not float32.
    """
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
    require_special_tokens(ids)
    return ids


def require_special_tokens(ids: Mapping[str, int]) -> None:
    """See that a WordPiece vocabulary can be Hugging Face's.

    Raises:
        SmallerLabseError: a special token is missing.
    """
    for piece in SPECIAL_TOKENS.values():
        if piece not in ids:
            raise SmallerLabseError(f"the vocabulary has no token {piece}, which every BERT encoder needs")


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
    write_pieces(list(ids), folder / VOCABULARY)
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lower_case,
        "strip_accents": None,  # as `do_lower_case`: tf-text strips accents when it lower-cases, only then
        "tokenize_chinese_chars": True,
        "model_max_length": sequence_length,
        "clean_up_tokenization_spaces": False,  # the decoder does it
    }
    write_tokenizer_files(folder, add_around(bert_backend(ids, lower_case), ids), settings | SPECIAL_TOKENS)


def _write_mended_tokenizer(folder: Path, ids: Mapping[str, int], sequence_length: int) -> None:
    """Not as `BertTokenizer`, for which transformers would make a `tokenizer.json` of its own."""
    write_pieces(list(ids), folder / VOCABULARY)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "split_special_tokens": True,  # in a text, "[MASK]" is no special token
        "model_max_length": sequence_length,
        "clean_up_tokenization_spaces": False,
    }
    write_tokenizer_files(folder, mended_backend(list(ids)), settings | SPECIAL_TOKENS)


def write_tokenizer_files(folder: Path, backend: Tokenizer, settings: Mapping[str, object]) -> None:
    """Write a tokenizer of the library tokenizers, and `settings` as `tokenizer_config.json`."""
    (folder / TOKENIZER_JSON).write_bytes(backend.to_str(pretty=True).encode("utf-8"))
    if not settings.get("split_special_tokens"):  # fastembed would look for those of the map in a text
        write_json(folder / SPECIAL_TOKENS_MAP, SPECIAL_TOKENS)
    write_json(folder / TOKENIZER_CONFIG, settings)


def bert_backend(ids: Mapping[str, int], lower_case: bool) -> Tokenizer:
    """Hugging Face's `BertTokenizer` as one of the library tokenizers, without what is around it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    model = models.WordPiece(dict(ids), unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=lower_case
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def add_around(tokenizer: Tokenizer, ids: Mapping[str, int]) -> Tokenizer:
    """Add what every WordPiece tokenizer has around it: the special tokens, and how ids become text again."""
    from tokenizers import AddedToken, decoders, processors

    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START}:0 $A:0 {END}:0",
        pair=f"{START}:0 $A:0 {END}:0 $B:1 {END}:1",
        special_tokens=[(START, ids[START]), (END, ids[END])],
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in SPECIAL_TOKENS.values()])
    return tokenizer
