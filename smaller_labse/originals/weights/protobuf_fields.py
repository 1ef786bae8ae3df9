"""The fields of a protocol buffer, without its schema and without TensorFlow, which takes seconds to import.

The encoding (protobuf.dev/programming-guides/encoding): fields one after the other, each a varint
`number << 3 | type` and a value, by type: 0 a varint; 1 and 5 eight and four bytes; 2 a varint and as many
bytes, which are text, or a message, or numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
FIXED = {EIGHT_BYTES: 8, FOUR_BYTES: 4}


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it: seven bits a byte, the lowest first; the eighth says "go on".

    Raises:
        ValueError: the data end within it.
    """
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
    raise ValueError("the data end within a number")


def write_varint(number: int) -> bytes:
    """A number from 0 on as `read_varint` reads it."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field's number and value: an int for numbers, otherwise bytes.

    Raises:
        ValueError: this is no protocol buffer.
    """
    position = 0
    while position < len(message):
        tag, position = read_varint(message, position)
        kind = tag & 7
        if kind == VARINT:
            value, position = read_varint(message, position)
            yield tag >> 3, value
            continue
        if kind == BYTES:
            size, position = read_varint(message, position)
        elif kind in FIXED:
            size = FIXED[kind]
        else:
            raise ValueError(f"a field of the type {kind}, which there is not")
        if position + size > len(message):
            raise ValueError("the data end within a field")
        yield tag >> 3, message[position : position + size]
        position += size


def fields_of(message: bytes, number: int) -> list[int | bytes]:
    """The values of the fields with one number, in their order; for errors see `fields`."""
    return [value for found, value in fields(message) if found == number]


def number_of(message: bytes, number: int) -> int:
    """The value of a field that is a number; 0, protocol buffers' default, where it is not there."""
    found = [value for value in fields_of(message, number) if isinstance(value, int)]
    return found[-1] if found else 0


def text_of(message: bytes, number: int) -> str:
    """The value of a field that is a text; empty where it is not there."""
    found = [value for value in fields_of(message, number) if isinstance(value, bytes)]
    return found[-1].decode() if found else ""
