"""A checkpoint whose embedding matrix lies in a data file of its own.

TensorFlow reads checkpoints of several data files ("shards") like those of one. So the embedding matrix, two
thirds of a smaller model, can be written row by row without ever being in memory, beside what TensorFlow
itself wrote: by hand, since TensorFlow writes a tensor only as a whole, from memory. For the files see
`tensor_bundle`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from smaller_labse.originals.weights.checkpoint_messages import (
    BundleEntryProto,
    BundleHeaderProto,
    TensorShapeProto,
)
from smaller_labse.originals.weights.leveldb_table import mask_checksum, write_leveldb_table
from smaller_labse.originals.weights.tensor_bundle import TensorBundle, index_file

FLOAT32 = 1  # DT_FLOAT in TensorFlow's core/framework/types.proto


@dataclass(frozen=True)
class EmbeddingShard:
    """An embedding matrix of float32 that was written to a file.

    Attributes:
        shape: its rows and width.
        checksum: CRC-32C of its bytes.
    """

    shape: tuple[int, int]
    checksum: int


def write_embedding_shard(chunks: Iterable[np.ndarray], file: Path) -> EmbeddingShard:
    """Write an embedding matrix some rows at a time: little-endian float32, row by row.

    Args:
        chunks: float32 [n, width] each.
        file: where to write.
    """
    rows = width = checksum = 0
    with file.open("wb") as out:
        for chunk in chunks:
            data = np.ascontiguousarray(chunk, "<f4")
            checksum = google_crc32c.extend(checksum, data.reshape(-1))
            out.write(data.data)
            rows, width = rows + data.shape[0], data.shape[1]
    return EmbeddingShard((rows, width), checksum)


def write_checkpoint_index(bundle: TensorBundle, key: str, matrix: EmbeddingShard, prefix: Path) -> None:
    """Write the index of a checkpoint that has an embedding matrix in one more data file, behind all others.

    Args:
        bundle: the checkpoint without it. Its data files belong beside the index, as
            `data_file(prefix, number, bundle.shards + 1)`, and the matrix's with the number `bundle.shards`.
        key: the matrix's key; what is under it in `bundle` is given up.
        matrix: the embedding matrix.
        prefix: the new checkpoint's, e.g. `variables/variables`.
    """
    header = BundleHeaderProto()
    header.CopyFrom(bundle.header)
    header.num_shards = bundle.shards + 1
    rows, width = matrix.shape
    entry = BundleEntryProto(
        dtype=FLOAT32,
        shape=TensorShapeProto(dim=[{"size": rows}, {"size": width}]),
        shard_id=bundle.shards,
        size=4 * rows * width,
        crc32c=mask_checksum(matrix.checksum),
    )
    messages = {"": header, **bundle.entries, key: entry}
    table = {name.encode(): message.SerializeToString() for name, message in messages.items()}
    index_file(prefix).write_bytes(write_leveldb_table(table))
