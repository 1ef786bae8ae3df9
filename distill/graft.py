"""Graft: what was tuned of a smaller model, put back into the full original."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_folder, require_absent, require_apart
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.originals.lineage import Lineage, read_lineage
from smaller_labse.originals.locate import folders_of, locate_original
from smaller_labse.originals.model_folder import HUGGINGFACE, MANIFEST, manifest_around


@dataclass(frozen=True)
class Grafted:
    """A full model with the tuned layers and rows.

    Attributes:
        folder: where it is; it can stand wherever a model's folder is asked for.
        tokens: how many tokens the tuned model has.
        rows_changed: how many of their rows are not the original's.
        parameters: of it.
    """

    folder: Path
    tokens: int
    rows_changed: int
    parameters: int

    def __fspath__(self) -> str:
        return os.fspath(self.folder)


def graft(original: StrPath, tuned: StrPath, out: StrPath, *, overwrite: bool = False) -> Grafted:
    """Put the layers and rows of a tuned smaller model back into the full original.

    Everything but the rows of tokens that the smaller model does not have is the tuned model's; those rows,
    the tokenizer and the side files are the original's to the bit. A text that both tokenizers split alike
    has the tuned model's embedding; other text has its own tokens again, and layers tuned without them.

    Args:
        original: the model that the other was trimmed from: a model folder, a Hugging Face folder or hub id,
            or an encoder in LaBSE's TF Hub format.
        tuned: the smaller model, with all of the original's layers.
        out: the new model's folder.
        overwrite: replace an earlier model.

    Raises:
        SmallerLabseError: a model cannot be read, or the tuned one was not made from this original.

    Example:
        >>> from smaller_labse.distill.graft import graft  # doctest: +SKIP
        >>> graft("intfloat/multilingual-e5-small", "work/tuned", "work/full")  # doctest: +SKIP
    """
    folder = Path(out)
    require_apart(folder, [Path(os.fspath(each)) for each in (original, tuned)])
    require_absent(folder, overwrite, MANIFEST)
    place, tuned_place = locate_original(os.fspath(original)), locate_original(os.fspath(tuned))
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    from smaller_labse.distill.graft_description import Graft, describe_graft
    from smaller_labse.distill.students.kept_tokens import find_kept_tokens
    from smaller_labse.distill.students.merged import (
        count_changed_rows,
        merged_tensors,
        require_same_encoder,
    )
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.distill.write_distilled import public_name
    from smaller_labse.encoders.sentence_transformers_folder import write_default_prompt

    full, smaller = open_student(original), open_student(tuned)
    name = public_name(os.fspath(tuned))
    require_same_encoder(full.config, smaller.config, name)
    lineage = read_lineage(folders_of(tuned_place)[0])
    _require_ancestor(lineage, full.config.vocab_size, name)
    kept = find_kept_tokens(full.tokenizer, smaller.tokenizer, lineage)
    for tensor in full.config.pooling.tensor_shapes():
        if not np.array_equal(full.read_tensor(tensor), smaller.read_tensor(tensor)):
            raise SmallerLabseError(f"{name}: {tensor} behind the pooling is not the original's")
    announce("comparing rows")
    changed = count_changed_rows(full, smaller, kept, name)
    has_other_prompt = full.prompt != smaller.prompt
    full.prompt = smaller.prompt  # with another one, no text would have the tuned model's embedding
    done = Graft(
        name=folder.name or folder.resolve().name,
        tuned=name,
        tokens=len(kept),
        rows_changed=changed,
        prompt=smaller.prompt,
        tuned_manifest=manifest_around(smaller.folder),
    )
    with new_folder(folder, overwrite, MANIFEST) as partial:
        announce("writing the model")
        layers = tuple(range(full.config.num_hidden_layers))
        full.write(partial, full.config, merged_tensors(full, smaller, kept), layers)
        if has_other_prompt:
            write_default_prompt(partial / HUGGINGFACE, smaller.prompt)
        parameters = describe_graft(done, place, full, partial)
    return Grafted(folder, len(kept), changed, parameters)


def _require_ancestor(lineage: Lineage, vocab_size: int, name: str) -> None:
    """Refuse a model that says of itself that it was made from models of other sizes only."""
    sizes = [ancestor.vocab_size for ancestor in lineage.trimmed_from]
    if sizes and vocab_size not in sizes:
        made_from = ", ".join(f"{one.name} ({one.vocab_size:,} tokens)" for one in lineage.trimmed_from)
        raise SmallerLabseError(
            f"{name}: made from {made_from}, and this original has {vocab_size:,} tokens; give the original "
            "that this model was trimmed from"
        )
