"""The prompt of a comparison: one for all of its models, or else their scores say nothing of each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from smaller_labse.common.errors import UsageError, all_of
from smaller_labse.encoders.prompt import read_prompt
from smaller_labse.evaluate.comparison.models import NamedModel


def common_prompt(models: Sequence[NamedModel], prompt: str | None = None) -> str:
    """What goes before every text, for every model.

    A smaller model's folder names its prompt, or that it has none; an original's often is silent, as are TF
    Hub's. Those that are silent get the prompt of the others.

    Args:
        models: what is compared.
        prompt: what a user chose for all of them; None for what their folders name.

    Raises:
        UsageError: they name different ones.
        SmallerLabseError: a model is not there; a line for each.
    """
    if prompt is not None:
        return prompt
    named = all_of(*(partial(read_prompt, model.loaded) for model in models))
    known = dict.fromkeys(each for each in named if each is not None)
    if len(known) > 1:
        which = ", ".join(
            f"{model.name}: {'not said' if each is None else repr(each) if each else 'none'}"
            for model, each in zip(models, named, strict=True)
        )
        raise UsageError(
            f"the models have different prompts ({which}), so their scores could not be compared; give one "
            "for all: --prompt TEXT, or --prompt '' for none"
        )
    return next(iter(known), "")
