"""The tree keeps its shape: who may import whom, how large a folder grows, what pyproject.toml must list.

The order of the folders and the import rule stand in docs/design.md. Imports are read from the source, so those
inside functions and below `if TYPE_CHECKING:` count too, and nothing is imported to find out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LIBRARY = "smaller_labse"
SHARED = ("common", "metrics", "corpora", "originals", "encoders", "options")
STAGES = ("select_vocab", "make_smaller", "distill", "evaluate", "all_stages")
ORDER = (*SHARED, *STAGES)
CALLER = "all_stages"  # calls the stages' verbs
FILE_FORMATS = (f"{LIBRARY}.select_vocab.selection", f"{LIBRARY}.make_smaller.manifest")
MOST_FILES = 15


@dataclass(frozen=True)
class Import:
    """One name that a file imports, as written: `importer` is a file's module, `imported` a dotted name."""

    importer: str
    imported: str
    when_loaded: bool  # False inside a function and below `if TYPE_CHECKING:`


def modules(root: Path) -> dict[str, Path]:
    """The installed name of every module of the library and the stages below `root`, and its file."""
    found = {}
    for top in (LIBRARY, *STAGES):
        for file in sorted((root / top).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            name = ".".join(parts if top == LIBRARY else (LIBRARY, *parts))
            found[name.removesuffix(".__init__")] = file
    return found


def imports_of(file: Path, importer: str) -> Iterator[Import]:
    """Every import in `file`; of `from a import b` both readings are given as `a.b`."""

    def visit(node: ast.AST, when_loaded: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(importer, alias.name, when_loaded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively; write the whole name"
            yield from (Import(importer, f"{node.module}.{alias.name}", when_loaded) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                yield from visit(statement, False)
            for statement in node.orelse:
                yield from visit(statement, when_loaded)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from visit(child, when_loaded and not inside)

    yield from visit(ast.parse(file.read_text(encoding="utf-8")), True)


def all_imports(root: Path) -> list[Import]:
    """Every import below `root`, with names of our own resolved to the module that holds them."""
    known = modules(root)

    def resolved(name: str) -> str:
        return name if name in known else name.rpartition(".")[0] if name.startswith(f"{LIBRARY}.") else name

    return [
        Import(found.importer, resolved(found.imported), found.when_loaded)
        for name, file in known.items()
        for found in imports_of(file, name)
    ]


def folder_of(module: str) -> str:
    """The top folder of a module of ours: `encoders` of `smaller_labse.encoders.load`; "" of the front door."""
    return module.split(".")[1] if module.count(".") else ""


def violations(root: Path) -> set[str]:
    """What breaks the import rule below `root`, as "importer imports imported"."""
    broken = set()
    for found in all_imports(root):
        inner, outer = folder_of(found.importer), folder_of(found.imported)
        ours = found.imported.split(".")[0] == LIBRARY
        if not ours or inner in ("", outer):
            continue
        allowed = outer in ORDER[: ORDER.index(inner)] and (
            outer in SHARED or inner == CALLER or found.imported.startswith(FILE_FORMATS)
        )
        if not allowed:
            broken.add(f"{found.importer} imports {found.imported}")
    return broken


def cycle(root: Path) -> list[str]:
    """Modules that import each other in a circle while they load; empty where there is none."""
    known = modules(root)
    graph: dict[str, set[str]] = {name: set() for name in known}
    for found in all_imports(root):
        if found.when_loaded and found.imported in known and found.imported != found.importer:
            graph[found.importer].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        return circle.args[1]
    return []


def write_tree(root: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source, encoding="utf-8")
    return root


def test_folders_import_only_from_their_left() -> None:
    assert violations(ROOT) == set(), "see the import rule in docs/design.md"


@pytest.mark.parametrize(
    ("file", "source", "broken"),
    [
        (
            "smaller_labse/common/a.py",
            "import smaller_labse.corpora.languages",
            "smaller_labse.corpora.languages",
        ),
        ("smaller_labse/encoders/load.py", "from smaller_labse.evaluate import x", "smaller_labse.evaluate"),
        (
            "make_smaller/a.py",
            "from smaller_labse.select_vocab.count import c",
            "smaller_labse.select_vocab.count",
        ),
        (
            "make_smaller/a.py",
            "from smaller_labse.select_vocab import count",
            "smaller_labse.select_vocab.count",
        ),
        ("evaluate/__main__.py", "from smaller_labse.make_smaller import x", "smaller_labse.make_smaller"),
        ("select_vocab/a.py", "def f():\n    import smaller_labse.evaluate.b", "smaller_labse.evaluate"),
        (
            "select_vocab/a.py",
            "if TYPE_CHECKING:\n    import smaller_labse.evaluate",
            "smaller_labse.evaluate",
        ),
        ("select_vocab/a.py", "from smaller_labse import load", "smaller_labse"),
    ],
)
def test_the_import_rule_is_seen_to_be_broken(file: str, source: str, broken: str, tmp_path: Path) -> None:
    shared = ["", "corpora/", "encoders/"]
    files = [f"smaller_labse/{folder}__init__.py" for folder in shared] + [
        f"{stage}/__init__.py" for stage in STAGES
    ]
    files += ["smaller_labse/corpora/languages.py", "select_vocab/count.py"]
    root = write_tree(tmp_path, dict.fromkeys(files, ""))
    assert violations(root) == set()
    write_tree(root, {file: source + "\n"})
    importer = file.removesuffix(".py").replace("/", ".")
    importer = importer if importer.startswith(LIBRARY) else f"{LIBRARY}.{importer}"
    assert violations(root) == {f"{importer} imports {broken}"}


def test_a_stage_may_read_the_file_formats_of_those_on_its_left(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path,
        {
            "smaller_labse/__init__.py": "import smaller_labse.make_smaller.back_ends.tfhub_back_end",
            "smaller_labse/common/errors.py": "",
            "select_vocab/selection.py": "from smaller_labse.common.errors import UsageError\nimport numpy",
            "make_smaller/manifest.py": "from smaller_labse.select_vocab.selection import Selection",
            "evaluate/a.py": "from smaller_labse.make_smaller.manifest import read",
        },
    )
    assert violations(root) == set()
    write_tree(root, {"select_vocab/a.py": "import smaller_labse.make_smaller.manifest"})
    assert len(violations(root)) == 1, "but not of those on its right"


def test_no_module_imports_itself_in_a_circle(tmp_path: Path) -> None:
    assert cycle(ROOT) == []
    lazy = {
        "evaluate/a.py": "from smaller_labse.evaluate.b import x",
        "evaluate/b.py": "def f():\n    import a",
    }
    root = write_tree(tmp_path, lazy)
    assert cycle(root) == []
    write_tree(root, {"evaluate/b.py": "import smaller_labse.evaluate.a"})
    assert set(cycle(root)) == {"smaller_labse.evaluate.a", "smaller_labse.evaluate.b"}


def test_reading_an_original_loads_no_tensorflow() -> None:
    """Neither the modules of `originals` nor what they import while they load."""
    imports = [found for found in all_imports(ROOT) if found.when_loaded]
    seen: set[str] = set()
    waiting = [name for name in modules(ROOT) if folder_of(name) == "originals"]
    while waiting:
        seen.add(module := waiting.pop())
        loaded = {found.imported for found in imports if found.importer == module}
        assert not {name for name in loaded if name.startswith("tensorflow")}, module
        waiting += sorted(name for name in loaded if name.startswith(LIBRARY) and name not in seen)


def test_no_folder_of_code_outgrows_a_room() -> None:
    crowded = set()
    for top in (LIBRARY, *STAGES, "tests", "scripts", "benchmarks", "examples"):
        for folder in [ROOT / top, *(ROOT / top).rglob("*/")]:
            files = [*folder.glob("*.py"), *folder.glob("*.sh")]
            if len(files) > MOST_FILES:
                crowded.add(str(folder.relative_to(ROOT)))
    assert crowded == set()


def test_every_folder_of_code_is_in_pyprojects_list_of_packages() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    folders = {file.parent.relative_to(ROOT).parts for file in modules(ROOT).values()}
    names = {".".join(parts if parts[0] == LIBRARY else (LIBRARY, *parts)) for parts in folders}
    assert sorted(setuptools["packages"]) == sorted(names)
    stages = {f"{LIBRARY}.{stage}": stage for stage in STAGES if (ROOT / stage).is_dir()}
    assert setuptools["package-dir"] == stages
    assert all((file.parent / "__init__.py").is_file() for file in modules(ROOT).values())


# Where a package is imported by another name than it is installed by.
DISTRIBUTIONS = {"faiss": "faiss-cpu", "google.protobuf": "protobuf", "yaml": "pyyaml"}


def distribution(imported: str) -> str:
    """The package that holds an imported name: `google-crc32c` for `google_crc32c.value`."""
    top, _, rest = imported.partition(".")
    return DISTRIBUTIONS.get(f"{top}.{rest.split('.')[0]}") or DISTRIBUTIONS.get(top) or top.replace("_", "-")


def declared(*groups: str) -> set[str]:
    """The packages that pyproject.toml asks for: always, and with these optional groups."""
    project = PYPROJECT["project"]
    lines = [
        *project["dependencies"],
        *(line for name in groups for line in project["optional-dependencies"][name]),
    ]
    return {re.match(r"[\w-]+", line)[0].lower() for line in lines}


def undeclared(imports: Iterable[Import], packages: set[str], ours: set[str]) -> set[str]:
    """Imports of what is neither in these packages, nor Python's, nor ours."""
    return {
        f"{found.importer} imports {found.imported}"
        for found in imports
        if found.imported.split(".")[0] not in sys.stdlib_module_names | ours
        and distribution(found.imported) not in packages
    }


def test_every_imported_package_is_declared() -> None:
    imports = all_imports(ROOT)
    when_loaded = [found for found in imports if found.when_loaded]
    assert undeclared(when_loaded, declared(), {LIBRARY}) == set()
    for_users = set(PYPROJECT["project"]["optional-dependencies"]) - {"test", "demo", "benchmark"}
    assert undeclared(imports, declared(*for_users), {LIBRARY}) == set()


@pytest.mark.parametrize("folder", ["tests", "scripts", "benchmarks", "examples"])
def test_every_package_that_tests_and_scripts_import_is_declared(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    imports = [found for file in files for found in imports_of(file, str(file.relative_to(ROOT)))]
    beside = {LIBRARY, "tests", *(file.stem for file in files), *(file.parent.name for file in files)}
    if folder in ("tests", "benchmarks"):  # they import scripts and benchmarks, too
        beside |= {file.stem for top in ("scripts", "benchmarks") for file in (ROOT / top).rglob("*.py")}
    everything = declared(*PYPROJECT["project"]["optional-dependencies"])
    assert undeclared(imports, everything, beside) == set()
