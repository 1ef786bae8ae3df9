"""JSON lines are read the same by Arrow's reader, where it is used, and by Python's, which reads the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.records import json_lines
from smaller_labse.corpora.records.columns import blocks_of_columns
from smaller_labse.corpora.records.json_lines import json_columns, json_texts

PLAIN = {
    "plain": '{"text": "one"}\n{"text": "日本 😀"}\n',
    "escapes": '{"text": "a\\n\\u0000\\ud83d\\ude00\\/\\t\\"", "x": "\\ud83d\\ude00"}',
    "an escaped name": '{"te\\u0078t": "one"}\n',
    "other fields": '{"id": 1, "of": {"text": 5, "in": [1, "a", null]}, "text": "one"}\n{"text": "2", "id": "b"}\n',
    "no number to JSON": '{"x": NaN, "text": "one"}\n',
    "carriage returns": '{"text": "one"}\r\n{"text": "two\\r\\nthree"}\r\n',
    "an empty text": '{"text": ""}\n{"text": "one"}',
    "a date": '{"text": "2020-01-01"}\n{"text": "12:00"}\n',
}
OTHERS = {
    "null": '{"text": null}\n{"text": "one"}\n',
    "blank lines": '\n{"text": "one"}\n\n  \n{"text": "two"}\n',
    "spaces before": '  {"text": "one"}\n',
    "a name twice": '{"text": "one", "text": "two"}\n',
    "a large number": '{"x": 1e999999, "text": "one"}\n',
    "deep": '{"x": ' + "[" * 500 + "]" * 500 + ', "text": "one"}\n',
}
WRONG = {
    "null": ("null\n", "line 1 has no text"),
    "null behind": ('{"text": "one"}\nnull\n', "line 2 has no text"),
    "null in a line": ('{"text": "one"} null\n', "line 1 is not JSON"),
    "nothing": ('{"text": "one"}\n{"other": "two"}\n', "line 2 has no text in a field 'text'"),
    "two in a line": ('{"text": "one"}{"text": "two"}\n', "line 1 is not JSON"),
    "one in two lines": ('{"text": "zero"}\n{\n"text": "one"}\n', "line 2 is not JSON"),
    "one in two lines, two in one": ('{"text":\n{"text": "a"}}{"text": "b"}\n', "line 1 is not JSON"),
    "a number": ('{"text": "one"}\n{"text": 1}\n', "line 2 has no text"),
    "half a pair": ('{"text": "one"}\n{"text": "\\ud800"}\n', "line 2 holds half a surrogate pair"),
    "too deep": ('{"x": ' + "[" * 100_000 + "\n", "line 1 is not JSON"),
}


def by_columns(file: Path) -> str:
    return b"".join(blocks_of_columns(json_columns(file, "text", "name it"))).decode()


def by_texts(file: Path) -> str:
    texts = (text for text in json_texts(file, "text", "name it") if text is not None)
    return "".join(f"{text}\n" for text in texts).replace("\r\n", "\n")


@pytest.mark.parametrize("content", [*PLAIN.values(), *OTHERS.values()], ids=[*PLAIN, *OTHERS])
def test_both_readers_give_the_same_texts(content: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(content, encoding="utf-8", newline="")
    expected = [json.loads(line)["text"] for line in content.split("\n") if line.strip()]
    assert list(json_texts(file, "text", "name it")) == expected
    assert by_columns(file) == by_texts(file)


@pytest.mark.parametrize("content", PLAIN.values(), ids=list(PLAIN))
def test_plain_objects_do_not_pass_python(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(content, encoding="utf-8", newline="")
    expected = by_texts(file)
    monkeypatch.setattr(json_lines, "_texts_of_lines", None)
    assert by_columns(file) == expected


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=list(WRONG))
def test_both_say_the_same_of_what_is_none(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(content, encoding="utf-8", newline="")
    for read in (by_columns, by_texts):
        with pytest.raises(SmallerLabseError, match=message):
            read(file)


def test_lines_are_numbered_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smaller_labse.corpora.decompressed_lines.BUFFER_BYTES", 64)
    lines = [json.dumps({"text": f"line {number}"}) for number in range(100)]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, '{"text": 1}']))
    for read in (by_columns, by_texts):
        with pytest.raises(SmallerLabseError, match="line 101 has no text"):
            read(tmp_path / "a.jsonl")
