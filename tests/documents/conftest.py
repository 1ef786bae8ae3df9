"""A fresh clone in which a page's blocks are pasted, with small stand-ins for what lies on the network."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.languages import parse_languages

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = "scripts/example.sh"  # the block that many pages begin with
LABSE = "https://tfhub.dev/google/LaBSE/2"
HUB_IDS = ("intfloat/multilingual-e5-small", "sentence-transformers/LaBSE")


@dataclass
class Clone:
    """A fresh clone that has been set up, in which blocks are pasted one by one, each into a shell of its own."""

    folder: Path
    home: Path
    kept: Path  # what `scripts/example.sh` made, kept beside the clone
    example_output: str = ""
    at_first: set[Path] = field(default_factory=set)

    def paste(self, language: str, text: str) -> str:
        """What a block of `bash` or `python` prints; the test fails if it fails."""
        if text.strip() == EXAMPLE and self.kept.exists():
            shutil.copytree(self.kept, self.folder / "example", copy_function=os.link)
            return self.example_output
        if language == "python":
            (self.folder / "pasted.py").write_text(text, encoding="utf-8")
            text = ".venv/bin/python pasted.py"
        environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(self.home / "tmp"),
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "100",
        }
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{text}\nends with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def clean(self) -> None:
        """Remove what was made since it was set up."""
        for path in set(self.folder.iterdir()) - self.at_first:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@pytest.fixture(scope="session")
def built_clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("fresh") / "smaller-labse"
    home = folder.parent / "home"
    clone = Clone(folder, home, folder.parent / "example")
    (home / "tmp").mkdir(parents=True)
    copy_what_git_would_commit(folder)
    install(folder)
    write_text_stand_ins(folder)
    clone.at_first = set(folder.iterdir())
    clone.example_output = clone.paste("bash", EXAMPLE)
    write_model_stand_ins(folder / "example", home)
    (folder / "example").rename(clone.kept)
    return clone


@pytest.fixture
def clone(built_clone: Clone) -> Iterator[Clone]:
    """The clone, as it was set up."""
    built_clone.clean()
    yield built_clone
    built_clone.clean()


def copy_what_git_would_commit(folder: Path) -> None:
    """What a clone of the next commit would hold; of a clean checkout that is a clone."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("needs the git repository")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    for file in files:
        if file.is_file():
            copy = folder / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
    # Loops that were compiled for the checkout need not be compiled again: sources of the same time are the same.
    compiled = Path("smaller_labse", "originals", "tokenizers", "compiled", "__pycache__")
    (ROOT / compiled).mkdir(exist_ok=True)
    (folder / compiled).symlink_to(ROOT / compiled)


def install(folder: Path) -> None:
    """What `scripts/setup.sh` does, but that the packages are those which are installed here."""
    environment = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "packages_of_the_tests.pth").write_text("\n".join(here), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet"]
    options = ["--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index", "--editable"]
    done = subprocess.run([*pip, *options, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for stamp in ("", "-test", "-demo", "-report", "-demo,benchmark"):
        (environment / f".installed{stamp}").touch()


def write_text_stand_ins(folder: Path) -> None:
    """Text of one's own, Tatoeba's files and a Wikipedia, of our own sentences, under the names in the documents."""
    languages = parse_languages(str(ROOT / "scripts" / "languages" / "15.txt"))
    sentences = builtin_sentences()
    (folder / "corpus").mkdir()
    tatoeba = folder / "path" / "to" / "tatoeba" / "v1"
    tatoeba.mkdir(parents=True)
    wikipedia = folder / "wikimedia" / "wikipedia"
    configurations = []
    for language in languages:
        text = "".join(sentence + "\n" for sentence in sentences[language.code])
        (folder / "corpus" / f"{language.code}.txt").write_text(text, encoding="utf-8")
        with gzip.open(folder / "corpus" / f"{language.code}.txt.gz", "wt", encoding="utf-8") as file:
            file.write(text)
        if language.code != "en":
            pair = tatoeba / f"tatoeba.{language.iso3}-eng"
            Path(f"{pair}.{language.iso3}").write_text(text, encoding="utf-8")
            english = "".join(sentence + "\n" for sentence in sentences["en"])
            Path(f"{pair}.eng").write_text(english, encoding="utf-8")
        for name in language.wikipedias:
            config = f"20231101.{name.replace('_', '-')}"
            (wikipedia / config).mkdir(parents=True)
            pq.write_table(pa.table({"text": [text]}), wikipedia / config / "train-00000-of-00001.parquet")
            configurations.append(
                f"- config_name: {config}\n  data_files:\n  - split: train\n    path: {config}/train-*"
            )
    (wikipedia / "README.md").write_text("---\nconfigs:\n" + "\n".join(configurations) + "\n---\n")


def write_model_stand_ins(example: Path, home: Path) -> None:
    """The example where TF Hub's and Hugging Face's hubs keep what they fetched, under the real names."""
    # https://www.tensorflow.org/hub/caching: a folder of temporary files, and the handle's SHA-1.
    handle = home / "tmp" / "tfhub_modules" / hashlib.sha1(LABSE.encode()).hexdigest()
    shutil.copytree(example / "original" / "encoder", handle)
    for name in HUB_IDS:
        # https://huggingface.co/docs/huggingface_hub/guides/manage-cache
        folder = home / ".cache" / "huggingface" / "hub" / f"models--{name.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("0" * 40, encoding="utf-8")
        shutil.copytree(example / "model" / "huggingface", folder / "snapshots" / ("0" * 40))
