"""A link in an original's folder brings nothing into a model that lies outside of that folder."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.make_smaller.__main__ import main as make_smaller
from smaller_labse.originals.links import require_links_inside
from smaller_labse.originals.locate import locate_encoder, locate_original


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A Hugging Face folder, as far as it is looked for, and a private key beside it."""
    folder = tmp_path / "original"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "vocab.txt", "1_Pooling/config.json"):
        (folder / name).write_text("{}")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_rsa").write_text("a private key")
    return folder


def refused(original: Path, link: str, leads_to: str, why: str) -> None:
    """One line names the link and where it leads."""
    message = f"^{re.escape(str(original / link))}: a link to {leads_to}.*{why}.*$"
    for find in (locate_original, lambda model: require_links_inside(Path(model), Path(model))):
        with pytest.raises(SmallerLabseError, match=message) as raised:
            find(str(original))
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["notes.txt", "vocab.txt", "model.safetensors", "1_Pooling/more"])
@pytest.mark.parametrize("relative", [False, True])
def test_a_link_to_a_file_elsewhere_is_refused(original, tmp_path, name, relative):
    link, key = original / name, tmp_path / ".ssh" / "id_rsa"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(key, link.parent) if relative else key)
    refused(original, name, re.escape(str(key)), "outside of the model's folder")


@pytest.mark.parametrize("target", [".ssh", "original/..", "/"])
def test_a_link_to_a_folder_elsewhere_is_refused(original, tmp_path, target):
    (original / "2_More").symlink_to(tmp_path / target)
    refused(original, "2_More", "/", "outside of the model's folder")


def test_a_link_over_another_link_is_judged_by_where_it_ends(original, tmp_path):
    (tmp_path / "way").symlink_to(original / "vocab.txt")
    (original / "back").symlink_to(tmp_path / "way")
    locate_original(str(original))
    (original / ".hidden").symlink_to(tmp_path / ".ssh" / "id_rsa")  # not copied, and not read
    locate_original(str(original))
    (original / "out").symlink_to(".hidden")
    refused(original, "out", re.escape(str(tmp_path / ".ssh/id_rsa")), "outside of the model's folder")


def test_links_that_lead_nowhere_or_in_a_circle_are_refused(original):
    (original / "gone").symlink_to("nowhere")
    refused(original, "gone", "nowhere, where nothing is", "is the download complete")
    (original / "gone").unlink()
    (original / "itself").symlink_to("itself")
    refused(original, "itself", "itself, where nothing is", "")
    (original / "itself").unlink()
    (original / "1_Pooling" / "up").symlink_to("..")
    refused(original, "1_Pooling/up", re.escape(str(original)), "a folder that it lies in; remove the link")


def test_folders_that_link_to_folders_do_not_multiply(original):
    """Two links in each of thirty folders would be a billion files."""
    for number in range(30):
        (original / f"f{number:02d}").mkdir()
        for name in ("a", "b"):
            (original / f"f{number:02d}" / name).symlink_to(f"../f{number + 1:02d}")
    (original / "f30").mkdir()
    refused(original, "f00/a/a", "the folder", "is such a link, too; remove one")


def test_links_inside_the_folder_are_followed(original):
    (original / "2_More").symlink_to("1_Pooling")
    (original / "LICENSE").symlink_to(original / "vocab.txt")
    assert locate_original(str(original)).folder == original


def test_a_model_that_is_a_link_itself_is_followed(original, tmp_path):
    (original / "LICENSE").symlink_to(original / "vocab.txt")
    (original / "2_More").symlink_to("1_Pooling")
    (tmp_path / "link").symlink_to(original)
    assert locate_original(str(tmp_path / "link")).folder == tmp_path / "link"
    (original / "key").symlink_to(tmp_path / ".ssh" / "id_rsa")
    refused(tmp_path / "link", "key", "", "outside of the model's folder")


@pytest.fixture
def cached(original, tmp_path) -> Path:
    """A snapshot in huggingface_hub's cache: every file a link to a blob."""
    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / "0123"
    (repository / "blobs").mkdir(parents=True)
    for number, name in enumerate(("config.json", "vocab.txt", "1_Pooling/config.json")):
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        (repository / "blobs" / f"{number}").write_text("{}")
        link.symlink_to(os.path.relpath(repository / "blobs" / f"{number}", link.parent))
    return snapshot


def test_the_links_of_the_hub_s_cache_are_followed(cached, tmp_path):
    locate_original(str(cached))
    (tmp_path / "link").symlink_to(cached)
    locate_original(str(tmp_path / "link"))
    (tmp_path / "moved").symlink_to(tmp_path / "hub")
    locate_original(str(tmp_path / "moved" / "models--owner--name" / "snapshots" / "0123"))


@pytest.mark.parametrize(
    "target", ["../../../models--other--name/blobs/0", "../../blobs", "../../blobs/below/0", "../0124/other"]
)
def test_only_the_blobs_of_the_same_repository_are(cached, target):
    hub = cached.parents[2]
    for file in ("models--other--name/blobs/0", "models--owner--name/blobs/below/0"):
        (hub / file).parent.mkdir(parents=True)
        (hub / file).write_text("{}")
    (cached.parent / "0124").mkdir()
    (cached.parent / "0124" / "other").write_text("{}")
    (cached / "link").symlink_to(target)
    refused(cached, "link", "/", "outside of the model's folder")


@pytest.mark.parametrize("name", ["models--owner--name/snap/0123", "owner--name/snapshots/0123"])
def test_a_folder_laid_out_otherwise_is_no_cache(cached, tmp_path, name):
    folder = tmp_path / "elsewhere" / name
    shutil.copytree(cached.parents[1], folder.parents[1], symlinks=True)
    if not folder.exists():
        (folder.parents[1] / "snapshots").rename(folder.parent)
    refused(folder, "1_Pooling/config.json", "/", "outside of the model's folder")


@pytest.mark.parametrize("link", ["encoder", "preprocess", "encoder/assets", "preprocess/more", "README.md"])
def test_a_link_in_a_folder_of_saved_models_is_refused_before_anything_is_written(
    example, tmp_path, capsys, link
):
    folder, elsewhere = tmp_path / "original", tmp_path / "elsewhere"
    shutil.copytree(example, folder)
    if (folder / link).exists():
        (folder / link).rename(elsewhere)
    else:
        elsewhere.write_text("a private key")
    (folder / link).symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    arguments = ["--model", folder, "--selection", tmp_path / "none", "--out", tmp_path / "new" / "model"]
    assert make_smaller(list(map(str, arguments))) == 1
    assert capsys.readouterr().err == (
        f"make-smaller: {folder / link}: a link to {elsewhere}, outside of the model's folder, so it is not "
        "followed; put what is meant there in its place, or remove the link\n"
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_only_read_may_lie_behind_any_link(original, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "huggingface").symlink_to(original)
    assert locate_encoder(str(tmp_path / "model")).folder.samefile(original)
    refused(tmp_path / "model", "huggingface", re.escape(str(original)), "outside of the model's folder")
