"""Add ONNX files to a model folder that is there already: of `make-smaller`, or of `distill-encoder`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_file, new_folder, require_absent
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.workplace import put_right
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.config import is_rebuilt
from smaller_labse.encoders.onnx.write_onnx import require_formats, require_onnx
from smaller_labse.encoders.read_config import read_hidden_size
from smaller_labse.encoders.sentence_transformers_folder import read_default_prompt
from smaller_labse.make_smaller.manifest import note_files
from smaller_labse.make_smaller.onnx.card import onnx_section
from smaller_labse.make_smaller.onnx.files import OnnxFile, write_onnx_files
from smaller_labse.make_smaller.onnx.settings import complete_settings
from smaller_labse.originals.folder_check import require_whole_manifest
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.model_folder import HUGGINGFACE, MANIFEST, MODEL_CARD, read_manifest
from smaller_labse.originals.onnx_formats import FOLDER, FORMATS, parse_formats
from smaller_labse.originals.preprocessors import MENDED

SECTION = re.compile(r"^## ONNX\n.*?(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)
BEFORE = re.compile(r"^## Verification\n", flags=re.MULTILINE)


def add_onnx(model: StrPath, formats: str | Iterable[str], overwrite: bool = False) -> tuple[OnnxFile, ...]:
    """Write ONNX files into a model folder's `huggingface/onnx/`, verified, and say so in manifest and cards.

    It is done in a new folder, which then takes the place of the model's, whole or not at all; the model's
    other files are in both, and are not copied where the file system has hard links.

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
    put_right(folder.resolve())
    huggingface, out = folder / HUGGINGFACE, folder / HUGGINGFACE / FOLDER
    manifest = read_manifest(folder)
    if not manifest or not (huggingface / CONFIG).is_file():
        raise SmallerLabseError(
            f"{folder}: no model folder with a {HUGGINGFACE}/ in it, as make-smaller writes it; give one"
        )
    if not is_rebuilt(read_object(huggingface / CONFIG)):
        raise UsageError(f"--onnx: only for encoders that are rebuilt in TensorFlow, and {folder} is none")
    require_whole_manifest(folder)
    require_formats(read_hidden_size(huggingface), wanted)
    there = next((each.file for each in FORMATS.values() if (out / each.file).is_file()), wanted[0].file)
    require_absent(out, overwrite, there)
    require_absent(folder, True, MANIFEST)
    sentences = builtin_sentences()
    codes = [code for code in manifest.get("languages") or () if code in sentences] or list(sentences)
    texts = [(code, text) for code in codes for text in sentences[code]]
    prompt = read_default_prompt(huggingface)
    announce(f"writing {out} ({', '.join(each.name for each in wanted)}) and verifying it")
    import_tensorflow_quietly()
    with new_folder(folder, True, MANIFEST) as partial:
        new = partial / HUGGINGFACE / FOLDER
        written = write_onnx_files(huggingface, wanted, texts, prompt, _verified(manifest), out=new)
        _link_others(folder, partial)
        _note(partial, folder.resolve().name, written, prompt)
    return written


def _verified(manifest: Mapping[str, Any]) -> float:
    """How far the model's embeddings are from its original's, see `write_onnx_files`; 0 where nobody says."""
    proof = manifest.get("proof")
    if not isinstance(proof, dict) or proof.get("rounding"):  # rounded numbers are compared with rounded ones
        return 0.0
    difference = proof.get("largest_difference")
    return difference if isinstance(difference, float) else 0.0


def _link_others(folder: Path, new: Path) -> None:
    """Give a new folder the files of a model's folder, but for its ONNX files."""
    onnx = folder / HUGGINGFACE / FOLDER

    def left_out(place: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(place) / name == onnx]

    shutil.copytree(folder, new, ignore=left_out, copy_function=_link, dirs_exist_ok=True)


def _link(file: str, new: str) -> None:
    """Make a hard link to a file, or of a link to what it leads to; where that cannot be, a copy."""
    try:
        os.link(os.path.realpath(file), new)
    except OSError:
        shutil.copy2(file, new)


def _note(folder: Path, name: str, written: Sequence[OnnxFile], prompt: str) -> None:
    """Say in a model's folder, its settings, cards and manifest, which ONNX files there are now."""
    huggingface, manifest = folder / HUGGINGFACE, read_manifest(folder)
    completed = complete_settings(huggingface, written)
    mended = manifest.get("preprocessor") == MENDED
    cards = {folder: f"{name}/{HUGGINGFACE}", huggingface: "path/to/this/folder"}
    described = [place / MODEL_CARD for place in cards if (place / MODEL_CARD).is_file()]
    for card in described:
        _describe(card, onnx_section(written, cards[card.parent], prompt, mended))
    onnx = [file for file in sorted((huggingface / FOLDER).iterdir()) if file.is_file()]
    earlier = [path for path in manifest.get("files", {}) if path.startswith(f"{HUGGINGFACE}/{FOLDER}/")]
    fields = {"onnx": [asdict(each) for each in written]}
    note_files(folder, [*onnx, *completed, *described], fields, earlier)


def _describe(card: Path, section: str) -> None:
    """Write the section into a card, in the place of an earlier one, or before what was verified."""
    text = SECTION.sub("", card.read_text(encoding="utf-8"))
    found = BEFORE.search(text)
    place = found.start() if found else len(text)
    before, after = text[:place].rstrip("\n"), text[place:]
    with new_file(card, overwrite=True) as partial:
        new = f"{before}\n\n{section}" + (f"\n{after}" if after else "")
        partial.write_text(new, encoding="utf-8", newline="\n")
