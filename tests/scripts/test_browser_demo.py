"""The page that runs a model in the browser, in real Chromium: a small model whose words have the same meaning.

Its words are those of three languages; translations have nearly the same row of the embedding matrix, and the layers
change little, so that the nearest sentences are the translations.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import smaller_labse
from smaller_labse.encoders.config import WORD_EMBEDDINGS, Pooling
from smaller_labse.encoders.onnx.write_onnx import write_onnx
from smaller_labse.encoders.to_huggingface import write_huggingface
from smaller_labse.make_smaller.example import SPECIAL_TOKENS, random_tensors
from smaller_labse.originals.onnx_formats import FORMATS
from tests.small_originals import BERT

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "browser_demo"
WORDS = {
    "ar": ["كلب", "قطة", "بيت", "ماء", "أحمر", "كبير", "يأكل", "ينام", "شجرة", "طفل"],
    "en": ["dog", "cat", "house", "water", "red", "big", "eats", "sleeps", "tree", "child"],
    "it": ["cane", "gatto", "casa", "acqua", "rosso", "grande", "mangia", "dorme", "albero", "bambino"],
}
CHOSEN = [(0, 6, 3), (1, 7, 2), (2, 4, 5), (9, 8, 1), (3, 0, 4), (8, 5, 7), (6, 9, 2), (5, 1, 0)]
WIDTHS = (1280, 390)
SENTENCE = 3  # the one that is looked for


@pytest.fixture(scope="module")
def scripts() -> Iterator[SimpleNamespace]:
    """The modules `build_page` and `look_at_page`."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield SimpleNamespace(build=import_module("build_page"), look=import_module("look_at_page"))
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def packages(scripts: SimpleNamespace) -> Path:
    """`node_modules`."""
    found = scripts.look.PACKAGES / "node_modules"
    if not (found / "@huggingface").is_dir():
        pytest.skip(f"needs npm packages: {scripts.look.INSTALL}")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model/` and `sentences/`."""
    root = tmp_path_factory.mktemp("browser")
    pieces = [*SPECIAL_TOKENS, *(word for words in WORDS.values() for word in words)]
    config = replace(BERT, vocab_size=len(pieces), pooling=Pooling("mean", normalize=True))
    draw, random = random_tensors(config), np.random.default_rng(0)
    meanings = random.standard_normal((len(WORDS["en"]), config.hidden_size))

    def read(name: str) -> np.ndarray:
        values = draw(name)
        if name == WORD_EMBEDDINGS:
            noise = np.random.default_rng(1).normal(0, 0.1, (len(WORDS), *meanings.shape))
            values[len(SPECIAL_TOKENS) :] = (meanings + noise).reshape(-1, config.hidden_size)
        return (values if name == WORD_EMBEDDINGS or "norm" in name else values * 0.1).astype(np.float32)

    huggingface = root / "model" / "huggingface"
    write_huggingface(huggingface, config, read, pieces, lower_case=False, sequence_length=32)
    write_onnx(huggingface / "onnx", config, read, [FORMATS["int8"]])
    (root / "sentences").mkdir()
    for code, words in WORDS.items():
        lines = (" ".join(words[number] for number in numbers) for numbers in CHOSEN)
        (root / "sentences" / f"{code}.txt").write_text(
            "".join(f"{line}\n" for line in lines), encoding="utf-8"
        )
    return root


@pytest.fixture(scope="module")
def page(scripts: SimpleNamespace, packages: Path, folder: Path) -> Path:
    arguments = ["--model", folder / "model", "--sentences", folder / "sentences", "--packages", packages]
    assert scripts.build.main([str(each) for each in (*arguments, "--out", folder / "page")]) == 0
    return folder / "page"


def queries() -> list[str]:
    """The sentence that is looked for in two languages, its words in another order."""
    return [" ".join(WORDS[code][number] for number in reversed(CHOSEN[SENTENCE])) for code in ("it", "ar")]


@pytest.fixture(scope="module")
def seen(scripts: SimpleNamespace, page: Path) -> SimpleNamespace:
    """What Chromium showed at both widths; a `Seen`."""
    if shutil.which("chromium") is None or shutil.which("node") is None:
        pytest.skip(f"needs Node.js and Chromium: {scripts.look.INSTALL}")
    views = [{"width": width, "height": 800} for width in WIDTHS]
    return scripts.look.look_at_page(page, views, queries())


@pytest.mark.parametrize("width", WIDTHS)
def test_translations_are_found_as_one_types(seen: SimpleNamespace, width: int):
    view = seen.views[WIDTHS.index(width)]
    assert view["width"] == width and view["errors"] == []
    for answer in view["answers"]:
        assert [row["language"] for row in answer["rows"]] == list(WORDS)
        for row in answer["rows"]:
            words = WORDS[row["language"]]
            assert row["text"] == " ".join(words[number] for number in CHOSEN[SENTENCE]), answer["text"]
            assert row["marked"] and row["cosine"] > 0.9
            assert (row["lang"], row["direction"]) == (
                row["language"],
                "rtl" if row["language"] == "ar" else "ltr",
            )
        told = answer["told"]
        assert all(told[name].split()[1] == unit for name, unit in
                   {"bytes": "MB", "ready": "s", "time": "ms", "memory": "MB"}.items())  # fmt: skip


def test_vectors_are_those_of_onnxruntime(seen: SimpleNamespace, folder: Path):
    encoder = smaller_labse.load(folder / "model" / "huggingface" / "onnx" / FORMATS["int8"].file)
    expected = encoder.encode(queries())
    for view in seen.views:
        found = np.array([answer["embedding"] for answer in view["answers"]])
        # A number between two integers may be rounded to the other one.
        assert np.abs(found - expected).max() < 2e-3


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_needed_later(seen: SimpleNamespace, page: Path):
    """After the page was ready the network was off."""
    assert all(view["elsewhere"] == [] for view in seen.views)
    assert all((page / path[1:]).exists() for path in seen.asked)
    assert (
        seen.asked["/model/onnx/model_quantized.onnx"] == seen.asked["/model/tokenizer.json"] == len(WIDTHS)
    )
    told = float(seen.views[0]["answers"][0]["told"]["bytes"].split()[0])
    assert told < seen.bytes / 1e6 < told + 1, "all but the page's own files"
    for file in page.rglob("*.html"), (page / "style.css",), page.glob("*.js"):
        assert not any("https://" in each.read_text(encoding="utf-8") for each in file)


def test_nothing_moves_and_nothing_is_wider_than_the_screen(seen: SimpleNamespace):
    for view in seen.views:
        assert view["overflow"] <= 0, view["width"]
        assert (view["shift"], view["moved"]) == (0, []), view["width"]


def test_what_cannot_be_built_is_said_in_one_line(scripts, packages, folder, tmp_path, capsys):
    arguments = ["--packages", str(packages), "--out", str(tmp_path / "page")]
    sentences = ["--sentences", str(folder / "sentences")]
    assert scripts.build.main([*arguments, *sentences, "--model", str(tmp_path)]) == 2
    assert "make-smaller --onnx int8 adds it" in capsys.readouterr().err
    (tmp_path / "en.txt").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "it.txt").write_text("uno\n", encoding="utf-8")
    assert (
        scripts.build.main([*arguments, "--sentences", str(tmp_path), "--model", str(folder / "model")]) == 1
    )
    assert "it.txt: 1 lines, expected as many as en.txt has, 2" in capsys.readouterr().err
    assert not (tmp_path / "page").exists()
    assert scripts.build.read_sentences(folder / "sentences", ["it", "en", "fr"]).languages == ("en", "it")
