from __future__ import annotations

from pathlib import Path

import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.language_files import parse_texts
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.evaluate.comparison.models import NamedModel, parse_models

PATTERN = "data/tatoeba.{iso3}-eng.{iso3}"


def test_models_are_named_by_the_user_or_after_their_folder():
    assert parse_models(
        ["LaBSE=models/labse", "models/small/", "./a=b/c", "https://tfhub.dev/google/LaBSE/2"]
    ) == [
        NamedModel("LaBSE", "models/labse"),
        NamedModel("small", "models/small/"),
        NamedModel("c", "./a=b/c"),
        NamedModel("https://tfhub.dev/google/LaBSE/2", "https://tfhub.dev/google/LaBSE/2"),
    ]


def test_two_models_of_one_name_are_refused():
    with pytest.raises(UsageError, match="2 models are called 'small'"):
        parse_models(["old/small", "new/small"])


@pytest.mark.parametrize("text", ["=models/labse", "LaBSE=", ""])
def test_a_model_without_name_or_folder_is_refused(text, monkeypatch):
    monkeypatch.chdir("/")
    with pytest.raises(UsageError, match=r"expected FOLDER or NAME=FOLDER"):
        parse_models([text])


def test_texts_are_files_and_filled_patterns_in_the_order_given():
    files = parse_texts(["en=data/en.txt", PATTERN], parse_languages("zh,fr"))
    assert list(files.items()) == [
        ("en", Path("data/en.txt")),
        ("zh", Path("data/tatoeba.cmn-eng.cmn")),
        ("fr", Path("data/tatoeba.fra-eng.fra")),
    ]
    assert parse_texts(["{code}.txt"], parse_languages("zh")) == {"zh": Path("zh.txt")}


@pytest.mark.parametrize(
    ("texts", "languages", "message"),
    [
        (["data/en.txt"], "", "expected LANG=FILE or a pattern"),
        (["=data/en.txt"], "", "expected LANG=FILE or a pattern"),
        (["en="], "", "expected LANG=FILE or a pattern"),
        (["en=a.txt", "en=b.txt"], "", "two files for en: a.txt and b.txt"),
        (["fr=a.txt", PATTERN], "fr", "two files for fr"),
        ([PATTERN], "", "needs --languages"),
        (["en=a.txt"], "fr", "fills a pattern"),
        (
            ["x/{cod}.txt"],
            "fr",
            r"x/\{cod\}.txt: nothing is put in the place of \{cod\}; did you mean \{code\}",
        ),
        (["x/{code}.{lang}"], "fr", r"nothing is put in the place of \{lang\}; there are \{code\}, \{iso3\}"),
    ],
)
def test_texts_that_cannot_be_meant_are_refused(texts, languages, message):
    with pytest.raises(UsageError, match=message):
        parse_texts(texts, parse_languages(languages) if languages else ())
