"""Translation pairs out of packages: sentences only, the packages' licences beside them, nothing unpacked."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import sys
import tarfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

polib = pytest.importorskip("polib")
FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "parallel_text"
COPYRIGHT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    sys.path.insert(0, str(FOLDER))
    try:
        return import_module("parallel_text")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize(
    ("english", "other", "language", "expected"),
    [
        (
            "<b>Save</b> the _file now &amp; then",
            "<b>Enregistrez</b> le _fichier de temps en temps",
            "fr",
            "Save the file now & then",
        ),
        ("Move the selected line up", "選択した行を上に移動する(_U)", "ja", "Move the selected line up"),
        (
            "This line is\nbroken into two",
            "Diese Zeile wurde\nin zwei gebrochen",
            "de",
            "This line is broken into two",
        ),
    ],
)
def test_what_is_no_text_is_taken_out(script, english, other, language, expected) -> None:
    ((sentence, translation),) = script.sentence_pairs(english, other, language)
    assert sentence == expected and not set("<_&(\n") & set(translation)


@pytest.mark.parametrize(
    ("english", "other", "language"),
    [
        ("Open file", "Ouvrir le fichier", "fr"),  # no sentence
        ("There are %d files in here", "Il y a %d fichiers ici même", "fr"),
        ("There are {n} files in here", "Il y a {n} fichiers ici même", "fr"),
        ("This was never translated at all", "This was never translated at all", "fr"),
        ("This is of another script", "Dies in lateinischer Schrift", "ru"),
        ("This is much longer than what follows it", "court", "fr"),
        ("See https://example.org for more of it", "Voir https://example.org pour plus", "fr"),
        (
            "One paragraph of some words.\n\nAnd another one after it.",
            "Un seul paragraphe de mots ici.",
            "fr",
        ),
    ],
)
def test_what_is_no_pair_of_sentences_is_left_out(script, english, other, language) -> None:
    assert list(script.sentence_pairs(english, other, language)) == []


def test_long_messages_go_sentence_by_sentence_where_both_sides_have_as_many(script) -> None:
    long = " ".join(f"This is sentence number {word} of many." for word in "abcdefghijklmnop")
    other = " ".join(f"Voici la phrase numéro {word} parmi beaucoup." for word in "abcdefghijklmnop")
    pairs = list(script.sentence_pairs(long, other, "fr"))
    assert len(pairs) == 16 and pairs[2][1].startswith("Voici la phrase numéro c")
    assert list(script.sentence_pairs(long, f"{other} Et une de plus que la source.", "fr")) == []


def test_languages_are_those_of_the_folders(script) -> None:
    place = "usr/share/locale/{}/LC_MESSAGES/a.mo"
    codes = [script.language_of(place.format(name)) for name in ("fr", "pt_BR", "zh_CN", "zh_TW", "sr@latin")]
    assert codes == ["fr", "pt", "zh", None, None]


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    """A package with two catalogues, a copyright file and a link to outside."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb")
    root = tmp_path / "root"
    for code, text in (("fr", "Voulez-vous vraiment tout perdre ?"), ("ko", "정말로 모두 잃고 싶습니까?")):
        catalogue = polib.MOFile()
        catalogue.append(polib.MOEntry(msgid="Do you _really want to lose it all?", msgstr=text))
        catalogue.append(polib.MOEntry(msgid="", msgstr="Content-Type: text/plain; charset=UTF-8\n"))
        file = root / "usr/share/locale" / code / "LC_MESSAGES/tiny.mo"
        file.parent.mkdir(parents=True)
        catalogue.save(str(file))
    (root / "usr/share/locale/fr/LC_MESSAGES/link.mo").symlink_to("/etc/passwd")
    (root / "usr/share/doc/tiny").mkdir(parents=True)
    (root / "usr/share/doc/tiny/copyright").write_text(COPYRIGHT, encoding="utf-8")
    (root / "DEBIAN").mkdir()
    control = "Package: tiny\nVersion: 1.0-2\nSource: tiny-source (1.0)\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: d\n"
    (root / "DEBIAN/control").write_text(control, encoding="utf-8")
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(tmp_path / "tiny.deb")]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path / "tiny.deb"


def test_a_package_becomes_pairs_with_its_licence(
    script, deb: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(script, "require_apt", lambda: None)
    monkeypatch.setattr(script, "download", lambda name, folder: Path(shutil.copy(deb, folder)))
    out = tmp_path / "pairs"
    assert script.main(["--out", str(out), "--languages", "fr,ko,de", "tiny"]) == 0
    assert capsys.readouterr().out.splitlines() == ["en-fr: 1 pairs", "en-ko: 1 pairs", "en-de: 0 pairs"]
    line = gzip.decompress((out / "en-fr.tsv.gz").read_bytes()).decode()
    assert line == "Do you really want to lose it all?\tVoulez-vous vraiment tout perdre ?\ttiny\n"
    assert (out / "LICENCES.tsv").read_text().splitlines()[1] == "tiny\t1.0-2\tGPL-2+\ttiny-source"
    assert (out / "copyright/tiny").read_text() == COPYRIGHT
    assert {file.name for file in out.iterdir()} == {
        "en-fr.tsv.gz",
        "en-ko.tsv.gz",
        "LICENCES.tsv",
        "copyright",
    }
    assert script.main(["--out", str(out), "tiny"]) == 1, "it is not replaced unasked"


def test_what_apt_and_dpkg_refuse_is_one_line(script, tmp_path: Path, monkeypatch, capsys) -> None:
    packages = sys.modules["debian_packages"]
    refused = subprocess.CompletedProcess([], 100, "", "W: x\nE: Unable to locate package none\n")
    monkeypatch.setattr(packages.subprocess, "run", lambda *arguments, **options: refused)
    monkeypatch.setattr(script, "require_apt", lambda: None)
    assert script.main(["--out", str(tmp_path / "out"), "none"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "none: apt cannot fetch it (Unable to locate package none); check the name" in said
    assert not (tmp_path / "out").exists()


def test_a_damaged_catalogue_is_named(script) -> None:
    with pytest.raises(Exception, match=r"tiny: a\.mo: no readable catalogue; leave the package out"):
        list(script.catalogue_pairs(b"nothing", "fr", "tiny: a.mo"))


def test_a_file_too_large_is_refused_before_it_is_read(script, tmp_path: Path, monkeypatch) -> None:
    packages = sys.modules["debian_packages"]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("./usr/share/doc/a/copyright"))
        member = tarfile.TarInfo("./usr/share/doc/b/copyright")
        member.size = 11
        archive.addfile(member, io.BytesIO(b"x" * 11))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    (tmp_path / "dpkg-deb").write_text('#!/bin/sh\ncat "$2"\n', encoding="utf-8")
    (tmp_path / "dpkg-deb").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(packages, "LARGEST_FILE", 10)
    with pytest.raises(Exception, match="usr/share/doc/b/copyright has 11 bytes, expected 10 or less"):
        list(packages.files_of(tmp_path / "a.tar", lambda path: True))
