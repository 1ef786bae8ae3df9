"""Undamaged samples: a small real folder for each reader, as our commands and others' libraries write them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from tests.small_originals import WRITERS, write_sentence_transformers

TEXT = "".join(f"{text}\n" for code in ("en", "it", "ja", "th") for text in builtin_sentences()[code])
TEXTS = TEXT.split("\n")[:-1]


@dataclass(frozen=True)
class Made:
    """What our commands wrote, of the built-in original.

    Attributes:
        original: in LaBSE's TF Hub format.
        counts: a folder of counts, of which one is `it.parquet`.
        selection: a selection from it.
        model: a model folder that was made from these.
    """

    original: Path
    counts: Path
    selection: Path
    model: Path


def write_samples(folder: Path, made: Made) -> None:
    """Write a folder for each of `READERS` below `folder`."""
    shutil.copytree(made.original / "encoder" / "variables", folder / "checkpoint" / "variables")
    for part in ("encoder", "preprocess"):
        (folder / "saved-model" / part).mkdir(parents=True)
        shutil.copyfile(
            made.original / part / "saved_model.pb", folder / "saved-model" / part / "saved_model.pb"
        )
    _write_originals(folder)
    _write_safetensors(folder)
    _write_model_folder(folder / "manifest" / "model", made.model)
    shutil.copytree(made.selection, folder / "selection" / "selection")
    vocabulary = made.original / "encoder" / "assets" / "cased_vocab.txt"
    for name in ("counts", "frequencies", "lists"):
        (folder / name).mkdir()
        shutil.copyfile(vocabulary, folder / name / "vocab.txt")
    shutil.copyfile(made.counts / "it.parquet", folder / "counts" / "it.parquet")
    pieces = vocabulary.read_text("utf-8").split("\n")[200:400]
    frequencies = {piece: number for number, piece in enumerate(pieces, 1)}
    (folder / "frequencies" / "it_freqs.json.gz").write_bytes(
        gzip.compress(json.dumps(frequencies).encode(), mtime=0)
    )
    (folder / "lists" / "languages.txt").write_text(
        "en  # English\nit\nFrench\nzh_classical\n", encoding="utf-8"
    )
    _write_results(folder / "results")
    _write_texts(folder)
    _write_test_data(folder / "test-data")


def _write_originals(folder: Path) -> None:
    for name, write in (("unigram", "xlm-roberta"), ("wordpiece", "bert"), ("bpe", "byte-pairs")):
        model = WRITERS[write](folder / name / "model")
        (model / "README.md").write_text("---\nlicense: mit\n---\n# A model\n", encoding="utf-8")
        tokens = {"pad_token_id": 1, "eos_token_id": [2, 3], "suppress_tokens": None}
        (model / "generation_config.json").write_text(json.dumps(tokens), encoding="utf-8")
    shutil.copytree(folder / "unigram", folder / "sentencepiece")
    _write_tokenizer_json(folder / "unigram" / "model")
    model = folder / "modules" / "model"
    write_sentence_transformers(model, "query")
    modules = json.loads((model / "modules.json").read_text("utf-8"))
    modules.insert(
        2, {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    )
    (model / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    dense = {
        "in_features": 32,
        "out_features": 16,
        "bias": True,
        "activation_function": "torch.nn.modules.Tanh",
    }
    (model / "2_Dense").mkdir()
    (model / "2_Dense" / "config.json").write_text(json.dumps(dense), encoding="utf-8")
    from safetensors.numpy import save_file

    save_file({"linear.weight": np.ones((16, 32), np.float32)}, model / "2_Dense" / "model.safetensors")


def _write_tokenizer_json(model: Path) -> None:
    """The same tokenizer in a `tokenizer.json`, with the small files beside it."""
    from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer

    tokenizer = open_huggingface_tokenizer(model, 3013)
    content = tokenizer.json_file.content
    (model / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    (model / "sentencepiece.bpe.model").unlink()
    special = {"bos_token": "<s>", "unk_token": {"content": "<unk>", "lstrip": False}, "model_max_length": 40}
    decoder = {"added_tokens_decoder": {"0": {"content": "<s>"}, "1": {"content": "<pad>"}}}
    (model / "tokenizer_config.json").write_text(json.dumps(special | decoder), encoding="utf-8")
    (model / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    (model / "added_tokens.json").write_text(json.dumps({"<s>": 0, "</s>": 2}), encoding="utf-8")


def _write_safetensors(folder: Path) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    tensors = {
        "embeddings.word_embeddings.weight": rng.standard_normal((30, 4)).astype(np.float32),
        "layer.bias": rng.standard_normal(4).astype(np.float16),
        "ids": np.arange(5),
    }
    for name in ("safetensors", "safetensors-shards"):
        (folder / name).mkdir()
    save_file(tensors, folder / "safetensors" / "model.safetensors", metadata={"format": "pt"})
    shards = {name: f"model-{number}.safetensors" for number, name in enumerate(tensors)}
    for name, file in shards.items():
        save_file({name: tensors[name]}, folder / "safetensors-shards" / file, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 528}, "weight_map": shards}
    (folder / "safetensors-shards" / "model.safetensors.index.json").write_text(
        json.dumps(index), encoding="utf-8"
    )


def _write_model_folder(folder: Path, model: Path) -> None:
    """A model folder of ours, of which only the places of the large files are there."""
    folder.mkdir(parents=True)
    for name in ("manifest.json", "README.md"):
        shutil.copyfile(model / name, folder / name)
    for part in ("encoder", "preprocess"):
        (folder / part).mkdir()
        (folder / part / "saved_model.pb").touch()


def _write_results(folder: Path) -> None:
    from smaller_labse.evaluate.comparison.cache import write_measured, write_scores
    from smaller_labse.evaluate.comparison.models import NamedModel
    from smaller_labse.evaluate.comparison.results import Measured, ModelSize, TokenizedTexts
    from smaller_labse.metrics.scores import Score

    found = np.arange(40) % 3 > 0
    scores = (Score("tatoeba", "en→it", "precision at 1", found, "en-it"),)
    tokenized = {"en": TokenizedTexts.of([np.arange(5, dtype=np.int32), np.arange(3, dtype=np.int32)])}
    size = ModelSize(9, 4, 60, 900, 1000, 2000, 1.5, 100.0, 90.0, 120.0, 100, 0.25)
    folder.mkdir()
    write_measured(
        folder / "model.npz",
        Measured(NamedModel("model", "model"), size, tuple("abcdefghi"), scores, tokenized, "query: "),
    )
    write_scores(folder / "one.task.npz", scores)


def _write_texts(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = {
        "text": ("text.txt", lambda data: data),
        "text-gzip": ("text.txt.gz", lambda data: gzip.compress(data, mtime=0)),
        "text-xz": ("text.txt.xz", lzma.compress),
        "text-bzip2": ("text.txt.bz2", bz2.compress),
        "text-zstd": ("text.txt.zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
        "jsonl": (
            "text.jsonl",
            lambda data: "".join(json.dumps({"id": 1, "text": t}) + "\n" for t in TEXTS).encode(),
        ),
        "csv": (
            "text.csv",
            lambda data: (
                "id,text\n" + "".join(f'1,"{t.replace(chr(34), chr(34) * 2)}"\n' for t in TEXTS)
            ).encode(),
        ),
        "tsv": ("text.tsv", lambda data: ("id\ttext\n" + "".join(f"1\t{t}\n" for t in TEXTS)).encode()),
        "word-list": (
            "words.tsv",
            lambda data: "".join(f"{t[:9].strip()}\t{len(t)}\n" for t in TEXTS).encode(),
        ),
    }
    for name, (file, pack) in packed.items():
        (folder / name).mkdir()
        (folder / name / file).write_bytes(pack(TEXT.encode()))
    (folder / "parquet").mkdir()
    pq.write_table(pa.table({"id": range(len(TEXTS)), "text": TEXTS}), folder / "parquet" / "text.parquet")


def _write_test_data(folder: Path) -> None:
    sentences = builtin_sentences()
    english, italian = sentences["en"], sentences["it"]
    pairs = list(zip(english, italian, strict=False))
    for name in ("tatoeba", "bucc"):
        (folder / name).mkdir(parents=True)

    def write(name: str, lines: list[str]) -> None:
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    write("tatoeba/tatoeba.ita-eng.ita", [right for _, right in pairs])
    write("tatoeba/tatoeba.ita-eng.eng", [left for left, _ in pairs])
    write("en.txt", [left for left, _ in pairs])
    write("it.txt", [right for _, right in pairs])
    write("sts.tsv", [f"{left}\t{right}\t{number % 5}" for number, (left, right) in enumerate(pairs)])
    write("bucc/it-en.training.it", [f"it-{number}\t{right}" for number, (_, right) in enumerate(pairs)])
    write("bucc/it-en.training.en", [f"en-{number}\t{left}" for number, (left, _) in enumerate(pairs)])
    write("bucc/it-en.training.gold", [f"it-{number}\ten-{number}" for number in range(len(pairs))])


def make_samples(folder: Path) -> None:
    """Make a model of the built-in original by our commands, and the samples of that."""
    import smaller_labse
    from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
    from smaller_labse.make_smaller.example import learn_pieces, write_original

    import_tensorflow_quietly()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        sentences = builtin_sentences()
        write_original(
            made / "original", learn_pieces(text for texts in sentences.values() for text in texts)
        )
        for code in ("en", "it", "ja"):
            (made / f"{code}.txt").write_text(
                "".join(f"{text}\n" for text in sentences[code]), encoding="utf-8"
            )
        text = made / "{code}.txt"
        smaller_labse.count(made / "original", ["en", "it", "ja"], text=text, out=made / "counts")
        smaller_labse.select(made / "original", made / "counts", out=made / "selection", top_k=60)
        smaller_labse.make_smaller(made / "original", made / "selection", out=made / "model")
        write_samples(folder, Made(*(made / name for name in ("original", "counts", "selection", "model"))))
