"""The estimate of what new text holds: against its definition, against lines that were not counted, and as said."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
from smaller_labse.select_vocab.choosing.count_rules import LANGUAGE_RULES, Rule
from smaller_labse.select_vocab.choosing.unseen import kept_without_a_line, too_little_text, unseen_share
from smaller_labse.select_vocab.counting.counts import add_counts
from smaller_labse.select_vocab.counting.counts_file import read_counts
from smaller_labse.select_vocab.selection import Coverage, read_selection
from smaller_labse.select_vocab.selection_tables import NO_ESTIMATE, estimate_table

OF_LATER_VERSIONS = (b"word_list", b"columns", b"digest")
LINES = st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), min_size=1, max_size=6)


def count_lines(lines: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Occurrences and lines of each of eight tokens."""
    occurrences = np.bincount([token for line in lines for token in line], minlength=8)
    return occurrences, np.bincount([token for line in lines for token in set(line)], minlength=8)


@given(LINES)
def test_the_unseen_share_is_what_each_line_holds_that_no_other_line_does(lines):
    unseen = [
        sum(token not in {t for other in lines[:n] + lines[n + 1 :] for t in other} for token in line)
        for n, line in enumerate(lines)
    ]
    assert unseen_share(*count_lines(lines)) == sum(unseen) / sum(map(len, lines))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(any))
def test_of_lines_of_one_token_it_is_good_turings_n1_over_n(occurrences):
    counted = np.array(occurrences)
    assert unseen_share(counted, counted) == sum(count == 1 for count in occurrences) / sum(occurrences)


@pytest.mark.parametrize(
    ("name", "values"), [("min-line-share", ["0", "0.02", "0.05"]), ("top-k", [1, 3, 5])]
)
@given(counted=st.lists(st.integers(0, 9), min_size=2, max_size=8).filter(any), data=st.data())
def test_a_token_is_kept_without_a_line_where_the_rule_still_keeps_it(
    make_counts, name, values, counted, data
):
    """Every token once per line, so that the lines of one token change no other's."""
    rule, value = LANGUAGE_RULES[name], data.draw(st.sampled_from(values))
    kept = np.isin(np.arange(len(counted)), rule(make_counts(counted), value))
    lines, by_rank = np.array(counted), name == "top-k"
    # A threshold is known by a token that just fails it, a number of ranks by one that comes too late.
    if by_rank:
        assume(np.count_nonzero(lines) > value)
    else:
        assume(max(0, int(100 * float(value)) - 1) in {0, *counted})
    (firm,) = kept_without_a_line([lines], [lines - 1], kept, np.zeros(len(counted), bool), by_rank)
    for token in np.flatnonzero(kept).tolist():
        fewer = [count - (number == token) for number, count in enumerate(counted)]
        assert firm[token] == (token in rule(make_counts(fewer), value)), (counted, token)
    assert not (firm & ~kept).any()


def test_a_token_of_one_line_stays_where_another_language_or_a_list_keeps_it():
    lines = [np.array([5, 1, 1, 1]), np.array([0, 3, 0, 0])]
    kept, always = np.ones(4, bool), np.array([False, False, True, False])
    first, second = kept_without_a_line(lines, [one - 1 for one in lines], kept, always, ties_by_id=False)
    assert first.tolist() == [True, True, True, False]
    assert second[:3].tolist() == [True, True, True]


def found(tokenizer, kept_ids, lines: list[str]) -> tuple[float, float]:
    """Coverage and unchanged lines of text that was not counted."""
    ids, lengths = tokenizer.tokenize(lines)
    kept = np.isin(ids, kept_ids)
    changed = np.unique(np.repeat(np.arange(len(lines)), lengths)[~kept])
    return float(kept.mean()), 1 - len(changed) / len(lines)


def select_from(tokenizer, texts: dict[str, list[str]], rule: Rule):
    from smaller_labse.corpora.languages import find_language
    from smaller_labse.corpora.sources import Source
    from smaller_labse.select_vocab.counting.count_sources import count_source

    sources = [
        Source(code, find_language(code), code, lambda lines=lines: iter(lines))
        for code, lines in texts.items()
    ]
    counts = [count_source(source, tokenizer, LineFilter(0, None)) for source in sources]
    return choose_tokens(tokenizer, len(tokenizer.pieces), 8, counts, rule)


RULES = [
    Rule(),
    Rule("min-line-share", "0.01"),
    Rule("top-k", 400),
    Rule("coverage", "0.95"),
    Rule("vocab-size", 2500),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name} {rule.value}")
def test_it_foretells_what_lines_show_that_were_not_counted(tokenizer, rule):
    """Half of the built-in sentences, 218 of all languages together, for the other half; the mean of 10 draws."""
    sentences = [sentence for texts in builtin_sentences().values() for sentence in texts]
    expected, shown = [], []
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(sentences))
        counted, held_out = ([sentences[n] for n in half] for half in np.array_split(order, 2))
        selection = select_from(tokenizer, {"en": counted}, rule)
        (language,) = selection.coverage
        expected.append((language.expected_coverage, language.expected_unchanged))
        shown.append(found(tokenizer, selection.subset.original_ids, held_out))
        assert language.coverage > shown[-1][0] + 0.08, "what was counted looks better than it is"
    assert np.mean(expected, axis=0) == pytest.approx(np.mean(shown, axis=0), abs=0.015)


@pytest.mark.parametrize(
    "rule", [*RULES[:4], Rule("vocab-size", 4000)], ids=lambda rule: f"{rule.name} {rule.value}"
)
def test_it_foretells_half_of_tatoeba_from_the_other_half(shared, rule):
    """LaBSE's real vocabulary, three languages in one selection."""
    tokenizer = WordPiece(shared / "labse" / "cased_vocab.txt")
    halves: dict[str, list[list[str]]] = {}
    for code, iso3 in (("de", "deu"), ("ja", "jpn"), ("ru", "rus")):
        file = shared / "tatoeba" / "v1" / f"tatoeba.{iso3}-eng.{iso3}"
        lines = list(dict.fromkeys(file.read_text(encoding="utf-8").split("\n")[:-1]))
        order = np.random.default_rng(6).permutation(len(lines))
        halves[code] = [[lines[n] for n in half] for half in np.array_split(order, 2)]
    selection = select_from(tokenizer, {code: counted for code, (counted, _) in halves.items()}, rule)
    for language in selection.coverage:
        coverage, unchanged = found(tokenizer, selection.subset.original_ids, halves[language.name][1])
        assert language.expected_coverage == pytest.approx(coverage, abs=0.025), language.name
        assert language.expected_unchanged == pytest.approx(unchanged, abs=0.08), language.name
        assert language.coverage > coverage + 0.01


@pytest.fixture
def count_text(example, run, tmp_path):
    """Count `lines` of Italian, or a file under another name."""

    def count(lines: list[str], name: str = "it.txt") -> None:
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        ended = run(
            "count", "--model", example, "--text", f"it={tmp_path / name}", "--out", tmp_path / "counts"
        )
        assert ended.code == 0, ended.error

    return count


@pytest.fixture
def select_it(example, run, tmp_path):
    def select(*rule: object):
        counts, out = tmp_path / "counts", tmp_path / "selection"
        ended = run("select", "--model", example, "--counts", counts, "--out", out, "--overwrite", *rule)
        assert ended.code == 0, ended.error
        return ended, read_selection(out).coverage[0]

    return select


SENTENCES = [
    f"{sentence} {n}" for n, sentence in enumerate(s for texts in builtin_sentences().values() for s in texts)
]


def test_select_says_beside_its_coverage_what_new_text_is_expected_to_show(count_text, select_it):
    count_text(SENTENCES)
    ended, italian = select_it("--no-keep-characters")
    assert italian.coverage == italian.unchanged == 1.0
    assert 0.2 < italian.unseen < 0.4
    assert italian.expected_coverage == pytest.approx(1 - italian.unseen, abs=0.001)
    assert italian.expected_unchanged < 0.3
    with_characters = select_it()[1]
    assert with_characters.unseen == italian.unseen
    assert with_characters.expected_coverage > italian.expected_coverage + 0.01
    row = next(
        line
        for line in ended.out.splitlines()
        if "never counted" not in line and f"{italian.unseen:.2%}" in line
    )
    assert [cell.strip() for cell in row.strip("| ").split("|")] == [
        "Italian (it)",
        f"{len(SENTENCES):,}",
        f"{italian.unseen:.2%}",
        f"{italian.expected_coverage:.2%}",
        f"{italian.expected_unchanged:.1%}",
    ]


def test_too_little_text_is_said_in_one_line_with_the_language_and_what_to_do(count_text, select_it):
    count_text(SENTENCES)
    ended, italian = select_it()
    assert ended.error == (
        "too little text was counted: the share of new text's tokens that were never counted is estimated at "
        f"{italian.unseen:.1%} for Italian (it), expected at most 0.5%; count more text, see "
        "docs/how-much-text.md; int(lines x 0.00005) is 0 lines for Italian (it), so every counted token is "
        "kept\n"
    )
    ended, _ = select_it("--top-k", 50)
    assert ended.error.startswith("too little text was counted: ")
    assert "int(lines" not in ended.error


def test_enough_text_is_no_matter_of_a_word(count_text, select_it):
    count_text(SENTENCES * 2)  # every token is in two lines
    ended, italian = select_it()
    assert (ended.error, italian.unseen, italian.expected_coverage) == ("", 0.0, 1.0)


def test_word_lists_have_neither_an_estimate_nor_unchanged_lines(count_text, select_it, tokenizer, tmp_path):
    count_text(["casa\t300", "cane\t1"], "it.tsv")
    ended, italian = select_it()
    assert (italian.unseen, italian.expected_coverage, italian.expected_unchanged) == (None, None, None)
    assert italian.unchanged is None  # of words, which would say nothing of text
    assert NO_ESTIMATE in ended.out and "on new text" not in ended.out
    assert ended.error == ""
    file = tmp_path / "counts" / "it.parquet"
    words = read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    assert words.word_list
    # Added to text, invented weights stay invented.
    file.unlink()
    count_text(SENTENCES)
    text = read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    assert not text.word_list
    assert add_counts(text, words).word_list
    assert add_counts(words, text).word_list


def test_counts_of_word_lists_by_earlier_versions_are_known_by_the_lists_name(
    count_text, tokenizer, tmp_path
):
    count_text(["casa\t300", "cane\t1"], "it.tsv")
    file = tmp_path / "counts" / "it.parquet"
    table = pq.read_table(file)
    metadata = {key: value for key, value in table.schema.metadata.items() if key not in OF_LATER_VERSIONS}
    pq.write_table(table.replace_schema_metadata(metadata), file)
    assert read_counts(file, tokenizer.pieces, tokenizer.fingerprint).word_list


def test_published_frequencies_have_no_estimate(example, tokenizer, run, tmp_path):
    frequencies = Counter(tokenizer.pieces[n] for n in tokenizer.tokenize(SENTENCES)[0])
    (tmp_path / "it_freqs.json").write_text(json.dumps(frequencies), encoding="utf-8")
    out = tmp_path / "selection"
    ended = run(
        "select", "--model", example, "--counts", tmp_path / "it_freqs.json", "--top-k", 50, "--out", out
    )
    assert (ended.code, ended.error) == (0, "")
    assert NO_ESTIMATE in ended.out and "on new text" not in ended.out


def test_selections_of_earlier_versions_are_read_and_show_dashes(count_text, select_it, tmp_path):
    count_text(SENTENCES)
    _, italian = select_it()
    file = tmp_path / "selection" / "selection.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    new = {"unseen", "expected_coverage", "expected_unchanged"}
    assert described["coverage"] == [asdict(italian)]
    described["coverage"] = [{key: value for key, value in asdict(italian).items() if key not in new}]
    del described["files"], described["digest"]
    file.write_text(json.dumps(described), encoding="utf-8")
    selection = read_selection(tmp_path / "selection")
    assert selection.coverage[0].coverage == italian.coverage
    assert estimate_table(selection).rows == [("Italian (it)", f"{len(SENTENCES):,}", "-", "-", "-")]


def covered(name: str, language: str, lines: int, unseen: float | None) -> Coverage:
    return Coverage(
        name, language, f"{name}.txt", lines, 9, 9, 1.0, 1.0, 0.0, 0.0, unseen, unseen and 1 - unseen, 0.5
    )


def test_the_warning_names_those_languages_alone_that_need_more_text():
    coverage = [
        covered("de", "de", 800, 0.122),
        covered("fr", "fr", 90_000, 0.0049),
        covered("ko", "ko", 500, None),
        covered("zh_classical", "zh", 30_000, 0.0054),
    ]
    text = too_little_text(coverage, Rule())
    assert (
        "estimated at 12.2% for German (de), 0.5% for Chinese (zh_classical), expected at most 0.5%" in text
    )
    assert text.endswith("is 0 lines for German (de), so every counted token is kept")
    assert "French" not in text and "Korean" not in text and "\n" not in text
    assert too_little_text(coverage[1:3], Rule()) is None
