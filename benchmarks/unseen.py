"""Does the estimate of what new text holds come true, and how much text is enough?

Counts some lines of a language, lets the selection say what it expects of new text, and looks at lines that
were not counted. Real text, where there is some (`--text`, or the software translations in ../shared), is in
random order and has no line twice; text of any size is made by `text.py`.
"""

from __future__ import annotations

import gzip
import io
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import mean

import numpy as np
from counting import vocabulary_of
from measure import Section
from text import sample_lines

from smaller_labse.common.result_table import Table
from smaller_labse.corpora.languages import Language, find_language
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.sources import Source
from smaller_labse.corpora.text_files import read_lines
from smaller_labse.evaluate.report.charts import COLOURS, MARKERS
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
from smaller_labse.select_vocab.choosing.count_rules import PUBLISHED_RULE, Rule
from smaller_labse.select_vocab.choosing.unseen import MOST_UNSEEN
from smaller_labse.select_vocab.counting.count_sources import count_source, new_counters
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.selection import Coverage

LANGUAGES = ("de", "en", "fr", "ja", "ko", "ru")
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
HELD_OUT = 5_000  # lines
EVERYTHING_COUNTED = Rule("min-line-share", "0")
REAL, MADE = "real", "made"
SHARED = Path(__file__).resolve().parents[2] / "shared"

Text = Callable[[], Iterator[str]]


@dataclass(frozen=True)
class Outcome:
    """What was expected of new text after some lines, and what 5,000 other lines of the same kind showed.

    Attributes:
        text: `REAL` or `MADE`.
        language: its code.
        lines: how many were counted.
        once: tokens seen once over all tokens counted, Good-Turing's estimate with tokens for draws.
        unseen: the estimate with lines for draws, which selections show.
        found_unseen: the share of the other lines' tokens that were never counted.
        unchanged: lines unchanged as expected, when every token that was counted is kept.
        found_unchanged: the same as found.
        independent: the same as expected if a line's tokens came independently, (1 - p)^n.
        rule_counted: lines unchanged among those counted, by the default rule.
        rule_unchanged: lines unchanged as expected, by the default rule.
        rule_found: the same as found.
        elsewhere_unseen: the share of never counted tokens in text of another kind, everyday sentences; None
            where there are none.
        elsewhere_unchanged: of such sentences, those unchanged when every token that was counted is kept.
    """

    text: str
    language: str
    lines: int
    once: float
    unseen: float
    found_unseen: float
    unchanged: float
    found_unchanged: float
    independent: float
    rule_counted: float
    rule_unchanged: float
    rule_found: float
    elsewhere_unseen: float | None
    elsewhere_unchanged: float | None


def measure_unseen(
    e5: Path, labse: Path | None, scratch: Path, pattern: str | None, picture: Path
) -> list[Section]:
    """Compare what is expected with what is found, for both kinds of vocabulary.

    Args:
        e5: multilingual-e5-small, whose results are drawn.
        labse: LaBSE; None for its vocabulary in ../shared, if it is there.
        scratch: a folder for text.
        pattern: real text, a path with {code} in the language's place; None for the translations in
            ../shared, if they are there.
        picture: the SVG file to write.
    """
    tokenizers: dict[str, Tokenizer] = {"multilingual-e5-small": open_original(str(e5)).tokenizer}
    vocabulary = vocabulary_of(labse) if labse else SHARED / "labse" / "cased_vocab.txt"
    if vocabulary.exists():
        tokenizers["LaBSE's vocabulary"] = WordPiece(vocabulary)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in tokenizers}
    for code in LANGUAGES:
        real = read_real_text(find_language(code), pattern)
        made = write_made_text(code, scratch / f"{code}.txt")
        texts: dict[str, tuple[Text, int]] = (
            {REAL: (real.__iter__, len(real))} if len(real) > HELD_OUT else {}
        )
        texts[MADE] = (partial(read_lines, made), max(SIZES) + HELD_OUT)
        for name, tokenizer in tokenizers.items():
            for kind, (text, lines) in texts.items():
                outcomes[name] += compare(tokenizer, kind, code, text, lines)
        made.unlink()
    picture.write_text(draw(outcomes["multilingual-e5-small"]), encoding="utf-8")
    return [describe(name, found) for name, found in outcomes.items()]


def read_real_text(language: Language, pattern: str | None) -> list[str]:
    """Every different line of more than 5 characters, in an order that is random and always the same."""
    if pattern is not None:
        path = Path(language.fill(pattern))
        lines: Iterable[str] = read_lines(path) if path.exists() else ()
    else:
        lines = _translations(language.code)
    different = sorted({line for line in lines if len(line) > LineFilter().longer_than})
    random.Random(0).shuffle(different)
    return different


def write_made_text(code: str, file: Path) -> Path:
    """As many lines as the largest size needs."""
    with file.open("wb") as out:
        out.writelines(sample_lines(code, max(SIZES) + HELD_OUT))
    return file


def compare(
    tokenizer: Tokenizer, kind: str, code: str, text: Text, lines: int, sizes: Sequence[int] = SIZES
) -> Iterator[Outcome]:
    """The first 5,000 lines are held out; of the others so many are counted, or all that there are."""
    held_out = list(islice(text(), HELD_OUT))
    ids, lengths = tokenizer.tokenize(held_out)
    elsewhere = tokenizer.tokenize(_everyday_sentences(find_language(code)))
    counters = new_counters(tokenizer)
    for size in sorted({min(size, lines - HELD_OUT) for size in sizes}):
        print(f"unseen: {kind} text, {code}, {size:,} lines", file=sys.stderr, flush=True)
        source = Source(
            code, find_language(code), kind, lambda size=size: islice(text(), HELD_OUT, HELD_OUT + size)
        )
        counts = count_source(source, tokenizer, LineFilter(max_lines=None), counters)
        whole, by_rule = (_select(tokenizer, counts, rule) for rule in (EVERYTHING_COUNTED, PUBLISHED_RULE))
        sampled = tokenizer.tokenize([line.text for line in counts.sample])[1]
        yield Outcome(
            text=kind,
            language=code,
            lines=size,
            once=int(np.count_nonzero(counts.occurrences == 1)) / int(counts.occurrences.sum()),
            unseen=whole[0].unseen,
            found_unseen=float(np.mean(counts.occurrences[ids] == 0)),
            unchanged=whole[0].expected_unchanged,
            found_unchanged=_unchanged(whole[1], ids, lengths),
            independent=float(np.mean(whole[0].expected_coverage ** sampled)),
            rule_counted=by_rule[0].unchanged,
            rule_unchanged=by_rule[0].expected_unchanged,
            rule_found=_unchanged(by_rule[1], ids, lengths),
            elsewhere_unseen=float(np.mean(counts.occurrences[elsewhere[0]] == 0))
            if len(elsewhere[0])
            else None,
            elsewhere_unchanged=_unchanged(whole[1], *elsewhere) if len(elsewhere[0]) else None,
        )


def describe(name: str, outcomes: Sequence[Outcome]) -> Section:
    """The means over languages, and how far the estimates are off."""
    groups: dict[tuple[str, int], list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda one: (one.text == MADE, one.lines)):
        # Where a language has less real text than the next size, all that it has.
        size = outcome.lines if outcome.lines in SIZES else 0
        groups.setdefault((outcome.text, size), []).append(outcome)
    rows = [
        (
            f"{text}, {_size(group)}",
            *(_percent([getattr(one, key) for one in group], 3) for key in ("unseen", "found_unseen")),
            *(
                _percent([getattr(one, key) for one in group], 1)
                for key in ("unchanged", "found_unchanged", "rule_counted", "rule_unchanged", "rule_found")
            ),
        )
        for (text, _), group in groups.items()
    ]
    columns = (
        *("lines counted", "never counted, expected", "found", "lines unchanged, expected", "found"),
        *("default rule, of those counted", "expected", "found"),
    )
    return Section(
        f"Text that was not counted, {name}",
        Table(columns, rows),
        {f"{text}, {size or 'all'}": group for (text, size), group in groups.items()},
        f"Percent, means over {', '.join(LANGUAGES)}. *Found* is what {HELD_OUT:,} other lines of the same "
        "text show. *Lines unchanged* is of a vocabulary of every token that was counted; the last three "
        f"columns are of one by the default rule, int(lines x {PUBLISHED_RULE.value}). *Real* text is "
        "translated software, in random order; *made* text is words by their frequency. "
        f"{_elsewhere(outcomes)}{_errors(outcomes)}",
    )


def draw(outcomes: Sequence[Outcome]) -> str:
    """What was expected, as lines, and what was found, as marks, for each kind of text, as SVG."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    titles = {REAL: "real text (software translations)", MADE: "made-up text (words by their frequency)"}
    kinds = [kind for kind in titles if any(one.text == kind for one in outcomes)]
    figure = Figure(figsize=(4.6 * len(kinds), 6.4), layout="constrained")
    panels = figure.subplots(2, len(kinds), sharex=True, sharey="row", squeeze=False)
    for column, kind in enumerate(kinds):
        upper, lower = panels[:, column]
        for number, code in enumerate(LANGUAGES):
            own = [one for one in outcomes if (one.text, one.language) == (kind, code)]
            lines = [one.lines for one in own]
            style = {"color": COLOURS[number], "linewidth": 1}
            marks = {**style, "marker": MARKERS[number], "linestyle": "", "markerfacecolor": "none"}
            upper.plot(lines, [100 * one.unseen for one in own], **style)
            upper.plot(lines, [100 * one.found_unseen for one in own], **marks)
            lower.plot(lines, [100 * one.unchanged for one in own], **style)
            lower.plot(lines, [100 * one.found_unchanged for one in own], **marks)
        upper.set_title(titles[kind], fontsize="medium")
        upper.set_yscale("log")
        upper.set_xscale("log")
        upper.set_yticks([0.01, 0.1, 1, 10], ["0.01%", "0.1%", "1%", "10%"])
        upper.axhline(100 * MOST_UNSEEN, color="grey", linewidth=0.8, linestyle=":")
        upper.text(
            max(SIZES), 110 * MOST_UNSEEN, "above: a warning", ha="right", va="bottom", fontsize="small"
        )
        lower.set_ylim(0, 100)
        lower.set_yticks([0, 25, 50, 75, 100], ["0%", "25%", "50%", "75%", "100%"])
        lower.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        lower.set_xlabel("lines counted")
        for panel in (upper, lower):
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(linewidth=0.3)
            panel.minorticks_off()
    panels[0, 0].set_ylabel("tokens of new text\nthat were never counted")
    panels[1, 0].set_ylabel("lines of new text that stay unchanged\n(all counted tokens kept)")
    handles = [
        Line2D([], [], color=COLOURS[n], marker=MARKERS[n], linestyle="", markerfacecolor="none",
               label=find_language(code).name)
        for n, code in enumerate(LANGUAGES)
    ]  # fmt: skip
    handles.append(Line2D([], [], color="grey", linewidth=1, label="line: expected from the counts"))
    handles.append(Line2D([], [], color="grey", marker="o", linestyle="", markerfacecolor="none",
                          label=f"mark: found in {HELD_OUT:,} other lines"))  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize="small")
    out = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "smaller-labse", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


def _translations(code: str) -> Iterator[str]:
    """One side of the translation pairs that developers have; nothing elsewhere."""
    folder, column = SHARED / "parallel", 0 if code == "en" else 1
    for file in sorted(folder.glob("en-*.tsv.gz" if code == "en" else f"en-{code}.tsv.gz")):
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as pairs:
            for pair in pairs:
                yield pair.rstrip("\n").split("\t")[column]


def _everyday_sentences(language: Language) -> list[str]:
    """Tatoeba's test sentences, which developers have; nothing elsewhere."""
    pair = f"tatoeba.{'deu' if language.code == 'en' else language.iso3}-eng"
    file = SHARED / "tatoeba" / "v1" / f"{pair}.{language.iso3}"
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []


def _select(tokenizer: Tokenizer, counts: Counts, rule: Rule) -> tuple[Coverage, np.ndarray]:
    """What a selection says of its coverage, and which tokens it keeps, bool [vocabulary size]."""
    size = len(tokenizer.pieces)
    selection = choose_tokens(tokenizer, original_size=size, hidden_size=1, counts=[counts], rule=rule)
    return selection.coverage[0], np.isin(np.arange(size), selection.subset.original_ids)


def _unchanged(is_kept: np.ndarray, ids: np.ndarray, lengths: np.ndarray) -> float:
    changed = np.unique(np.repeat(np.arange(len(lengths)), lengths)[~is_kept[ids]])
    return 1 - len(changed) / len(lengths)


def _size(group: Sequence[Outcome]) -> str:
    least, most = min(one.lines for one in group), max(one.lines for one in group)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _percent(shares: Sequence[float], digits: int = 2) -> str:
    return f"{100 * mean(shares):.{digits}f}"


def _elsewhere(outcomes: Sequence[Outcome]) -> str:
    """What the largest real text of each language shows of another kind of text."""
    known = [one for one in outcomes if one.text == REAL and one.elsewhere_unseen is not None]
    largest = {one.language: one for one in sorted(known, key=lambda one: one.lines)}.values()
    if not largest:
        return ""
    return (
        "Text of another kind is another matter: of Tatoeba's everyday sentences, with all real lines "
        "counted, "
        f"{_percent([one.elsewhere_unseen for one in largest])} percent of the tokens were never counted "
        f"({_percent([one.found_unseen for one in largest])} of the same text's) and "
        f"{_percent([one.elsewhere_unchanged for one in largest], 1)} percent of the lines stay unchanged. "
    )


def _errors(outcomes: Sequence[Outcome]) -> str:
    def off(expected: str, found: str, relative: bool) -> str:
        errors = [
            abs(getattr(one, expected) - getattr(one, found)) / (getattr(one, found) if relative else 1)
            for one in outcomes
            if getattr(one, found)
        ]
        unit = "%" if relative else " points"
        return f"{100 * mean(errors):.1f}{unit} off on average, {100 * max(errors):.1f}{unit} at most"

    return (
        f"The estimates for one language and size: never counted {off('unseen', 'found_unseen', True)} "
        f"(with tokens for draws, N1/N, {off('once', 'found_unseen', True)}); lines unchanged "
        f"{off('unchanged', 'found_unchanged', False)} (by (1 - p)^n, "
        f"{off('independent', 'found_unchanged', False)}); by the default rule "
        f"{off('rule_unchanged', 'rule_found', False)}."
    )
