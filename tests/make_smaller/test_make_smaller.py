"""The whole way from an original and a selection to a smaller model, its options and its refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.corpora.languages import language_label
from smaller_labse.make_smaller.__main__ import main as make_main
from tests.conftest import LANGUAGES
from tests.small_originals import write_mean_bert


def command(main: Callable, *arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_the_manifest_lists_every_file_with_its_size(example, trimmed):
    manifest = json.loads((trimmed.model / "manifest.json").read_text(encoding="utf-8"))
    files = {
        file.relative_to(trimmed.model).as_posix() for file in trimmed.model.rglob("*") if file.is_file()
    }
    assert set(manifest["files"]) == files - {"manifest.json"}
    assert manifest["files"] == {name: (trimmed.model / name).stat().st_size for name in manifest["files"]}
    assert {name.split("/")[0] for name in files} == {
        "README.md",
        "manifest.json",
        "encoder",
        "preprocess",
        "huggingface",
    }
    rows = len(np.load(trimmed.selection / "kept_ids.npy"))
    original = manifest["original"]
    assert manifest["rows"] == manifest["proof"]["rows"] == rows
    dropped = original["rows"] - rows
    assert original["parameters"] - manifest["parameters"] == dropped * manifest["hidden_size"]
    stored = manifest["files"]["huggingface/model.safetensors"]
    assert 0 < stored - 4 * manifest["parameters"] < 10_000  # float32, and a header
    assert manifest["languages"] == list(LANGUAGES)
    assert manifest["original"]["name"] == example.name, "a name, no path"
    assert manifest["proof"]["largest_difference"] <= 1e-5


def test_a_selection_of_another_model_with_this_vocabulary_is_counted_at_this_models_width(tmp_path):
    """As one that was made with LEALLA-small is for LEALLA-base."""
    original = write_mean_bert(tmp_path / "wide")
    (tmp_path / "en.txt").write_text("This line is long enough.\n")
    counts = smaller_labse.count(original, text={"en": tmp_path / "en.txt"}, out=tmp_path / "counts")
    selection = smaller_labse.select(original, counts, coverage="1", out=tmp_path / "selection")
    narrow = replace(selection, hidden_size=8)
    model = smaller_labse.make_smaller(original, narrow, tmp_path / "model", license="mit", savedmodel=False)
    manifest = json.loads((model.folder / "manifest.json").read_text(encoding="utf-8"))
    dropped = manifest["original"]["rows"] - manifest["rows"]
    assert (manifest["hidden_size"], model.selection.hidden_size) == (32, 32)
    assert model.original_parameters - model.parameters == dropped * 32


def front_matter(model: Path) -> dict:
    import yaml

    card = (model / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


def test_the_model_cards_front_matter_is_yaml_and_norwegian_is_not_false(trimmed):
    card = front_matter(trimmed.model)
    assert card["language"] == list(LANGUAGES)
    assert card["pipeline_tag"] == "sentence-similarity"
    assert "license" not in card
    text = (trimmed.model / "README.md").read_text(encoding="utf-8")
    assert "# norwegian-and-more" in text
    assert "English, Japanese, Norwegian and Thai" in text
    described = json.loads((trimmed.selection / "selection.json").read_text(encoding="utf-8"))
    for part in described["coverage"]:
        assert f"{part['coverage']:.2%}" in text
        shown = (
            language_label(part["language"], part["name"]),
            f"{part['lines']:,}",
            f"{part['unseen']:.2%}",
            f"{part['expected_coverage']:.2%}",
        )
        assert f"| {' | '.join(shown)} |" in " ".join(text.split()), "what new text is expected to show"


def test_an_encoder_alone_is_trimmed_and_options_are_heeded(example, trimmed, embed, tmp_path, capsys):
    out = tmp_path / "model"
    arguments = ["--model", example / "encoder", "--selection", trimmed.selection, "--out", out]
    options = ["--no-huggingface", "--sequence-length", 24, "--license", "CC0-1.0"]
    assert command(make_main, *arguments, *options) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "encoder",
        "manifest.json",
        "preprocess",
    ]
    assert front_matter(out)["license"] == "cc0-1.0"
    ids, embeddings = embed(out / "preprocess", out / "encoder", ["one two"])
    assert ids.shape == (1, 24)
    expected_ids, expected = embed(trimmed.model / "preprocess", trimmed.model / "encoder", ["one two"])
    assert np.array_equal(ids[0], expected_ids[0, :24])
    assert np.abs(embeddings - expected).max() <= 1e-5
    assert "Inputs are truncated at 24 tokens" in (out / "README.md").read_text(encoding="utf-8")
    output = capsys.readouterr()
    assert "rows equal to the bit" in output.out
    assert len(output.err.splitlines()) == 4  # a line a step, and huggingface/ is none

    # The same place again: only with --overwrite, and then a whole new model.
    assert command(make_main, *arguments) == 1
    assert f"{out} exists; choose another place or add --overwrite" in capsys.readouterr().err
    assert (out / "manifest.json").is_file()


def rewrite(file: Path, change: Callable[[dict], object]) -> None:
    described = json.loads(file.read_text(encoding="utf-8"))
    change(described)
    file.write_text(json.dumps(described), encoding="utf-8")


def without_digests(described: dict) -> None:
    """As selections of version 0.1.0 are, in which only what is impossible is noticed."""
    del described["files"], described["digest"]


def save(selection: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(selection / "kept_ids.npy", change(np.load(selection / "kept_ids.npy")))


def swap(kept_ids: np.ndarray) -> np.ndarray:
    kept_ids[[200, 201]] = kept_ids[[201, 200]]
    return kept_ids


def replace_last(number: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda kept_ids: np.append(kept_ids[:-1], np.int32(number)).astype(np.int32)


def damage(file: Path, found: bytes, replaced: bytes) -> None:
    """The file is no longer than it was: what is put in takes the place of the header's spaces."""
    data = file.read_bytes()
    assert found in data
    more = len(replaced) - len(found)
    file.write_bytes(data.replace(found, replaced).replace(b" " * more, b"", 1))


def pretend_more_rows(selection: Path) -> None:
    rewrite(selection / "selection.json", lambda described: described.update(original_rows=10**7))
    save(selection, replace_last(10**6))


DAMAGES = {
    "nothing": (shutil.rmtree, ": no such folder; write a selection with `select-vocab select`"),
    "no ids": (lambda s: (s / "kept_ids.npy").unlink(), "no kept_ids.npy in it, so it is no selection"),
    "no vocabulary": (lambda s: (s / "vocab.txt").unlink(), "vocab.txt: there is no such file"),
    "not JSON": (lambda s: (s / "selection.json").write_text("{"), "not readable as JSON"),
    "Latin-1": (lambda s: (s / "selection.json").write_bytes(b'"\xe9"'), "not UTF-8"),
    "a list": (
        lambda s: (s / "selection.json").write_text("[]"),
        "a JSON list, expected an object",
    ),
    "incomplete": (
        lambda s: rewrite(s / "selection.json", lambda d: d.pop("rule")),
        "selection.json: rule is missing; select again",
    ),
    "a damaged header": (
        lambda s: damage(s / "kept_ids.npy", b"{'descr'", b"{'de\x00cr'"),
        "not an array in NumPy's format",
    ),
    "a huge shape": (
        lambda s: damage(s / "kept_ids.npy", b"'shape': (", b"'shape': (9999999"),
        "one id per token; select again",
    ),
    "text for a number": (
        lambda s: rewrite(s / "selection.json", lambda d: d["coverage"][0].update(seen="many")),
        "selection.json: coverage[0].seen is 'many', expected a whole number; select again",
    ),
    "a hidden size of 0": (
        lambda s: rewrite(s / "selection.json", lambda d: d.update(hidden_size=0)),
        "hidden size 0, but",
    ),
    "empty ids": (lambda s: (s / "kept_ids.npy").write_bytes(b""), "not an array in NumPy's format"),
    "half the ids": (
        lambda s: (s / "kept_ids.npy").write_bytes((s / "kept_ids.npy").read_bytes()[:-9]),
        "one id per token; select again",
    ),
    "an archive": (
        lambda s: np.savez((s / "kept_ids.npy").open("wb"), np.zeros(3)),
        "not an array in NumPy's format",
    ),
    "pickled ids": (lambda s: save(s, lambda ids: ids.astype(object)), "found object"),
    "too few ids": (lambda s: save(s, lambda ids: ids[:-1]), "one id per token"),
    "ids of another type": (lambda s: save(s, lambda ids: ids.astype(np.int64)), "expected int32 ["),
    "ids in two dimensions": (lambda s: save(s, lambda ids: ids[None]), "one id per token"),
    "ids out of range": (
        lambda s: save(s, replace_last(10**6)),
        "kept ids: found 0 to 1,000,000, but the original has",
    ),
    "negative ids": (lambda s: save(s, replace_last(-1)), "kept ids: found -1 to"),
    "an id twice": (lambda s: save(s, replace_last(0)), "an id stands there twice"),
    "ids swapped": (lambda s: save(s, swap), "is not the original's token"),
    "more rows than there are": (pretend_more_rows, "is not the original's token 1000000; select again"),
    "another original": (
        lambda s: rewrite(s / "selection.json", lambda d: d.update(fingerprint="0" * 64)),
        "a selection of another vocabulary (fingerprint 000000000000…",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_selection_is_refused_in_one_line(example, trimmed, tmp_path, capsys, damage):
    selection = tmp_path / "selection"
    shutil.copytree(trimmed.selection, selection)
    change, reason = DAMAGES[damage]
    rewrite(selection / "selection.json", without_digests)
    change(selection)
    arguments = ["--model", example, "--selection", selection, "--out", tmp_path / "out" / "model"]
    assert command(make_main, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"make-smaller: {selection}")
    assert error.count("\n") == 1
    assert reason in error
    assert not (tmp_path / "out").exists()


DAMAGED_ORIGINALS = {
    "half the encoder's graph": (
        "encoder/saved_model.pb",
        5000,
        "encoder/saved_model.pb: no SavedModel in it",
    ),
    "no encoder's graph": ("encoder/saved_model.pb", 0, "encoder/saved_model.pb: no SavedModel in it"),
    "half the preprocessor's graph": (
        "preprocess/saved_model.pb",
        5000,
        "preprocess/saved_model.pb: no SavedM",
    ),
    "half the preprocessor's index": ("preprocess/variables/variables.index", 9, "cannot be loaded ("),
    "half the encoder's data": (
        "encoder/variables/variables.data-00000-of-00001",
        10**5,
        "the file is truncated, get it again",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_ORIGINALS)
def test_a_damaged_original_is_refused_before_the_long_work(example, trimmed, tmp_path, capsys, damage):
    name, size, reason = DAMAGED_ORIGINALS[damage]
    original = tmp_path / "original"
    shutil.copytree(example, original)
    (original / name).write_bytes((original / name).read_bytes()[:size])
    arguments = ["--model", original, "--selection", trimmed.selection, "--out", tmp_path / "model"]
    assert command(make_main, *arguments) == 1
    error = capsys.readouterr().err
    error = error.removeprefix("loading TensorFlow …\n")
    assert error.startswith(f"make-smaller: {original}")
    assert error.count("\n") == 1
    assert reason in error
    assert [path.name for path in tmp_path.iterdir()] == ["original"]


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (
            ["--sequence-length", "2"],
            2,
            "--sequence-length: expected 3 tokens or more ([CLS], one token, [SEP]), got '2'",
        ),
        (["--sequence-length", "-5"], 2, "--sequence-length: expected 3 tokens or more"),
        (
            ["--sequence-length", "long"],
            2,
            "--sequence-length: expected 3 tokens or more ([CLS], one token, [SEP]), got 'long'",
        ),
        (["--sequence-length", "513"], 2, "original has 512 positions"),
        (["--preprocessor", "{nowhere}"], 1, "{nowhere}: no such folder"),
        (["--preprocessor", "{encoder}"], 1, "expected a preprocessor in LaBSE's TF Hub format"),
        (
            ["--model", "{preprocess}"],
            1,
            "no embedding matrix 'word_embeddings/embeddings' in the checkpoint",
        ),
        (
            ["--model", "{nowhere}"],
            1,
            "{nowhere}: no such folder; expected a Hugging Face folder or hub id (owner/name), or",
        ),
        (["--out", "{selection}"], 2, "{selection} is read; choose another place for the output"),
        (["--out", "{others}"], 1, "{others} exists; choose another place or add --overwrite"),
        (["--out", "{others}", "--overwrite"], 1, "{others} holds no manifest.json, so it is not an output"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(example, trimmed, tmp_path, capsys, options, code, reason):
    places = {
        "nowhere": tmp_path / "nowhere",
        "encoder": example / "encoder",
        "preprocess": example / "preprocess",
        "selection": trimmed.selection,
        "others": Path(__file__).parent,
    }
    arguments = ["--model", example, "--selection", trimmed.selection, "--out", tmp_path / "model"]
    try:
        found = command(make_main, *arguments, *(option.format(**places) for option in options))
    except SystemExit as exit:  # argparse's own
        found = exit.code
    assert found == code
    error = capsys.readouterr().err
    assert reason.format(**places) in error.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
    assert (trimmed.selection / "selection.json").is_file()


def test_a_sequence_length_may_come_as_text(example, trimmed, tmp_path):
    model = smaller_labse.make_smaller(
        example, trimmed.selection, tmp_path / "model", sequence_length="64", huggingface=False
    )
    manifest = json.loads((model.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["sequence_length"] == 64
