"""One prompt for all models of a comparison: explicit, or what their folders name, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import UsageError
from smaller_labse.evaluate.__main__ import main
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.prompt import common_prompt

LINES = ["good morning", "the red house", "night", "the house", "good night", "red"]


@pytest.fixture
def named(smaller, tmp_path) -> Callable[[str | None, str], NamedModel]:
    """A model whose manifest names a prompt; None for one without a manifest, as an original."""

    def make(prompt: str | None, name: str) -> NamedModel:
        folder = tmp_path / name
        shutil.copytree(smaller, folder)
        if prompt is not None:
            (folder / "manifest.json").write_text(json.dumps({"prompt": prompt}), encoding="utf-8")
        return NamedModel(name, str(folder))

    return make


@pytest.fixture
def text(tmp_path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return file


def test_models_that_are_silent_get_the_prompt_of_the_others(named) -> None:
    silent, red, again = named(None, "silent"), named("red ", "red"), named("red ", "again")
    assert common_prompt([silent, red, again]) == "red "
    assert common_prompt([silent]) == ""
    assert common_prompt([silent, named("", "none")]) == ""
    assert common_prompt([silent, red], "good ") == "good "
    assert common_prompt([red], "") == ""


def test_different_prompts_are_refused_with_which_model_has_which(named) -> None:
    models = [named(None, "original"), named("red ", "a"), named("", "b")]
    with pytest.raises(UsageError, match=r"\(original: not said, a: 'red ', b: none\).*--prompt TEXT, or"):
        common_prompt(models)
    assert common_prompt(models, "red ") == "red "


@pytest.mark.usefixtures("in_this_process")
def test_compare_puts_the_smaller_models_prompt_before_the_originals_texts_too(named, text, tmp_path) -> None:
    """Where both are the same model, all scores and tokens are the same, only with the same prompt for both."""
    original, model = named(None, "original"), named("good ", "smaller")
    reports = [
        smaller_labse.compare(
            original.folder, [model.folder], sts=f"en={tsv(text)}", prompt=prompt, cache=tmp_path / "cache"
        )
        for prompt in (None, "good ", "")
    ]
    taken, given, without = [report.averages[0].values for report in reports]
    assert taken == given and taken[0] == taken[1]
    assert without[0] == without[1] != taken[0]


def tsv(text: Path) -> Path:
    file = text.with_suffix(".tsv")
    pairs = zip(LINES, [*LINES[1:], LINES[0]], range(6), strict=True)
    file.write_text("".join(f"{a}\t{b}\t{n}\n" for a, b, n in pairs), encoding="utf-8")
    return file


@pytest.mark.usefixtures("in_this_process")
def test_parity_and_tatoeba_have_one_prompt_or_none(named, text, tmp_path, capsys) -> None:
    original, model = named("red ", "original"), named("good ", "smaller")
    for side in ("eng", "fra"):
        shutil.copy(text, tmp_path / f"tatoeba.fra-eng.{side}")
    parity = ["parity", "--original", original.folder, "--model", model.folder, "--text", f"en={text}"]
    tatoeba = ["tatoeba", "--model", original.folder, model.folder, "--data", str(tmp_path)]
    for arguments in (parity, tatoeba):
        assert main(arguments) == 2
        assert "the models have different prompts" in capsys.readouterr().err
    assert main([*parity, "--prompt", "good "]) == 0, capsys.readouterr().err


def test_encode_takes_the_folders_prompt_and_says_it(named, text, tmp_path, capsys) -> None:
    model = named("good ", "smaller").folder
    out = tmp_path / "out.npy"
    assert main(["encode", "--model", model, "--text", str(text), "--out", str(out)]) == 0
    assert "float32, prompt 'good '" in capsys.readouterr().out
    expected = smaller_labse.load(model, prompt="").encode([f"good {line}" for line in LINES])
    np.testing.assert_allclose(np.load(out), expected, rtol=0, atol=1e-6)
