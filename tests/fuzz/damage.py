"""Damage to files: bits and bytes, and values of another kind where a format lets one be put.

Every function takes a file's bytes and a `random.Random`, and returns other bytes; the same seed, the same damage.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from copy import deepcopy

Damage = Callable[[bytes, random.Random], bytes]

ODD_VALUES = (
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, -(2**70)),
    *(10**400, "", "many", "0", "\ud800", "a\x1b[2Jb\u202ec", "a" * 5000, "../../outside", "/etc/passwd"),
    *([], {}, [[]], [{}], {"": None}, [None] * 3, {"type": 5}, [1, "2", None]),
)
SIZES = ("0", "1", "2147483648", "4611686018427387904", "9" * 30)
ODD_BYTES = (
    *(b"\0", b"\xff", b"\n", b"\r\n", b"\t", b'"', b"{", b"]", b"-", b"9" * 30, b"\xed\xa0\x80"),
    *(b"\x1b]0;title\x07", "\u202e".encode(), b"\xff" * 8, b"\0" * 64, b"A" * 4096, b"[" * 2000),
)


def flip_bit(data: bytes, rng: random.Random) -> bytes:
    """One bit is another."""
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replace_bytes(data: bytes, rng: random.Random) -> bytes:
    """Up to eight bytes in a row are others."""
    start = rng.randrange(len(data))
    size = rng.randint(1, 8)
    kind = rng.choice((b"\0", b"\xff", None))
    new = rng.randbytes(size) if kind is None else kind * size
    return data[:start] + new + data[start + size :]


def truncate(data: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(len(data))]


def remove(data: bytes, rng: random.Random) -> bytes:
    """Some bytes are missing."""
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randint(1, max(1, len(data) // 8)) :]


def insert(data: bytes, rng: random.Random) -> bytes:
    """There are bytes too many: odd ones, or some of the file's own once more."""
    at, start = rng.randrange(len(data) + 1), rng.randrange(len(data))
    new = rng.choice((*ODD_BYTES, data[start : start + rng.randint(1, 200)]))
    return data[:at] + new + data[at:]


def replace_all(data: bytes, rng: random.Random) -> bytes:
    """It is something else altogether."""
    return rng.choice(
        (b"", b"\0" * 64, b"null", b"[]", b"{}", b"5", b'"text"', rng.randbytes(200), b"[" * 100_000)
    )


def replace_json(data: bytes, rng: random.Random) -> bytes:
    """A value of the JSON is another, is missing, stands twice or under another name."""
    content = json.loads(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = _replace(content, rng)
    return json.dumps(content, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _replace(content: object, rng: random.Random) -> object:
    """Each value within is as likely to be chosen as those beside it, so that those near the top are seen often."""
    if not content or not isinstance(content, dict | list) or rng.random() < 0.1:
        return deepcopy(rng.choice(ODD_VALUES))
    key = rng.choice(list(content)) if isinstance(content, dict) else rng.randrange(len(content))
    action = rng.random()
    if action < 0.8:
        content[key] = _replace(content[key], rng)
    elif action < 0.9:
        del content[key]
    elif isinstance(content, list):
        content.insert(rng.randrange(len(content) + 1), deepcopy(rng.choice((*ODD_VALUES, content[key]))))
    else:
        content[rng.choice(("", "\x1b[2J", key + "s", "type"))] = content.pop(key)
    return content


def within_gzip(damage: Damage) -> Damage:
    """Damage to what is compressed, compressed again, so that no checksum is wrong."""
    return lambda data, rng: gzip.compress(damage(gzip.decompress(data), rng), mtime=0)


def replace_header(data: bytes, rng: random.Random) -> bytes:
    """A value of a safetensors header is another, and the header's length right."""
    length = int.from_bytes(data[:8], "little")
    header = replace_json(data[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def replace_array_header(data: bytes, rng: random.Random) -> bytes:
    """A .npy file's header says something else."""
    length = int.from_bytes(data[8:10], "little")
    said = (
        "{'descr': '<i4', 'fortran_order': False, 'shape': (SIZE,), }".replace("SIZE", rng.choice(SIZES)),
        *(
            "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
            "{'shape': (-5,)}",
            "5",
            "(((" * 50,
            "",
        ),
        *(
            "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, 4), }",
            "{'descr': [('a', '<i4')]}",
            "'\\ud800'",
        ),
    )
    header = rng.choice(said).encode().ljust(length - 1) + b"\n"
    return data[:8] + len(header).to_bytes(2, "little") + header + data[10 + length :]


def replace_in_parquet(data: bytes, rng: random.Random) -> bytes:
    """The table's metadata, or one of its columns, say something else, and every checksum is right."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    metadata = dict(table.schema.metadata or {})
    if metadata and rng.random() < 0.6:
        key = rng.choice(sorted(metadata))
        odd = rng.choice(ODD_VALUES)
        text = odd if isinstance(odd, str) and rng.random() < 0.5 else json.dumps(odd)
        if rng.random() < 0.5 and key in (b"filter", b"sample"):
            text = replace_json(metadata[key], rng).decode("utf-8", "surrogatepass")
        metadata[key] = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.1:
            del metadata[key]
        table = table.replace_schema_metadata(metadata)
    else:
        number = rng.randrange(table.num_columns)
        values = table.column(number).to_pylist()
        odd = rng.choice((None, 0, -1, 2**62, 1.5, "text", "\x1b[2J", [1], {"a": 1}, True, values[0]))
        for at in range(len(values)) if rng.random() < 0.3 else [rng.randrange(len(values))]:
            values[at] = odd
        try:
            column = pa.array(values)
        except pa.ArrowException:  # of two kinds
            column = pa.array([odd] * len(values))
        table = table.set_column(number, table.column_names[number], column)
    out = io.BytesIO()
    pq.write_table(table, out, write_page_checksum=True)
    return out.getvalue()


# Of any file. What has checksums must notice each of these.
OF_BYTES: tuple[Damage, ...] = (flip_bit, flip_bit, replace_bytes, truncate, remove, insert, replace_all)
