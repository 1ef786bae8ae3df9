"""Promise 6: what is wrong is said in one line before anything heavy is loaded; then, what is being loaded."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TWO = "--parallel en={text}/en.txt,it={text}/it.txt"
COMPARE = f"compare --original {{model}} --out {{out}}/report {TWO}"
PARITY = "parity --original {model} --model {model} --text en={text}/en.txt"
ENCODE = "encode --model {model} --text {text}/en.txt --out {out}/e.npy"
COUNT = "count --model {model} --text en={text}/en.txt --out {out}/counts"
SELECT = "select --model {model} --counts {counts} --out {out}/selection"
MAKE = "--model {model} --selection {selection} --out {out}/model"
NO_SUCH = (
    "no such folder; expected a Hugging Face folder or hub id (owner/name), or a SavedModel folder or TF Hub"
)
NO_MODEL = "{text}: neither config.json, as Hugging Face has, nor saved_model.pb or encoder/, as TF Hub has, is in it"
UNWRITABLE = "/proc/x: nothing can be written in /proc (No such file or directory); choose another place"

# Command, its command line, and what it says; "!" where it is no usage but a failure.
WRONG = [
    ("select_vocab", COUNT.replace("{model}", "nowhere"), f"!nowhere: {NO_SUCH}"),
    ("select_vocab", COUNT.replace("{model}", "{text}"), f"!{NO_MODEL}"),
    ("select_vocab", COUNT.replace("{model}", "''"), "--model: expected a Hugging Face folder or hub id"),
    (
        "select_vocab",
        COUNT.replace("{model}", "{text}/en.txt"),
        "!{text}/en.txt: a file; expected a Hugging Face",
    ),
    ("select_vocab", COUNT.replace("en.txt", "xx.txt"), "!xx.txt: there is no such text for English (en)"),
    ("select_vocab", f"{COUNT} --wikipedia-date 2023-11-01", "--wikipedia-date: expected a date as YYYYMMDD"),
    (
        "select_vocab",
        "count --model {model} --languages en --wikipedia-date 1 --out {out}/c",
        "expected a date",
    ),
    ("select_vocab", COUNT.replace("{out}/counts", "/proc/x"), "!/proc/x/en.parquet: nothing can be"),
    ("select_vocab", SELECT.replace("{out}/selection", "/proc/x"), f"!{UNWRITABLE}"),
    (
        "select_vocab",
        SELECT.replace("{out}/selection", "{selection}"),
        "!{selection} exists; choose another place",
    ),
    ("select_vocab", f"{SELECT} --languages de", "no counts of German (de) among {counts}; count first"),
    ("make_smaller", MAKE.replace("{model}", "nowhere"), f"!nowhere: {NO_SUCH}"),
    ("make_smaller", MAKE.replace("{model}", "{text}"), f"!{NO_MODEL}"),
    ("make_smaller", MAKE.replace("{selection}", "{text}"), "!{text}: no selection.json in it"),
    ("make_smaller", MAKE.replace("{out}/model", "/proc/x"), f"!{UNWRITABLE}"),
    ("make_smaller", f"{MAKE} --sequence-length 513", "--sequence-length 513: {model} has 512 positions"),
    ("make_smaller", f"{MAKE} --dtype float16", "for originals from Hugging Face only"),
    ("make_smaller", f"{MAKE} --no-savedmodel", "for originals from Hugging Face only"),
    ("make_smaller", f"{MAKE} --pooling mean", "for originals from Hugging Face only"),
    ("evaluate", COMPARE.replace("{model}", "nowhere"), f"!nowhere: {NO_SUCH}"),
    ("evaluate", f"{COMPARE} --model nowhere/", f"!nowhere/: {NO_SUCH}"),
    ("evaluate", f"{COMPARE} --model {{text}}", f"!{NO_MODEL}"),
    ("evaluate", COMPARE.replace("{out}/report", "/proc/x"), f"!{UNWRITABLE}"),
    (
        "evaluate",
        "compare --original {model} --out {out}/r",
        "no data to measure on; give --tatoeba, --parallel",
    ),
    ("evaluate", "tatoeba --model nowhere --data {tatoeba}", f"!nowhere: {NO_SUCH}"),
    ("evaluate", "tatoeba --model {model} --data {tatoeba} --json /proc/x", f"!{UNWRITABLE}"),
    ("evaluate", PARITY.replace("--model {model}", "--model nowhere"), f"!nowhere: {NO_SUCH}"),
    ("evaluate", PARITY.replace("--original {model}", "--original nowhere"), f"!nowhere: {NO_SUCH}"),
    ("evaluate", f"{PARITY} --original-preprocessor nowhere", "!nowhere: no such folder"),
    ("evaluate", f"{PARITY} --json /proc/x", f"!{UNWRITABLE}"),
    ("evaluate", ENCODE.replace("{model}", "nowhere"), f"!nowhere: {NO_SUCH}"),
    ("evaluate", ENCODE.replace("{out}/e.npy", "/proc/x"), f"!{UNWRITABLE}"),
    ("evaluate", f"{ENCODE} --max-length 513", "--max-length 513: {model} has 512 positions"),
    (
        "evaluate",
        ENCODE.replace("{out}/e.npy", "/dev/null") + " --overwrite",
        "!/dev/null is neither a file nor",
    ),
]

# Runs command lines one after another, none of which may load what takes time.
RUN_LIGHT = """
import contextlib, importlib, io, json, sys
ended = []
for stage, arguments in json.load(sys.stdin):
    main = importlib.import_module(f"smaller_labse.{stage}.__main__").main
    with contextlib.redirect_stderr(io.StringIO()) as error:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
    heavy = sorted({"tensorflow", "tensorflow_hub", "torch", "datasets"} & set(sys.modules))
    ended.append((code, error.getvalue(), heavy))
json.dump(ended, sys.stdout)
"""


@pytest.fixture(scope="module")
def places(example, counted, text_files, tmp_path_factory) -> dict[str, Path]:
    """What stands in the command lines."""
    from smaller_labse.select_vocab.__main__ import main

    folder = tmp_path_factory.mktemp("at-once")
    selection = folder / "selection"
    assert main(["select", "--model", str(example), "--counts", str(counted), "--out", str(selection)]) == 0
    (folder / "tatoeba").mkdir()
    for iso3, code in (("eng", "en"), ("ita", "it")):
        data = (text_files / f"{code}.txt").read_bytes()
        (folder / "tatoeba" / f"tatoeba.ita-eng.{iso3}").write_bytes(data)
    return {
        "model": example,
        "text": text_files,
        "counts": counted,
        "selection": selection,
        "tatoeba": folder / "tatoeba",
        "out": folder / "out",
    }


def test_what_is_wrong_is_one_line_before_anything_heavy_is_loaded(places) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc, where nobody can make a file")
    lines = [(stage, shlex.split(line.format(**places))) for stage, line, _ in WRONG]
    run = subprocess.run(
        [sys.executable, "-c", RUN_LIGHT],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    wrong = []
    for (_, line, says), (code, error, heavy) in zip(WRONG, json.loads(run.stdout), strict=True):
        failure = says.startswith("!")
        right = code == (1 if failure else 2) and says.removeprefix("!").format(**places) in error
        right = right and error.count("\n") == 1 and (failure or error.endswith("--help)\n"))
        if heavy or not right:
            wrong.append((line, says, code, error, heavy))
    assert wrong == []
    assert not places["out"].exists()


STOP_AT_TENSORFLOW = """
import sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            sys.exit(7)
sys.meta_path.insert(0, Stop())
from smaller_labse.{stage}.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("stage", "line", "says"),
    [
        ("evaluate", ENCODE, "loading {model} …\n"),
        ("evaluate", PARITY, "loading {model} and {model} …\n"),
        ("make_smaller", f"{MAKE} --license mit", "loading TensorFlow …\n"),
        (
            "select_vocab",
            COUNT.replace("{model}", "https://tfhub.dev/google/LaBSE/2"),
            "fetching https://tfhub.dev/google/LaBSE/2 from TF Hub, or from what is kept of it …\n",
        ),
    ],
)
def test_what_is_being_loaded_is_said_before_it_is(places, stage, line, says) -> None:
    arguments = shlex.split(line.format(**places))
    run = subprocess.run(
        [sys.executable, "-c", STOP_AT_TENSORFLOW.format(stage=stage), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (7, says.format(**places))
