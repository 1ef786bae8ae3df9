"""A model's `huggingface/` as it is in transformers.js, onnxruntime-node, fastembed and OpenVINO.

The folder is what `make-smaller --onnx` wrote. Each runtime is the real one, and gives what onnxruntime gives here,
for text that its users would write. Where one is not installed, its tests are skipped; CI installs all.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.config import EncoderConfig, Pooling
from smaller_labse.encoders.networks.onnx_network import OnnxNetwork, open_onnx
from smaller_labse.encoders.onnx.write_onnx import write_onnx
from smaller_labse.encoders.to_huggingface import write_huggingface
from smaller_labse.make_smaller.example import learn_pieces, random_tensors
from smaller_labse.make_smaller.onnx.files import OnnxFile
from smaller_labse.make_smaller.onnx.settings import complete_settings
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from tests.openvino_process import openvino_process
from tests.small_originals import BERT, XLM_ROBERTA, write_xlm_roberta

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.interop

ROOT = Path(__file__).resolve().parents[3]
EMBED_IN_NODE = ROOT / "scripts" / "browser_demo" / "embed_in_node.mjs"
MODULES = ROOT / ".cache" / "node" / "package.json"
DTYPES = {"float32": "fp32", "int8": "q8", "int4": "q4"}
# Kinds of tokenizer and pooling; files differ by format alike in all.
KINDS = {"xlm-roberta": tuple(FORMATS), "labse": ("int8",), "mended": ("int8",)}
CASES = [(kind, name) for kind, names in KINDS.items() for name in names]
SAME = 2e-6  # onnxruntime of another version, on the same processor
TEXTS = [
    *(
        builtin_sentences()[code][0][:30]
        for code in ("en", "it", "de", "ja", "ar", "ru", "th", "ko", "fa", "hi")
    ),
    "",
    "one",
    "Is 3.50 €, or 1,234 too much?!  Two  spaces, a\ttab.",
    "ｆｕｌｌ width, ﬁ, é, e\u0301, no-break\u00a0space",
    "[MASK] <s> in a text",
]
LONG = " ".join(builtin_sentences()["it"] * 4)
LENGTH = 128
ROWS = 3013  # of the matrix of `write_xlm_roberta`


@dataclass(frozen=True)
class Model:
    """A Hugging Face folder with ONNX files, and what goes before its texts."""

    folder: Path
    prompt: str = ""

    def network(self, name: str) -> OnnxNetwork:
        """The file of a format in onnxruntime, here."""
        return open_onnx(name, self.folder / "onnx" / FORMATS[name].file, self.folder)

    def texts(self, *more: str) -> list[str]:
        """The texts as the model takes them."""
        return [self.prompt + text for text in (*TEXTS, *more)]

    def embed(self, name: str, *more: str) -> np.ndarray:
        """What onnxruntime gives here: float32 [texts, embedding size]."""
        network, texts = self.network(name), self.texts(*more)
        return network.prepare(texts, network.sequence_length).embed(np.arange(len(texts)))


def write_bert(folder: Path, kind: str) -> Model:
    """LaBSE's faithful or mended folder, with random weights; LEALLA's differs by its tokens, see test_lealla.py."""
    pieces = learn_pieces([text for texts in builtin_sentences().values() for text in texts], 3000)
    config = replace(
        BERT, vocab_size=len(pieces), max_position_embeddings=LENGTH, hidden_act="gelu_pytorch_tanh"
    )
    mended = kind == "mended"
    write_huggingface(folder, config, random_tensors(config), pieces, False, LENGTH, mended=mended)
    return write_formats(Model(folder), config)


def write_multilingual_e5(folder: Path) -> Model:
    """XLM-R's kind with all its tokens and a prompt, of an original that says neither length nor padding."""
    original = write_xlm_roberta(folder / "original")
    shutil.copytree(original, folder / "huggingface")
    tokenizer = open_huggingface_tokenizer(original, ROWS)
    everything = VocabularySubset(np.arange(len(tokenizer.pieces)), len(tokenizer.pieces))
    tokenizer.write_subset(everything, folder / "huggingface")
    config = replace(XLM_ROBERTA, vocab_size=ROWS, pooling=Pooling("mean", normalize=True))
    return write_formats(Model(folder / "huggingface", "query: "), config)


def write_formats(model: Model, config: EncoderConfig) -> Model:
    """Write the ONNX files and what is said of them, as `make-smaller --onnx` does."""
    write_onnx(model.folder / "onnx", config, random_tensors(config), list(FORMATS.values()))
    length = model.network("float32").sequence_length
    written = [OnnxFile(name, f"onnx/{each.file}", length, 0, 0, 0) for name, each in FORMATS.items()]
    complete_settings(model.folder, written)
    return model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """One of each kind."""
    root = tmp_path_factory.mktemp("runtimes")
    of_bert = {kind: write_bert(root / kind, kind) for kind in ("labse", "mended")}
    return {"xlm-roberta": write_multilingual_e5(root / "xlm-roberta")} | of_bert


@pytest.fixture(scope="module")
def in_node(models: dict[str, Model]) -> dict[str, dict]:
    """What Node gives for each model and format, "KIND FORMAT"."""
    node = shutil.which("node")
    if node is None or not (MODULES.parent / "node_modules").is_dir():
        pytest.skip("needs Node.js and npm packages: scripts/browser_demo.sh installs these")
    asked = {
        f"{kind} {name}": {
            "folder": str(models[kind].folder),
            "dtype": DTYPES[name],
            "file": str(models[kind].folder / "onnx" / FORMATS[name].file),
            "texts": models[kind].texts(LONG),
        }
        for kind, name in CASES
    }
    done = subprocess.run(
        [node, EMBED_IN_NODE, MODULES],
        input=json.dumps(list(asked.values())), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return dict(zip(asked, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_transformers_js_and_onnxruntime_in_node(models: dict, in_node: dict, kind: str, name: str):
    model, found = models[kind], in_node[f"{kind} {name}"]
    network = model.network(name)
    texts = model.texts(LONG)
    encodings = network.prepare(texts, network.sequence_length).encodings
    for text, ids, encoding in zip(texts[:-1], found["ids"][:-1], encodings[:-1], strict=True):
        assert ids == encoding.ids, text
    # It cuts off the token that ends a text, too.
    assert found["ids"][-1][:-1] == encodings[-1].ids[:-1] and len(encodings[-1]) == network.sequence_length
    expected = model.embed(name, LONG)
    for way in ("together", "alone", "direct", "pooled")[: 4 if kind == "xlm-roberta" else 3]:
        assert np.abs(np.array(found[way]) - expected)[:-1].max() < SAME, way


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_fastembeds_custom_models(models: dict, kind: str, name: str):
    fastembed = pytest.importorskip("fastembed")
    from fastembed.common.model_description import ModelSource, PoolingType

    model = models[kind]
    fastembed.TextEmbedding.add_custom_model(
        model=f"{kind}/{name}",
        pooling=PoolingType.DISABLED,
        normalization=False,
        sources=ModelSource(hf=f"{kind}/{name}"),
        dim=model.network(name).embedding_size,
        model_file=f"onnx/{FORMATS[name].file}",
        output_name="sentence_embedding",
    )
    loaded = fastembed.TextEmbedding(f"{kind}/{name}", specific_model_path=str(model.folder), threads=1)
    found = np.array(list(loaded.embed(model.texts(LONG))))
    assert np.abs(found - model.embed(name, LONG)).max() < SAME


def test_what_the_document_says_works_as_it_stands(
    models: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Both examples of docs/onnx.md, on a small model in the place that they name."""
    pytest.importorskip("fastembed")
    if shutil.which("node") is None or not (MODULES.parent / "node_modules").is_dir():
        pytest.skip("needs Node.js and npm packages: scripts/browser_demo.sh installs these")
    document = (ROOT / "docs" / "onnx.md").read_text(encoding="utf-8")
    model = models["xlm-roberta"]
    (tmp_path / "work" / "model").mkdir(parents=True)
    (tmp_path / "work" / "model" / "huggingface").symlink_to(model.folder)
    (tmp_path / "node_modules").symlink_to(MODULES.parent / "node_modules")
    in_node = re.search(r"```js\n(.*?)```", document, flags=re.DOTALL)[1]
    (tmp_path / "embed.mjs").write_text(in_node, encoding="utf-8")
    done = subprocess.run(
        ["node", "embed.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    in_python = re.search(r"```python\n(from fastembed.*?)```", document, flags=re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    said: dict = {}
    exec(compile(in_python, "docs/onnx.md", "exec"), said)
    network = model.network("int8")
    expected = network.prepare(["Hello, world.", "Ciao, mondo."], 48).embed(np.arange(2))
    assert np.abs(np.array(json.loads(done.stdout)) - expected).max() < SAME
    assert np.abs(np.array(said["embeddings"]) - expected).max() < SAME


def test_openvino(models: dict):
    model = models["xlm-roberta"]
    network, texts = model.network("float32"), model.texts(LONG)
    ids, mask = network.prepare(texts, network.sequence_length).padded(np.arange(len(texts)))
    files = [model.folder / "onnx" / FORMATS[name].file for name in FORMATS]
    with openvino_process() as openvino:
        embeddings = openvino.outputs(files, {"input_ids": ids, "attention_mask": mask}, "sentence_embedding")
    for name, found in zip(FORMATS, embeddings, strict=True):
        # A number between two integers may be rounded to the other one.
        assert np.abs(found - model.embed(name, LONG)).max() < (1e-5 if name == "float32" else 2e-3)
