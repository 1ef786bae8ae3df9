"""Promise 4: same inputs, same bytes, whatever the order, the hash seed or the number of threads."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import smaller_labse
from smaller_labse.corpora.builtin_sentences import builtin_sentences

COUNT_AND_SELECT = """
import sys
from smaller_labse.select_vocab.__main__ import main
model, text, out, pieces, workers, *languages = sys.argv[1:]
common = ["--model", model, "--out"]
named = [f"--text={language}={text}/{language}.txt" for language in languages]
assert main(["count", *common, out + "/counts", *named, "--workers", workers]) == 0
files = [f"{out}/counts/{language}.parquet" for language in languages]
assert main(["select", *common, out + "/plain", "--counts", *files]) == 0
assert main(["select", *common, out + "/listed", "--counts", *files, "--pieces", pieces, "--keep", pieces,
             "--vocab-size", "900", "--order", "alphabetical"]) == 0
"""


def make_models(text: str, out: str, names: str, *originals: str) -> None:
    for kind, original in enumerate(originals):
        folder = f"{out}/{kind}"
        smaller_labse.count(original, ["en", "it", "ja"], text=text + "/{code}.txt", out=folder + "/counts")
        smaller_labse.select(original, folder + "/counts", out=folder + "/selection", top_k=60)
        for name in names.split():
            smaller_labse.make_smaller(
                original, folder + "/selection", f"{folder}/{name}/model", license="mit"
            )


MAKE_SMALLER = f"""
import sys
import smaller_labse
{inspect.getsource(make_models)}
make_models(*sys.argv[1:])
"""


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_hash_seed_order_of_languages_and_threads_change_no_byte(example, text_files, tmp_path):
    (tmp_path / "pieces.txt").write_text("the\ni\no\nf\nt\nb\nz\nq\n")
    outputs = []
    for seed, workers, languages in (("1", "1", ["en", "it", "ja"]), ("2", "2", ["ja", "en", "it"])):
        out = tmp_path / seed
        inputs = [example, text_files, out, tmp_path / "pieces.txt", workers, *languages]
        process = subprocess.run(
            [sys.executable, "-c", COUNT_AND_SELECT, *map(str, inputs)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        outputs.append(all_bytes(out))
    names = [f"counts/{code}.parquet" for code in ("en", "it", "ja")]
    files = ("kept_ids.npy", "selection.json", "vocab.txt")
    assert list(outputs[0]) == [*names, *(f"{kind}/{file}" for kind in ("listed", "plain") for file in files)]
    assert outputs[0] == outputs[1]


def test_models_made_in_one_process_or_in_others_are_equal(example, trimmed, text_files, tmp_path):
    """TensorFlow's own SavedModels are not: they hold random numbers, and counters of the whole process.

    The first are made in this process, which has made other models and whose hash seed is its own.
    """
    originals = [str(original) for original in (example, trimmed.model / "huggingface")]
    make_models(str(text_files), str(tmp_path / "1"), "a", *originals)
    process = subprocess.run(
        [sys.executable, "-c", MAKE_SMALLER, str(text_files), str(tmp_path / "2"), "b c", *originals],
        env=os.environ | {"PYTHONHASHSEED": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    written = {
        f"model/{name}" for name in ("encoder/saved_model.pb", "preprocess/saved_model.pb", "manifest.json")
    }
    for kind in range(len(originals)):
        first, second, third = (
            all_bytes(tmp_path / name) for name in (f"1/{kind}/a", f"2/{kind}/b", f"2/{kind}/c")
        )
        assert written <= first.keys()
        assert first == second == third


@pytest.mark.parametrize(
    "rule", [["--min-line-share", "0.5"], ["--top-k", 9], ["--coverage", "0.7"], ["--vocab-size", 700]]
)
@pytest.mark.parametrize("order", ["original", "alphabetical"])
def test_the_order_of_counts_files_changes_no_byte(example, counted, run, tmp_path, rule, order):
    files = sorted(counted.iterdir())
    for number, permuted in enumerate([files, files[::-1], [counted]]):
        arguments = ["--model", example, "--counts", *permuted, *rule, "--order", order]
        assert run("select", *arguments, "--out", tmp_path / str(number)).code == 0
    first, second, third = (all_bytes(tmp_path / str(number)) for number in range(3))
    assert first == second == third


def test_the_two_orders_hold_the_same_pieces_each_in_its_order(example, counted, tokenizer, run, tmp_path):
    for order in ("original", "alphabetical"):
        out = tmp_path / order
        arguments = ["--model", example, "--counts", counted, "--order", order, "--out", out]
        assert run("select", *arguments).code == 0
        kept_ids = np.load(out / "kept_ids.npy")
        pieces = (out / "vocab.txt").read_bytes().decode("utf-8").removesuffix("\n").split("\n")
        assert pieces == [tokenizer.pieces[number] for number in kept_ids]
        special = len(tokenizer.special_ids)
        assert kept_ids[:special].tolist() == tokenizer.special_ids.tolist()
        if order == "original":
            assert kept_ids.tolist() == sorted(kept_ids.tolist())
        else:
            assert pieces[special:] == sorted(pieces[special:])


def count_lines(run, example: Path, folder: Path, lines: list[str]) -> Path:
    folder.mkdir()
    (folder / "it.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    ended = run("count", "--model", example, "--text", f"it={folder / 'it.txt'}", "--out", folder)
    assert ended.code == 0, ended.error
    return folder / "it.parquet"


def metadata(file: Path) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in pq.read_schema(file).metadata.items()}


def test_merged_counts_are_those_of_both_texts_together(example, run, tmp_path):
    lines = [f"{sentence} {n}" for n in range(900) for sentence in builtin_sentences()["it"]]
    parts = {"a": lines[:2700], "b": lines[2700:], "both": lines}
    files = {name: count_lines(run, example, tmp_path / name, part) for name, part in parts.items()}
    for name, order in (("ab", "ab"), ("ba", "ba")):
        merge = ["merge", "--model", example, *(files[part] for part in order)]
        ended = run(*merge, "--out", tmp_path / f"{name}.parquet")
        assert (ended.code, ended.error) == (0, "")
    merged, other_way, together = (
        metadata(file) for file in (tmp_path / "ab.parquet", tmp_path / "ba.parquet", files["both"])
    )
    assert pq.read_table(tmp_path / "ab.parquet").equals(pq.read_table(files["both"]))
    assert merged["lines"] == together["lines"] == "3600"
    assert merged["corpus"] == "it.txt + it.txt"
    # The sample is as even as if it had been drawn from both at once, and does not know their order.
    assert merged["sample"] == other_way["sample"]
    texts = [text for _, text in json.loads(merged["sample"])]
    assert len(texts) == 500
    assert 90 <= sum(text in parts["b"] for text in texts) <= 160  # a quarter of the lines: 125


def test_selection_json_says_how_the_pieces_were_chosen(example, counted, tokenizer, run, tmp_path):
    arguments = ["--model", example, "--counts", counted, "--coverage", "0.9", "--no-keep-characters"]
    ended = run("select", *arguments, "--out", tmp_path / "s")
    assert ended.code == 0
    described = json.loads((tmp_path / "s" / "selection.json").read_text(encoding="utf-8"))
    assert described["rule"] == {"name": "coverage", "value": "0.9"}
    assert described["languages"] == ["en", "it", "ja"]
    assert described["fingerprint"] == tokenizer.fingerprint
    assert described["keep_characters"] is False
    assert described["rows"] == len(np.load(tmp_path / "s" / "kept_ids.npy"))
    assert described["original_rows"] == len(tokenizer.pieces)
    for part in described["coverage"]:
        assert 0.9 <= part["coverage"] < 1
        assert f"{part['coverage']:.2%}" in ended.out
