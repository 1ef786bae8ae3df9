"""Add ONNX files to a model folder that is there already: of `make-smaller`, or of `distill-encoder`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_file, new_folder, require_absent
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.config import is_rebuilt
from smaller_labse.encoders.onnx.write_onnx import require_formats, require_onnx
from smaller_labse.encoders.sentence_transformers_folder import read_default_prompt
from smaller_labse.make_smaller.manifest import note_files
from smaller_labse.make_smaller.onnx.card import onnx_section
from smaller_labse.make_smaller.onnx.files import OnnxFile, write_onnx_files
from smaller_labse.make_smaller.onnx.settings import complete_settings
from smaller_labse.originals.folder_check import require_whole_manifest
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.model_folder import HUGGINGFACE, MODEL_CARD, read_manifest
from smaller_labse.originals.onnx_formats import FOLDER, FORMATS, parse_formats
from smaller_labse.originals.preprocessors import MENDED

SECTION = re.compile(r"^## ONNX\n.*?(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)
BEFORE = re.compile(r"^## Verification\n", flags=re.MULTILINE)


def add_onnx(model: StrPath, formats: str | Iterable[str], overwrite: bool = False) -> tuple[OnnxFile, ...]:
    """Write ONNX files into a model folder's `huggingface/onnx/`, verified, and say so in manifest and cards.

    Args:
        model: the folder; its `huggingface/` is computed.
        formats: see `make_smaller`.
        overwrite: replace the ONNX files that are there.

    Returns:
        What was written.

    Raises:
        UsageError: there is no such format, a library is missing, or the encoder is none that is rebuilt.
        SmallerLabseError: it is no model folder of ours, has ONNX files, or a file is not what it should be.
    """
    folder, wanted = Path(os.fspath(model)), parse_formats(formats)
    require_onnx()
    huggingface, out = folder / HUGGINGFACE, folder / HUGGINGFACE / FOLDER
    manifest = read_manifest(folder)
    if not manifest or not (huggingface / CONFIG).is_file():
        raise SmallerLabseError(
            f"{folder}: no model folder with a {HUGGINGFACE}/ in it, as make-smaller writes it; give one"
        )
    if not is_rebuilt(read_object(huggingface / CONFIG)):
        raise UsageError(f"--onnx: only for encoders that are rebuilt in TensorFlow, and {folder} is none")
    require_whole_manifest(folder)
    require_formats(int(manifest["hidden_size"]), wanted)
    there = next((each.file for each in FORMATS.values() if (out / each.file).is_file()), wanted[0].file)
    require_absent(out, overwrite, there)
    sentences = builtin_sentences()
    codes = [code for code in manifest.get("languages") or () if code in sentences] or list(sentences)
    texts = [(code, text) for code in codes for text in sentences[code]]
    prompt = read_default_prompt(huggingface)
    announce(f"writing {out} ({', '.join(each.name for each in wanted)}) and verifying it")
    import_tensorflow_quietly()
    with new_folder(out, overwrite, there) as partial:
        written = write_onnx_files(huggingface, wanted, texts, prompt, out=partial)
    completed = complete_settings(huggingface, written)
    mended = manifest.get("preprocessor") == MENDED
    cards = {folder: f"{folder.resolve().name}/{HUGGINGFACE}", huggingface: "path/to/this/folder"}
    described = [place / MODEL_CARD for place in cards if (place / MODEL_CARD).is_file()]
    for card in described:
        _describe(card, onnx_section(written, cards[card.parent], prompt, mended))
    files = [*(file for file in sorted(out.iterdir()) if file.is_file()), *completed, *described]
    earlier = [path for path in manifest.get("files", {}) if path.startswith(f"{HUGGINGFACE}/{FOLDER}/")]
    note_files(folder, files, {"onnx": [asdict(each) for each in written]}, earlier)
    return written


def _describe(card: Path, section: str) -> None:
    """Write the section into a card, in the place of an earlier one, or before what was verified."""
    text = SECTION.sub("", card.read_text(encoding="utf-8"))
    found = BEFORE.search(text)
    place = found.start() if found else len(text)
    before, after = text[:place].rstrip("\n"), text[place:]
    with new_file(card, overwrite=True) as partial:
        new = f"{before}\n\n{section}" + (f"\n{after}" if after else "")
        partial.write_text(new, encoding="utf-8", newline="\n")
