"""Options that would do nothing, and outputs that would replace what is read: refused before anything is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.evaluate.__main__ import main as evaluate
from smaller_labse.make_smaller.__main__ import main
from smaller_labse.make_smaller.make_smaller import make_smaller

READ_BY_NOBODY = "nothing"  # no selection: whoever reads it has gone too far


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A Hugging Face folder that says nothing of pooling; there are no weights in it."""
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert", "hidden_act": "gelu"}', encoding="utf-8")
    return folder


@pytest.fixture
def with_modules(plain: Path) -> Path:
    folder = shutil.copytree(plain, plain.with_name("with-modules"))
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    return folder


@pytest.fixture
def unknown(plain: Path) -> Path:
    folder = shutil.copytree(plain, plain.with_name("unknown"))
    (folder / "config.json").write_text('{"model_type": "modernbert"}', encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        ("{with_modules}", "--pooling mean", "modules.json says how to pool; leave it out"),
        ("{plain}", "--preprocessor {example}/preprocess", "is a Hugging Face model, which has its own"),
        ("owner/name", "--preprocessor {example}/preprocess", "is a Hugging Face model, which has its own"),
        ("{plain}", "--no-huggingface", "--no-huggingface: for TF Hub originals only"),
        ("owner/name", "--no-huggingface", "--no-huggingface: for TF Hub originals only"),
        ("{plain}", "--no-savedmodel --pooling cls", "--pooling: for the SavedModels, which --no-savedmodel"),
        (
            "{plain}",
            "--no-savedmodel --sequence-length 9",
            "--sequence-length: for the SavedModels, which --no-savedmodel leaves out",
        ),
        (
            "{unknown}",
            "--sequence-length 9 --pooling cls",
            "--sequence-length and --pooling: for the SavedModels, which are not written",
        ),
        ("nowhere", "--license MTI", "--license MTI: there is no such licence; did you mean mit?"),
        ("nowhere", "--license Apache2", "there is no such licence; did you mean apache-2.0?"),
        ("nowhere", "--license gpl3", "there is no such licence; did you mean gpl-3.0?"),
        ("nowhere", "--license other", "expected a licence that the Hugging Face hub or SPDX knows, such as"),
        ("nowhere", "--license ../LICENSE", "expected a licence that the Hugging Face hub or SPDX knows"),
        ("{example}", "--no-savedmodel", "--no-savedmodel: for originals from Hugging Face only"),
        ("{example}", "--dtype float16", "--dtype: for originals from Hugging Face only"),
        ("{example}", "--prompt=", "--prompt: for originals from Hugging Face only"),
        ("{example}", "--pooling mean", "--pooling: for originals from Hugging Face only"),
        (
            "https://tfhub.dev/google/LaBSE/2",
            "--dtype float16 --pooling mean",
            "--dtype and --pooling: for originals from Hugging Face only",
        ),
    ],
)
def test_what_would_do_nothing_is_refused_at_once(
    example, plain, with_modules, unknown, tmp_path, capsys, monkeypatch, model, options, reason
) -> None:
    monkeypatch.setattr("smaller_labse.originals.huggingface._fetch", pytest.fail)
    monkeypatch.setattr("smaller_labse.originals.tfhub._resolve_handle", pytest.fail)
    places = {"example": example, "plain": plain, "with_modules": with_modules, "unknown": unknown}
    arguments = ["--model", model, "--selection", READ_BY_NOBODY, "--out", str(tmp_path / "out")]
    assert main([each.format(**places) for each in [*arguments, *options.split()]]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_python_refuses_the_same(with_modules: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="says how to pool"):
        make_smaller(with_modules, READ_BY_NOBODY, tmp_path / "out", pooling="mean")


@pytest.fixture
def places(trimmed, tmp_path) -> Path:
    """A model folder of ours, which may be an original, a selection, and links to both."""
    shutil.copytree(trimmed.model, tmp_path / "above" / "model")
    shutil.copytree(trimmed.selection, tmp_path / "above" / "selection")
    (tmp_path / "above" / "manifest.json").write_text("{}", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "above" / "model")
    (tmp_path / "selection-link").symlink_to(tmp_path / "above" / "selection")
    return tmp_path


@pytest.mark.parametrize(
    ("model", "out"),
    [
        ("above/model", "above/model"),
        ("above/model", "above"),
        ("above/model", "above/model/huggingface"),
        ("above/model", "above/model/smaller"),
        ("above/model", "link"),
        ("link", "above/model"),
        ("link", "link/smaller"),
        ("above/model/encoder", "above/model"),
        ("above/model/huggingface", "above/model"),
        ("above/model", "above/selection"),
        ("above/model", "selection-link"),
        ("above/model", "above/selection/model"),
    ],
)
@pytest.mark.parametrize("overwrite", [["--overwrite"], []])
def test_no_model_replaces_what_it_is_made_from(places, capsys, model, out, overwrite) -> None:
    before = {file: file.stat().st_mtime_ns for file in places.rglob("*")}
    arguments = ["--model", places / model, "--selection", places / "above" / "selection"]
    assert main([*map(str, arguments), "--out", str(places / out), *overwrite]) == 2
    error = capsys.readouterr().err
    assert "read; choose another place for the output" in error
    assert error.count("\n") == 1
    assert {file: file.stat().st_mtime_ns for file in places.rglob("*")} == before


def test_a_part_of_the_original_that_is_a_link_elsewhere_is_refused(trimmed, tmp_path, capsys) -> None:
    shutil.copytree(trimmed.model, tmp_path / "model")
    (tmp_path / "original").mkdir()
    for part in ("encoder", "preprocess"):
        (tmp_path / "original" / part).symlink_to(tmp_path / "model" / part)
    arguments = ["--model", tmp_path / "original", "--selection", trimmed.selection]
    assert main([*map(str, arguments), "--out", str(tmp_path / "model"), "--overwrite"]) == 1
    assert f"original/encoder: a link to {tmp_path}/model/encoder, outside" in capsys.readouterr().err
    assert (tmp_path / "model" / "encoder").is_dir()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            "parity --original {plain} --original-preprocessor {plain} --model {plain} --text en={text}",
            "is a Hugging Face model, which has its own tokenizer; leave it out",
        ),
        (
            "parity --original {plain} --model {plain} --text en={text} --overwrite",
            "--overwrite goes with --json or --markdown",
        ),
        (
            "tatoeba --model {plain} --data {tmp} --overwrite",
            "--overwrite goes with --json or --markdown",
        ),
        ("encode --model {plain} --text {text} --nulls nan --out {tmp}/x.npy", "of which no line is null"),
        (
            "compare --original {plain} --parallel en={text},fr={text} --cards --out {tmp}/report",
            "--cards writes the scores of trimmed models",
        ),
    ],
)
def test_evaluate_refuses_what_would_do_nothing(plain, tmp_path, capsys, arguments, reason) -> None:
    text = tmp_path / "en.txt"
    text.write_text("A dog barks.\n", encoding="utf-8")
    given = [each.format(plain=plain, text=text, tmp=tmp_path) for each in arguments.split()]
    assert evaluate(given) == 2
    assert reason in capsys.readouterr().err
