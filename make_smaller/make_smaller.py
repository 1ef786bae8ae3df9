"""Make a smaller model: an original and a selection become a model folder, verified."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from smaller_labse.common.arguments import StrPath, check, length_in_tokens
from smaller_labse.common.atomic_output import new_folder, require_absent, require_apart
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.visible_text import visible
from smaller_labse.encoders.config import PoolingMode
from smaller_labse.encoders.onnx.write_onnx import require_formats, require_onnx
from smaller_labse.encoders.sentence_transformers_folder import MODULES
from smaller_labse.make_smaller.back_ends.back_end import BackEnd, Options, Written, locate_for
from smaller_labse.make_smaller.licenses import license_entries, license_name
from smaller_labse.make_smaller.manifest import ModelDescription, Verification, write_manifest
from smaller_labse.make_smaller.onnx.files import OnnxFile, write_onnx_files
from smaller_labse.make_smaller.onnx.settings import complete_settings
from smaller_labse.make_smaller.rounding import rounding_texts
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.lealla_conversions import conversion_warning, is_lealla_conversion
from smaller_labse.originals.lineage import write_lineage
from smaller_labse.originals.locate import folders_of
from smaller_labse.originals.model_folder import (
    FROM_HUGGINGFACE,
    FROM_TFHUB,
    HUGGINGFACE,
    MANIFEST,
    MODEL_CARD,
)
from smaller_labse.originals.onnx_formats import parse_formats
from smaller_labse.originals.open import Original, open_place, read_by
from smaller_labse.originals.original_card import OriginalCard, read_original_card
from smaller_labse.originals.positions import require_positions
from smaller_labse.originals.preprocessors import PREPROCESSORS
from smaller_labse.originals.tfhub import LEALLAFolder, TFHubFolders
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.originals.tokenizers.wordpiece import differs_by_preprocessor
from smaller_labse.select_vocab.selection import Selection, read_selection

_FORMATS = {HuggingFaceFolder: FROM_HUGGINGFACE, TFHubFolders: FROM_TFHUB, LEALLAFolder: FROM_TFHUB}


@dataclass(frozen=True)
class SmallerModel:
    """A smaller model that was written and verified.

    It can stand wherever a model's folder is asked for.

    Attributes:
        folder: where it is.
        original_parameters: of the original, all of them.
        parameters: of the smaller model.
        verification: what the comparison with the original saw.
        selection: the kept tokens.
    """

    folder: Path
    original_parameters: int
    parameters: int
    verification: Verification
    selection: Selection = field(repr=False)

    def __fspath__(self) -> str:
        return os.fspath(self.folder)


def make_smaller(
    model: StrPath,
    selection: Selection | StrPath,
    out: StrPath,
    *,
    preprocessor: StrPath | None = None,
    sequence_length: int | None = None,
    huggingface: bool = True,
    savedmodel: bool | None = None,
    dtype: str | None = None,
    prompt: str | None = None,
    pooling: PoolingMode | None = None,
    license: str | None = None,
    onnx: str | Iterable[str] = (),
    overwrite: bool = False,
) -> SmallerModel:
    """Trim an original to a selection, write it in every format, and verify it against the original.

    The folder appears when the model is verified, or not at all. Each step is named on standard error.

    Args:
        model: the original: a Hugging Face folder or hub id, a model folder of ours, a folder with
            `encoder/` (and `preprocess/`), a SavedModel folder, or a TF Hub handle.
        selection: the tokens to keep, or the folder that `select-vocab select` wrote.
        out: the model's folder.
        preprocessor: "faithful" or "mended", what reads text, of originals in LaBSE's format; None for the
            selection's. Or the folder or handle of the original's own, where it is not beside the encoder (a
            folder of that name is "./mended"); a mended selection goes with it, too.
        sequence_length: the length in tokens that the preprocessor packs to by default; None for the
            original's.
        huggingface: whether to write `huggingface/`; only TF Hub originals go without.
        savedmodel: whether to write `encoder/` and `preprocess/`; None for wherever they can be. Only
            originals from Hugging Face go without.
        dtype: "float16" for the tensors of `huggingface/`; None for the original's. Only for originals from
            Hugging Face, as are the next two.
        prompt: what goes before every text, e.g. "query: ", in every format; "" for nothing, None for the
            original's.
        pooling: "mean", "cls" or "pooler", where the original does not say (no `modules.json`).
        license: for the model cards, e.g. "apache-2.0", see `license_entries`; None for what the original's
            card states, which holds for what is made from it. Where nobody says, a warning does.
        onnx: the formats of the ONNX files in `huggingface/onnx/`: "float32", "int8" (8 bits) and "int4" (the
            embedding matrix in 4); one text, with commas between, or several. Only for encoders that are
            rebuilt in TensorFlow.
        overwrite: replace an earlier model.

    Raises:
        UsageError: options that do not go together or would do nothing, `license` is misspelt, or `out` is,
            holds or lies in something that is read.
        SmallerLabseError: original and selection do not belong together, the original cannot be trimmed, or
            the verification fails.

    Example:
        >>> from smaller_labse.make_smaller.make_smaller import make_smaller  # doctest: +SKIP
        >>> make_smaller("sentence-transformers/LaBSE", "work/selection", "work/model")  # doctest: +SKIP
        SmallerModel(folder=PosixPath('work/model'), original_parameters=470926848, ...)
    """
    if sequence_length is not None:
        sequence_length = check("sequence_length", length_in_tokens, sequence_length)
    options = Options(
        sequence_length, huggingface, savedmodel, dtype, prompt, pooling, parse_formats(onnx) if onnx else ()
    )
    _check(options)
    chosen = None if license is None else license_entries(license)
    folder = Path(out)
    name, preprocess = os.fspath(model), None if preprocessor is None else os.fspath(preprocessor)
    read = [name, *([] if preprocess in (None, *PREPROCESSORS) else [preprocess])]
    read += [] if isinstance(selection, Selection) else [os.fspath(selection)]
    require_apart(folder, map(Path, read))
    require_absent(folder, overwrite, MANIFEST)
    place = locate_for(name, preprocess, options)
    require_apart(folder, folders_of(place))
    require_positions(place, sequence_length, "--sequence-length")
    kept = selection if isinstance(selection, Selection) else read_selection(Path(selection))
    original = open_place(place)
    require_formats(original.hidden_size, options.onnx)
    if preprocess not in PREPROCESSORS:
        original = read_by(original, kept.preprocessor)
    source = "the selection" if isinstance(selection, Selection) else os.fspath(selection)
    _require_same_vocabulary(kept, original.tokenizer, source)
    # It may have been made with another model of this vocabulary, such as LEALLA-small for LEALLA-base.
    kept = replace(kept, hidden_size=original.hidden_size)
    if isinstance(place, HuggingFaceFolder) and is_lealla_conversion(place.folder):
        _warn(conversion_warning(place.name))
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    back_end = _back_end(original, kept, options)
    card = read_original_card(original.place)
    stated = _license(chosen, card)
    with new_folder(folder, overwrite, MANIFEST) as partial:
        written = back_end.write(partial, announce)
        files = _write_onnx(partial / HUGGINGFACE, kept, options, written)
        description = ModelDescription(
            name=folder.name or folder.resolve().name,
            original=card,
            original_format=_FORMATS[type(original.place)],
            original_parameters=written.original_parameters,
            selection=kept,
            sequence_length=written.sequence_length,
            verification=written.verification,
            formats=written.formats,
            license=stated,
            prompt=written.prompt,
            sentence_transformers=(partial / HUGGINGFACE / MODULES).is_file(),
            onnx=files,
        )
        _describe(description, partial, written.digests)
    return SmallerModel(
        folder, written.original_parameters, description.parameters, written.verification, kept
    )


def _check(options: Options) -> None:
    if options.pooling is not None and options.pooling not in get_args(PoolingMode):
        raise UsageError(f"--pooling: expected mean, cls or pooler, got {options.pooling!r}")
    if options.dtype not in (None, "float16"):
        raise UsageError(f"--dtype: expected float16, got {options.dtype!r}")
    if options.onnx:
        require_onnx()
    if options.onnx and not options.huggingface:
        raise UsageError("--onnx: the files go into huggingface/, which --no-huggingface leaves out")


def _require_same_vocabulary(selection: Selection, tokenizer: Tokenizer, source: str) -> None:
    """Refuse a selection that was made from another tokenizer's vocabulary.

    Args:
        selection: the selection.
        tokenizer: the original's.
        source: the selection's folder, for messages.
    """
    if selection.fingerprint != tokenizer.fingerprint:
        found, expected = selection.preprocessor, tokenizer.preprocessor
        if found != expected and differs_by_preprocessor(selection.fingerprint, found, tokenizer.pieces):
            raise SmallerLabseError(
                f"{source}: selected for the preprocessor {found}, expected {expected}; count and select "
                f"again with --preprocessor {expected}, or give --preprocessor {found} here, too"
            )
        raise SmallerLabseError(
            f"{source}: a selection of another vocabulary (fingerprint {selection.fingerprint[:12]}…, the "
            f"original's is {tokenizer.fingerprint[:12]}…); select with this original"
        )
    names, pieces = selection.subset.names, tokenizer.pieces
    for piece, original_id in zip(selection.pieces, selection.subset.original_ids.tolist(), strict=True):
        if original_id >= len(pieces) or names.get(original_id, pieces[original_id]) != piece:
            raise SmallerLabseError(
                f"{source}: {piece!r} is not the original's token {original_id}; select again"
            )
    for one in selection.stripped:
        if tokenizer.ids.get(one.original) != one.id:
            raise SmallerLabseError(
                f"{source}: {one.original!r} is not the original's token {one.id}; select again"
            )


def _back_end(original: Original, selection: Selection, options: Options) -> BackEnd:
    """The back end for this kind of original; both need TensorFlow, so they are imported here."""
    from smaller_labse.make_smaller.back_ends.huggingface_back_end import HuggingFaceBackEnd

    # Each takes the files and the tokenizer of its own kind of original.
    from smaller_labse.make_smaller.back_ends.lealla_back_end import LEALLABackEnd
    from smaller_labse.make_smaller.back_ends.tfhub_back_end import TFHubBackEnd

    back_ends: dict[str, Callable[[Any, Any, Selection, Options], BackEnd]] = {
        FROM_HUGGINGFACE: HuggingFaceBackEnd,
        FROM_TFHUB: TFHubBackEnd,
        LEALLATokenizer.kind: LEALLABackEnd,
    }
    kind = _FORMATS[type(original.place)]
    if kind == FROM_TFHUB and original.tokenizer.kind == LEALLATokenizer.kind:
        kind = LEALLATokenizer.kind
    return back_ends[kind](original.place, original.tokenizer, selection, options)


def _write_onnx(
    huggingface: Path, selection: Selection, options: Options, written: Written
) -> tuple[OnnxFile, ...]:
    """Write the ONNX files that were asked for; see `write_onnx_files`."""
    if not options.onnx:
        return ()
    announce(f"writing huggingface/onnx/ ({', '.join(each.name for each in options.onnx)}) and verifying it")
    # Rounded numbers are compared with rounded ones.
    verification = written.verification
    verified = 0.0 if verification.rounding else verification.largest_difference
    texts = rounding_texts(selection)
    files = write_onnx_files(huggingface, options.onnx, texts, written.prompt, verified, options.pooling)
    complete_settings(huggingface, files)
    return files


def _describe(description: ModelDescription, folder: Path, digests: Mapping[str, str]) -> None:
    """Write the lineage, the model cards, and then the manifest, which lists all other files."""
    from smaller_labse.make_smaller.model_card import huggingface_card, model_card

    model_card(description).save(folder / MODEL_CARD)
    if HUGGINGFACE in description.formats:
        write_lineage(description.lineage, folder / HUGGINGFACE)
        huggingface_card(description).save(folder / HUGGINGFACE / MODEL_CARD)
    write_manifest(description, folder, digests)


def _license(chosen: Mapping[str, Any] | None, original: OriginalCard) -> Mapping[str, Any]:
    """The licence as the model cards' front matter says it; a warning where nobody knows it."""
    if chosen is None:
        if not original.license:
            _warn(
                f"{original.name} states no licence, so the model card names none; add --license, "
                "e.g. apache-2.0"
            )
        return original.license
    given, stated = license_name(chosen), license_name(original.license)
    if given == stated:
        return original.license
    if stated is not None:
        _warn(f"the model card names the licence {given}, as --license says; {original.name} states {stated}")
    if "license_name" in chosen:
        _warn(
            f"the Hugging Face hub does not know the licence {given}, so the model card calls it 'other', "
            "with this name; add its text as LICENSE before you publish the model"
        )
    return chosen


def _warn(message: str) -> None:
    print(f"warning: {visible(message)}", file=sys.stderr, flush=True)
