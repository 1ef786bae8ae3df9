"""The readers of files from outside: what each reads, with which damage, and what it must notice.

A reader returns what it read as a value that two readings can be compared by. Where the format has checksums, damage
to its bytes gives the same value or is refused; elsewhere what was read is checked here for being possible.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fuzz import damage
from tests.fuzz.damage import OF_BYTES, Damage, replace_json

SENTENCES = ("Puppies are nice, 3 of them.", "ami\u00a0! 犬は\u3000いい", "", "\x00\u202e 🙂" * 9)
JSON = (*OF_BYTES, replace_json, replace_json, replace_json, replace_json)


@dataclass(frozen=True)
class Reader:
    """How one kind of file is read.

    Attributes:
        name: what it is called.
        read: reads the folder that a sample lies in; other files of it are as they were.
        files: the damaged files, as patterns below that folder, and what is done to each.
        noticed: whether damage to a file's bytes must be noticed.
        tensorflow: whether it imports TensorFlow.
    """

    name: str
    read: Callable[[Path], object]
    files: dict[str, tuple[Damage, ...]]
    noticed: bool = False
    tensorflow: bool = False


def require(holds: bool, what: str) -> None:
    """What was read is possible."""
    if not holds:
        raise AssertionError(what)


def read_checkpoint(folder: Path) -> object:
    from smaller_labse.originals.weights.checkpoint import Checkpoint

    checkpoint = Checkpoint(folder)
    rows = np.arange(0, checkpoint.embedding_matrix_shape[0], 7)
    some = checkpoint.read_rows("word_embeddings/embeddings", rows).tobytes()
    return {name: checkpoint.read(name).tobytes() for name in checkpoint.shapes} | {"rows": some}


def read_saved_model(folder: Path) -> object:
    from smaller_labse.originals.weights.allowed_operations import require_harmless

    require_harmless(folder / "encoder")
    require_harmless(folder / "preprocess")
    return None


def read_weights(folder: Path) -> object:
    from smaller_labse.originals.weights.safetensors_file import NUMPY_DTYPES
    from smaller_labse.originals.weights.safetensors_folder import open_safetensors
    from smaller_labse.originals.weights.vocabulary_tensors import find_embedding_matrices

    weights = open_safetensors(folder)
    for name, tensor in weights.tensors.items():
        if tensor.dtype in NUMPY_DTYPES:
            require(tensor.read().shape == tensor.shape, f"the shape of {name}")
            tensor.read_rows(np.arange(min(tensor.shape[:1] or (0,))))
    matrix = find_embedding_matrices(weights)[0]
    require(len(matrix.read_rows(np.array([0, matrix.shape[0] - 1]))) == 2, "rows")
    return weights.parameters


def read_original(folder: Path) -> object:
    """All that counting, selecting and trimming read of a Hugging Face folder."""
    from smaller_labse.common.errors import SmallerLabseError
    from smaller_labse.common.json_files import read_object
    from smaller_labse.encoders.config import Pooling, is_rebuilt
    from smaller_labse.encoders.prompt import prompt_of
    from smaller_labse.encoders.read_config import read_encoder_config
    from smaller_labse.encoders.sentence_transformers_folder import (
        pools_without_prompt,
        read_sentence_transformers,
    )
    from smaller_labse.make_smaller.back_ends.trim_huggingface import trim_huggingface
    from smaller_labse.originals.huggingface import HuggingFaceFolder
    from smaller_labse.originals.open import open_place
    from smaller_labse.originals.original_card import read_original_card
    from smaller_labse.originals.positions import require_positions
    from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

    model = folder / "model"
    place = HuggingFaceFolder(str(model), model)
    original = open_place(place)
    require_positions(place, 1, "--max-length")
    prompt_of(place)
    read_original_card(place)
    pools_without_prompt(model)
    if is_rebuilt(read_object(model / "config.json")):
        try:
            pooling = read_sentence_transformers(model).pooling
        except SmallerLabseError:
            pooling = None
        read_encoder_config(model, original.vocab_size, pooling or Pooling())
    tokenizer = original.tokenizer
    pieces = len(tokenizer.pieces)
    ids, lengths = tokenizer.tokenize(SENTENCES)
    require(lengths.sum() == len(ids) and len(lengths) == len(SENTENCES), "lengths")
    require(not len(ids) or (ids.min() >= 0 and ids.max() < pieces), "ids beyond the vocabulary")
    require(len(set(tokenizer.pieces)) == pieces <= original.vocab_size, "pieces")
    text = np.frombuffer("▁Puppies▁are犬".encode(), np.uint8)
    tokenizer.tokenize_words(text, np.array([0, 10, 16, len(text)]))
    require(tokenizer.word_kinds is None or tokenizer.word_kinds.dtype == np.uint8, "kinds of characters")
    kept = np.union1d(tokenizer.special_ids, np.arange(min(60, pieces)))
    kept = np.union1d(
        tokenizer.with_dependencies(kept.astype(np.int32)), tokenizer.needed_for_characters(kept)
    )
    kept = tokenizer.with_dependencies(kept.astype(np.int32))
    tokenizer.unreadable(range(min(90, pieces)), np.isin(np.arange(pieces), kept))
    require(sorted(tokenizer.ranked_ids.tolist()) == list(range(pieces)), "ranks")
    subset = VocabularySubset(kept, original.vocab_size)
    trimmed = trim_huggingface(model, subset, folder / "out")
    tokenizer.write_subset(subset, trimmed.folder)
    return pieces


def read_modules(folder: Path) -> object:
    from smaller_labse.encoders.networks.sentence_transformers_network import require_known_modules
    from smaller_labse.encoders.sentence_transformers_folder import (
        pools_without_prompt,
        read_default_prompt,
        read_sentence_transformers,
        write_default_prompt,
    )
    from smaller_labse.encoders.side_files import find_side_files
    from smaller_labse.originals.huggingface import HuggingFaceFolder

    model = folder / "model"
    pools_without_prompt(model)
    read_default_prompt(model)
    find_side_files(model, {"model.safetensors"}, 100)
    write_default_prompt(model, "query: ")
    require_known_modules(HuggingFaceFolder(str(model), model))
    found = read_sentence_transformers(model)
    require(all(place.is_relative_to(model) for place in found.dense_folders), "a folder outside")
    return None


def read_manifest(folder: Path) -> object:
    from smaller_labse.encoders.prompt import read_prompt
    from smaller_labse.evaluate.comparison.models import NamedModel
    from smaller_labse.evaluate.comparison.side_by_side import coverage_of
    from smaller_labse.make_smaller.manifest import note_files
    from smaller_labse.originals.lineage import read_lineage
    from smaller_labse.originals.locate import locate_original

    model = folder / "model"
    locate_original(str(model))
    read_lineage(model / "encoder")
    prompt = read_prompt(str(model))
    share = coverage_of(NamedModel("model", str(model)))
    require(share is None or 0 <= share <= 1, "a share")
    note_files(model, [])
    return prompt


def read_selection(folder: Path) -> object:
    from smaller_labse.select_vocab import selection_tables as tables
    from smaller_labse.select_vocab.selection import read_selection

    selection = read_selection(folder / "selection")
    tables.coverage_table(selection).markdown()
    tables.estimate_table(selection).markdown()
    tables.size_table(selection, 10**6).markdown()
    tables.too_few_tokens(selection)
    return repr((selection, selection.subset.original_ids.tobytes()))


def read_counts(folder: Path) -> object:
    from smaller_labse.originals.tokenizers.wordpiece import WordPiece
    from smaller_labse.select_vocab.counting import counts_file

    tokenizer = WordPiece(folder / "vocab.txt")
    file = folder / "it.parquet"
    summary = counts_file.summarize(file)
    counts = counts_file.read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    require(
        counts.lines is not None and (counts.lines <= counts.occurrences).all(), "more lines than occurrences"
    )
    require(counts.occurrences.min() >= 0, "negative occurrences")
    counts_file.write_counts(counts, tokenizer.pieces, folder / "again.parquet")
    return repr((summary, counts, counts.occurrences.tobytes(), counts.lines.tobytes()))


def read_frequencies(folder: Path) -> object:
    from smaller_labse.originals.tokenizers.wordpiece import WordPiece
    from smaller_labse.select_vocab.counting.published_frequencies import read_frequencies

    tokenizer = WordPiece(folder / "vocab.txt")
    counts, missing = read_frequencies(folder / "it_freqs.json.gz", "it", "it", tokenizer, skip_missing=True)
    require(counts.occurrences.min() >= 0 and counts.occurrences.sum() > 0, "occurrences")
    return repr((counts.occurrences.tobytes(), missing))


def read_cache(folder: Path) -> object:
    """What is damaged is None, and measured again."""
    from smaller_labse.common.errors import SmallerLabseError
    from smaller_labse.evaluate.comparison import cache
    from smaller_labse.evaluate.comparison.models import NamedModel

    measured = cache.read_measured(folder / "model.npz", NamedModel("model", "model"))
    scores = cache.read_scores(folder / "one.task.npz")
    if measured is None or scores is None:
        raise SmallerLabseError("measured again")
    tokens = {language: texts.ids.tobytes() for language, texts in measured.tokenized.items()}
    for language, texts in measured.tokenized.items():
        for number in range(len(texts.lengths)):
            measured.tokens(language, number)
    values = [score.value for score in (*measured.scores, *scores)]
    return repr((measured.size, measured.vocabulary, measured.prompt, tokens, values))


def read_texts(folder: Path) -> object:
    """Every text file and table of a folder; each by itself, as one may be refused and the next not."""
    from smaller_labse.corpora.records.file_records import read_records

    found = []
    for file in sorted(folder.iterdir()):
        texts = list(read_records(file))
        for text in texts:
            require(text is None or isinstance(text, str), "no text")
            (text or "").encode("utf-8")
        found.append(texts)
    return repr(found)


def read_words(folder: Path) -> object:
    from smaller_labse.corpora.word_lists import read_word_counts

    words = list(read_word_counts(folder / "words.tsv"))
    require(all(count >= 0 for _, count in words), "a negative count")
    return None


def read_lists(folder: Path) -> object:
    """Vocabularies, lists of tokens and of languages."""
    from smaller_labse.corpora.languages import parse_languages
    from smaller_labse.originals.tokenizers.vocabulary import read_piece_lines, read_pieces

    require(len(set(read_pieces(folder / "vocab.txt"))) > 0, "no piece")
    read_piece_lines(folder / "vocab.txt")
    parse_languages(str(folder / "languages.txt"))
    return None


def read_test_data(folder: Path) -> object:
    from smaller_labse.corpora.translation_pairs import find_pairs, read_pairs
    from smaller_labse.evaluate.tasks.bitext_mining import read_bucc
    from smaller_labse.evaluate.tasks.sts import read_sts
    from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel, read_tatoeba

    tasks = [
        *read_tatoeba(folder / "tatoeba"),
        read_parallel(f"en={folder / 'en.txt'},it={folder / 'it.txt'}"),
        read_sts(f"en={folder / 'sts.tsv'}"),
        *read_bucc(folder / "bucc"),
    ]

    def encode(texts: object) -> np.ndarray:
        rows = np.random.default_rng(0).standard_normal((len(texts), 4)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    for task in tasks:
        for score in task.measure(encode):
            require(score.value != score.value or -1 <= score.value <= 1, "a score")
    read_pairs(find_pairs([f"en-it={folder / 'sts.tsv'}", f"en-it={folder / 'en.txt'},{folder / 'it.txt'}"]))
    return None


VALUES = (*JSON, replace_json)
READERS = {
    reader.name: reader
    for reader in (
        Reader("checkpoint", read_checkpoint, {"variables/*": OF_BYTES}, noticed=True),
        Reader("saved-model", read_saved_model, {"*/saved_model.pb": OF_BYTES}, tensorflow=True),
        Reader("safetensors", read_weights, {"*.safetensors": (*OF_BYTES, *[damage.replace_header] * 6)}),
        Reader(
            "safetensors-shards",
            read_weights,
            {"*.json": JSON, "*.safetensors": (*OF_BYTES, damage.replace_header)},
        ),
        Reader("unigram", read_original, {"model/*.json": VALUES}),
        Reader(
            "sentencepiece", read_original, {"model/*.model": OF_BYTES, "model/tokenizer_config.json": VALUES}
        ),
        Reader("wordpiece", read_original, {"model/vocab.txt": OF_BYTES, "model/*.json": VALUES}),
        Reader("bpe", read_original, {"model/*.json": VALUES}),
        Reader("modules", read_modules, {"model/**/*.json": VALUES}),
        Reader("manifest", read_manifest, {"model/manifest.json": VALUES}),
        Reader(
            "selection",
            read_selection,
            {
                "selection/*.json": VALUES,
                "selection/*.txt": OF_BYTES,
                "selection/*.npy": (*OF_BYTES, damage.replace_array_header),
            },
            noticed=True,
        ),
        Reader(
            "counts", read_counts, {"it.parquet": (*OF_BYTES, *[damage.replace_in_parquet] * 6)}, noticed=True
        ),
        Reader(
            "frequencies",
            read_frequencies,
            {"*.gz": (*OF_BYTES, *map(damage.within_gzip, (*OF_BYTES, *[replace_json] * 6)))},
            noticed=True,
        ),
        Reader("results", read_cache, {"*.npz": OF_BYTES}, noticed=True),
        Reader("text", read_texts, {"*": OF_BYTES}),
        Reader("text-gzip", read_texts, {"*": (*OF_BYTES, *map(damage.within_gzip, OF_BYTES))}, noticed=True),
        Reader("text-xz", read_texts, {"*": OF_BYTES}, noticed=True),
        Reader("text-bzip2", read_texts, {"*": OF_BYTES}, noticed=True),
        Reader("text-zstd", read_texts, {"*": OF_BYTES}),
        Reader("jsonl", read_texts, {"*": OF_BYTES}),
        Reader("csv", read_texts, {"*": OF_BYTES}),
        Reader("tsv", read_texts, {"*": OF_BYTES}),
        Reader("parquet", read_texts, {"*": (*OF_BYTES, *[damage.replace_in_parquet] * 4)}),
        Reader("word-list", read_words, {"*": OF_BYTES}),
        Reader("lists", read_lists, {"*": OF_BYTES}),
        Reader("test-data", read_test_data, {"**/*.*": OF_BYTES}),
    )
}


def damaged_file(reader: Reader, folder: Path, rng: random.Random) -> tuple[Path, Damage]:
    """Which of a sample's files is damaged, and how."""
    pattern = rng.choice(sorted(reader.files))
    file = rng.choice(sorted(file for file in folder.glob(pattern) if file.is_file()))
    return file, rng.choice(reader.files[pattern])
