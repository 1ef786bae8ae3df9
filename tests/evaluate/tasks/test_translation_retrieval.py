from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.languages import find_language, parse_languages
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.provenance import NOT_KNOWN
from smaller_labse.evaluate.tasks.translation_retrieval import TranslationRetrieval, read_tatoeba
from smaller_labse.evaluate.tatoeba_accuracy import (
    LanguageAccuracy,
    ModelAccuracy,
    TatoebaAccuracy,
    accuracy_table,
    model_accuracy,
    tatoeba,
)


def pairs(language: str, foreign: tuple[str, ...], english: tuple[str, ...]) -> TranslationRetrieval:
    return TranslationRetrieval(("en", language), english, foreign, "tatoeba")


def write_pairs(data: Path, iso3: str, foreign: str, english: str) -> None:
    data.mkdir(exist_ok=True)
    (data / f"tatoeba.{iso3}-eng.{iso3}").write_text(foreign, encoding="utf-8", newline="")
    (data / f"tatoeba.{iso3}-eng.eng").write_text(english, encoding="utf-8", newline="")


def measure(model: NamedModel, tasks, encode) -> ModelAccuracy:
    return model_accuracy(model, tasks, [score for task in tasks for score in task.measure(encode)])


def by_first_letter(texts) -> np.ndarray:
    """An encoder that knows first letters only: every text's nearest neighbours begin like it."""
    return np.eye(26, dtype=np.float32)[[ord(text[0].lower()) - ord("a") for text in texts]]


def test_each_direction_asks_for_the_first_nearest_sentence():
    task = pairs(
        "de", foreign=("apfel", "baum", "clown", "cello"), english=("apple", "boy", "clown", "dance")
    )
    result = measure(NamedModel("letters", "here"), [task], by_first_letter)
    # en→xx: "dance" is like no German word, so all are equally near and the first, "apfel", is wrong.
    # xx→en: "clown" and "cello" both find "clown", right only for one.
    assert result.languages == (LanguageAccuracy("de", 4, from_english=0.75, to_english=0.75),)


def test_english_sentences_are_the_queries_of_en_to_xx():
    def by_angle(texts) -> np.ndarray:
        angles = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    task = pairs("de", foreign=("4", "6", "100"), english=("0", "10", "20"))
    result = measure(NamedModel("angles", "here"), [task], by_angle)
    # 20° lies nearer to 6° than to its own 100°, which in turn has none nearer than 20°.
    assert result.languages[0].from_english == pytest.approx(2 / 3)
    assert result.languages[0].to_english == 1.0


def test_averages_count_languages_alike():
    many = pairs("de", foreign=("a", "b", "c", "d"), english=("a", "b", "c", "d"))
    few = pairs("th", foreign=("a", "b"), english=("b", "a"))
    result = measure(NamedModel("letters", "here"), [many, few], by_first_letter)
    assert (result.average_from_english, result.average_to_english) == (0.5, 0.5)


def test_the_table_has_the_published_ones_digits():
    german = LanguageAccuracy("de", 1000, from_english=0.993, to_english=0.994)
    thai = LanguageAccuracy("th", 548, from_english=454 / 548, to_english=458 / 548)
    result = ModelAccuracy("LaBSE", "labse", "", (thai, german), 0.9108, 0.9149)
    assert (
        accuracy_table(TatoebaAccuracy((result,), NOT_KNOWN))
        .markdown()
        .startswith(
            "|             | pairs | LaBSE en→xx | LaBSE xx→en |\n"
            "| ----------- | ----: | ----------: | ----------: |\n"
            "| Thai (th)   |   548 |       82.85 |       83.58 |\n"
            "| German (de) | 1,000 |       99.30 |       99.40 |\n"
            "| average     | 1,548 |       91.08 |       91.49 |\n"
            "\nIn percent: the sentences whose nearest neighbour is their translation;"
        )
    )


def test_all_languages_of_the_folder_are_read_by_default_in_the_order_of_their_codes(tmp_path):
    for iso3 in ("cmn", "deu", "dtp"):
        write_pairs(tmp_path, iso3, f"{iso3} one\ntwo\n", "one\ntwo\n")
    (tmp_path / "LICENSE").write_text("anything")
    tasks = read_tatoeba(tmp_path)
    assert [task.languages[1] for task in tasks] == ["de", "dtp", "zh"]
    assert tasks[2] == pairs("zh", ("cmn one", "two"), ("one", "two"))


def test_chosen_languages_keep_their_order_and_english_is_passed_over(tmp_path):
    for iso3 in ("cmn", "deu", "fra"):
        write_pairs(tmp_path, iso3, "one\n", "one\n")
    assert [task.languages[1] for task in read_tatoeba(tmp_path, parse_languages("zh,en,de"))] == ["zh", "de"]
    with pytest.raises(UsageError, match="English alone has no pairs"):
        read_tatoeba(tmp_path, [find_language("en")])


def test_only_line_feeds_separate_sentences(tmp_path):
    write_pairs(tmp_path, "fra", "un\u2028deux\r\n\ntrois", "one\ntwo\x0cand\nthree\n")
    assert read_tatoeba(tmp_path) == [
        pairs("fr", ("un\u2028deux", "", "trois"), ("one", "two\x0cand", "three"))
    ]


def test_broken_data_is_named(tmp_path):
    with pytest.raises(SmallerLabseError, match=r"missing: no such folder"):
        read_tatoeba(tmp_path / "missing")
    with pytest.raises(SmallerLabseError, match=r"no tatoeba\.xxx-eng\.xxx"):
        read_tatoeba(tmp_path)

    write_pairs(tmp_path, "deu", "eins\nzwei\n", "one\n")
    with pytest.raises(
        SmallerLabseError, match=r"deu-eng\.deu has 2 lines, but .*tatoeba\.deu-eng\.eng has 1"
    ):
        read_tatoeba(tmp_path)
    write_pairs(tmp_path, "deu", "eins\n", "")
    with pytest.raises(SmallerLabseError, match=r"deu-eng\.eng: empty"):
        read_tatoeba(tmp_path)
    (tmp_path / "tatoeba.deu-eng.eng").write_bytes(b"one\xff\n")
    with pytest.raises(SmallerLabseError, match=r"deu-eng\.eng: line 1 is not UTF-8"):
        read_tatoeba(tmp_path)
    (tmp_path / "tatoeba.deu-eng.eng").unlink()
    with pytest.raises(SmallerLabseError, match=r"deu-eng\.eng: there is no such file"):
        read_tatoeba(tmp_path)
    write_pairs(tmp_path, "fra", "un\n", "one\n")
    with pytest.raises(
        SmallerLabseError,
        match=r"tha-eng\.tha: there is no such file; the folder has pairs of French \(fr\), German \(de\)",
    ):
        read_tatoeba(tmp_path, [find_language("th")])


@pytest.mark.usefixtures("in_this_process")
def test_models_are_measured_side_by_side_on_real_sentences(shared, original):
    models = [f"tiny={original}", f"small={shared / 'labse_format'}"]
    results = tatoeba(models, shared / "tatoeba" / "v1", languages="th,tr").models
    assert [result.model for result in results] == ["tiny", "small"]
    assert [language.pairs for language in results[1].languages] == [548, 1000]

    from smaller_labse.evaluate import load

    thai = read_tatoeba(shared / "tatoeba" / "v1", parse_languages("th"))[0]
    encoder = load(shared / "labse_format")
    english, foreign = (encoder.encode(texts, normalize=True) for texts in (thai.left, thai.right))
    similarities = english.astype(np.float64) @ foreign.T.astype(np.float64)
    found = results[1].languages[0]
    assert found.from_english == np.mean(similarities.argmax(axis=1) == np.arange(548))
    assert found.to_english == np.mean(similarities.argmax(axis=0) == np.arange(548))
