"""Counts of languages' text, one file per language: what `select-vocab count` and `merge` do, for Python."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from uuid import uuid4

from smaller_labse.common.arguments import StrPath, check, date, non_negative_integer, paths, positive_integer
from smaller_labse.common.atomic_output import require_absent, require_not_read
from smaller_labse.common.command import began_at
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora import sources
from smaller_labse.corpora.defaults import DRAWS, SPLIT, TEXT_FIELD, WIKIPEDIA, WIKIPEDIA_DATE
from smaller_labse.corpora.labse_languages import Language
from smaller_labse.corpora.language_files import expand_user, is_named
from smaller_labse.corpora.languages import name_language, parse_languages, read_names
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.remote.url import as_path, is_url
from smaller_labse.corpora.shards.shard import parse_shard
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.open import open_original, read_by
from smaller_labse.originals.preprocessors import require_preprocessor
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.count_sources import count_sources
from smaller_labse.select_vocab.counting.counts import Counts, add_counts
from smaller_labse.select_vocab.counting.counts_file import read_counts, read_metadata, write_counts
from smaller_labse.select_vocab.counting.counts_folder import counted_with
from smaller_labse.select_vocab.counting.merge_shards import merge_shards, require_all_shards, shards_by_name
from smaller_labse.select_vocab.counting.plan_count import plan_count
from smaller_labse.select_vocab.counting.shard_of_counts import SHARD
from smaller_labse.select_vocab.on_ray.count_on_ray import count_on_ray
from smaller_labse.select_vocab.on_ray.tasks import RayJob

Languages = str | os.PathLike[str] | Iterable[str]
Text = str | os.PathLike[str] | Sequence[StrPath] | Mapping[str, StrPath | Sequence[StrPath]]


def count(
    model: StrPath,
    languages: Languages | None = None,
    *,
    out: StrPath,
    text: Text = (),
    dataset: str | None = None,
    dataset_config: str | None = None,
    dataset_split: str | None = None,
    text_field: str | None = None,
    wikipedia: StrPath | None = None,
    wikipedia_date: str | None = None,
    longer_than: int | None = None,
    max_lines: int | None = None,
    draw: str | None = None,
    shard: str | tuple[int, int] | None = None,
    ray: str | None = None,
    shards: int | None = None,
    workers: int | None = None,
    sample: bool = True,
    preprocessor: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    report: Callable[[str], None] = lambda message: None,
) -> list[Path]:
    """Count the tokens of each language's text; what was counted before is not counted again.

    A count that was interrupted in the middle of a language goes on there.

    Text comes from `text`, and for languages without such from `dataset` or from Wikipedia. Wikipedia is the
    default where nothing is given; beside `text` it has to be named.

    Args:
        model: the original: a Hugging Face folder or hub id, a folder with `encoder/` (and `preprocess/`), a
            SavedModel folder, or a TF Hub handle.
        languages: codes or names, as a list or as text with commas between, or a file with one per line.
        out: the folder of the counts files.
        text: text in files: language, or any other name, → a file (.txt, .jsonl, .csv, .parquet; .gz, .zst,
            .xz and .bz2 too), a folder of them, or several; the same as text, "fr=path"; or a path with
            {code}, {iso3} or {name} in the language's place. ~ and * in it are expanded. A path may be a URL
            (s3://, gs://, az://, hf://, https://), which is read where it is; its user, password and query
            are neither shown nor stored. A .tsv file is a word list, `word<TAB>count`, or with `text_field` a
            table.
        dataset: a Hugging Face dataset; {code}, {iso3} and {name} stand for the language's.
        dataset_config: its configuration; {code} and so on as above.
        dataset_split: its split; {code} and so on as above; None for "train".
        text_field: the field or column that holds the text; None for "text".
        wikipedia: the Wikipedia dataset, or a folder laid out like it; None for "wikimedia/wikipedia".
        wikipedia_date: its dump, "YYYYMMDD"; None for "20231101".
        longer_than: count lines of more characters than this; None for 5.
        max_lines: at most so many lines per language, 0 for all; None for 1,000,000.
        draw: which of the lines: "first", or "even", spread over the whole corpus, which is read once more to
            number its lines. The draw depends on nothing but the number of lines. None for "first".
        shard: "I/N", or the two numbers: the I-th of N shards of each text, into `en.3-of-7.parquet` and
            so on; `merge_counts` adds them up to what an undivided count gives. None for all of the text.
        ray: count on a Ray cluster, all shards as its tasks: its address, "auto" for this machine's, or
            "local" for Ray on this machine while it counts. All machines must have the model and the text
            where this one has them. It needs the extra [ray].
        shards: how many of each text, with `ray`; None for one for each 64 MiB, or each file of a dataset.
        workers: threads, with `ray` of each task; None for one per core, with `ray` for one. The counts do
            not depend on it.
        sample: whether a counts file also holds up to 500 of the lines, evenly drawn: `select` measures how
            many of them stay unchanged, and takes a few for `make_smaller` to verify the model with. False
            for text that is not to be passed on.
        preprocessor: what reads the text, of originals in LaBSE's format: "faithful", as the original's own
            does, or "mended", which loses nothing: every Unicode space is a space, control characters are
            deleted, no word is too long. None for the model's own. `select` and `make_smaller` take the one
            that was counted with.
        overwrite: count again what was counted before.
        dry_run: write nothing; report of each text the files, bytes and lines to read, what is counted
            already, and about how long the rest takes, after counting a second's worth of it.
        report: is told, in a line each, what was counted before and is taken as it is.

    Returns:
        The counts files, in the order of the languages; see `counts_file.py` for the format.

    Raises:
        UsageError: an argument is wrong, or two contradict each other.
        SmallerLabseError: the model or the text cannot be read, or `out` holds other counts.

    Example::

        files = smaller_labse.count(
            "sentence-transformers/LaBSE", text={"en": "english.txt", "it": "corpus/it"}, out="work/counts"
        )
    """
    began = began_at(otherwise=time.monotonic())
    require_preprocessor(preprocessor)
    line_filter = _line_filter(longer_than, max_lines, draw)
    part = None if shard is None else parse_shard(shard)
    shards = None if shards is None else check("shards", positive_integer, shards)
    _require_ray(ray, shard, shards, dry_run)
    threads = None if workers is None else check("workers", non_negative_integer, workers)
    if ray is not None:  # its workers have working folders of their own
        model, text = _absolute(model), [_absolute_option(option) for option in _as_options(text)]
        languages = None if languages is None else read_names(languages)
        dataset = None if dataset is None else _absolute(dataset, languages or ())
        wikipedia = None if wikipedia is None else _absolute(wikipedia)
    found = find_sources(
        languages, text, dataset, dataset_config, dataset_split, text_field, wikipedia, wikipedia_date
    )
    if (longer_than, max_lines, draw) != (None,) * 3 and all(source.is_word_list for source in found):
        raise UsageError(
            "--longer-than, --max-lines and --draw are about lines of text; "
            f"{found[0].description} is a word list, "
            "which is counted whole, so leave them out"
        )
    if part is not None:
        found = [replace(source, shard=part) for source in found]
    tokenizer = open_original(os.fspath(model), preprocessor).tokenizer
    if dry_run:
        return plan_count(found, tokenizer, Path(out), line_filter, threads, overwrite, report, began)
    if ray is not None:
        job = RayJob(
            os.fspath(model),
            preprocessor,
            tokenizer.fingerprint,
            line_filter,
            sample,
            threads or 1,
            uuid4().hex,
        )
        return count_on_ray(found, tokenizer, Path(out), job, ray, shards, overwrite, report)
    return count_sources(found, tokenizer, Path(out), line_filter, threads, overwrite, report, sample)


def find_sources(
    languages: Languages | None = None,
    text: Text = (),
    dataset: str | None = None,
    dataset_config: str | None = None,
    dataset_split: str | None = None,
    text_field: str | None = None,
    wikipedia: StrPath | None = None,
    wikipedia_date: str | None = None,
) -> list[Source]:
    """The sources of text that these arguments of `count` mean; nothing is opened yet.

    Raises:
        UsageError: an argument is wrong, or two contradict each other.
    """
    if wikipedia_date is not None:
        check("wikipedia_date", date, wikipedia_date)
    names = read_names(languages) if languages is not None else []
    texts = _as_options(text)
    if dataset and (wikipedia or wikipedia_date):
        raise UsageError("--dataset and --wikipedia exclude each other; count them one by one")
    if (dataset_config or dataset_split) and not dataset:
        raise UsageError("--dataset-config and --dataset-split go with --dataset")
    if text_field and not (texts or dataset):
        raise UsageError("--text-field goes with --text or --dataset")
    others: Callable[[Sequence[Language]], list[Source]] | None = None
    if dataset:
        others = partial(
            sources.dataset_sources,
            dataset=dataset,
            config=dataset_config,
            split=dataset_split or SPLIT,
            text_field=text_field or TEXT_FIELD,
        )
    elif wikipedia or wikipedia_date or not texts:
        others = partial(
            sources.wikipedia_sources,
            dataset=os.fspath(wikipedia or WIKIPEDIA),
            date=wikipedia_date or WIKIPEDIA_DATE,
        )
    if texts:
        return sources.text_sources(names, texts, text_field, others, others_have_fields=bool(dataset))
    if not names:
        raise UsageError("name the languages, e.g. --languages en,fr,de")
    assert others is not None  # there is text or something else
    return others(parse_languages(names))


def merge_counts(
    model: StrPath, files: StrPath | Iterable[StrPath], *, out: StrPath, overwrite: bool = False
) -> Path:
    """Add up counts of one language from several corpora, or all shards' counts of texts that were divided.

    Whatever the order of the files, the bytes are the same; of shards those of an undivided count.

    Args:
        model: the original that they were counted with, as in `count`.
        files: counts files of one language, or of shards, of any languages; of a folder all files of shards.
        out: the counts file to write; of shards the folder, if it does not end in .parquet.
        overwrite: replace an earlier file.

    Returns:
        `out`.

    Raises:
        UsageError: a file is given twice, or `out` is one of them.
        SmallerLabseError: a file cannot be read, they are of different languages or vocabularies, two are of
            the same text, a shard is missing or there twice, or shards are of different commands.

    Example::

        smaller_labse.merge_counts("sentence-transformers/LaBSE", ["news/en.parquet", "web/en.parquet"],
                                   out="both/en.parquet")
        smaller_labse.merge_counts("sentence-transformers/LaBSE", "work/shards", out="work/counts")
    """
    merged_files(model, files, out=out, overwrite=overwrite)
    return Path(out)


def merged_files(
    model: StrPath, files: StrPath | Iterable[StrPath], *, out: StrPath, overwrite: bool = False
) -> list[Path]:
    """As `merge_counts`; gives the files that it wrote."""
    given, written = [file for path in paths(files) for file in _files_to_merge(path)], Path(out)
    if len({file.resolve() for file in given}) < len(given):
        raise UsageError("a counts file is given twice; its counts would be added twice")
    if not given:
        raise UsageError("no counts file is given; name those to add up")
    shards = shards_by_name(given)
    if shards is None:
        places = {written: given}
    elif written.suffix != ".parquet":
        places = {written / f"{name}.parquet": of_name for name, of_name in shards.items()}
    elif len(shards) == 1:
        places = {written: given}
    else:
        raise UsageError(
            f"--out {written}: the shards are of {', '.join(shards)}; name a folder for their files"
        )
    for file in places:
        require_absent(file, overwrite)
        require_not_read(file, given, overwrite)
    for some in places.values():
        if shards is not None:
            require_all_shards(some)
        else:
            _require_different_texts(some)
    tokenizer = read_by(open_original(os.fspath(model)), counted_with(given)).tokenizer
    for file, some in places.items():
        if shards is not None:
            counts = merge_shards(some, tokenizer)
        else:
            counts = reduce(add_counts, map(partial(_read_of, tokenizer), _in_order(some)))
        write_counts(counts, tokenizer.pieces, file, overwrite)
    return list(places)


def _require_different_texts(files: Sequence[Path]) -> None:
    """Refuse counts of one text that are given twice.

    Raises:
        SmallerLabseError: names the two files.
    """
    of_text: dict[str, Path] = {}
    for file in files:
        digest = read_metadata(file).get("text_digest")
        if digest is not None and (other := of_text.setdefault(digest, file)) is not file:
            raise SmallerLabseError(
                f"{other} and {file} hold counts of the same text, which would be added twice; leave one out"
            )


def _in_order(files: Sequence[Path]) -> list[Path]:
    """Counts files by what they are of: given in any order, their sum has the same bytes."""
    described = {file: read_metadata(file) for file in files}
    return sorted(files, key=lambda file: (described[file]["corpus"], described[file]["name"]))


def _read_of(tokenizer: Tokenizer, file: Path) -> Counts:
    return read_counts(file, tokenizer.pieces, tokenizer.fingerprint, tokenizer.preprocessor)


def _files_to_merge(path: Path) -> list[Path]:
    """The file, or of a folder those of shards."""
    if not path.is_dir():
        return [path]
    files = [file for file in sorted(path.glob("*.parquet")) if not file.name.startswith(".")]
    if not (shards := [file for file in files if SHARD in read_metadata(file)]):
        raise SmallerLabseError(f"{path}: no shard's counts in it; count some with --shard, or name files")
    return shards


def _line_filter(longer_than: int | None, max_lines: int | None, draw: str | None) -> LineFilter:
    line_filter = LineFilter()
    if draw is not None:
        if draw not in DRAWS:
            raise UsageError(f"draw: expected {' or '.join(DRAWS)}, got {draw!r}")
        line_filter = replace(line_filter, draw=draw)
    if longer_than is not None:
        line_filter = replace(
            line_filter, longer_than=check("longer_than", non_negative_integer, longer_than)
        )
    if max_lines is not None:
        most = check("max_lines", non_negative_integer, max_lines)
        line_filter = replace(line_filter, max_lines=most or None)
    if draw is not None and line_filter.max_lines is None:
        raise UsageError("--draw draws some of the lines, --max-lines 0 takes all; leave one of them out")
    return line_filter


def _require_ray(ray: str | None, shard: object, shards: int | None, dry_run: bool) -> None:
    """Refuse what contradicts `ray`, or has no effect without it."""
    if shards is not None and ray is None:
        raise UsageError("--shards goes with --ray; without it, --shard I/N counts one of N")
    if ray is not None and shard is not None:
        raise UsageError("--ray counts all shards, --shard one of them; leave one of the two out")
    if ray is not None and dry_run:
        raise UsageError("--dry-run says what one machine would do; leave --ray out")


def _absolute(place: StrPath, languages: Sequence[str] = ()) -> str:
    """A path of this machine whole, wherever it is read from; the name of something on a hub as it is.

    `{code}` and so on in it stand for these languages'.
    """
    written = os.fspath(place)
    meant = [name_language(name, of_wikipedia=True).fill(written) for name in languages] or [written]
    return str(Path(written).absolute()) if any(Path(each).exists() for each in meant) else written


def _absolute_option(option: str) -> str:
    """Likewise of --text."""
    name, _, path = option.partition("=")
    if is_named(option) and path:
        return f"{name}={_absolute_path(path)}"
    return _absolute_path(option)


def _absolute_path(written: str) -> str:
    path = as_path(written)
    return path if is_url(path) else str(expand_user(path).absolute())


def _as_options(text: Text) -> list[str]:
    """Text as the command takes it: LANGUAGE=PATH, or a path with {code}."""
    if isinstance(text, Mapping):
        return [f"{language}={path}" for language, several in text.items() for path in _written(several)]
    return _written(text)


def _written(given: StrPath | Iterable[StrPath]) -> list[str]:
    """One path or several as they were written: a URL is no path."""
    return [os.fspath(given)] if isinstance(given, str | os.PathLike) else [os.fspath(one) for one in given]
