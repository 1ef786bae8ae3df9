"""The checksum of a tensor in a TensorFlow checkpoint, verified by whoever reads the tensor first.

That of an index's blocks is verified in `leveldb_table`, that of a text in `tensor_bundle`.
"""

from __future__ import annotations

from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError


class Checksum:
    """The CRC-32C that a file gives for a tensor; verified once, by whoever reads it first.

    Attributes:
        name: the tensor's.
        expected: the checksum of its bytes.
        verified: whether its bytes have been read and have it.
    """

    def __init__(self, name: str, expected: int) -> None:
        self.name, self.expected = name, expected
        self.verified = False

    def verify(self, found: int, file: Path) -> None:
        """Note that the tensor has its checksum.

        Args:
            found: the checksum of what was read.
            file: what it was read from.

        Raises:
            SmallerLabseError: it does not have it.
        """
        if found != self.expected:
            raise SmallerLabseError(
                f"{file}: the tensor {self.name} has the checksum {found:08x}, expected {self.expected:08x}: "
                "the file is damaged; download or copy it again"
            )
        self.verified = True
