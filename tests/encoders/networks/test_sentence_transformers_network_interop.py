"""Architectures that are not rebuilt in TensorFlow, loaded with sentence-transformers."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError

pytest.importorskip("torch", reason="needs torch, from the extra interop")
pytest.importorskip("sentence_transformers", reason="needs sentence-transformers, from the extra interop")

from tests.sentence_transformers_folders import ARCHITECTURES, LENGTH, POSITIONS, TEXTS, write_folder

pytestmark = pytest.mark.interop
LONG = " ".join(TEXTS)
SOME = ["", "a", *TEXTS, LONG]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def folder(request, tmp_path_factory) -> Path:
    return write_folder(request.param, tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(scope="module")
def modernbert(tmp_path_factory) -> Path:
    return write_folder("modernbert", tmp_path_factory.mktemp("models") / "modernbert")


@pytest.fixture
def copy(modernbert, tmp_path) -> Path:
    """A folder to spoil."""
    return shutil.copytree(modernbert, tmp_path / "copy")


def test_vectors_are_those_of_sentence_transformers(folder):
    from sentence_transformers import SentenceTransformer

    encoder = smaller_labse.load(folder)
    texts = SOME if encoder.special_tokens else SOME[1:]  # it cannot encode a text without any token
    expected = SentenceTransformer(str(folder), device="cpu").encode(texts, batch_size=1)
    np.testing.assert_allclose(encoder.encode(texts), expected, rtol=0, atol=1e-6)
    assert encoder.embedding_size == expected.shape[1] == 16
    assert np.ptp(expected, axis=0).max() > 1e-3  # and not all the same


def test_a_texts_vector_is_its_own(folder):
    encoder = smaller_labse.load(folder)
    alone = np.concatenate([encoder.encode([text]) for text in SOME])
    for batch_size in (None, 1, 3, 100):
        for order in (np.arange(len(SOME)), np.random.default_rng(0).permutation(len(SOME))):
            found = encoder.encode([SOME[number] for number in order], batch_size=batch_size)
            assert (np.abs(found - alone[order]).max(axis=1) <= 1e-6).all()  # their length is 1


def test_a_text_without_any_token_is_the_zero_vector(tmp_path):
    encoder = smaller_labse.load(write_folder("gpt2", tmp_path / "gpt2"))
    assert encoder.special_tokens == 0
    assert not encoder.encode(["", "a"], normalize=True)[0].any()


def test_texts_are_truncated_where_the_folder_says_or_the_caller(folder):
    encoder = smaller_labse.load(folder)
    assert encoder.sequence_length == LENGTH
    assert encoder.positions in (POSITIONS, None)
    whole, short = encoder.encode([LONG]), encoder.encode([LONG], max_length=9)
    assert np.abs(whole - short).max() > 1e-3
    np.testing.assert_allclose(encoder.encode([LONG]), whole, atol=1e-6)
    longest = encoder.positions or 200
    assert np.abs(encoder.encode([LONG], max_length=longest) - whole).max() > 1e-5
    if encoder.positions:
        with pytest.raises(UsageError, match=f"and {POSITIONS}"):
            encoder.encode([LONG], max_length=POSITIONS + 1)
    with pytest.raises(UsageError, match="max_length 0"):
        encoder.encode([LONG], max_length=0)


def test_tokens_have_names_and_no_special_ones_around(folder):
    encoder = smaller_labse.load(folder)
    ids = encoder.tokenize(["", *TEXTS])
    assert len(ids[0]) == 0
    assert all(of_text.dtype == np.int32 and len(of_text) for of_text in ids[1:])
    assert len(encoder.pieces) == encoder.embedding_matrix_shape[0]
    assert len(encoder.tokenize([LONG])[0]) > LENGTH
    assert encoder.tokenize([]) == []


def test_the_folders_prompt_goes_before_every_text_or_the_callers(tmp_path):
    prompts = {"query": "query: ", "passage": "passage: "}
    folder = write_folder("mpnet", tmp_path / "asked", prompts=prompts, default_prompt_name="query")
    encoder = smaller_labse.load(folder)
    plain = smaller_labse.load(folder, prompt="")
    assert encoder.prompt == "query: "
    np.testing.assert_allclose(
        encoder.encode(TEXTS), plain.encode([f"query: {text}" for text in TEXTS]), atol=1e-6
    )
    assert np.abs(encoder.encode(TEXTS) - plain.encode(TEXTS)).max() > 1e-3


def test_tensorflow_is_not_imported_for_it(modernbert):
    import subprocess
    import sys

    code = (
        "import sys, smaller_labse; "
        f"smaller_labse.load({str(modernbert)!r}).encode(['a']); "
        "print('tensorflow' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
    assert ran.stderr == ""


def test_a_device_that_is_not_there_is_refused(modernbert):
    with pytest.raises(UsageError, match=r"device 'gpu:7': PyTorch finds no such device here, only cpu:0"):
        smaller_labse.load(modernbert, device="gpu:7")
    with pytest.raises(UsageError, match=r"expected cpu, gpu or gpu:1, got 'tpu'"):
        smaller_labse.load(modernbert, device="tpu")
    assert smaller_labse.load(modernbert, device="CPU").encode(["a"]).shape == (1, 16)


def test_without_sentence_transformers_the_message_says_what_to_install(modernbert, monkeypatch):
    module = "smaller_labse.encoders.networks.sentence_transformers_network"
    monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'smaller-labse\[interop\]'"):
        smaller_labse.load(modernbert)


def test_compare_says_so_before_anything_is_measured(modernbert, original, text_files, monkeypatch):
    module = "smaller_labse.encoders.networks.sentence_transformers_network"
    monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    monkeypatch.setattr("smaller_labse.evaluate.comparison.measure.measure", None)
    data = f"en={text_files / 'en.txt'},it={text_files / 'it.txt'}"
    with pytest.raises(UsageError, match=r"pip install 'smaller-labse\[interop\]'"):
        smaller_labse.compare(original, [modernbert], parallel=data)


def test_without_sentence_transformers_the_message_names_the_pooling(tmp_path, monkeypatch):
    folder = write_folder("bert-max", tmp_path / "bert-max")
    module = "smaller_labse.encoders.networks.sentence_transformers_network"
    monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    with pytest.raises(SmallerLabseError, match="pools by max, expected cls or mean"):
        smaller_labse.load(folder)


def test_pickled_weights_are_refused(copy):
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    smaller_labse.load(copy)  # beside safetensors they do not matter
    (copy / "model.safetensors").unlink()
    with pytest.raises(SmallerLabseError, match="only pickled weights"):
        smaller_labse.load(copy)


def test_pickled_weights_of_a_dense_layer_are_refused(copy):
    dense = copy / "2_Dense"
    (dense / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    (dense / "model.safetensors").unlink()
    with pytest.raises(SmallerLabseError, match="2_Dense: only pickled weights"):
        smaller_labse.load(copy)


@pytest.mark.parametrize("kind", ["mine.Transformer", "sentence_transformers.models.Router", "os.system"])
def test_modules_of_other_libraries_are_not_run(copy, kind):
    (copy / "mine.py").write_text("raise SystemExit('run')")
    modules = json.loads((copy / "modules.json").read_text())
    modules[0]["type"] = kind
    (copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(SmallerLabseError, match="code from models is never run"):
        smaller_labse.load(copy)


def test_code_that_a_config_names_is_not_run(copy):
    (copy / "mine.py").write_text("raise SystemExit('run')")
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModel": "mine.Model"}}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(SmallerLabseError, match="sentence-transformers cannot load it"):
        smaller_labse.load(copy)


def test_a_module_outside_the_folder_is_refused(copy):
    modules = json.loads((copy / "modules.json").read_text())
    modules[2]["path"] = "../elsewhere"
    (copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(SmallerLabseError, match="leads out of the folder"):
        smaller_labse.load(copy)


def test_without_modules_nobody_says_how_to_pool(copy):
    (copy / "modules.json").unlink()
    with pytest.raises(SmallerLabseError, match=r"no modules.json says how to pool"):
        smaller_labse.load(copy)


def test_weights_that_are_missing_are_not_drawn_at_random(copy):
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    lost = next(name for name in sorted(tensors) if "mlp" in name)
    save_file({name: values for name, values in tensors.items() if name != lost}, copy / "model.safetensors")
    with pytest.raises(SmallerLabseError, match=f"the tensor {lost} is missing"):
        smaller_labse.load(copy)


@pytest.fixture(scope="module")
def trimmed(modernbert, tmp_path_factory) -> Path:
    """The whole way: counted, selected, trimmed."""
    from smaller_labse.corpora.builtin_sentences import builtin_sentences

    folder = tmp_path_factory.mktemp("trimmed")
    (folder / "en.txt").write_text("".join(f"{text}\n" for text in builtin_sentences()["en"]))
    counts = smaller_labse.count(modernbert, "en", text=folder / "{code}.txt", out=folder / "counts")
    smaller_labse.select(modernbert, counts, out=folder / "selection")
    smaller_labse.make_smaller(modernbert, folder / "selection", out=folder / "model")
    return folder


@pytest.mark.usefixtures("in_this_process")
def test_a_trimmed_model_is_compared_with_its_original(modernbert, trimmed, capsys):
    from smaller_labse.evaluate.__main__ import main

    smaller, text = trimmed / "model" / "huggingface", trimmed / "en.txt"
    parity = ["parity", "--original", str(modernbert), "--model", str(smaller), "--text", f"en={text}"]
    assert main([*parity, "--device", "cpu", "--batch-size", "2"]) == 0
    assert "100.00" in capsys.readouterr().out
    data = f"en={text},no={text}"
    report = smaller_labse.compare(
        f"original={modernbert}",
        [f"smaller={smaller}"],
        parallel=data,
        out=trimmed / "report",
        pictures=False,
    )
    (line,) = report.averages
    assert line.values[0] == line.values[1] == 1
    assert report.texts[0][0].unchanged == report.texts[0][0].texts
    before, after = (smaller_labse.load(model) for model in (modernbert, smaller))
    assert after.embedding_matrix_shape[0] < before.embedding_matrix_shape[0]
    lines = text.read_text().splitlines()
    np.testing.assert_allclose(after.encode(lines), before.encode(lines), atol=1e-5)
