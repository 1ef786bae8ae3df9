"""Provenance: on which data, with which versions and when the numbers of a report came about."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from smaller_labse.common.errors import UsageError
from smaller_labse.evaluate.tasks.task import Task

PACKAGES = ("smaller-labse", "tensorflow", "sentence-transformers", "torch", "onnxruntime")
DATE = "SOURCE_DATE_EPOCH"  # https://reproducible-builds.org/specs/source-date-epoch/


@dataclass(frozen=True)
class TestData:
    """Some texts that models were measured on.

    Attributes:
        task: e.g. "tatoeba".
        sample: which texts these are, e.g. "en-fr"; see `Score`.
        pairs: how many pairs of texts (or texts, where one is compared with itself) there are.
        source: where they come from, as the user wrote it.
    """

    __test__ = False  # for pytest

    task: str
    sample: str
    pairs: int
    source: str


@dataclass(frozen=True)
class Provenance:
    """What stands behind a report's numbers.

    Attributes:
        data: what was measured on, in the order of the tasks.
        versions: installed package, or "python" → version.
        date: of the report, in UTC, "2026-11-24".
    """

    data: tuple[TestData, ...]
    versions: dict[str, str]
    date: str


NOT_KNOWN = Provenance((), {}, "")


def find_provenance(tasks: Sequence[Task]) -> Provenance:
    """What stands behind numbers that are measured on these tasks, here and now.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is no time.
    """
    data = tuple(
        TestData(task.name, sample, pairs, task.source)
        for task in tasks
        for sample, pairs in task.pairs().items()
    )
    return Provenance(data, used_versions(), report_date())


def used_versions() -> dict[str, str]:
    """The versions of what computes embeddings; results that are kept are those of the same versions."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "python": platform.python_version()}


def report_date() -> str:
    """Today in UTC; where `SOURCE_DATE_EPOCH` is set, that day, so that the same inputs give the same bytes.

    Raises:
        UsageError: it is no time.
    """
    given = os.environ.get(DATE)
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(None if given is None else int(given)))
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{DATE}={given!r}: expected seconds since 1970") from None


def describe_provenance(
    provenance: Provenance, prompts: Mapping[str, str], unit: str = "pair of texts"
) -> list[str]:
    """Sentences that say on what and with what models were measured.

    Args:
        provenance: data, versions and date.
        prompts: model → what was put before every text.
        unit: what the data consist of, e.g. "pair of texts" or "text".
    """
    tasks: dict[str, list[TestData]] = {}
    for data in provenance.data:
        tasks.setdefault(data.task, []).append(data)
    return [
        *(f"Data: {describe_data(name, of_task, unit)}." for name, of_task in tasks.items()),
        describe_prompts(prompts),
        f"Installed: {_versions(provenance)}.",
        f"Date: {provenance.date}.",
    ]


def describe_data(task: str, data: Sequence[TestData], unit: str = "pair of texts") -> str:
    """One task's data: what they are, how many, where they come from.

    >>> en_fr, en_it = (TestData("retrieval", f"en-{code}", 150, f"text/{code}.txt") for code in ("fr", "it"))
    >>> describe_data("retrieval", [en_fr, en_it])
    'retrieval, 2 pairs of languages, 300 pairs of texts, from text'
    """
    many = "pairs of languages" if unit.startswith("pair") else "languages"
    parts = [task, data[0].sample if len(data) == 1 else f"{len(data)} {many}"]
    number = sum(one.pairs for one in data)
    parts.append(f"{number:,} {unit if number == 1 else _plural(unit)}")
    source = _common_source([one.source for one in data])
    return ", ".join(parts) + (f", from {source}" if source else "")


def describe_prompts(prompts: Mapping[str, str]) -> str:
    """What was put before every text.

    >>> describe_prompts({"original": "query: ", "smaller": "query: "})
    'Prompt before every text: "query: ".'
    >>> describe_prompts({"original": "", "smaller": "query: "})
    'Prompt before every text: none for original, "query: " for smaller.'
    """
    shown = {model: f'"{prompt}"' if prompt else "none" for model, prompt in prompts.items()}
    if len(set(shown.values())) == 1:
        return f"Prompt before every text: {next(iter(shown.values()))}."
    parts = ", ".join(f"{prompt} for {model}" for model, prompt in shown.items())
    return f"Prompt before every text: {parts}."


def _versions(provenance: Provenance) -> str:
    return ", ".join(f"{package} {version}" for package, version in provenance.versions.items())


def _plural(unit: str) -> str:
    first, *others = unit.split(" ")
    return " ".join([f"{first}s", *others])


def _common_source(sources: Sequence[str]) -> str:
    """The one source of all, or the folder in which all their files lie."""
    if len(set(sources)) == 1:
        return sources[0]
    files = [file for source in sources for file in source.split(", ")]
    try:
        return os.path.commonpath(files) or ", ".join(dict.fromkeys(files))
    except ValueError:  # absolute and relative paths
        return ", ".join(dict.fromkeys(files))
