"""A tensor in a file, read row by row: of a TensorFlow checkpoint or a safetensors file.

By hand, because TensorFlow reads whole tensors only, and of a memory-mapped file (NumPy's or safetensors')
every page that is touched counts as this process's memory: for a third of the rows of a 614 MB matrix 779 MB,
where long reads through one buffer take 205.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.checksum import Checksum

BUFFER_BYTES = 1 << 23
PART_BYTES = 1 << 28  # rows in no order are sought in the whole tensor, once for each part


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies in a file, row by row, without gaps.

    Attributes:
        file: the file.
        offset: the position of its first byte.
        dtype: of its values.
        shape: its shape.
        checksum: of its bytes; None where the format has none.
    """

    file: Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    checksum: Checksum | None = None

    def read(self) -> np.ndarray:
        """Read all of it.

        Raises:
            SmallerLabseError: it does not have its checksum.
        """
        values = np.fromfile(self.file, self.dtype, count=math.prod(self.shape), offset=self.offset)
        if self.checksum and not self.checksum.verified:
            self.checksum.verify(google_crc32c.value(values.view(np.uint8)), self.file)
        return values.reshape(self.shape)

    def read_in_parts(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Read some of the rows, 256 MB at a time; for the arguments see `read_rows`."""
        at_once = max(1, PART_BYTES // max(1, math.prod(self.shape[1:]) * self.dtype.itemsize))
        for part in np.split(rows, range(at_once, len(rows), at_once)):
            yield self.read_rows(part)

    def read_rows(self, rows: np.ndarray) -> np.ndarray:
        """Read some of the rows, holding no more of the others than a few at a time.

        The first time, all rows of a tensor with a checksum are read, as it is the checksum of all.

        Args:
            rows: their indices, int [n], in any order.

        Returns:
            An array [n, …] in the order of `rows`.

        Raises:
            SmallerLabseError: the tensor does not have its checksum, or the file ends within it.
        """
        checksum = self.checksum if self.checksum and not self.checksum.verified else None
        result = np.empty((len(rows), *self.shape[1:]), self.dtype)
        order = np.argsort(rows, kind="stable")
        ascending = bool(np.all(rows[:-1] <= rows[1:]))
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        at_once = max(1, BUFFER_BYTES // max(1, row_bytes))
        # One buffer for all: to ask the system for fresh memory costs more than to read.
        buffer = np.empty((min(at_once, self.shape[0]), *self.shape[1:]), self.dtype)
        found = 0
        with self.file.open("rb", buffering=0) as stream:
            for start in range(0, self.shape[0], at_once):
                first, last = np.searchsorted(rows, (start, start + at_once), sorter=order)
                wanted = order[first:last]
                if checksum:
                    end = min(start + at_once, self.shape[0])
                elif len(wanted):
                    end = rows[wanted[-1]] + 1
                else:
                    continue
                chunk = buffer[: end - start]
                stream.seek(self.offset + start * row_bytes)
                _read_into(stream, chunk, self.file)
                if checksum:
                    found = google_crc32c.extend(found, chunk.reshape(-1).view(np.uint8))
                if ascending:  # four times as fast as the next line, which would do, too
                    np.take(chunk, rows[first:last] - start, axis=0, out=result[first:last], mode="clip")
                else:
                    result[wanted] = chunk[rows[wanted] - start]
        if checksum:
            checksum.verify(found, self.file)
        return result


def _read_into(stream: io.RawIOBase, array: np.ndarray, file: Path) -> None:
    """Fill an array with the bytes that come next."""
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view):
        count = stream.readinto(view[done:])
        if not count:
            raise SmallerLabseError(f"{file}: ends within a tensor; the file is truncated, get it again")
        done += count
