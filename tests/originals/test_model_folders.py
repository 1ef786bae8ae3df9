"""A model folder of ours is an original and an encoder everywhere, whatever formats it holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.__main__ import main as evaluate
from smaller_labse.make_smaller.__main__ import main as make_smaller
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.select_vocab.__main__ import main as select_vocab
from tests.small_originals import SENTENCES, WRITERS

KINDS = ("labse", *WRITERS)
FORMATS = {
    "all": ("encoder", "preprocess", "huggingface"),
    "SavedModels": ("encoder", "preprocess"),
    "huggingface": ("huggingface",),
}
# What SavedModels of models from Hugging Face are trimmed by is their huggingface/; byte pairs have no SavedModels.
# With "all" formats it is one of the others, which test_what_it_was_made_from_says_which_format_is_trimmed says.
TRIMMED = [
    *(("labse", "SavedModels"), ("labse", "huggingface"), ("xlm-roberta", "huggingface")),
    *(("bert", "all"), ("byte-pairs", "huggingface")),
]
ENCODED = [
    (kind, formats) for kind in KINDS[:3] for formats in ("SavedModels", "huggingface")
]  # "all" is what they are compared with
NOT_TRIMMED = [("xlm-roberta", "SavedModels"), ("bert", "SavedModels")]


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("text") / "en.txt"
    file.write_text("".join(f"{sentence}\n" for sentence in SENTENCES[:12]), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def models(example, tmp_path_factory) -> dict[str, Path]:
    """Kind → a model folder, made by the whole way, with all the formats of its kind."""
    folder = tmp_path_factory.mktemp("models")
    file = folder / "de.txt"
    file.write_text("".join(f"{sentence}\n" for sentence in SENTENCES), encoding="utf-8")
    made = {}
    for kind in KINDS:
        original = example if kind == "labse" else WRITERS[kind](folder / kind / "original")
        made[kind] = trim(original, file, folder / kind, vocab_size="80%")
    return made


@pytest.fixture(scope="module")
def embeddings(models) -> Callable[[str], np.ndarray]:
    """The embeddings of SENTENCES[:12], at length 1, by a model of a kind with all its formats."""
    return cache(lambda kind: smaller_labse.load(models[kind]).encode(SENTENCES[:12], normalize=True))


@pytest.fixture(scope="module")
def model(models, tmp_path_factory):
    """A model folder of a kind that holds some formats only."""
    folder = tmp_path_factory.mktemp("some")

    def with_formats(kind: str, formats: str) -> Path:
        out = folder / kind / formats
        if not out.exists():
            left_out = {"encoder", "preprocess", "huggingface"} - set(FORMATS[formats])
            shutil.copytree(models[kind], out, ignore=shutil.ignore_patterns(*left_out))
        return out

    return with_formats


def trim(original: Path, text: Path, folder: Path, **rule: object) -> Path:
    counts = smaller_labse.count(original, text={text.stem: text}, out=folder / "counts")
    selection = smaller_labse.select(original, counts, out=folder / "selection", **rule)
    return smaller_labse.make_smaller(original, selection, out=folder / "model").folder


@pytest.mark.parametrize(("kind", "formats"), TRIMMED)
def test_it_is_counted_selected_and_trimmed_by_the_commands(
    model, kind, formats, text, tmp_path, capsys
) -> None:
    original = ["--model", str(model(kind, formats))]
    counts, selection, out = (str(tmp_path / name) for name in ("counts", "selection", "model"))
    assert select_vocab(["count", *original, "--text", f"en={text}", "--out", counts]) == 0
    merged = ["--out", str(tmp_path / "merged.parquet"), f"{counts}/en.parquet"]
    assert select_vocab(["merge", *original, *merged]) == 0
    chosen = ["--counts", counts, "--coverage", "1", "--out", selection]
    assert select_vocab(["select", *original, *chosen]) == 0
    assert make_smaller([*original, "--selection", selection, "--out", out]) == 0, capsys.readouterr().err
    assert open_original(out).vocab_size < open_original(original[1]).vocab_size
    if kind == "byte-pairs":
        return
    parity = ["parity", "--original", original[1], "--model", out, "--text", f"en={text}"]
    assert evaluate(parity) == 0, capsys.readouterr().err


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(("kind", "formats"), ENCODED)
def test_it_is_loaded_and_measured_by_the_commands(model, embeddings, kind, formats, text, tmp_path, capsys):
    folder, out = str(model(kind, formats)), tmp_path / "embeddings.npy"
    arguments = ["--model", folder, "--text", str(text), "--normalize", "--out", str(out)]
    assert evaluate(["encode", *arguments]) == 0
    np.testing.assert_allclose(np.load(out), embeddings(kind), rtol=0, atol=1e-5)
    for side in ("eng", "deu"):
        shutil.copy(text, tmp_path / f"tatoeba.deu-eng.{side}")
    assert evaluate(["tatoeba", "--model", folder, "--data", str(tmp_path)]) == 0, capsys.readouterr().err


@pytest.mark.usefixtures("in_this_process")
def test_models_of_different_formats_are_compared(model, text, tmp_path):
    report = smaller_labse.compare(
        model("xlm-roberta", "all"),
        [model("xlm-roberta", "huggingface"), model("xlm-roberta", "SavedModels")],
        parallel=f"en={text},xx={text}",
        out=tmp_path / "report",
        pictures=False,
    )
    assert [measured.scores[0].value for measured in report.models] == [1, 1, 1]
    assert len({measured.vocabulary for measured in report.models}) == 1


def test_what_it_was_made_from_says_which_format_is_trimmed(model) -> None:
    assert isinstance(open_original(str(model("labse", "all"))).place, TFHubFolders)
    for kind in ("xlm-roberta", "bert", "byte-pairs"):
        folder = model(kind, "all")
        place = HuggingFaceFolder(str(folder), folder / "huggingface")
        assert open_original(str(folder)).place == place


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_of_the_first_version_does_not_say_it(model, tmp_path, kind) -> None:
    folder = shutil.copytree(model(kind, "all"), tmp_path / "model")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["original"]["format"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    tfhub = kind in ("labse", "bert")  # a vocabulary of WordPiece is as well that of a TF Hub model
    assert isinstance(open_original(str(folder)).place, TFHubFolders) == tfhub


@pytest.mark.parametrize(("kind", "formats"), NOT_TRIMMED)
def test_without_what_is_trimmed_it_says_what_is_missing(model, kind, formats) -> None:
    with pytest.raises(SmallerLabseError, match="made from a Hugging Face folder, but its huggingface/ is"):
        open_original(str(model(kind, formats)))
