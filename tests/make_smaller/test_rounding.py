"""float16: nothing says that such a model is equal to the bit; what rounding changed is measured and said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import smaller_labse
from smaller_labse.evaluate.__main__ import main as evaluate
from smaller_labse.make_smaller.__main__ import main as make_smaller
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.rounding import Rounding, measure_embeddings
from smaller_labse.select_vocab.selection import read_selection
from tests.conftest import LANGUAGES, Trimmed


class Rounded(NamedTuple):
    """An original from Hugging Face, what it was trimmed to, and the text that both were counted from."""

    original: Path
    selection: Path
    model: Path
    text: Path


@pytest.fixture(scope="module")
def rounded(trimmed: Trimmed, tmp_path_factory: pytest.TempPathFactory) -> Rounded:
    folder = tmp_path_factory.mktemp("rounded")
    original = folder / "original"
    shutil.copytree(trimmed.model / "huggingface", original)
    text = trimmed.selection.parent / "{code}.txt"
    counts = smaller_labse.count(original, LANGUAGES, text=text, out=folder / "counts")
    smaller_labse.select(original, counts, out=folder / "selection", top_k=1000)
    smaller_labse.make_smaller(original, folder / "selection", folder / "model", dtype="float16")
    shutil.copytree(folder / "model" / "huggingface", folder / "published")  # as users publish it
    return Rounded(original, folder / "selection", folder / "model", text)


def test_the_manifest_says_what_rounding_changed(rounded: Rounded) -> None:
    manifest = json.loads((rounded.model / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["dtype"] == "float16"
    found = manifest["proof"]["rounding"]
    name = "embeddings.word_embeddings.weight"
    before = load_file(rounded.original / "model.safetensors")[name]
    before = before[read_selection(rounded.selection).subset.original_ids]
    after = load_file(rounded.model / "huggingface" / "model.safetensors")[name]
    assert after.dtype == np.float16
    differences = np.abs(before - after.astype(np.float32)).max(axis=1)
    assert found["rows_changed"] == np.count_nonzero(differences) > 0
    assert found["largest_row_difference"] == pytest.approx(differences.max())
    by_language = {change["language"]: change for change in found["embeddings"]}
    assert list(by_language)[-1] == "all" and {"en", "no"} <= set(by_language)
    for change in by_language.values():
        assert 1e-5 < change["largest_difference"] < 0.1
        assert 0.99 < change["lowest_cosine"] <= change["mean_cosine"] < 1
    assert manifest["proof"]["largest_difference"] == by_language["all"]["largest_difference"]


def test_the_measured_differences_are_those_of_the_two_models(rounded: Rounded) -> None:
    texts = (rounded.text.with_name("en.txt")).read_text(encoding="utf-8").splitlines()
    before, after = (smaller_labse.load(folder).encode(texts) for folder in (rounded.original, rounded.model))
    manifest = json.loads((rounded.model / "manifest.json").read_text(encoding="utf-8"))
    (english,) = [c for c in manifest["proof"]["rounding"]["embeddings"] if c["language"] == "en"]
    assert english["texts"] == len(texts), "the counted lines are the built-in sentences"
    assert english["largest_difference"] == pytest.approx(np.abs(before - after).max(), rel=0.01)


def test_no_card_says_equal_to_the_bit(rounded: Rounded) -> None:
    for card in (rounded.model / "README.md", rounded.model / "huggingface" / "README.md"):
        text = card.read_text(encoding="utf-8")
        assert "rows equal after rounding to float16, which changed" in text
        assert "and not quite the same embedding." in text
        assert "equal to the bit" not in text and "the same embedding as from the original" not in text
        assert "| lowest cosine |" in text


@pytest.mark.parametrize("part", ["", "../published"])
def test_parity_refuses_to_call_it_unchanged(rounded: Rounded, tmp_path, capsys, part: str) -> None:
    arguments = ["parity", "--original", str(rounded.original), "--model", str(rounded.model / part)]
    arguments += ["--text", f"en={rounded.text.with_name('en.txt')}"]
    assert evaluate([*arguments, "--json", str(tmp_path / "parity.json")]) == 1
    shown = capsys.readouterr()
    verdict = "rounded to float16: not unchanged; embeddings of unchanged texts differ by up to "
    assert verdict in shown.out
    assert verdict in shown.err and "--tolerance" in shown.err
    assert json.loads((tmp_path / "parity.json").read_text())["rounded_to"] == "float16"
    if part:
        return
    # A difference that the user allows is none to fail at, but the verdict stays.
    assert evaluate([*arguments, "--tolerance", "0.1"]) == 0
    assert verdict in capsys.readouterr().out
    assert evaluate([*arguments, "--tolerance", "1e-5"]) == 1
    assert verdict in capsys.readouterr().err


def test_without_saved_models_it_is_measured_as_well(rounded: Rounded, tmp_path, capsys) -> None:
    arguments = ["--model", rounded.original, "--selection", rounded.selection, "--out", tmp_path / "model"]
    assert make_smaller([*map(str, arguments), "--dtype", "float16", "--no-savedmodel"]) == 0
    assert "equal after rounding to float16, which changed" in capsys.readouterr().out
    with_them, without = (
        json.loads((folder / "manifest.json").read_text())["proof"]["rounding"]["embeddings"][-1]
        for folder in (rounded.model, tmp_path / "model")
    )
    assert without["largest_difference"] == pytest.approx(with_them["largest_difference"], rel=0.01)


def test_a_model_in_float16_already_is_equal_to_the_bit(rounded: Rounded, tmp_path: Path) -> None:
    original = tmp_path / "original"
    shutil.copytree(rounded.original, original)
    tensors = load_file(original / "model.safetensors")
    halves = {name: values.astype(np.float16) for name, values in tensors.items()}
    save_file(halves, original / "model.safetensors", metadata={"format": "pt"})
    made = smaller_labse.make_smaller(
        original, rounded.selection, tmp_path / "model", dtype="float16", savedmodel=False
    )
    assert made.verification.rounding is None
    assert "equal to the bit" in made.verification.summary
    assert made.verification.texts >= 64 and made.verification.unchanged >= 32
    assert json.loads((made.folder / "manifest.json").read_text())["dtype"] is None


@pytest.fixture(scope="module")
def trimmed_again(rounded: Rounded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rounded model as it was published, trimmed again without a word about rounding."""
    folder, published = tmp_path_factory.mktemp("again"), rounded.model.with_name("published")
    counts = smaller_labse.count(published, ("en",), text=rounded.text, out=folder / "counts")
    smaller_labse.select(published, counts, out=folder / "selection", top_k=1000)
    smaller_labse.make_smaller(published, folder / "selection", folder / "again", savedmodel=False)
    return folder / "again"


def test_trimmed_again_it_is_still_said_to_be_rounded(trimmed_again: Path) -> None:
    assert json.loads((trimmed_again / "manifest.json").read_text())["dtype"] == "float16"
    for card in (trimmed_again / "README.md", trimmed_again / "huggingface" / "README.md"):
        text = card.read_text(encoding="utf-8")
        assert "published was rounded to float16 already when it was trimmed itself" in text
        assert "Compared with published, rounded before, when this model was written" in text
        assert "as from the original" not in text


def test_trimmed_again_it_says_what_all_it_was_trimmed_from(rounded: Rounded, trimmed_again: Path) -> None:
    manifest, config = (
        json.loads((trimmed_again / name).read_text(encoding="utf-8"))
        for name in ("manifest.json", "huggingface/config.json")
    )
    first = json.loads((rounded.model / "manifest.json").read_text(encoding="utf-8"))
    sizes = [(one["vocab_size"], one["parameters"]) for one in manifest["trimmed_from"]]
    # `original` was trimmed itself, from the example.
    assert [one["name"] for one in manifest["trimmed_from"]] == ["published", "original", "original"]
    assert sizes[:2] == [(first["rows"], first["parameters"]), (first["original"]["rows"], sizes[1][1])]
    assert sizes[1] < sizes[2]
    assert config["smaller_labse"] == {
        "trimmed_from": manifest["trimmed_from"],
        "rounded_to": "float16",
        "renamed": {},
    }
    shares = [manifest["parameters"] / parameters for _, parameters in sizes]
    for card in (trimmed_again / "README.md", trimmed_again / "huggingface" / "README.md"):
        text = card.read_text(encoding="utf-8")
        assert (
            "published, itself trimmed from original, and that from original, trimmed to English: "
            f"{shares[0]:.1%} of its parameters, {shares[2]:.1%} of original's."
        ) in text
        assert f"{manifest['rows'] / sizes[2][0]:.1%} and {shares[2]:.1%} are left." in text


def test_parity_takes_it_for_rounded_and_for_equal_to_the_rounded(
    rounded: Rounded, trimmed_again: Path, capsys
) -> None:
    text = ["--text", f"en={rounded.text.with_name('en.txt')}", "--model", str(trimmed_again)]
    assert evaluate(["parity", "--original", str(rounded.original), *text]) == 1
    shown = capsys.readouterr()
    assert "rounded to float16: not unchanged; " in shown.out and "--tolerance" in shown.err
    assert "this is not the original trimmed" not in shown.err
    assert evaluate(["parity", "--original", str(rounded.model), *text]) == 0
    assert "not unchanged" not in capsys.readouterr().out


def test_what_was_not_measured_is_said() -> None:
    rounding = Rounding("float16", rows_changed=0, largest_row_difference=0.0)
    assert Verification(3, 64, 64, 0, 0.0, rounding).summary == (
        "3 rows equal after rounding to float16, which changed none of them; 64 of 64 texts keep their tokens; "
        "how far embeddings moved was not measured"
    )


def test_languages_are_measured_apart_and_together() -> None:
    original = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]], np.float32)
    moved = np.array([[1.0, 0.0], [0.0, 2.5], [4.0, 3.0]], np.float32)
    english, french, total = measure_embeddings(original, moved, ["en", "fr", "fr"])
    assert (english.texts, english.largest_difference, english.lowest_cosine) == (1, 0.0, 1.0)
    assert (french.texts, french.largest_difference) == (2, 1.0)
    assert french.lowest_cosine == total.lowest_cosine == pytest.approx(0.96)
    assert total.mean_cosine == pytest.approx(2.96 / 3)
