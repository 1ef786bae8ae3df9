"""CRC-32C, the checksum of TensorFlow's checkpoints (Castagnoli et al. 1993; RFC 3720, section 12.1)."""

from __future__ import annotations

import numpy as np

from smaller_labse.select_vocab.loops import compiled

POLYNOMIAL = 0x82F63B78  # with its bits reversed, as tables by bytes want it
MASK_DELTA = 0xA282EAD8  # of `mask`
LANES = 8


def _tables() -> np.ndarray:
    """What a byte does to the checksum, alone and with 1 to 7 bytes behind it: uint32 [8, 256]."""
    tables = np.zeros((LANES, 256), np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        tables[0, byte] = value
    for lane in range(1, LANES):
        tables[lane] = tables[0][tables[lane - 1] & 0xFF] ^ tables[lane - 1] >> 8
    return tables


TABLES = _tables()


def crc32c(data: np.ndarray, before: int = 0) -> int:
    """The checksum of bytes.

    Args:
        data: uint8 [bytes].
        before: the checksum of what comes before them.
    """
    return int(_extend(np.uint32(before ^ 0xFFFFFFFF), data, TABLES)) ^ 0xFFFFFFFF


def mask(checksum: int) -> int:
    """A checksum as it is stored, for data that hold checksums themselves (LevelDB's util/crc32c.h)."""
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & 0xFFFFFFFF


@compiled
def _extend(state, data, tables):
    """Eight bytes at a time (Kounavis & Berry 2005, "slicing by 8"), and the rest one by one."""
    place = 0
    while place + 8 <= len(data):
        low = state ^ (
            np.uint32(data[place])
            | np.uint32(data[place + 1]) << np.uint32(8)
            | np.uint32(data[place + 2]) << np.uint32(16)
            | np.uint32(data[place + 3]) << np.uint32(24)
        )
        state = (
            tables[7, low & np.uint32(0xFF)]
            ^ tables[6, low >> np.uint32(8) & np.uint32(0xFF)]
            ^ tables[5, low >> np.uint32(16) & np.uint32(0xFF)]
            ^ tables[4, low >> np.uint32(24)]
            ^ tables[3, data[place + 4]]
            ^ tables[2, data[place + 5]]
            ^ tables[1, data[place + 6]]
            ^ tables[0, data[place + 7]]
        )
        place += 8
    for byte in data[place:]:
        state = tables[0, (state ^ np.uint32(byte)) & np.uint32(0xFF)] ^ state >> np.uint32(8)
    return state
