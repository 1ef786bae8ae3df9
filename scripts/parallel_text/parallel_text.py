"""Write translation pairs out of the translated messages of Debian packages; see scripts/parallel_text.sh.

    python scripts/parallel_text/parallel_text.py --out FOLDER [--languages fr,de] [PACKAGE...]

A package's messages stand in catalogues, usr/share/locale/fr/LC_MESSAGES/NAME.mo (GNU gettext's manual, "The
Format of GNU MO Files"): read by polib, English sentence by sentence.
"""

from __future__ import annotations

import argparse
import gzip
import re
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polib
from debian_packages import COPYRIGHT, Package, describe, download, files_of, licences, require_apt
from message_pairs import sentence_pairs

from smaller_labse.common.atomic_output import new_folder, require_absent
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import progress
from smaller_labse.corpora.languages import parse_languages

LICENCES = "LICENCES.tsv"
# Catalogues with many whole sentences, of programs that are translated into most languages.
PACKAGES = (
    *("gramps", "vlc-l10n", "gnucash-common", "evolution-common", "gcc-12-locales", "krita-l10n"),
    *("libgtk-3-common", "binutils-common", "util-linux-locales", "cinnamon-l10n", "gnumeric-common"),
    *("pidgin-data", "caja-common", "gnome-control-center-data", "gnupg-l10n", "libglib2.0-data"),
    *("brasero-common", "aptitude-common", "shotwell-common", "epiphany-browser-data", "wesnoth-1.16-data"),
)
LANGUAGES = "ar,de,es,fr,it,ja,ko,nl,pl,pt,ru,th,tr,zh"
CATALOGUE = re.compile(r"(?:.*/)?([a-z]{2,3})(_[A-Z]{2}|_Han[st])?(?:\.[\w-]+)?/LC_MESSAGES/[^/]+\.mo")
TRADITIONAL = ("_TW", "_HK", "_MO", "_Hant")  # Chinese, beside which "zh" is the simplified

Pairs = dict[str, dict[tuple[str, str], str]]  # language → sentence and translation → package


def main(arguments: list[str] | None = None) -> int:
    """Run the script with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(prog="parallel_text.py", description="Translation pairs out of Debian packages.")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--languages", default=LANGUAGES, metavar="LIST")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.set_defaults(run=_run)
    return run_command(parser, arguments)


def _run(options: argparse.Namespace) -> None:
    languages = [language.code for language in parse_languages(options.languages) if language.code != "en"]
    require_absent(options.out, options.overwrite, LICENCES)
    require_apt()
    pairs: Pairs = {code: {} for code in languages}
    names = list(dict.fromkeys(options.packages or PACKAGES))
    with new_folder(options.out, options.overwrite, LICENCES) as folder:
        (folder / "copyright").mkdir()
        rows = []
        with progress("fetching and reading packages", len(names), "packages") as bar:
            for name in names:
                bar.describe(f"fetching and reading {name}")
                package, said = _read_package(name, pairs, folder / "copyright")
                rows.append((package.name, package.version, said, package.source))
                bar(1)
        _write(folder, pairs, rows)
    for code, found in pairs.items():
        print(f"en-{code}: {len(found):,} pairs")


def _read_package(name: str, pairs: Pairs, copyrights: Path) -> tuple[Package, str]:
    """Fetch a package, add its pairs, keep its copyright file; says its licences."""
    with tempfile.TemporaryDirectory() as scratch:
        deb = download(name, Path(scratch))
        package = describe(deb)
        texts: list[str] = []
        for path, content in files_of(deb, lambda path: bool(COPYRIGHT.fullmatch(path) or language_of(path))):
            code = language_of(path)
            if code is None:
                texts.append(content.decode("utf-8", "replace"))
            elif code in pairs:
                for pair in catalogue_pairs(content, code, f"{package.name}: {path}"):
                    pairs[code].setdefault(pair, package.name)
    (copyrights / package.name).write_text("\n".join(texts), encoding="utf-8")
    return package, licences(texts)


def language_of(path: str) -> str | None:
    """The language of a catalogue, by where it lies; None of any other file.

    >>> language_of("usr/share/locale/pt_BR/LC_MESSAGES/a.mo"), language_of("usr/share/locale/fr/a.txt")
    ('pt', None)
    """
    found = CATALOGUE.fullmatch(path)
    return None if found is None or found[2] in TRADITIONAL else found[1]


def catalogue_pairs(content: bytes, language: str, place: str) -> Iterator[tuple[str, str]]:
    """The sentence pairs of a catalogue.

    Args:
        content: a `.mo` file.
        language: the translations'.
        place: what it is called in messages.

    Raises:
        SmallerLabseError: it is no catalogue.
    """
    with tempfile.NamedTemporaryFile(suffix=".mo") as file:
        file.write(content)
        file.flush()
        try:
            messages = polib.mofile(file.name)
        except (OSError, ValueError, LookupError, struct.error):
            raise SmallerLabseError(f"{place}: no readable catalogue; leave the package out") from None
    for message in messages:
        # Of a plural the first form is the English singular's; the others say how many, by placeholders.
        translation = message.msgstr or message.msgstr_plural.get(0, "")
        yield from sentence_pairs(message.msgid, translation, language)


def _write(folder: Path, pairs: Pairs, rows: list[tuple[str, str, str, str]]) -> None:
    for code, found in pairs.items():
        lines = sorted(f"{sentence}\t{other}\t{package}\n" for (sentence, other), package in found.items())
        if lines:
            # The same pairs are the same bytes: no time, and no name.
            (folder / f"en-{code}.tsv.gz").write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    table = "".join("\t".join(row) + "\n" for row in [("package", "version", "licences", "source"), *rows])
    (folder / LICENCES).write_text(table, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
