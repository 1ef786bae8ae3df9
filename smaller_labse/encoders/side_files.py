"""Files beside the weights in a Hugging Face folder: which are copied, and which must not be.

Copied byte for byte: the modules of sentence-transformers, prompts, the licence, code. Left out: tokenizer
files and the card, which are written anew (the original's card speaks of another model), and the original
model in other forms, which would be found before the trimmed one or only cost space.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.sentence_transformers_folder import read_modules
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.links import require_links_inside
from smaller_labse.originals.model_folder import MODEL_CARD
from smaller_labse.originals.weights.safetensors_file import read_safetensors
from smaller_labse.originals.weights.safetensors_folder import INDEX

GENERATION_CONFIG = "generation_config.json"
WRITTEN = (CONFIG, GENERATION_CONFIG, INDEX, MODEL_CARD)  # anew; only at the top
TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "*.model", "unigram.json", "vocab.bpe", "bpe.codes"),
)
OTHER_FORMATS = ("onnx", "openvino", "coreml")  # folders
OTHER_WEIGHTS = (
    *("*.bin", "*.h5", "*.msgpack", "*.ot", "*.onnx", "*.onnx_data", "*.gguf", "*.ckpt", "*.pth", "*.tflite"),
    *("optimizer.pt", "*.index.json"),
)
WEIGHTS = "*.safetensors"


@dataclass(frozen=True)
class SideFiles:
    """What to do with the files beside a model's weights.

    Attributes:
        copied: path in the folder → the file.
        left_out: paths of files and folders that hold the original model in some other form.
    """

    copied: dict[PurePosixPath, Path]
    left_out: tuple[str, ...]

    def copy_to(self, folder: Path) -> None:
        """Copy the files; links become the files that they lead to."""
        for path, file in self.copied.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def find_side_files(folder: Path, weights: set[str], vocab_size: int) -> SideFiles:
    """Go through a folder.

    Args:
        folder: the original.
        weights: names of the files that hold the model.
        vocab_size: the original's; another safetensors file with a dimension of that size holds a part of
            the original model.

    Raises:
        SmallerLabseError: a file cannot be read, a link leads out of the folder, or a module of
            sentence-transformers cannot be copied.
    """
    modules = _module_folders(folder)
    copied: dict[PurePosixPath, Path] = {}
    left_out: list[str] = []
    require_links_inside(folder, folder)
    for path, file in _walk(folder, PurePosixPath()):
        at_top = len(path.parts) == 1
        if (at_top and path.name in {*weights, *WRITTEN}) or _matches(path.name, TOKENIZER_FILES):
            continue
        if file.is_dir():  # of those, only OTHER_FORMATS are yielded
            left_out.append(f"{path}/")
        elif _matches(path.name, OTHER_WEIGHTS):
            if _is_only_weights(path, file, modules):
                raise SmallerLabseError(
                    f"{file}: the only weights of a module, and pickled; load the model with "
                    "sentence-transformers and save it with save_pretrained, which writes safetensors"
                )
            left_out.append(str(path))
        elif not file.is_file():
            raise SmallerLabseError(f"{file}: no regular file; remove it")
        elif fnmatchcase(path.name, WEIGHTS) and _has_dimension(file, vocab_size):
            if path.parent in modules:
                raise SmallerLabseError(
                    f"{file}: a module of sentence-transformers with a dimension of {vocab_size:,}, the size "
                    "of the vocabulary; such a module cannot be trimmed"
                )
            left_out.append(str(path))
        else:
            copied[path] = file
    return SideFiles(copied, tuple(left_out))


def _walk(folder: Path, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Path]]:
    """Every file below a folder, in the order of their names, hidden ones left out; and OTHER_FORMATS."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and entry.name not in OTHER_FORMATS:
            yield from _walk(entry, path / entry.name)
        else:
            yield path / entry.name, entry


def _module_folders(folder: Path) -> set[PurePosixPath]:
    """The folders of the modules that sentence-transformers loads beside the model itself."""
    return {PurePosixPath(module.path) for module in read_modules(folder) if module.path}


def _is_only_weights(path: PurePosixPath, file: Path, modules: set[PurePosixPath]) -> bool:
    return path.parent in modules and not any(file.parent.glob(WEIGHTS))


def _has_dimension(file: Path, size: int) -> bool:
    return any(size in tensor.shape for tensor in read_safetensors(file).tensors.values())


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
