"""A digest of counted lines that adds up: whether a text is still the same, in whatever parts it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from smaller_labse.corpora.shards.parted_text import Place

DIGEST_BITS = 256
EARLIER_DIGITS = 32  # of the digests of earlier versions, which were of all lines in their order


class TextDigest:
    """The sum, modulo 2^256, of a SHA-256 (FIPS 180-4) for each part of a text.

    A part's is of the two numbers of its place, each as 8 bytes, little-endian, and the SHA-256 of those of
    its lines that are counted, each with a line feed behind it. It is read as a number, little-endian. A part
    without such a line adds nothing. So shards' digests add up to that of the whole, in any order.

    It is of the lines and not of the file. So it is the same in whatever folder or compression they stand,
    says nothing of what was not read, and may stand in outputs that are equal on every machine, byte by byte,
    which a time of modification may not.

    >>> digest = TextDigest()
    >>> digest.add(Place(0, 0), b"one\\ntwo\\n")
    >>> digest.hexdigest()[:32]
    'c5f101e7da7db473ede46f53c45b9ec3'
    """

    def __init__(self) -> None:
        self._sum, self._place, self._lines = 0, Place(0, 0), hashlib.sha256()
        self._is_empty = True  # the part that is being read

    def add(self, place: Place, lines: bytes) -> None:
        """Add the next lines of a part, each with a line feed behind it; parts come one after the other."""
        if place != self._place:
            self._sum = self._sum_so_far()
            self._place, self._lines, self._is_empty = place, hashlib.sha256(), True
        if lines:
            self._lines.update(lines)
            self._is_empty = False

    def hexdigest(self) -> str:
        """Of all that was added, 64 hexadecimal digits."""
        return _written(self._sum_so_far())

    def _sum_so_far(self) -> int:
        if self._is_empty:
            return self._sum
        numbers = b"".join(number.to_bytes(8, "little") for number in self._place)
        of_part = hashlib.sha256(numbers + self._lines.digest()).digest()
        return (self._sum + int.from_bytes(of_part, "little")) % 2**DIGEST_BITS


def add_digests(digests: Iterable[str]) -> str:
    """The digest of a text of which these are the shards'.

    Raises:
        ValueError: one is no digest of this kind.
    """
    return _written(sum(_read(digest) for digest in digests) % 2**DIGEST_BITS)


def _written(number: int) -> str:
    return number.to_bytes(DIGEST_BITS // 8, "little").hex()


def _read(digest: str) -> int:
    if len(digest) != DIGEST_BITS // 4:
        raise ValueError(f"its digest is {digest!r}")
    return int.from_bytes(bytes.fromhex(digest), "little")
