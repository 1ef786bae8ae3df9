"""The ids that a `tokenizer.json` names outside of its model: added tokens, post-processor, padding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError


def is_id(value: object) -> bool:
    """Whether a JSON value can be an id."""
    return type(value) is int and value >= 0  # bool is an int, too


def named_ids(content: dict[str, Any], file: Path) -> frozenset[int]:
    """All those ids; for the arguments and errors see `map_ids`."""
    named: set[int] = set()

    def note(number: int) -> int:
        named.add(number)
        return number

    map_ids(content, note, file)
    return frozenset(named)


def map_ids(content: dict[str, Any], new_id: Callable[[int], int], file: Path) -> dict[str, Any]:
    """The content of a `tokenizer.json` with other ids everywhere but in its model.

    Args:
        content: the parsed JSON; it is not changed.
        new_id: what becomes of an id.
        file: where it is from, for messages.

    Raises:
        SmallerLabseError: something that should be an id is none.
    """

    def mapped(number: object) -> int:
        if not is_id(number):
            raise SmallerLabseError(f"{file}: {number!r} stands for an id, expected a number from 0 on")
        return new_id(number)

    try:
        tokens = [token | {"id": mapped(token["id"])} for token in content.get("added_tokens") or []]
        padding = content.get("padding")
        if padding is not None:
            padding = padding | {"pad_id": mapped(padding["pad_id"])}
        processor = _map_post_processor(content.get("post_processor"), mapped)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SmallerLabseError(
            f"{file}: added_tokens, padding or post_processor are not as expected ({error!r}); get it again"
        ) from None
    tokens.sort(key=lambda token: token["id"])
    return content | {"added_tokens": tokens, "padding": padding, "post_processor": processor}


def _map_post_processor(processor: dict[str, Any] | None, mapped: Callable[[object], int]) -> Any:
    """The kinds are those of the library `tokenizers`; its ByteLevel has no ids."""
    if processor is None:
        return None
    kind = processor.get("type")
    if kind == "Sequence":
        return processor | {
            "processors": [_map_post_processor(each, mapped) for each in processor["processors"]]
        }
    if kind == "TemplateProcessing":
        tokens = processor["special_tokens"].items()
        tokens = {name: token | {"ids": [mapped(each) for each in token["ids"]]} for name, token in tokens}
        return processor | {"special_tokens": tokens}
    if kind in ("BertProcessing", "RobertaProcessing"):
        pairs = {name: processor[name] for name in ("sep", "cls")}
        return processor | {name: [piece, mapped(number)] for name, (piece, number) in pairs.items()}
    return processor
