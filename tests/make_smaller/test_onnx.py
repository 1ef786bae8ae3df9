"""`make-smaller --onnx`: files that compute what the model does, say what they changed, and need nothing of ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.evaluate.__main__ import main as evaluate
from smaller_labse.evaluate.comparison.parity import parity, require_parity, verdict
from smaller_labse.make_smaller.__main__ import main as make_smaller
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.open import open_original
from smaller_labse.select_vocab.choosing.file_sizes import FILES, file_size
from smaller_labse.select_vocab.choosing.finished_huggingface import finished_backend
from smaller_labse.select_vocab.selection import read_selection
from tests.conftest import Trimmed
from tests.small_originals import write_byte_pairs, write_xlm_roberta

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

TEXTS = [
    *builtin_sentences()["en"][:6],
    builtin_sentences()["it"][0],
    "",
    " ".join(builtin_sentences()["it"]),
]
# Imports of what a serving machine does not have fail.
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("smaller_labse", "tensorflow", "torch", "transformers", "onnx"):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with the prompt "query: ", in every format of ONNX, without SavedModels."""
    folder = tmp_path_factory.mktemp("onnx")
    original = write_xlm_roberta(folder / "original")
    for code in ("en", "it"):
        lines = "".join(f"{text}\n" for text in ("query: ", *builtin_sentences()[code]))
        (folder / f"{code}.txt").write_text(lines, encoding="utf-8")
    counts = smaller_labse.count(original, ["en", "it"], text=folder / "{code}.txt", out=folder / "counts")
    selection = smaller_labse.select(original, counts, out=folder / "selection", top_k=1500)
    return smaller_labse.make_smaller(
        original, selection, folder / "model", prompt="query: ", savedmodel=False, onnx="int4,float32,int8"
    ).folder


def require_own_vectors(file: Path) -> np.ndarray:
    """The embeddings of TEXTS by an ONNX file, which gives each alone what it gives it among others."""
    encoder = smaller_labse.load(file)
    together = encoder.encode(TEXTS, batch_size=len(TEXTS))
    assert np.abs(together - encoder.encode(TEXTS, batch_size=1)).max() < 1e-6
    return together


def test_the_manifest_and_the_card_say_what_each_format_changed(made: Path):
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    files = {each["format"]: each for each in manifest["onnx"]}
    assert list(files) == ["float32", "int8", "int4"]
    assert all(f"huggingface/{each['file']}" in manifest["sha256"] for each in files.values())
    assert files["int8"]["largest_difference"] > 1e-5
    assert files["float32"]["embeddings"] == []
    for name in ("int8", "int4"):
        changes = files[name]["embeddings"]
        assert [change["language"] for change in changes] == ["en", "it", "all"]
    card = (made / "README.md").read_text(encoding="utf-8")
    assert "## ONNX" in card and "onnx/model.onnx" in card and "What int8 changed" in card
    settings = json.loads((made / "huggingface" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert (settings["model_max_length"], settings["pad_token"]) == (48, "<pad>"), "for other runtimes"
    assert evaluate(["check", "--model", str(made)]) == 0


def require_known_sizes(original: Path, model: Path, formats: Iterable[str] = FILES) -> None:
    """What `select --max-megabytes` computes with is the size of the files, to the byte."""
    opened = open_original(str(original))
    rows = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["rows"]
    for name in formats:
        size = file_size(opened, name)
        assert size.in_all(rows) == (model / FILES[name]).stat().st_size, name
        assert 0.9 < (size.in_all(2 * rows) - size.in_all(rows)) / size.of_matrix(rows) < 1.1


def test_the_size_of_every_file_was_known_before(made: Path):
    require_known_sizes(made.parent / "original", made)


@pytest.mark.parametrize("name", FORMATS)
def test_it_encodes_as_the_model_does(made: Path, name: str):
    expected = smaller_labse.load(made).encode(TEXTS)
    file = made / "huggingface" / "onnx" / FORMATS[name].file
    encoder = smaller_labse.load(file)
    assert encoder.prompt == "query: " and encoder.sequence_length == 48
    found = require_own_vectors(file)
    cosines = (found * expected).sum(axis=1)
    assert cosines.min() > {"float32": 1 - 1e-6, "int8": 0.99, "int4": 0.95}[name]
    if name == "float32":
        assert np.abs(found - expected).max() < 1e-5


def test_the_runtime_chooses_the_float32_file_first(made: Path):
    encoder = smaller_labse.load(made, runtime="onnx")
    assert encoder.name.endswith("model.onnx")
    tensorflow = smaller_labse.load(made, runtime="tensorflow")
    assert encoder.pieces == tensorflow.pieces
    assert encoder.parameters == tensorflow.parameters
    assert encoder.embedding_matrix_shape == tensorflow.embedding_matrix_shape
    assert encoder.special_tokens == tensorflow.special_tokens
    for one, other in zip(encoder.tokenize(TEXTS), tensorflow.tokenize(TEXTS), strict=True):
        assert one.tolist() == other.tolist()


def test_the_cards_example_needs_nothing_of_ours(made: Path, tmp_path: Path):
    card = (made / "README.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"## ONNX\n.*?```python\n(.*?)```", card, flags=re.DOTALL)
    assert len(snippet.splitlines()) <= 15
    script = tmp_path / "snippet.py"
    script.write_text(f"{BLOCKER}\n{snippet}\nnp.save('embeddings.npy', embeddings)\n", encoding="utf-8")
    (tmp_path / made.name).symlink_to(made)
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True, timeout=120)
    found = np.load(tmp_path / "embeddings.npy")
    assert np.abs(found - smaller_labse.load(made, runtime="onnx").encode(["dog", "cat"])).max() < 1e-6


def test_loading_a_file_needs_few_packages(made: Path):
    """What docs/onnx.md says to install, where TensorFlow is not."""
    blocked = ("tensorflow", "torch", "transformers", "onnx", "datasets", "numba", "pyarrow", "safetensors")
    blocked += ("sentencepiece", "langcodes", "tensorflow_hub", "tensorflow_text", "tf_keras", "packaging")
    blocker = re.sub(r"in \(.*\)", f"in {blocked}", BLOCKER)
    script = f"{blocker}\nimport smaller_labse\nprint(smaller_labse.load({str(made)!r}, runtime='onnx').encode(['dog']).shape)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "(1, 32)\n"), done.stderr


def test_files_are_added_to_a_model_that_is_there(
    example: Path, trimmed: Trimmed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Of LaBSE, whose embeddings have length 1 in its `huggingface/`."""
    model = tmp_path / "model"
    shutil.copytree(trimmed.model, model)
    assert make_smaller(["--model", str(model), "--onnx", "float32,int8,int4"]) == 0
    files = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["onnx"]
    assert [each["format"] for each in files] == list(FORMATS)
    assert files[0]["sequence_length"] == 128
    expected = smaller_labse.load(model / "huggingface").encode(TEXTS)
    found = [require_own_vectors(model / "huggingface" / each["file"]) for each in files]
    assert np.abs(found[0] - expected).max() < 1e-5
    require_known_sizes(example, model)
    selection = read_selection(trimmed.selection)
    backend = finished_backend(open_original(str(example)).tokenizer, selection.pieces)
    text = (model / "huggingface" / "tokenizer.json").read_text(encoding="utf-8")
    assert backend.to_str(pretty=True) == text, "whose size select says"
    assert make_smaller(["--model", str(model), "--onnx", "int8"]) == 1
    assert "add --overwrite" in capsys.readouterr().err
    assert make_smaller(["--model", str(model), "--onnx", "int8", "--overwrite"]) == 0
    assert [file.name for file in (model / "huggingface" / "onnx").iterdir()] == ["model_quantized.onnx"]
    for card in (model / "README.md", model / "huggingface" / "README.md"):
        text = card.read_text(encoding="utf-8")
        assert text.count("## ONNX\n") == 1 and "model_q4" not in text and "## Verification" in text
    assert evaluate(["check", "--model", str(model)]) == 0
    assert make_smaller(["--model", str(model), "--onnx", "int8", "--dtype", "float16"]) == 2
    assert "--dtype: goes with --selection and --out" in capsys.readouterr().err


def test_parity_calls_no_quantized_model_unchanged(made: Path, capsys: pytest.CaptureFixture[str]):
    original, text = made.parent / "original", f"en={made.parent / 'en.txt'}"
    arguments = ["parity", "--original", str(original), "--prompt", "query: ", "--text", text]
    assert evaluate([*arguments, "--model", str(made), "--runtime", "onnx"]) == 0
    onnx = made / "huggingface" / "onnx"
    for name in ("int8", "int4"):
        capsys.readouterr()
        assert evaluate([*arguments, "--model", str(onnx / FORMATS[name].file)]) == 1
        assert f"rounded to {name}: not unchanged" in capsys.readouterr().err


def test_parity_knows_a_quantized_file_by_what_it_notes_and_not_by_its_name(made: Path, tmp_path: Path):
    folder = tmp_path / "huggingface"
    shutil.copytree(made / "huggingface", folder, ignore=shutil.ignore_patterns("model*"))
    (folder / "onnx").mkdir(exist_ok=True)
    file = shutil.copy(made / "huggingface" / "onnx" / FORMATS["int8"].file, folder / "onnx" / "encoder.onnx")
    assert smaller_labse.load(file).rounded_to == "int8"
    result = parity(
        str(made.parent / "original"), str(file), {"en": made.parent / "en.txt"}, prompt="query: "
    )
    assert verdict(result).startswith("rounded to int8: not unchanged")
    with pytest.raises(SmallerLabseError, match="rounded to int8"):
        require_parity(result)
    require_parity(result, tolerance="0.1")  # text, as on the command line


def test_what_a_runtime_loads_of_a_model_is_said_in_the_models_own_card(
    made: Path, tmp_path: Path, in_this_process: None
):
    model = Path(shutil.copytree(made, tmp_path / "model"))
    data = f"en={made.parent / 'en.txt'},it={made.parent / 'it.txt'}"
    original = str(made.parent / "original")
    report = smaller_labse.compare(original, model, parallel=data, runtime="onnx", cards=True)
    assert report.models[1].model.loaded == str(model / "huggingface" / "onnx" / "model.onnx")
    assert report.coverage[0] is not None
    assert report.coverage == smaller_labse.compare(original, model, parallel=data).coverage
    for card in (model / "README.md", model / "huggingface" / "README.md"):
        assert "## Scores" in card.read_text(encoding="utf-8")
    assert evaluate(["check", "--model", str(model)]) == 0


def test_formats_are_compared_side_by_side(made: Path, in_this_process: None):
    onnx, text = made / "huggingface" / "onnx", made.parent
    report = smaller_labse.compare(
        f"float32={onnx / 'model.onnx'}",
        [f"int8={onnx / 'model_quantized.onnx'}", f"int4={onnx / 'model_q4.onnx'}"],
        parallel=f"en={text / 'en.txt'},it={text / 'it.txt'}",
    )
    sizes = [model.size.bytes_on_disk for model in report.models]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > (onnx / "model_q4.onnx").stat().st_size
    assert len(report.averages[0].values) == 3


def test_what_cannot_be_is_refused_in_a_line(made: Path, tmp_path: Path, example: Path):
    selection, out = made.parent / "selection", tmp_path / "model"
    with pytest.raises(UsageError, match="--onnx: expected formats of float32, int8, int4, got 'int2'"):
        smaller_labse.make_smaller(made.parent / "original", selection, out, onnx="int2")
    with pytest.raises(UsageError, match="--onnx: the files go into huggingface/"):
        smaller_labse.make_smaller(example, selection, out, onnx="int8", huggingface=False)
    byte_pairs = write_byte_pairs(tmp_path / "byte-pairs")
    with pytest.raises(UsageError, match="--onnx: only for encoders that are rebuilt"):
        smaller_labse.make_smaller(byte_pairs, selection, out, onnx="int8")
    with pytest.raises(UsageError, match="runtime: expected tensorflow or onnx, got 'torch'"):
        smaller_labse.load(made, runtime="torch")
    with pytest.raises(UsageError, match="is an ONNX file, computed on the CPU"):
        smaller_labse.load(made, runtime="onnx", device="gpu")
    with pytest.raises(SmallerLabseError, match="no ONNX file of ours"):
        smaller_labse.load(made.parent / "original", runtime="onnx")
    damaged = made.parent / "copy"
    damaged.mkdir()
    (damaged / "config.json").write_bytes((made / "huggingface" / "config.json").read_bytes())
    (damaged / "model.onnx").write_bytes((made / "huggingface" / "onnx" / "model.onnx").read_bytes()[:999])
    with pytest.raises(SmallerLabseError, match=r"model\.onnx: cannot be loaded"):
        smaller_labse.load(damaged / "model.onnx")
