"""What others run a model's ONNX files with: the page in Chromium, Node, fastembed, OpenVINO.

    scripts/benchmark.sh browser --model MODEL --page PAGE --out benchmarks/browser

MODEL is the demo's, with ONNX files in all formats, and PAGE what `scripts/browser_demo.sh` built of it.
Queries are the first ones of the 150 sentences in each language. Each load of the page starts with an empty
profile.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import Section, spread

import smaller_labse
from smaller_labse.common.result_table import Table
from smaller_labse.encoders.networks.onnx_network import OnnxNetwork, open_onnx
from smaller_labse.originals.onnx_formats import FOLDER, FORMATS

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts" / "browser_demo"
WIDTHS = (1280, 390)
QUERIES = 2  # of each language
TEXTS = 10  # of each language, outside the browser
DTYPES = {"float32": "fp32", "int8": "q8", "int4": "q4"}

sys.path.insert(0, str(SCRIPTS))


def measure_browser(model: Path, page: Path, scratch: Path, repetitions: int) -> list[Section]:
    """Measure the page, then what runs outside of a browser."""
    languages = json.loads((page / "page.json").read_text(encoding="utf-8"))["languages"]
    sentences = {each["code"]: each["sentences"] for each in languages}
    return [
        measure_page(model, page, sentences, repetitions),
        measure_runtimes(
            model / "huggingface", page, scratch, [text for of in sentences.values() for text in of[:TEXTS]]
        ),
    ]


def measure_page(model: Path, page: Path, sentences: dict[str, list[str]], repetitions: int) -> Section:
    """Bytes, time and memory of the page at both widths, and whether it finds translations."""
    from look_at_page import look_at_page

    queries = [text for of_language in sentences.values() for text in of_language[:QUERIES]]
    expected = smaller_labse.load(model / "huggingface" / FOLDER / FORMATS["int8"].file).encode(queries)
    wanted = np.repeat(np.arange(len(queries)) % QUERIES, len(sentences))
    rows = []
    for width in WIDTHS:
        views = [{"width": width, "height": 900}] * repetitions
        seen = look_at_page(page, views, queries, paste=True, seconds=1800)
        answers = [answer for view in seen.views for answer in view["answers"]]
        found = [row["sentence"] for answer in seen.views[0]["answers"] for row in answer["rows"]]
        vectors = np.array([answer["embedding"] for answer in seen.views[0]["answers"]])
        rows.append(
            (
                f"{width} pixels",
                f"{seen.bytes / 1e6:.1f} MB",
                spread([view["ready"] / 1000 for view in seen.views]) + " s",
                spread([answer["milliseconds"] for answer in answers], "{:.0f}") + " ms",
                f"{max(view['memory'] for view in seen.views) / 1e6:.0f} MB",
                f"{np.mean(wanted == found):.1%}",
                f"{np.abs(vectors - expected).max():.1e}, {(vectors * expected).sum(axis=1).min():.4f}",
                f"{max(view['shift'] for view in seen.views):.3f}",
            )
        )
    columns = (
        *("", "loaded", "ready after", "a query", "memory", "translations found"),
        *("largest difference from onnxruntime, lowest cosine", "layout shift"),
    )
    found_here = np.mean(wanted == find_sentences(page, expected, list(sentences.values())))
    notes = (
        f"{len(queries)} sentences, {QUERIES} of each language, on one thread; Chromium's cache is empty. "
        "Memory is the most that the page's process had, resident. Found: of the sentences that are shown "
        f"for each query, one of each of {len(sentences)} languages, those that are its translation, or "
        f"itself; with onnxruntime's embeddings of the queries {found_here:.1%}."
    )
    return Section("The page in Chromium, int8", Table(columns, rows), {}, notes)


def find_sentences(page: Path, queries: np.ndarray, sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """The number of the nearest sentence of each language: int [queries x languages]."""
    numbers = np.frombuffer((page / "sentences.bin").read_bytes(), np.int8)
    by_language = numbers.reshape(len(sentences), len(sentences[0]), -1).astype(np.float32)
    return np.einsum("qn,lsn->qls", queries, by_language).argmax(axis=-1).ravel()


def measure_runtimes(huggingface: Path, page: Path, scratch: Path, plain: Sequence[str]) -> Section:
    """The largest difference of an embedding's number from onnxruntime's, in every format."""
    prompt = smaller_labse.load(huggingface / FOLDER / FORMATS["int8"].file).prompt
    texts = [prompt + text for text in plain]
    ways: list[Callable[[Path, str, Sequence[str]], dict[str, Any]]] = [_in_node, _in_fastembed, _in_openvino]
    differences: dict[str, list[str]] = {}
    for name in FORMATS:
        found = _in_chromium(huggingface, name, plain, page, scratch / f"page-{name}")
        for way in ways:
            found |= way(huggingface, name, texts)
        network = open_onnx(name, huggingface / FOLDER / FORMATS[name].file, huggingface)
        expected = _embed(network, texts)
        for runtime, embeddings in found.items():
            worst = np.abs(np.asarray(embeddings) - expected).max()
            differences.setdefault(runtime, []).append(f"{worst:.1e}")
        print(f"{name} done", file=sys.stderr, flush=True)
    rows = [(runtime, *values) for runtime, values in differences.items()]
    notes = f"{len(texts)} sentences, {TEXTS} of each language, from the folder as it was written."
    return Section("Largest difference from onnxruntime", Table(("", *FORMATS), rows), {}, notes)


def _embed(network: OnnxNetwork, texts: Sequence[str]) -> np.ndarray:
    prepared = network.prepare(texts, network.sequence_length)
    return np.concatenate([prepared.embed(np.array([number])) for number in range(len(texts))])


def _in_chromium(
    huggingface: Path, name: str, texts: Sequence[str], page: Path, folder: Path
) -> dict[str, Any]:
    """By the page, with this format's file instead of its own; it puts the prompt before a text itself."""
    from look_at_page import look_at_page

    shutil.copytree(
        page, folder, copy_function=lambda file, link: Path(link).symlink_to(Path(file).resolve())
    )
    file = Path(FOLDER) / FORMATS[name].file
    for replaced in (folder / "page.json", folder / "model" / file):
        replaced.unlink(missing_ok=True)
    (folder / "model" / file).symlink_to((huggingface / file).resolve())
    said = json.loads((page / "page.json").read_text(encoding="utf-8"))
    (folder / "page.json").write_text(json.dumps(said | {"dtype": DTYPES[name]}), encoding="utf-8")
    views = [{"width": WIDTHS[0], "height": 900}]
    (view,) = look_at_page(folder, views, texts, paste=True, seconds=1800).views
    return {"transformers.js in Chromium": [answer["embedding"] for answer in view["answers"]]}


def _in_node(huggingface: Path, name: str, texts: Sequence[str]) -> dict[str, Any]:
    from look_at_page import EMBED_IN_NODE, run_node

    file = huggingface / FOLDER / FORMATS[name].file
    asked = {"folder": str(huggingface), "dtype": DTYPES[name], "file": str(file), "texts": list(texts)}
    (answer,) = run_node(EMBED_IN_NODE, [asked], 1800)
    return {
        "transformers.js in Node, the model": answer["alone"],
        "transformers.js in Node, the pipeline": answer["pooled"],
        "onnxruntime-node": answer["direct"],
    }


def _in_fastembed(huggingface: Path, name: str, texts: Sequence[str]) -> dict[str, Any]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model=f"ours/{name}", pooling=PoolingType.DISABLED, normalization=False,
        sources=ModelSource(hf=f"ours/{name}"), dim=1, model_file=f"{FOLDER}/{FORMATS[name].file}",
        output_name="sentence_embedding",
    )  # fmt: skip
    loaded = TextEmbedding(f"ours/{name}", specific_model_path=str(huggingface))
    return {"fastembed": list(loaded.embed(texts, batch_size=16))}


def _in_openvino(huggingface: Path, name: str, texts: Sequence[str]) -> dict[str, Any]:
    import openvino

    file = huggingface / FOLDER / FORMATS[name].file
    network = open_onnx(name, file, huggingface)
    prepared = network.prepare(texts, network.sequence_length)
    compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = []
    for number in range(len(texts)):
        ids, mask = prepared.padded(np.array([number]))
        found.append(compiled({"input_ids": ids, "attention_mask": mask})["sentence_embedding"][0])
    return {"OpenVINO": found}
