"""Digests by which damage is noticed: SHA-256 (FIPS 180-4) of files and of what JSON says.

They tell of accidents, not of intent: whoever changes a file on purpose can write its digest anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

DIGEST = "digest"  # the field of a JSON object that holds the digest of all the others
READ_BYTES = 1 << 20


def digest_of_file(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def digests_of_files(files: Mapping[str, Path]) -> dict[str, str]:
    """The digest of each file, under the same names; several are read at once, as hashing takes longer."""
    largest_first = sorted(files, key=lambda name: -files[name].stat().st_size)
    with ThreadPoolExecutor() as threads:
        digests = threads.map(digest_of_file, [files[name] for name in largest_first])
        found = dict(zip(largest_first, digests, strict=True))
    return {name: found[name] for name in files}


def digest_of_json(content: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON object without its field `digest`, whatever the order of fields and white space.

    It is of the object as Python's `json.dumps` writes it in ASCII, with sorted fields and no white space.

    >>> digest_of_json({"b": 1, "a": 2}) == digest_of_json({"a": 2, "b": 1, "digest": "5"})
    True
    """
    others = {name: value for name, value in content.items() if name != DIGEST}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def with_digest(content: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with its digest as its last field; tuples become lists, as in JSON."""
    written: dict[str, Any] = json.loads(json.dumps(content))
    written.pop(DIGEST, None)
    return written | {DIGEST: digest_of_json(written)}
