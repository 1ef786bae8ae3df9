"""A report on fifteen languages and models with long names, as if measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.results import Measured, ModelSize, TokenizedTexts
from smaller_labse.evaluate.comparison.side_by_side import Report, compare_measured
from smaller_labse.evaluate.tasks.sts import Sts
from smaller_labse.evaluate.tasks.translation_retrieval import TranslationRetrieval
from smaller_labse.metrics.scores import Score

CODES = ("ar", "bo", "cu", "de", "es", "fr", "ht", "it", "ja", "ko", "lb", "mn", "nn", "sr-Latn", "zh")
MODELS = {
    "original": 250_037,
    "multilingual-e5-small-trimmed-to-fifteen-languages-of-my-customers": 100_000,
    "paraphrase_multilingual_MiniLM_half_its_vocabulary": 50_000,
    "25%": 25_000,
    "tiny": 12_500,
}
PAIRS = 200


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Report:
    random = np.random.default_rng(1)
    tasks = [
        TranslationRetrieval(
            ("en", code),
            tuple(f"sentence {number}" for number in range(PAIRS)),
            tuple(f"{code} {number}" for number in range(PAIRS)),
            "tatoeba",
            "LASER/data/tatoeba/v1",
        )
        for code in CODES
    ]
    alike = Sts("en", ("a",) * 20, ("b",) * 20, tuple(map(float, range(20))), "data/sts-benchmark.tsv")
    measured = []
    for number, (name, size) in enumerate(MODELS.items()):
        folder = tmp_path_factory.mktemp("model")
        coverage = [{"language": code, "coverage": 1 - 0.001 * number} for code in CODES]
        (folder / "manifest.json").write_text(json.dumps({"coverage": coverage}))
        scores = [
            Score(
                "tatoeba", part, "precision at 1", random.random(PAIRS) < 0.98 - 0.03 * number, f"en-{code}"
            )
            for code in CODES
            for part in (f"en→{code}", f"{code}→en")
        ]
        items = np.stack([np.arange(20.0), np.arange(20.0) + random.normal(0, 1 + number, 20)], axis=1)
        scores += [Score("sts", "en", metric, items, "en") for metric in ("Spearman", "Pearson")]
        measured.append(_measured(name, folder, size, number, scores))
    return compare_measured(measured, [*tasks, alike])


def _measured(name: str, folder: Path, size: int, number: int, scores: list[Score]) -> Measured:
    vocabulary = ["<unk>", *(f"▁token{token}" for token in range(40))]
    kept = (
        vocabulary
        if number == 0
        else [token for place, token in enumerate(vocabulary) if place % (23 - 4 * number) != 9]
    )
    ids = {token: place for place, token in enumerate(kept)}
    tokenized = {}
    for language in ("en", *CODES):
        texts = [[vocabulary[1 + (start + step) % 40] for step in range(5)] for start in range(PAIRS)]
        tokens = [np.array([ids.get(token, 0) for token in text], np.int32) for text in texts]
        tokenized[language] = TokenizedTexts.of(tokens)
    needs = ModelSize(
        size,
        384,
        21_000_000 + size * 384,
        4 * (21_000_000 + size * 384),
        10**9,
        2 * 10**9,
        1.5,
        1234.5,
        1111.5,
        1357.5,
        10**7,
        0.25,
    )
    model = NamedModel(name, str(folder))
    return Measured(model, needs, tuple(kept), tuple(scores), tokenized, "query: ")
