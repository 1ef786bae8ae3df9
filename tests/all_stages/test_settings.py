"""A run's settings: from the command line, Python and a TOML file, and back, the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from smaller_labse.all_stages.settings import read_run, resolve, to_toml
from smaller_labse.common.errors import SmallerLabseError


def test_what_is_written_is_what_is_read(tmp_path: Path):
    settings = resolve(
        {
            "model": Path("work/original"), "out": "model", "languages": "en, zh_classical", "sample": False,
            "text": {"en": ["a.txt", Path("b.txt")], "it": "c.txt"}, "max_lines": 0, "fill_up": True,
            "max_megabytes": 29.5, "onnx": "int8", "prompt": 'say "x"\\\n\x7f\t→ ', "keep": "k.txt",
        }
    )  # fmt: skip
    (tmp_path / "run.toml").write_text(to_toml(settings), encoding="utf-8")
    assert resolve(read_run(tmp_path / "run.toml")) == settings
    assert settings.text == ("en=a.txt", "en=b.txt", "it=c.txt")
    assert (settings.format, settings.max_megabytes, settings.wikipedia_date) == ("int8", "29.5", None)
    assert to_toml(resolve(read_run(tmp_path / "run.toml"))) == to_toml(settings)


def test_a_file_may_be_written_as_people_write(tmp_path: Path):
    (tmp_path / "languages.txt").write_text("en # English\nfrench\n", encoding="utf-8")
    (tmp_path / "run.toml").write_text(
        f"model = 'm'\nout = 'o'\nlanguages = '{tmp_path}/languages.txt'\nmax-megabytes = 50\nfill-up = true\n"
    )
    settings = resolve(read_run(tmp_path / "run.toml"))
    assert settings.languages == ("en", "french") and settings.max_megabytes == "50" and settings.fill_up
    # What is implied is written down: of Wikipedia its dump, and the file that is limited.
    assert (settings.format, settings.wikipedia_date) == ("safetensors", "20231101")
    changed = resolve({**read_run(tmp_path / "run.toml"), "languages": ["it"]})
    assert changed.languages == ("it",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("languages = en", "run.toml: no TOML ("),
        ("max_megabyte = 9", "there is no setting 'max_megabyte'; did you mean max_megabytes?"),
        (
            "max_lines = 'all'",
            "run.toml: max_lines: expected a non-negative integer, got 'all'",
        ),
        ("fill_up = 1", "fill_up is 1, expected true or false; write it as on the command line"),
        ("run_file = 'x'", "there is no setting 'run_file'"),
        ("[text]\nen = 5", "text.en is 5"),
        ("\x00", "run.toml: no TOML ("),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(text: str, says: str, tmp_path: Path):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(SmallerLabseError) as error:
        read_run(tmp_path / "run.toml")
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path):
    with pytest.raises(SmallerLabseError, match=r"none\.toml"):
        read_run(tmp_path / "none.toml")
