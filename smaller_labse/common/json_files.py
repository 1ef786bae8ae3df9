"""JSON files that others wrote: read with a limit on their size, written as Hugging Face writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from smaller_labse.common.errors import SmallerLabseError

Content = TypeVar("Content", dict, list)

LARGEST = 1 << 29  # bytes; the largest tokenizer.json in use, of 262,144 pieces and their merges, has 33 MB


def read_object(file: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        SmallerLabseError: there is no such file, it is too large, or it holds something else.
    """
    return parse_object(read_text(file), file)


def read_array(file: Path) -> list[Any]:
    """Read a file that holds a JSON array; otherwise as `read_object`."""
    return _parse(read_text(file), file, list)


def read_object_if_there(file: Path) -> dict[str, Any]:
    """As `read_object`; an empty object where there is no such file."""
    return read_object(file) if file.exists() else {}


def read_text(file: Path) -> str:
    """Read a text file in UTF-8.

    Raises:
        SmallerLabseError: there is no such file, it is too large, or not UTF-8.
    """
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise SmallerLabseError(f"{file}: {size:,} bytes, expected at most {LARGEST:,}; is it JSON?")
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise SmallerLabseError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise SmallerLabseError(f"{file}: not UTF-8 (byte {error.start + 1}); get it again") from None


def parse_object(text: str, file: Path) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        text: the JSON.
        file: where it is from, for messages.

    Raises:
        SmallerLabseError: it is no JSON, or no object.
    """
    return _parse(text, file, dict)


def write_json(file: Path, content: object) -> None:
    """Write a JSON file, indented, in UTF-8; its folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    file.write_text(text, encoding="utf-8", newline="\n")


def _parse(text: str, file: Path, kind: type[Content]) -> Content:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SmallerLabseError(f"{file}: not readable as JSON ({error}); get it again") from None
    if not isinstance(content, kind):
        expected = "an object" if kind is dict else "an array"
        raise SmallerLabseError(f"{file}: a JSON {type(content).__name__}, expected {expected}")
    return content
