"""Translation pairs: sentences and their translations, from TSV, two aligned files, a table or a dataset.

What a user writes is NAMES=FILE. NAMES are two languages, the first one's sentences first: `en-fr`. FILE is

- a TSV file without a header: a sentence, a tab and its translation in each line; what follows a second tab,
  such as the source of the pair, is not read. No quotation marks (IANA's text/tab-separated-values);
- two files with a comma between, a sentence in each line of the first and its translation in the same line of
  the second;
- .parquet, .jsonl or .csv, whose fields have the two names: `en` and `fr`;
- datasets:NAME, datasets:NAME:CONFIG or datasets:NAME:CONFIG:SPLIT, a dataset on the Hugging Face hub or a
  local folder of one, whose columns, or keys in its column "translation", have the two names.

All but Parquet may be compressed. Several files of one language are read one after another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import zip_longest
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError, all_of
from smaller_labse.common.progress import announce
from smaller_labse.corpora.decompressed_lines import decompressed_lines
from smaller_labse.corpora.labse_languages import Language
from smaller_labse.corpora.language_files import PLACEHOLDERS, expand_path, require_known_placeholders
from smaller_labse.corpora.languages import name_language
from smaller_labse.corpora.records.dataset_lines import read_dataset_pairs
from smaller_labse.corpora.records.file_records import (
    has_fields,
    read_records,
    require_text_file,
    text_ending,
)

DATASET = "datasets:"
MOST_OF_A_DATASET = 1_000_000  # the first ones; CCMatrix has hundreds of millions
EXPECTED = "a sentence, a tab and its translation"


@dataclass(frozen=True)
class PairFiles:
    """Where pairs of two languages are.

    Attributes:
        names: what the two are called where the pairs are, e.g. ("en", "fr"): the fields of a table.
        languages: the two languages.
        files: one file with both sides, or two with a side each; none of a dataset on the hub.
        dataset: name, configuration and split of a dataset; None where the pairs are in files.
    """

    names: tuple[str, str]
    languages: tuple[Language, Language]
    files: tuple[Path, ...]
    dataset: tuple[str, str | None, str] | None = None

    @property
    def corpus(self) -> str:
        """What the pairs are called, without folders of this machine."""
        if self.dataset is None:
            return " + ".join(file.name for file in self.files)
        name, config, split = self.dataset
        name = self.files[0].resolve().name if self.files else name
        return " ".join(part for part in (name, config, split) if part)


@dataclass(frozen=True)
class TranslationPairs:
    """Pairs of two languages; equal sentences are one string in memory.

    Attributes:
        languages: of the sentences, and of the translations.
        sentences: in the first language.
        translations: as many, in the second.
        corpus: the names of the files, without their folders.
    """

    languages: tuple[Language, Language]
    sentences: tuple[str, ...]
    translations: tuple[str, ...]
    corpus: str


def find_pairs(written: Sequence[str], languages: Sequence[Language] = ()) -> list[PairFiles]:
    """Find the files that a user wrote as NAMES=FILE, or as a pattern of that with {code} and the like.

    Args:
        written: what the user wrote; see the module.
        languages: what patterns are filled with; of `en-{code}`, English is passed over.

    Returns:
        The files, in the order written, those of a pattern in the order of `languages`.

    Raises:
        UsageError: not of that form, an unknown placeholder, patterns without languages or the reverse, or
            one file for several languages.
        SmallerLabseError: there is no such file, or it is no text; a line for each.

    Example:
        find_pairs(["en-{code}=parallel/en-{code}.tsv.gz"], parse_languages("fr,de"))
    """
    if not written:
        raise UsageError("no translation pairs given; write --pairs en-fr=FILE")
    patterns = [each for each in written if "{" in each]
    for pattern in patterns:
        require_known_placeholders(pattern, "--pairs")
    if patterns and not languages:
        raise UsageError(f"--pairs {patterns[0]}: a pattern needs --languages to fill it with")
    if languages and not patterns:
        raise UsageError(f"--languages fills a pattern with {', '.join(PLACEHOLDERS)}, but --pairs has none")
    named = [pair for each in written for pair in _fill(each, languages)]
    found: list[PairFiles] = all_of(*(lambda pair=pair: _find(*pair) for pair in named))
    _require_different(found)
    return found


def require_one_first_language(pairs: Sequence[PairFiles]) -> None:
    """Check that both sides can get a teacher's embedding of the first, the language that it is best at.

    Raises:
        UsageError: the first sides are of several languages.
    """
    first = {each.languages[0] for each in pairs}
    if len(first) > 1:
        named = " and ".join(sorted(str(language) for language in first))
        raise UsageError(f"--pairs: the first sides are {named}, expected one language, such as English")


def read_pairs(files: Sequence[PairFiles]) -> list[TranslationPairs]:
    """Read pairs whole, those of two languages together, in the order in which the languages come first.

    Memory: about 250 bytes for a pair of sentences of 60 letters; a million pairs take 250 MB.

    Raises:
        SmallerLabseError: a file cannot be read, has no lines, or a line of it is no pair: it has no tab, or
            a side is empty; or two aligned files differ in length. The message names file and line.
    """
    grouped: dict[tuple[Language, Language], list[PairFiles]] = {}
    for each in files:
        grouped.setdefault(each.languages, []).append(each)
    once: dict[str, str] = {}
    return [_read_language(languages, several, once) for languages, several in grouped.items()]


def limit_pairs(pairs: TranslationPairs, most: int | None) -> TranslationPairs:
    """At most so many of the pairs, in their order; which ones follows from a hash of both sides.

    Args:
        pairs: of a language.
        most: how many; None for all.
    """
    if most is None or len(pairs.sentences) <= most:
        return pairs
    both = list(zip(pairs.sentences, pairs.translations, strict=True))
    hashes = [blake2b("\t".join(pair).encode(), digest_size=8).digest() for pair in both]
    chosen = sorted(sorted(range(len(both)), key=hashes.__getitem__)[:most])
    sentences, translations = zip(*(both[index] for index in chosen), strict=True)
    return replace(pairs, sentences=sentences, translations=translations)


def _read_language(
    languages: tuple[Language, Language], several: Sequence[PairFiles], once: dict[str, str]
) -> TranslationPairs:
    sentences: list[str] = []
    translations: list[str] = []
    for each in several:
        for sentence, translation in _pairs_of(each):
            sentences.append(once.setdefault(sentence, sentence))
            translations.append(translation)
    corpus = " + ".join(each.corpus for each in several)
    return TranslationPairs(languages, tuple(sentences), tuple(translations), corpus)


def _fill(written: str, languages: Sequence[Language]) -> list[tuple[str, str, str]]:
    """The two names and the files of what a user wrote, for each language where it is a pattern."""
    names, equals, files = written.partition("=")
    left, dash, right = names.partition("-")
    if not (left and dash and right and equals and files) or "{" in left or "/" in names:
        raise UsageError(
            f"--pairs {written}: expected NAMES=FILE, such as en-fr=pairs.tsv or "
            "'en-{code}=pairs/en-{code}.tsv.gz'"
        )
    if "{" not in written:
        return [(left, right, files)]
    if "{" not in right:
        raise UsageError(f"--pairs {written}: put {{code}} before the equals sign, too: {left}-{{code}}=…")
    others = [each for each in languages if each != name_language(left)]
    if not others:
        raise UsageError(f"{languages[0]} alone has no pairs with itself; name other languages, too")
    return [(left, each.fill(right), each.fill(files)) for each in others]


def _find(left: str, right: str, written: str) -> PairFiles:
    languages = name_language(left), name_language(right)
    if languages[0] == languages[1]:
        raise UsageError(f"--pairs {left}-{right}={written}: both sides are {languages[0]}; name them apart")
    if written.startswith(DATASET):
        return _find_dataset((left, right), languages, written)
    whole = expand_path(written) if "," not in written or Path(written).exists() else []
    files = whole or [path for side in written.split(",") for path in expand_path(side)]
    for file in files:
        if not file.is_file():
            raise SmallerLabseError(f"{file}: there is no such file of pairs for {languages[1]}")
        require_text_file(file)
    if len(whole) > 1 or len(files) > 2:
        raise UsageError(
            f"--pairs {left}-{right}={written}: {len(files)} files, expected one, or two with a comma between"
        )
    if len(files) == 2 and files[0].samefile(files[1]):
        raise UsageError(f"--pairs {left}-{right}={written}: both sides are the same file")
    return PairFiles((left, right), languages, tuple(files))


def _find_dataset(names: tuple[str, str], languages: tuple[Language, Language], written: str) -> PairFiles:
    name, config, split, *rest = (*written.removeprefix(DATASET).split(":"), "", "")
    if not name or any(rest):
        raise UsageError(
            f"--pairs {'-'.join(names)}={written}: expected {DATASET}NAME:CONFIG:SPLIT, of which the last "
            "two may be left out"
        )
    local = (Path(name),) if Path(name).exists() else ()
    return PairFiles(names, languages, local, (name, config or None, split or "train"))


def _require_different(found: Sequence[PairFiles]) -> None:
    """Refuse a file that is read twice: it would count twice, or as two languages."""
    seen: dict[tuple[object, ...], PairFiles] = {}
    for each in found:
        files = tuple(file.resolve() for file in each.files)
        # Of a dataset, the columns may be other languages'.
        other = seen.setdefault((*files, each.dataset, each.dataset and each.names), each)
        if other is not each:
            given = each.files[0] if each.files else each.corpus
            raise UsageError(
                f"{given} is given for {'-'.join(other.names)} and for {'-'.join(each.names)}; "
                "put {code} into the file's name, or name it once"
            )


def _pairs_of(each: PairFiles) -> Iterator[tuple[str, str]]:
    """The pairs of one or two files, or of a dataset, none of them with an empty side."""
    if each.dataset is not None:
        yield from _pairs_of_dataset(each)
        return
    if len(each.files) == 2:
        pairs: Iterable[tuple[str | None, str | None]] = _aligned(*each.files)
    elif has_fields(each.files[0]) and text_ending(each.files[0]) != ".tsv":
        pairs = _fields(each.files[0], each.names)
    else:
        pairs = _tab_separated(each.files[0])
    number = 0
    for number, (sentence, translation) in enumerate(pairs, start=1):
        if not sentence or not translation or not sentence.strip() or not translation.strip():
            side = each.names[1] if sentence and sentence.strip() else each.names[0]
            file = each.files[-1 if side == each.names[1] else 0]
            raise SmallerLabseError(
                f"{file}: the side {side} of pair {number} is empty; remove the pair, or complete it"
            )
        yield sentence, translation
    if not number:
        raise SmallerLabseError(f"{each.files[0]}: no lines in it, expected a pair in each")


def _pairs_of_dataset(each: PairFiles) -> Iterator[tuple[str, str]]:
    """The first pairs of a dataset; it cannot be mended, so those with an empty side are left out."""
    assert each.dataset is not None
    name, config, split = each.dataset
    taken = left_out = 0
    for sentence, translation in read_dataset_pairs(name, each.names, config, split):
        if taken == MOST_OF_A_DATASET:
            announce(f"{each.corpus}: the first {taken:,} pairs are taken")
            break
        if sentence and translation and sentence.strip() and translation.strip():
            taken += 1
            yield sentence, translation
        else:
            left_out += 1
    if left_out:
        announce(f"{each.corpus}: {left_out:,} pairs with an empty side are left out")
    if not taken:
        raise SmallerLabseError(f"{each.corpus}: no pairs in it")


def _tab_separated(file: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(decompressed_lines(file), start=1):
        sentence, tab, rest = line.partition("\t")
        if not tab:
            raise SmallerLabseError(f"{file}: line {number} has no tab, expected {EXPECTED}")
        yield sentence, rest.partition("\t")[0]


def _aligned(left: Path, right: Path) -> Iterator[tuple[str, str]]:
    missing = object()
    number = 0
    lines = zip_longest(decompressed_lines(left), decompressed_lines(right), fillvalue=missing)
    for number, (sentence, translation) in enumerate(lines, start=1):
        if not isinstance(sentence, str) or not isinstance(translation, str):
            short, long = (left, right) if sentence is missing else (right, left)
            raise SmallerLabseError(
                f"{short} has {number - 1:,} lines, but {long} has more; "
                "expected the translation of each line in the same line"
            )
        yield sentence, translation


def _fields(file: Path, names: tuple[str, str]) -> Iterator[tuple[str | None, str | None]]:
    """Two columns of a table, read beside each other; None where a cell is null."""
    left, right = (
        read_records(file, name, f"write --pairs FIELD-FIELD={file.name} with its fields' names")
        for name in names
    )
    return zip(left, right, strict=True)
