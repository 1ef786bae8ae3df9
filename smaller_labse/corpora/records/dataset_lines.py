"""Lines and pairs of text from a Hugging Face dataset, streamed: nothing is fetched before it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import split_lines
from smaller_labse.corpora.records.columns import blocks_of_columns
from smaller_labse.corpora.records.file_records import require_column_of_texts, require_texts
from smaller_labse.corpora.shards.parted_text import PartedText, cut_into_parts
from smaller_labse.corpora.shards.shard import WantedParts

if TYPE_CHECKING:
    import pyarrow as pa

Record = TypeVar("Record")

ROWS_AT_ONCE = 1024
TRANSLATION = "translation"  # datasets' feature of this name: a text in each language, by its code


def read_dataset_lines(
    dataset: str, config: str | None = None, split: str = "train", text_field: str = "text"
) -> Iterator[str]:
    """Yield the lines of a dataset's column of text.

    Args:
        dataset: its name on the hub, or a local folder.
        config: its configuration; None where it has only one.
        split: its split.
        text_field: the column; a text in it may hold several lines.

    Raises:
        SmallerLabseError: it cannot be opened or read on, or has no such column of text.
    """
    source = " ".join(part for part in (dataset, config) if part)
    records = open_dataset(dataset, config, split, instead="give local text with --text", streaming=True)
    for record in _read_on(records, source):
        _require_column(list(record), source, text_field)
        for text in require_texts([record[text_field]], source, text_field):
            yield from split_lines(text) if text is not None else ()


def open_dataset_texts(
    dataset: str, config: str | None = None, split: str = "train", text_field: str = "text"
) -> list[PartedText]:
    """The dataset's files, whose lines are those of `read_dataset_lines`, but faster.

    datasets hands on Arrow's tables as they are where its files are Parquet, JSON, CSV or text.

    Raises:
        SmallerLabseError: it cannot be opened; reading has the errors of `read_dataset_lines`.
    """
    source = " ".join(part for part in (dataset, config) if part)
    records = open_dataset(dataset, config, split, instead="give local text with --text", streaming=True)
    files = records.n_shards
    return [
        PartedText(1, partial(_dataset_parts, records, file, files, source, text_field))
        for file in range(files)
    ]


def _dataset_parts(
    records: Any, file: int, files: int, source: str, text_field: str, wanted: WantedParts
) -> Iterator[tuple[int, bytes]]:
    from datasets.distributed import split_dataset_by_node

    return cut_into_parts(
        _dataset_blocks(split_dataset_by_node(records, file, files), source, text_field), wanted
    )


def _dataset_blocks(records: Any, source: str, text_field: str) -> Iterator[bytes]:
    yield from _read_on(blocks_of_columns(_dataset_columns(records, source, text_field)), source)


def _dataset_columns(records: Any, source: str, text_field: str) -> Iterator[pa.Array]:
    before = 0
    for table in _read_on(records.with_format("arrow").iter(batch_size=ROWS_AT_ONCE), source):
        _require_column(table.column_names, source, text_field)
        for column in table[text_field].chunks:
            require_column_of_texts(column, source, text_field, before=before)
            before += len(column)
            yield column


def _require_column(names: Sequence[str], source: str, text_field: str) -> None:
    if text_field not in names:
        raise SmallerLabseError(
            f"{source}: no column {text_field!r}, it has {', '.join(names)}; "
            "name the one that holds text with --text-field"
        )


def read_dataset_pairs(
    dataset: str, names: tuple[str, str], config: str | None = None, split: str = "train"
) -> Iterator[tuple[str | None, str | None]]:
    """Yield the translation pairs of a dataset.

    Args:
        dataset: its name on the hub, or a local folder.
        names: the two sides' columns; or, where it has a column "translation" as OPUS's and NLLB's datasets
            do, the two keys in that.
        config: its configuration; None where it has only one.
        split: its split.

    Yields:
        Both sides; None where one is null.

    Raises:
        SmallerLabseError: it cannot be opened or read on, or has no such columns of text.
    """
    source = " ".join(part for part in (dataset, config) if part)
    records = open_dataset(dataset, config, split, instead="give local files with --pairs", streaming=True)
    for record in _read_on(records, source):
        sides = record[TRANSLATION] if isinstance(record.get(TRANSLATION), dict) else record
        missing = [name for name in names if name not in sides]
        if missing:
            raise SmallerLabseError(
                f"{source}: no column {missing[0]!r}, it has {', '.join(sides)}; "
                "write the two that hold text before the equals sign: --pairs COLUMN-COLUMN=datasets:…"
            )
        left, right = (next(require_texts([sides[name]], source, name)) for name in names)
        yield left, right


def _read_on(records: Iterable[Record], source: str) -> Iterator[Record]:
    """The records, as long as they can be read."""
    try:
        yield from records
    except SmallerLabseError:
        raise
    except Exception as error:
        # datasets raises whatever its transport and its file formats raise.
        raise SmallerLabseError(
            f"{source}: reading stopped ({_reason(error)}); run the same command again to go on"
        ) from error


def open_dataset(
    dataset: str,
    config: str | None,
    split: str,
    instead: str,
    revision: str | None = None,
    streaming: bool = False,
) -> Any:
    """A dataset's split, whose records can be read; no code of the dataset is run.

    Args:
        dataset: its name on the hub, or a local folder.
        config: its configuration; None where it has only one.
        split: its split.
        instead: what else a user can do, for the message.
        revision: the commit on the hub; None for the newest.
        streaming: read it record by record, rather than fetch and keep all of it.

    Raises:
        SmallerLabseError: it cannot be reached or opened.
    """
    import datasets
    import huggingface_hub

    datasets.disable_progress_bars()
    # What they log, each of half a minute's attempts to reach the hub among it, ends in an exception, too.
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    huggingface_hub.logging.set_verbosity(huggingface_hub.logging.CRITICAL)
    try:
        # No remote code: datasets that need a script of their own are refused by datasets itself.
        return datasets.load_dataset(dataset, config, split=split, revision=revision, streaming=streaming)
    except Exception as error:
        source = " ".join(part for part in (dataset, config) if part)
        raise SmallerLabseError(
            f"{source}: cannot be opened ({_reason(error)}); check the name and the network, or {instead}"
        ) from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + "…"
