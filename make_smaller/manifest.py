"""The manifest of a model folder, `manifest.json`: what the model was made from, and what was verified.

    {
      "format": "smaller_labse.model.1",
      "made_with": "smaller-labse 0.2.0",
      "original": {"name": ..., "hub_id": ... or null, "base_model": what its card says it was made from, or
                   null, "format": "tfhub" or "huggingface", by which it is trimmed, "fingerprint": ...,
                   "rows": ..., "parameters": ...},
      "trimmed_from": [the original, then what that was trimmed from itself, and so on: {"name": ...,
                       "hub_id": ... or null, "vocab_size": ..., "parameters": ...}],
      "license": as the model card's front matter says it, null where nobody said,
      "rows": ..., "hidden_size": ..., "parameters": ...,
      "kept_ids": SHA-256 of the kept tokens' ids in the original's vocabulary, see `VocabularySubset`,
      "tokenizer": "wordpiece", "lealla", "unigram" or "bpe",
      "preprocessor": "faithful", as the original's own, or "mended", which reads text,
      "sequence_length": the length that inputs are truncated at; null where only huggingface/ says,
      "prompt": what goes before every text, in every format; "" for nothing,
      "languages": [...], "rule": {...}, "keep_characters": ..., "order": ..., "coverage": [...],
      "renamed": {token: the original's token whose embedding it has, where that is another},
      "dtype": "float16" where the original was rounded to it, now or before it was trimmed, else null,
      "distilled_from": the teacher's name; only where the original was distilled, or what it was made from,
      "onnx": [the fields of `OnnxFile` of each ONNX file]; only where there are some,
      "proof": the fields of `Verification`; its `rounding` says what rounding changed,
      "files": {path: bytes} of every other file,
      "sha256": {path: SHA-256 in hexadecimal} of the same; `evaluate-encoder check` compares them,
      "digest": SHA-256 of all the other fields, see `originals/digests.py`
    }

The last two are new since 0.1.0; manifests without them are read all the same. `rows` are those of the
embedding matrix, one per token. No path of anybody's machine stands in it.
`smaller_labse.originals.model_folder.read_manifest` reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.json_files import write_json
from smaller_labse.make_smaller.onnx.files import OnnxFile
from smaller_labse.make_smaller.rounding import Rounding
from smaller_labse.make_smaller.verification_texts import KEEPING
from smaller_labse.originals.digests import digest_of_file, digests_of_files, with_digest
from smaller_labse.originals.folder_check import DIGESTS, require_whole_manifest
from smaller_labse.originals.lineage import Ancestor, Lineage
from smaller_labse.originals.model_folder import FORMAT, MANIFEST, read_manifest
from smaller_labse.originals.original_card import OriginalCard
from smaller_labse.select_vocab.selection import Selection


@dataclass(frozen=True)
class Verification:
    """What the comparison of a smaller model with its original saw.

    Attributes:
        rows: rows of the embedding matrix that were compared, all equal.
        texts: how many texts went through both tokenizers.
        unchanged: how many of them got the same tokens.
        embedded: how many of those went through both encoders.
        largest_difference: of their embeddings, absolute, over all components.
        rounding: what rounding changed; None where nothing was rounded.
        texts_from: how many of the texts are "counted" lines, "builtin" sentences, "hostile" text, and
            "drawn" from the kept tokens.
        read_alike: of a mended model, how many of the texts the original's own preprocessor reads alike; None
            where that is compared itself.
    """

    rows: int
    texts: int
    unchanged: int
    embedded: int
    largest_difference: float
    rounding: Rounding | None = None
    texts_from: Mapping[str, int] = field(default_factory=dict)
    read_alike: int | None = None

    @property
    def summary(self) -> str:
        """The same in words.

        Example:
            >>> Verification(rows=472, texts=64, unchanged=49, embedded=32, largest_difference=0).summary
            '472 rows equal to the bit; 49 of 64 texts keep their tokens, the embeddings of 32 of these \
differ by 0.0e+00 at most'
        """
        equal = self.rounding.summary if self.rounding else "equal to the bit"
        kept = f"{self.unchanged:,} of {self.texts:,} texts keep their tokens"
        if self.unchanged < KEEPING:
            kept += f" (fewer than {KEEPING}, as no more such texts can be made of the kept tokens)"
        summary = f"{self.rows:,} rows {equal}; {kept}"
        if self.rounding:
            return f"{summary}; {self.rounding.moved}"
        if not self.embedded:
            return summary
        whose = (
            "their embeddings"
            if self.embedded == self.unchanged
            else f"the embeddings of {self.embedded} of these"
        )
        summary = f"{summary}, {whose} differ by {self.largest_difference:.1e} at most"
        if self.read_alike is None:
            return summary
        return (
            f"{summary}; the original's own preprocessor reads {self.read_alike} of the {self.texts} texts "
            "as the mended one does"
        )


@dataclass(frozen=True)
class ModelDescription:
    """Everything that a manifest and a model card say.

    Attributes:
        name: the model's, that is its folder's.
        original: what the original's own card says.
        original_format: what the original is trimmed by, `FROM_TFHUB` or `FROM_HUGGINGFACE`.
        original_parameters: of the original, all of them.
        selection: the kept tokens.
        sequence_length: the length in tokens that inputs are truncated at; None where only `huggingface/`
            says.
        verification: what the comparison with the original saw.
        formats: the parts that were written, of `ENCODER`, `SENTENCES` and `HUGGINGFACE`.
        license: the card's entries for it, e.g. {"license": "apache-2.0"}; empty where nobody said.
        prompt: what goes before every text, in every format.
        sentence_transformers: whether `huggingface/` says how to pool, as sentence-transformers needs it.
        onnx: the ONNX files in `huggingface/`.
    """

    name: str
    original: OriginalCard
    original_format: str
    original_parameters: int
    selection: Selection
    sequence_length: int | None
    verification: Verification
    formats: tuple[str, ...]
    license: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = ""
    sentence_transformers: bool = True
    onnx: tuple[OnnxFile, ...] = ()

    @property
    def parameters(self) -> int:
        """Of the smaller model: only rows of the embedding matrix were taken away."""
        dropped = self.selection.subset.original_size - len(self.selection.subset)
        return self.original_parameters - dropped * self.selection.hidden_size

    @property
    def lineage(self) -> Lineage:
        """What the model was trimmed from, and rounded to, now or in the original already."""
        original, rounding = self.original, self.verification.rounding
        trimmed_from = Ancestor(
            name=original.name,
            hub_id=original.hub_id,
            vocab_size=self.selection.subset.original_size,
            parameters=self.original_parameters,
        )
        kept = set(self.selection.pieces)
        earlier = {token: text for token, text in original.lineage.renamed.items() if token in kept}
        names = self.selection.stripped
        renamed = {one.token: one.original for one in names if one.original != one.token}
        return Lineage(
            (trimmed_from, *original.lineage.trimmed_from),
            rounding.dtype if rounding else original.lineage.rounded_to,
            {**earlier, **renamed},
            distilled_from=original.lineage.distilled_from,
            preprocessor=self.selection.preprocessor,
        )


def write_manifest(
    description: ModelDescription, folder: Path, digests: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write the manifest into a model's folder, in which all else is there already.

    Args:
        description: what it says.
        folder: the model's.
        digests: of files that were hashed already, by their paths in the folder.
    """
    selection = description.selection
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    others = {name: path for name, path in files.items() if name not in digests}
    found = {**digests, **digests_of_files(others)}
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "made_with": f"smaller-labse {version('smaller-labse')}",
        "original": {
            "name": description.original.name,
            "hub_id": description.original.hub_id,
            "base_model": description.original.base_model,
            "format": description.original_format,
            "fingerprint": selection.fingerprint,
            "rows": selection.subset.original_size,
            "parameters": description.original_parameters,
        },
        "trimmed_from": [asdict(ancestor) for ancestor in description.lineage.trimmed_from],
        "license": description.license.get("license"),
        "rows": len(selection.subset),
        "kept_ids": selection.subset.digest,
        "hidden_size": selection.hidden_size,
        "parameters": description.parameters,
        "tokenizer": selection.kind,
        "preprocessor": selection.preprocessor,
        "sequence_length": description.sequence_length,
        "prompt": description.prompt,
        "languages": list(selection.languages),
        "renamed": description.lineage.renamed,
        "rule": dict(selection.rule),
        "keep_characters": selection.keep_characters,
        "order": selection.order,
        "coverage": [asdict(language) for language in selection.coverage],
        "dtype": description.lineage.rounded_to,
        "proof": asdict(description.verification),
        "files": {name: path.stat().st_size for name, path in files.items()},
        DIGESTS: {name: found[name] for name in files},
    }
    if description.onnx:
        manifest["onnx"] = [asdict(file) for file in description.onnx]
    if description.lineage.distilled_from is not None:
        manifest["distilled_from"] = description.lineage.distilled_from
    write_json(folder / MANIFEST, with_digest(manifest))


def note_files(
    folder: Path,
    files: Sequence[Path],
    fields: Mapping[str, Any] = MappingProxyType({}),
    removed: Collection[str] = (),
) -> None:
    """Note in a model's manifest that some of its files were written anew, such as its cards.

    Args:
        folder: the model's.
        files: which.
        fields: what else the manifest says from now on.
        removed: what is no longer listed, unless it is one of `files`; by its path in the folder.

    Raises:
        SmallerLabseError: the manifest is damaged.
    """
    require_whole_manifest(folder)
    manifest = read_manifest(folder) | dict(fields)
    if "files" not in manifest:
        return
    for listed in (key for key in ("files", DIGESTS) if key in manifest):
        manifest[listed] = {path: value for path, value in manifest[listed].items() if path not in removed}
    paths = {file.relative_to(folder).as_posix(): file for file in files}
    manifest["files"] |= {path: file.stat().st_size for path, file in paths.items()}
    if DIGESTS in manifest:
        manifest[DIGESTS] |= {path: digest_of_file(file) for path, file in paths.items()}
        manifest = with_digest(manifest)
    with new_file(folder / MANIFEST, overwrite=True) as partial:
        write_json(partial, manifest)
