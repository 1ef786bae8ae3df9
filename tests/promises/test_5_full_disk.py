"""Where the disk is full, a command says so in one line and takes away what it had written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SIZE = 64 * 1024


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of `SIZE` bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def assert_no_space(code: int, error: str, output: Path) -> None:
    """Besides what was there before, `output`'s folder holds nothing."""
    assert code == 1
    message = error.splitlines()[-1]
    assert message.endswith(f": {output}: No space left on device; free some, or choose another place")
    assert "Traceback" not in error
    assert [path.name for path in output.parent.iterdir()] == ["theirs"]


@pytest.mark.parametrize("left", [0, 4096, 8192])
def test_count(example, text_files, run, small_disk, left):
    (small_disk / "theirs").write_bytes(bytes(SIZE - left))
    text = f"en={small_disk.parent / 'en.txt'}"
    lines = (f"{number} lines, each of them another one\n" for number in range(2000))
    (small_disk.parent / "en.txt").write_text("".join(lines))
    ended = run("count", "--model", example, "--text", text, "--out", small_disk)
    assert_no_space(ended.code, ended.error, small_disk / "en.parquet")


def test_select(example, counted, run, small_disk):
    """With so little left that the first file stops it, then the second, then the third."""
    out = small_disk / "selection"
    stopped = 0
    for left in range(0, SIZE, 4096):
        (small_disk / "theirs").write_bytes(bytes(SIZE - left))
        ended = run("select", "--model", example, "--counts", counted, "--out", out)
        if ended.code == 0:
            break
        assert_no_space(ended.code, ended.error, out)
        stopped += 1
    assert stopped >= 3
    assert ended.code == 0


@pytest.mark.parametrize("size", ["400k", "1500k"])  # enough for no part of the model, and for some
def test_make_smaller(example, counted, run, small_disk, tmp_path, capsys, size):
    from smaller_labse.make_smaller.__main__ import main

    arguments = ["--model", example, "--counts", counted, "--out", tmp_path / "selection"]
    assert run("select", *arguments).code == 0
    subprocess.run(["mount", "-o", f"remount,size={size}", str(small_disk)], check=True)
    (small_disk / "theirs").write_bytes(b"theirs")
    out = small_disk / "model"
    arguments = ["--model", example, "--selection", tmp_path / "selection", "--out", out]
    code = main([str(argument) for argument in arguments])
    assert_no_space(code, capsys.readouterr().err, out)
