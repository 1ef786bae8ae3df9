"""What README, docs/ and examples/ show is run: the example, the Python, the options, the links."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smaller_labse.select_vocab.unseen import MOST_UNSEEN

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
PYTHON_BLOCKS = [
    pytest.param(name, block, id=f"{name}-{number}")
    for name, text in DOCUMENTS.items()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    if "make_smaller(" not in block  # which tests/test_wheel.py runs, out of the checkout
]
COMMANDS = {
    "select-vocab count": "select_vocab",
    "select-vocab select": "select_vocab",
    "make-smaller": "make_smaller",
    "evaluate-encoder": "evaluate",
}


@pytest.fixture(scope="module")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which `scripts/example.sh` wrote `example/`; the script's output is in `output.txt`."""
    folder = tmp_path_factory.mktemp("readme")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VENV": str(folder / "no-venv"),
        "OUT": str(folder / "example"),
    }
    done = subprocess.run(
        [ROOT / "scripts" / "example.sh"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (folder / "output.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def test_the_example_ends_as_the_readme_shows(example_folder: Path) -> None:
    output = (example_folder / "output.txt").read_text(encoding="utf-8")
    shown = re.search(r"ends with a model.*?```\n(.*?)```", DOCUMENTS["README.md"], flags=re.DOTALL)[1]
    assert shown.strip() in output.replace(str(example_folder) + "/", "")


@pytest.mark.parametrize(("document", "block"), PYTHON_BLOCKS)
def test_the_documents_python_runs_on_the_example(example_folder: Path, document: str, block: str) -> None:
    script = example_folder / "shown.py"
    script.write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=example_folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    numbers = re.findall(r"-?\d\.\d+", done.stdout)
    assert numbers and all(abs(float(number)) <= 1.0001 for number in numbers)
    if document == "README.md":
        assert len(numbers) == 18, "two matrices of 3 x 3 cosines"
    elif "compare" in block:
        assert "precision at 1" in done.stdout


def run_example(script: str, folder: Path, *arguments: str) -> str:
    """What a script of `examples/` prints, run in `folder`."""
    command = [sys.executable, ROOT / "examples" / script, "--model", "example/model", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_search_finds_the_nearest_sentences(example_folder: Path) -> None:
    texts = (example_folder / "example" / "text" / "it.txt").read_text(encoding="utf-8").splitlines()
    found = run_example("search.py", example_folder, "--texts", "example/text/it.txt", "--top", "2", texts[2])
    first, second = found.splitlines()
    assert first == f"1.000  {texts[2]}"
    assert float(second.split()[0]) < 1


def test_translations_are_mined_from_two_files(example_folder: Path) -> None:
    """The example's weights are random, so here the translation of a sentence is the sentence."""
    texts = (example_folder / "example" / "text" / "en.txt").read_text(encoding="utf-8").splitlines()
    (example_folder / "other.txt").write_text("\n".join(reversed(texts)), encoding="utf-8")
    files = ["--left", "example/text/en.txt", "--right", "other.txt"]
    pairs = [
        line.split("\t") for line in run_example("mine_translations.py", example_folder, *files).splitlines()
    ]
    assert [pair[1:] for pair in pairs] == [[text, text] for text in texts]
    assert run_example("mine_translations.py", example_folder, *files, "--threshold", "9") == ""


def test_fine_tuning_lowers_the_loss(example_folder: Path) -> None:
    lines = [
        f"{code}\t{line}"
        for code in ("en", "ja")
        for line in (example_folder / "example" / "text" / f"{code}.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    (example_folder / "data.tsv").write_text("\n".join(lines), encoding="utf-8")
    options = ["--data", "data.tsv", "--out", "classifier", "--epochs", "20", "--learning-rate", "1e-3"]
    printed = run_example("fine_tune.py", example_folder, *options)
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d+)", printed)]
    assert len(losses) == 20 and losses[-1] < losses[0] / 2
    assert printed.endswith("classifier: labels en, ja\n")
    assert (example_folder / "classifier" / "saved_model.pb").is_file()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_the_reference_names_exists(command: str) -> None:
    section = re.search(rf"### `{command}`\n(.*?)(\n##|\Z)", DOCUMENTS["docs/reference.md"], flags=re.DOTALL)[
        1
    ]
    module = [sys.executable, "-m", f"smaller_labse.{COMMANDS[command]}", *command.split()[1:]]
    if command == "evaluate-encoder":
        pages = [[*module, part, "--help"] for part in ("compare", "tatoeba", "parity", "encode")]
    else:
        pages = [[*module, "--help"]]
    known = "".join(subprocess.run(page, capture_output=True, text=True).stdout for page in pages)
    named = set(re.findall(r"`(--[a-z0-9-]+)", section))
    assert named, "the section names no option"
    assert {option for option in named if option not in known} == set()


def test_what_it_costs_is_what_the_benchmark_printed() -> None:
    printed = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    assert printed.strip() in DOCUMENTS["docs/costs.md"]


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
