"""A normalizer that could make a text very long is refused before it is given one."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.normalizer import MOST_GROWTH, growth_bound
from smaller_labse.originals.tokenizers.tokenizer_json import parse_tokenizer_json

FILE = Path("tokenizer.json")
MODEL = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}


def replace(kind: str, pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def in_sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": list(steps)}


def charsmap(*texts: bytes) -> dict[str, Any]:
    content = (4).to_bytes(4, "little") + bytes(4) + b"".join(text + b"\x00" for text in texts)
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(content).decode()}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
BOMBS = {
    "28 rules that double a letter": in_sequence(*[replace("String", "a", "aa")] * 28),
    "as an expression": in_sequence(*[replace("Regex", "a", "aa")] * 28),
    "one that matches nothing": in_sequence(*[replace("Regex", "(?=a)", "a")] * 28),
    "one that may match nothing": in_sequence(*[replace("Regex", "b*", "a")] * 28),
    "a pattern that is empty": in_sequence(*[replace("String", "", "a")] * 28),
    "in sequences in sequences": in_sequence(*[in_sequence(*[replace("String", "a", "aa")] * 7)] * 4),
    "something before the text": in_sequence(*[{"type": "Prepend", "prepend": "a" * 300}] * 2),
    "bytes of bytes of bytes": in_sequence(*[{"type": "ByteLevel"}] * 28),
    "a table of rewrites": in_sequence(charsmap(b"a" * 200), charsmap(b"b", b"a" * 200)),
    "one long text": replace("String", "a", "a" * 20_000),
}


def parse(normalizer: dict[str, Any] | None, pre_tokenizer: dict[str, Any] | None = None) -> None:
    content = {"version": "1.0", "model": MODEL, "normalizer": normalizer, "pre_tokenizer": pre_tokenizer}
    parse_tokenizer_json(json.dumps(content), FILE, vocab_size=1)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_chain_of_rules_that_grows_is_refused_by_name(bomb: str) -> None:
    with pytest.raises(SmallerLabseError, match=r"^tokenizer.json: .* more than 16,384 times as long"):
        parse(BOMBS[bomb])


def test_a_pre_tokenizer_that_grows_is_refused_too() -> None:
    with pytest.raises(SmallerLabseError, match="more than 16,384 times as long"):
        parse(None, {"type": "Sequence", "pretokenizers": [BYTES] * 28})


ALBERT = in_sequence(
    replace("String", "``", '"'),
    replace("String", "''", '"'),
    {"type": "NFKD"},
    {"type": "StripAccents"},
    {"type": "Lowercase"},
    charsmap(b"x" * 33),
    replace("Regex", " {2,}", " "),
)


@pytest.mark.parametrize(
    ("normalizer", "bound"),
    [
        (None, 1),
        (replace("String", " ", "▁"), 3),
        (in_sequence(*[replace("Regex", r"[\n\r\t]", " ")] * 40), 1),
        (in_sequence(*[replace("Regex", r"\s+", "")] * 40), 1),
        (in_sequence(charsmap(b"", b"x" * 33), replace("Regex", " {2,}", "▁")), 99),
        (ALBERT, 726),
        ({"type": "BertNormalizer"}, 8),
    ],
)
def test_those_in_use_are_not_near_the_limit(normalizer: dict[str, Any] | None, bound: int) -> None:
    content = {"normalizer": normalizer, "pre_tokenizer": {"type": "Metaspace"}}
    assert growth_bound(content, FILE) == 8 * bound < MOST_GROWTH


LETTERS = st.text("ab é", max_size=3)
PATTERNS = [
    "a",
    "a+",
    "a*",
    "a?",
    "(?=a)",
    "[ab]",
    "[^a]",
    "a{2}",
    "a{0,2}",
    "a|",
    "^",
    r"\s+",
    r"\b",
    "a+*",
    "b{1}?",
]
STEPS = st.one_of(
    st.builds(lambda pattern, content: replace("String", pattern, content), LETTERS, LETTERS),
    st.builds(
        lambda pattern, content: replace("Regex", pattern, content), st.sampled_from(PATTERNS), LETTERS
    ),
    st.builds(lambda text: {"type": "Prepend", "prepend": text}, LETTERS),
    st.sampled_from([{"type": kind} for kind in ("NFD", "NFKD", "NFKC", "Lowercase", "ByteLevel")]),
)


@given(steps=st.lists(STEPS, max_size=4), text=st.text("abé İﷺⱥΐ가", min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_no_text_grows_beyond_the_bound(steps: list[dict[str, Any]], text: str) -> None:
    from tokenizers import Tokenizer

    content = {"version": "1.0", "model": MODEL, "normalizer": in_sequence(*steps)}
    bound = growth_bound(content, FILE)
    normalizer = Tokenizer.from_str(json.dumps(content | {"added_tokens": []})).normalizer
    try:
        grown = len(normalizer.normalize_str(text).encode())
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of the library's own code
            raise
        return
    assert bound > MOST_GROWTH or grown <= bound * len(text.encode())
