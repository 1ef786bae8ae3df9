"""The verb `trim`: from languages and a size to a verified model, by all stages, resumed where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from smaller_labse.all_stages.plan import plan
from smaller_labse.all_stages.settings import Settings, read_run, resolve, to_toml
from smaller_labse.all_stages.stage_options import COUNTING, MAKING, OPTIONS, SELECTING
from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_file, require_absent, require_apart
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.result_table import Table
from smaller_labse.make_smaller.licenses import license_entries, license_name
from smaller_labse.options.text_options import SOURCES
from smaller_labse.originals.model_folder import HUGGINGFACE, MANIFEST, read_manifest
from smaller_labse.originals.onnx_formats import FOLDER, FORMATS, parse_formats
from smaller_labse.originals.open import Original, open_original
from smaller_labse.originals.original_card import read_license, read_original_card
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.select_vocab.choosing.finished_file import file_table
from smaller_labse.select_vocab.count import Languages, Text, count, find_sources
from smaller_labse.select_vocab.counting.counted_before import OtherCounts
from smaller_labse.select_vocab.select import select
from smaller_labse.select_vocab.selection import Selection
from smaller_labse.select_vocab.selection_tables import coverage_table, size_table

Report = Callable[[str | Table], None]
RUN_FILE, WORK = ".run.toml", ".work"  # behind the model's name
COUNTS, SELECTION, REPORT = "counts", "selection", "report"  # in the working folder


def trim(
    model: StrPath | None = None,
    languages: Languages | None = None,
    *,
    out: StrPath | None = None,
    run_file: StrPath | None = None,
    text: Text | None = None,
    dataset: str | None = None,
    dataset_config: str | None = None,
    dataset_split: str | None = None,
    text_field: str | None = None,
    wikipedia: StrPath | None = None,
    wikipedia_date: str | None = None,
    max_lines: int | None = None,
    draw: str | None = None,
    sample: bool | None = None,
    preprocessor: str | None = None,
    vocab_size: int | str | None = None,
    max_megabytes: float | str | None = None,
    format: str | None = None,
    coverage: float | str | None = None,
    keep: StrPath | Iterable[StrPath] | None = None,
    fill_up: bool | None = None,
    round_to: int | None = None,
    onnx: str | Iterable[str] | None = None,
    prompt: str | None = None,
    license: str | None = None,
    tatoeba: StrPath | None = None,
    parallel: str | Iterable[str] | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    report: Report = lambda said: None,
) -> Path:
    """Count, select, make smaller and, where there is test data, compare: all stages of `smaller_labse`.

    What each stage writes is kept in a working folder beside the model, `OUT.work`. Interrupted, the same
    call goes on where it was and comes to the same bytes. What was settled is written beside the model, too:
    `OUT.run.toml`, which is a `run_file`.

    Args:
        model: the original, as in `smaller_labse.count`.
        languages: as in `count`.
        out: the model's folder.
        run_file: a TOML file that says the other arguments; what is given beside it counts.
        text: as in `count`, as are all up to `preprocessor`.
        dataset: a Hugging Face dataset.
        dataset_config: its configuration.
        dataset_split: its split.
        text_field: the field that holds the text.
        wikipedia: the Wikipedia dataset; without any text, it is Wikipedia that is read.
        wikipedia_date: its dump.
        max_lines: at most so many lines per language.
        draw: which of them, "first" or "even".
        sample: False to store no line of the text.
        preprocessor: of LaBSE, "faithful" or "mended".
        vocab_size: as in `smaller_labse.select`, as are all up to `round_to`.
        max_megabytes: of the finished file, in 10^6 bytes.
        format: of that file; None for the one of `onnx`, or without for "safetensors".
        coverage: the share of each language's text to cover.
        keep: files of words or sentences whose tokens are all kept.
        fill_up: take the original's own first tokens where the text has too few.
        round_to: what the vocabulary size is a multiple of.
        onnx: the formats of the ONNX files, as in `smaller_labse.make_smaller`, as are the next two.
        prompt: what goes before every text.
        license: for the model cards.
        tatoeba: a folder of Tatoeba's files: the model and its ONNX files are compared with the original, in
            the run's languages. For this a script calls `trim` below `if __name__ == "__main__":`.
        parallel: two files of translations, "XX=FILE,YY=FILE", to compare with; one such text or several.
        dry_run: say what would be done, and write nothing.
        overwrite: make the model anew, and replace an earlier one in this place; counts stay.
        report: is told the plan, line by line, and then each stage's results.

    Returns:
        The model's folder.

    Raises:
        UsageError: an argument is wrong, or two contradict each other.
        SmallerLabseError: something cannot be read, or a stage fails; the message says what to do.

    Example::

        folder = smaller_labse.trim(
            "sentence-transformers/LaBSE", "en,fr,de", out="model", max_megabytes=120, onnx="int8"
        )
        embeddings = smaller_labse.load(folder).encode(["Hello, world."])
    """
    given = {name: value for name, value in locals().items() if name in OPTIONS}
    written = {} if run_file is None else read_run(Path(run_file))
    settings = resolve({**written, **{name: value for name, value in given.items() if value is not None}})
    place = _Place(Path(settings.out))
    require_apart(place.model, [Path(settings.model)])
    _require_makeable(settings)
    find_sources(settings.languages or None, **settings.given(SOURCES))
    original = open_original(settings.model, settings.preprocessor)
    _require_test_data(settings)
    plan(settings, original, place.work / COUNTS, report)
    if dry_run:
        return place.model
    place.require_free(settings, overwrite)
    selection = _select(settings, place, original, report)
    if not overwrite and place.is_made(settings, selection, original):
        report(f"{place.model} is made of this selection already")
    else:
        _make(settings, place, overwrite)
    place.write_run(settings)
    if settings.tatoeba or settings.parallel:
        _compare(settings, place, report)
    return place.model


class _Place:
    """Where a run's files are: the model, what it was made by, and the working folder, side by side."""

    def __init__(self, model: Path) -> None:
        whole = model if model.name else model.resolve()
        self.model, self.work = model, whole.with_name(whole.name + WORK)
        self.run = whole.with_name(whole.name + RUN_FILE)

    def require_free(self, settings: Settings, overwrite: bool) -> None:
        """Refuse what would replace something of another run, before the long work.

        Raises:
            SmallerLabseError: another run's model or file is there, and may not be replaced.
        """
        if self._is_of(settings):
            return
        require_absent(self.run, overwrite)
        if not (self.work / SELECTION).is_dir():  # else it may be of this run, interrupted since
            require_absent(self.model, overwrite, MANIFEST)

    def _is_of(self, settings: Settings) -> bool:
        return self.run.is_file() and self.run.read_text(encoding="utf-8") == to_toml(settings)

    def is_made(self, settings: Settings, selection: Selection, original: Original) -> bool:
        """Whether the model is there, made of this selection in these formats, and not to be replaced."""
        if not (self.model / MANIFEST).is_file() or (self.run.is_file() and not self._is_of(settings)):
            return False
        if not self.run.is_file() and not self._has_license(settings, original):
            return False
        manifest = read_manifest(self.model)
        formats = tuple(each["format"] for each in manifest.get("onnx", ()))
        return (
            manifest.get("kept_ids") == selection.subset.digest
            and manifest.get("original", {}).get("fingerprint") == selection.fingerprint
            and manifest.get("preprocessor", FAITHFUL) == selection.preprocessor
            and formats == settings.onnx
            and settings.prompt in (None, manifest.get("prompt"))
        )

    def _has_license(self, settings: Settings, original: Original) -> bool:
        """Whether the model's card names the licence that it would be made with."""
        license = read_original_card(original.place).license
        if settings.license is not None:
            license = license_entries(settings.license)
        return bool(license_name(read_license(self.model)) == license_name(license))

    def write_run(self, settings: Settings) -> None:
        """Write down what was settled."""
        with new_file(self.run, overwrite=True) as partial:
            partial.write_text(to_toml(settings), encoding="utf-8")


def _select(settings: Settings, place: _Place, original: Original, report: Report) -> Selection:
    """Count, and select anew: that takes little, and so it is always of these counts."""
    counts = place.work / COUNTS
    try:
        files = count(
            settings.model, settings.languages or None, out=counts, **settings.given(COUNTING), report=report
        )
    except OtherCounts as error:  # --overwrite is about the model here
        instead = f"delete {counts} to count again, or give another --out"
        if not error.likely_all:
            instead = "delete that file to count this text again"
        raise SmallerLabseError(f"{error.found}; {instead}") from None

    def show(selection: Selection, opened: Original) -> None:
        report(coverage_table(selection))
        report(size_table(selection, opened.parameters))
        if selection.finished_file is not None:
            report(file_table(selection.finished_file))

    return select(
        settings.model,
        files,
        out=place.work / SELECTION,
        **settings.given(SELECTING),
        overwrite=True,
        report=show,
    )


def _make(settings: Settings, place: _Place, overwrite: bool) -> None:
    from smaller_labse.make_smaller.make_smaller import make_smaller

    make_smaller(
        settings.model, place.work / SELECTION, place.model, **settings.given(MAKING), overwrite=overwrite
    )


def _require_makeable(settings: Settings) -> None:
    """Refuse now what `make_smaller` would refuse after all the counting."""
    from smaller_labse.make_smaller.back_ends.back_end import Options, locate_for

    if settings.license is not None:
        license_entries(settings.license)
    onnx = parse_formats(settings.onnx) if settings.onnx else ()
    locate_for(settings.model, settings.preprocessor, Options(prompt=settings.prompt, onnx=onnx))


def _require_test_data(settings: Settings) -> None:
    """Read it once before the long work, so that what is wrong is said first."""
    from smaller_labse.evaluate.tasks.language_groups import parse_group
    from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel, read_tatoeba

    if settings.tatoeba is not None:
        if not settings.languages:
            raise UsageError("--tatoeba goes with --languages, which it is measured in")
        read_tatoeba(Path(settings.tatoeba), parse_group(settings.languages))
    for pair in settings.parallel:
        read_parallel(pair)


def _compare(settings: Settings, place: _Place, report: Report) -> None:
    """Compare the model and its ONNX files with the original; what was measured before is not again."""
    from smaller_labse.evaluate.compare_models import compare
    from smaller_labse.evaluate.report.tables import averages_table, sizes_table
    from smaller_labse.evaluate.report.write_report import PAGE

    onnx = place.model / HUGGINGFACE / FOLDER
    data: dict[str, Any] = {"parallel": settings.parallel}
    if settings.tatoeba is not None:
        data |= {"tatoeba": settings.tatoeba, "languages": settings.languages}
    measured = compare(
        f"original={settings.model}",
        [f"smaller={place.model}", *(f"{name}={onnx / FORMATS[name].file}" for name in settings.onnx)],
        **data,
        out=place.work / REPORT,
        pictures=find_spec("matplotlib") is not None,
        overwrite=True,
    )
    report(sizes_table(measured))
    report(averages_table(measured))
    report(str(place.work / REPORT / PAGE))
