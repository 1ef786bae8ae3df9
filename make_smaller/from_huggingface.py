"""Cut a Hugging Face original down to a selection; where its architecture allows, as SavedModels too."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.encoders.from_huggingface import is_rebuilt
from smaller_labse.make_smaller.hf_proof import prove_pieces, prove_rows
from smaller_labse.make_smaller.hf_saved_model import (
    SavedModelOptions,
    compare_saved_models,
    write_saved_models,
)
from smaller_labse.make_smaller.manifest import (
    MARKER,
    Made,
    Say,
    describe,
    proof_sentences,
    require_same_vocabulary,
)
from smaller_labse.make_smaller.model_card import HUGGINGFACE, SAVED_MODEL, ModelDescription
from smaller_labse.make_smaller.trim_huggingface import CutFolder, cut_huggingface
from smaller_labse.make_smaller.verify import Proof
from smaller_labse.originals.huggingface import CONFIG, HUB_ID, HuggingFaceFolder
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.select_vocab.selection import Selection


def make_from_huggingface(
    original: HuggingFaceFolder,
    tokenizer: Tokenizer,
    selection_folder: Path,
    selection: Selection,
    folder: Path,
    saved_model: bool | None = None,
    dtype: str | None = None,
    options: SavedModelOptions = SavedModelOptions(),  # noqa: B008 - frozen
    license_name: str | None = None,
    overwrite: bool = False,
    say: Say = lambda step: None,
) -> Made:
    """Write a smaller model's folder; it appears when the model is proved, or not at all.

    Args:
        original: the model to cut.
        tokenizer: its own.
        selection_folder: where the selection's files are, for messages.
        selection: the pieces to keep.
        folder: the model's folder.
        saved_model: whether to write SavedModels too; None for wherever the architecture allows.
        dtype: "float16" for the Hugging Face folder's tensors; None for the original's.
        options: of the SavedModels.
        license_name: for the model card.
        overwrite: replace an earlier model.
        say: is told each step as it begins.

    Raises:
        SmallerLabseError: original and selection do not belong together, it cannot be cut, or the proof
            fails.
    """
    require_same_vocabulary(selection, tokenizer, selection_folder)
    rebuilt = is_rebuilt(read_object(original.folder / CONFIG))
    if options != SavedModelOptions() and saved_model is False:
        raise UsageError("--sequence-length, --prompt and --pooling are the SavedModel's")
    saved_model = rebuilt if saved_model is None else saved_model
    if not rebuilt:
        say("only huggingface/ is written: this architecture is not rebuilt in TensorFlow")
    texts = [text for language in proof_sentences(selection).values() for text in language]
    with new_folder(folder, overwrite, MARKER) as partial:
        say("cutting the table and writing huggingface/")
        cut = cut_huggingface(original.folder, selection.kept_ids, partial / HUGGINGFACE, dtype)
        smaller = _write_tokenizer(tokenizer, selection, cut)
        say("proving it against the original")
        prove_rows(original.folder, cut, selection, dtype)
        same = prove_pieces(tokenizer, smaller, selection, texts)
        length, prompt, embedded, difference = None, "", 0, 0.0
        if saved_model:
            say("writing encoder/ and preprocess/")
            length, prompt = write_saved_models(cut.folder, smaller, partial, options)
            say("proving them against the original")
            # Rounded to float16 the embeddings are others, by design.
            if dtype is None:
                unchanged = [text for text, is_same in zip(texts, same.tolist(), strict=True) if is_same]
                embedded, difference = compare_saved_models(
                    original.folder, tokenizer, partial, selection, unchanged, options
                )
        proof = Proof(len(selection.kept_ids), len(texts), int(np.count_nonzero(same)), embedded, difference)
        describe(
            partial,
            ModelDescription(
                name=folder.name,
                original_name=original.name,
                original_parameters=cut.original_parameters,
                selection=selection,
                sequence_length=length,
                proof=proof,
                formats=(SAVED_MODEL, HUGGINGFACE) if saved_model else (HUGGINGFACE,),
                license_name=license_name,
                base_model=original.name if HUB_ID.fullmatch(original.name) else None,
                prompt=prompt,
            ),
        )
    return Made(folder, cut.original_parameters, proof)


def _write_tokenizer(tokenizer: Tokenizer, selection: Selection, cut: CutFolder) -> Tokenizer:
    """Write the smaller tokenizer into the cut folder, and open it as users will."""
    tokenizer.write_subset(selection.subset, cut.folder)
    smaller = open_huggingface_tokenizer(cut.folder, cut.rows)
    if smaller.pieces != selection.pieces:
        raise SmallerLabseError(
            f"{cut.folder}: the tokenizer that was written has other pieces than were selected"
        )
    return smaller
