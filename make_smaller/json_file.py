"""The JSON files of a Hugging Face folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from smaller_labse.select_vocab.errors import SmallerLabseError

Content = TypeVar("Content", dict, list)


def read_json(file: Path, kind: type[Content] = dict) -> Content:
    """Read a JSON file.

    Args:
        file: the file.
        kind: what it must hold: `dict` for an object, `list` for an array.

    Raises:
        SmallerLabseError: the file cannot be read, or holds something else.
    """
    try:
        content: Any = json.loads(file.read_bytes())
    except OSError as error:
        raise SmallerLabseError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise SmallerLabseError(f"{file}: no readable JSON ({error}); get it again") from None
    if not isinstance(content, kind):
        expected = "an object" if kind is dict else "an array"
        raise SmallerLabseError(f"{file}: holds no JSON {expected.split()[1]}, expected {expected}")
    return content


def write_json(file: Path, content: object) -> None:
    """Write a JSON file, indented, in UTF-8, making its folder if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
