"""Files of others, JSON above all: read with a limit on their size, written as Hugging Face writes them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, TypeVar

from smaller_labse.common.errors import SmallerLabseError

Content = TypeVar("Content", dict, list)

DEEPEST = 100  # objects and arrays in each other
HALF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # an escaped surrogate; a pair of them is one character
LARGEST = 1 << 27  # bytes; the largest tokenizer.json in use, of 262,144 pieces and their merges, has 33 MB


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


def read_limited(file: Path, most: int, what: str) -> bytes:
    """Read a file that should not be large.

    Args:
        file: the file; of a device or a pipe, too, no more than the limit is read.
        most: how many bytes it may have.
        what: what it should be, for the message: "a list of tokens".

    Raises:
        SmallerLabseError: it has more.
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        data = stream.read(most + 1) if size <= most else b""
    if max(size, len(data)) > most:
        found = f"{size:,}" if size > most else f"more than {most:,}"
        raise SmallerLabseError(f"{file}: {found} bytes, expected at most {most:,}; is it {what}?")
    return data


def read_text(file: Path) -> str:
    """Read a text file in UTF-8.

    Raises:
        SmallerLabseError: there is no such file, it is too large, or not UTF-8.
    """
    try:
        return read_limited(file, LARGEST, "a JSON file").decode("utf-8")
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
        _require_shallow(content)
        if HALF_A_PAIR.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise SmallerLabseError(
            f"{file}: a text in it holds half a surrogate pair, which is no text; get it again"
        ) from None
    except (ValueError, RecursionError) as error:
        raise SmallerLabseError(f"{file}: not readable as JSON ({error}); get it again") from None
    if not isinstance(content, kind):
        expected = "an object" if kind is dict else "an array"
        raise SmallerLabseError(f"{file}: a JSON {type(content).__name__}, expected {expected}")
    return content


def _require_shallow(content: object) -> None:
    """Refuse, with a ValueError, what is nested so deep that nobody could go through it by recursion."""
    level = [content] if isinstance(content, dict | list) else []
    for _ in range(DEEPEST):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [one for part in parts for one in part if isinstance(one, dict | list)]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} deep")
