"""Lines of text from a Hugging Face dataset, streamed: nothing is downloaded before it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import split_lines
from smaller_labse.corpora.records import require_texts


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
    try:
        for record in records:
            if text_field not in record:
                raise SmallerLabseError(
                    f"{source}: no column {text_field!r}, it has {', '.join(record)}; "
                    "name the one that holds text with --text-field"
                )
            for text in require_texts([record[text_field]], source, text_field):
                yield from split_lines(text) if text is not None else ()
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
