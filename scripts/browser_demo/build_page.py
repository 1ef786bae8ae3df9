"""Build the page that runs a model in the browser: a folder of files that any web server serves.

    python scripts/browser_demo/build_page.py --model MODEL --sentences FOLDER --packages FOLDER --out FOLDER

MODEL has `huggingface/onnx/model_quantized.onnx`; the sentences are files CODE.txt, whose lines are
translations of each other; transformers.js and onnxruntime-web are copied out of `node_modules`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

import smaller_labse
from smaller_labse.common.atomic_output import new_folder, require_absent
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce
from smaller_labse.corpora.languages import find_language
from smaller_labse.originals.model_folder import read_manifest
from smaller_labse.originals.onnx_formats import FOLDER, FORMATS

PAGE = Path(__file__).with_name("page")
ONNX = Path(FOLDER) / FORMATS["int8"].file
JSON_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
RUNTIME = "ort-wasm-simd-threaded.wasm"
# In node_modules, and what it is called beside the page.
LIBRARIES = {
    "@huggingface/transformers/dist/transformers.web.min.js": "transformers.js",
    "onnxruntime-web/dist/ort.wasm.min.mjs": "onnxruntime.js",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.mjs",
    f"onnxruntime-web/dist/{RUNTIME}": RUNTIME,
}
# A worker has no import map, so names of packages become places. Of onnxruntime-web's variants the one
# without WebGPU has half the bytes.
IMPORTS = {'"onnxruntime-web/webgpu"': '"./onnxruntime.js"', '"onnxruntime-common"': '"./onnxruntime.js"'}
EXAMPLES = 5
LARGEST = 127  # of the embeddings' 8 bits


@dataclass(frozen=True)
class Sentences:
    """The sentences to find.

    Attributes:
        languages: their codes.
        lines: of each language, the same sentences in the same order.
    """

    languages: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]

    @property
    def all(self) -> list[str]:
        """Every sentence, language by language."""
        return [line for lines in self.lines for line in lines]


def read_sentences(folder: Path, languages: Collection[str] = ()) -> Sentences:
    """Read the files CODE.txt of a folder.

    Args:
        folder: the folder.
        languages: those of the model; files of others are left out. All are read where there are none.

    Raises:
        SmallerLabseError: there are none, or not all have the same number of lines.
    """
    files = [file for file in sorted(folder.glob("*.txt")) if not languages or file.stem in languages]
    if not files:
        raise SmallerLabseError(
            f"{folder}: no files CODE.txt of the model's languages in it; scripts/demo.sh makes such a folder"
        )
    lines = tuple(tuple(file.read_text(encoding="utf-8").splitlines()) for file in files)
    for file, of_file in zip(files, lines, strict=True):
        if len(of_file) != len(lines[0]) or not of_file:
            raise SmallerLabseError(
                f"{file}: {len(of_file)} lines, expected as many as {files[0].name} has, {len(lines[0])}, "
                "and one or more"
            )
    return Sentences(tuple(file.stem for file in files), lines)


def build_page(model: Path, sentences: Sentences, packages: Path, out: Path) -> None:
    """Write the page's folder.

    Args:
        model: the model folder.
        sentences: what is found.
        packages: `node_modules`.
        out: where to; it exists.

    Raises:
        SmallerLabseError: a file is missing, or is not what it should be.
    """
    shutil.copytree(PAGE, out, dirs_exist_ok=True)
    _copy_libraries(packages, out / "vendor")
    _copy_model(model / "huggingface", out / "model")
    encoder = smaller_labse.load(model / "huggingface" / ONNX)
    embeddings = encoder.encode(sentences.all)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    scale = float(np.abs(embeddings).max()) / LARGEST
    (out / "sentences.bin").write_bytes(np.rint(embeddings / scale).astype(np.int8).tobytes())
    loaded = [
        out / "sentences.bin",
        out / "vendor" / RUNTIME,
        *(file for file in (out / "model").rglob("*") if file.is_file()),
    ]
    size = sum(file.stat().st_size for file in loaded)
    _fill_in(out / "index.html", sentences, size)
    page = {
        "dtype": "q8",
        "prompt": encoder.prompt,
        "size": embeddings.shape[1],
        "scale": scale,
        "bytes": size,
        "languages": [
            {"code": code, "sentences": lines}
            for code, lines in zip(sentences.languages, sentences.lines, strict=True)
        ],
    }
    _write_compact(out / "page.json", page)


def _fill_in(index: Path, sentences: Sentences, size: int) -> None:
    """Put the languages into the page itself, so that nothing moves when its script runs."""
    names = [find_language(code).name for code in sentences.languages]
    rows = (
        f'<li data-language="{escape(code)}"><span class="language">{escape(name)}</span>'
        f'<span class="cosine"></span><p class="sentence" lang="{escape(code)}" dir="auto"></p></li>'
        for code, name in zip(sentences.languages, names, strict=True)
    )
    filled = {
        "languages": escape(f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]),
        "number": str(len(sentences.lines[0])),
        "bytes": str(size),
        "megabytes": f"{size / 1e6:.1f}",
        "rows": "".join(rows),
        "examples": "".join(
            f'<button type="button" lang="{escape(code)}" dir="auto">{escape(line)}</button>'
            for code, line in choose_examples(sentences)
        ),
    }
    text = index.read_text(encoding="utf-8")
    for name, content in filled.items():
        text = text.replace(f"{{{{{name}}}}}", content)
    index.write_text(text, encoding="utf-8", newline="\n")


def choose_examples(sentences: Sentences) -> list[tuple[str, str]]:
    """Some sentences, each of another language and with another meaning, behind their languages."""
    step = max(1, len(sentences.languages) // EXAMPLES)
    chosen = list(zip(sentences.languages, sentences.lines, strict=True))[::step][:EXAMPLES]
    return [(code, lines[number * len(lines) // EXAMPLES]) for number, (code, lines) in enumerate(chosen)]


def _copy_libraries(packages: Path, out: Path) -> None:
    out.mkdir()
    for path, name in LIBRARIES.items():
        if not (packages / path).is_file():
            raise SmallerLabseError(f"{packages / path}: not there; scripts/browser_demo.sh installs it")
        shutil.copyfile(packages / path, out / name)
    file = out / "transformers.js"
    code = file.read_text(encoding="utf-8")
    for name, place in IMPORTS.items():
        if code.count(f"from{name}") != 1:
            raise SmallerLabseError(
                f"{packages}: transformers.js imports {name} otherwise than once; get 4.3.2"
            )
        code = code.replace(f"from{name}", f"from{place}")
    file.write_text(code, encoding="utf-8", newline="\n")
    notices = {
        "transformers.js": packages / "@huggingface/transformers/LICENSE",
        "onnxruntime-web": Path(__file__).with_name("onnxruntime_license.txt"),
    }
    text = "\n\n".join(f"{name}\n\n{file.read_text(encoding='utf-8')}" for name, file in notices.items())
    (out / "LICENSES.txt").write_text(text, encoding="utf-8", newline="\n")


def _copy_model(huggingface: Path, out: Path) -> None:
    (out / FOLDER).mkdir(parents=True)
    for name in JSON_FILES:  # without the spaces that make them readable
        _write_compact(out / name, json.loads((huggingface / name).read_text(encoding="utf-8")))
    shutil.copyfile(huggingface / ONNX, out / ONNX)


def _write_compact(file: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    file.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    """Run as a command with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(prog="build_page.py", description=(__doc__ or "").partition("\n")[0])
    parser.set_defaults(run=_build)
    parser.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="a model folder")
    parser.add_argument("--sentences", required=True, type=Path, metavar="FOLDER", help="of files CODE.txt")
    parser.add_argument("--packages", required=True, type=Path, metavar="FOLDER", help="node_modules")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="the page's")
    parser.add_argument("--overwrite", action="store_true", help="replace it")
    return run_command(parser, arguments)


def _build(options: argparse.Namespace) -> None:
    if not (options.model / "huggingface" / ONNX).is_file():
        raise UsageError(f"{options.model}: no huggingface/{ONNX} in it; make-smaller --onnx int8 adds it")
    require_absent(options.out, options.overwrite, "index.html")
    sentences = read_sentences(options.sentences, read_manifest(options.model).get("languages") or ())
    announce(f"embedding {len(sentences.all):,} sentences in {len(sentences.languages)} languages")
    with new_folder(options.out, options.overwrite, "index.html") as partial:
        build_page(options.model, sentences, options.packages, partial)


if __name__ == "__main__":
    sys.exit(main())
