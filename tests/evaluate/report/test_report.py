"""What a report says of itself, and that it can be read in a terminal of 80 columns and on a telephone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from smaller_labse.evaluate.comparison.lost_tokens import LostToken
from smaller_labse.evaluate.comparison.side_by_side import Report
from smaller_labse.evaluate.report.charts import overview_chart, parts_chart
from smaller_labse.evaluate.report.lost_list import lost_list
from smaller_labse.evaluate.report.tables import averages_table, parts_table, sizes_table, texts_table
from smaller_labse.evaluate.report.write_report import write_report
from tests.evaluate.report.conftest import MODELS

NARROW = 390  # pixels
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def written(report: Report, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "report"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        write_report(dated(report), folder)
    return folder


def dated(report: Report) -> Report:
    """The report as it would be made now."""
    from dataclasses import replace

    from smaller_labse.evaluate.comparison.provenance import report_date

    return replace(report, provenance=replace(report.provenance, date=report_date()))


def test_a_report_names_data_pairs_prompt_versions_and_date(written):
    numbers = json.loads((written / "report.json").read_text("utf-8"))
    assert numbers["date"] == "2023-11-14"
    assert set(numbers["versions"]) >= {"smaller-labse", "tensorflow", "python"}
    assert {"task": "tatoeba", "sample": "en-it", "pairs": 200, "source": "LASER/data/tatoeba/v1"} in numbers[
        "data"
    ]
    assert {line["pairs"] for line in numbers["scores"]} == {200, 20}
    assert {model["prompt"] for model in numbers["models"]} == {"query: "}
    said = (
        "Data: tatoeba, 15 pairs of languages, 3,000 pairs of texts, from LASER/data/tatoeba/v1.",
        "Data: sts, en, 20 pairs of texts, from data/sts-benchmark.tsv.",
        'Prompt before every text: "query: ".',
        f"Installed: smaller-labse {numbers['versions']['smaller-labse']}, tensorflow ",
        "Date: 2023-11-14.",
    )
    page = html.unescape((written / "report.html").read_text("utf-8"))
    for sentence in said:
        assert sentence in (written / "report.md").read_text("utf-8")
        assert sentence in page
    for picture, data in (("overview", said[0]), ("sts_pearson", said[1])):
        svg = html.unescape((written / f"{picture}.svg").read_text("utf-8"))
        texts = " ".join(
            re.findall(r"<text[^>]*>([^<]*)</text>", svg) + re.findall(r"<tspan[^>]*>([^<]*)</tspan>", svg)
        )
        for sentence in (data, *said[2:]):
            assert sentence in texts


def test_words_are_explained_where_they_stand(written):
    text = (written / "report.md").read_text("utf-8")
    after = text.split("## Texts and tokens")[1]
    assert (
        after.index("| unchanged |")
        < after.index("*Unchanged*: the share of texts")
        < after.index("lost tokens")
    )
    assert "*New unknown*: tokens that the smaller model cannot read" in after
    page = (written / "report.html").read_text("utf-8")
    assert (
        "<em>Unchanged</em>: the share" in page
        and "coverage (the share of the counted tokens that are kept)" in page
    )


def test_no_speed_is_told_without_its_spread(written):
    for name in ("report.html", "report.md"):
        page = (written / name).read_text("utf-8")
        assert page.count("1,234.5 (1,111.5 to 1,357.5)") == page.count("1,234.5") > 1


def test_languages_have_their_names(written):
    text = (written / "report.md").read_text("utf-8")
    assert "| English (en) → Italian (it) " in text and "| Serbian (Latin) (sr-Latn) " in text
    svg = (written / "tatoeba_precision_at_1.svg").read_text("utf-8")
    assert ">→ Italian (it)</text>" in svg and ">Italian (it) →</text>" in svg
    assert ">Italian (it)</text>" in (written / "overview.svg").read_text("utf-8")


def test_the_same_report_is_the_same_bytes(report, written, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_report(dated(report), tmp_path / "report")
    files = sorted(file.name for file in written.iterdir())
    assert files == sorted(file.name for file in (tmp_path / "report").iterdir())
    for name in files:
        assert (written / name).read_bytes() == (tmp_path / "report" / name).read_bytes()


def test_a_date_that_is_none_is_refused(report, monkeypatch):
    from smaller_labse.common.errors import UsageError

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH='yesterday': expected seconds since 1970"):
        dated(report)


def test_tables_fit_a_terminal_of_80_columns(report):
    tables = [sizes_table(report), averages_table(report), parts_table(report, report.lines)]
    for table in [*tables, *map(texts_table, report.texts)]:
        text = table.text(80)
        assert max(map(len, text.splitlines())) <= 80
        for row in table.rows:
            for cell in row[1:]:
                assert cell in text, "no number is broken"


def test_markdown_fits_80_columns_as_far_as_a_models_name_does(written):
    text = (written / "report.md").read_text("utf-8")
    longest = max(map(len, MODELS))
    lines = [line for line in text.splitlines() if line.startswith(("|", "- ", "  - ", "    "))]
    lists = text.split("The lost tokens that most texts used:\n\n")[1].split("\n#")[0].splitlines()
    assert set(lists) <= {*lines, ""} and any(line.startswith("  - now: ") for line in lists)
    assert all(cell_len(line) <= 80 for line in lists)
    tables = [line for line in lines if line.startswith("|") and not any(name in line for name in MODELS)]
    assert len(tables) > 300
    # A heading may be a model's name, and is as wide as all below it.
    assert all(len(line) <= 80 or longest < len(line) < longest + 80 for line in tables)


def test_lost_tokens_are_shown_as_they_are_and_fit_80_columns():
    long, japanese = "word " * 40, "日本語の文です" * 12
    for example, tokens in ((long, long.split()), (japanese, ["- ", "-", "#", "1.", "**", *("日",) * 90])):
        shown = lost_list([LostToken("##*x*", 1, "ja", example, tuple(tokens), ("now",))])
        assert all(cell_len(line) <= 80 for line in shown.splitlines())
        first = shown.splitlines()[0]
        assert first.startswith(r"- \##\*x\* – 1 text, in Japanese (ja):")
        for line in shown.splitlines():
            assert re.match(r"(- |  (- |(?![-+*#>=]|\d[.)])\S)|    (?![-+*#>=]|\d[.)])\S)", line), line
        without = re.sub(r"\s", "", shown.replace("\\", ""))
        assert re.sub(r"\s", "", f"{example}-before:{''.join(tokens)}-now:now") in without


@pytest.mark.skipif(BROWSER is None, reason="no browser")
@pytest.mark.parametrize("width", [NARROW, 1280])
def test_the_page_is_as_wide_as_the_screen(written, tmp_path, width):
    """In a frame, as a browser's window has a least width of its own."""
    page = html.escape((written / "report.html").read_text("utf-8"))
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<!doctype html><iframe id="frame" style="border: 0; width: {width}px; height: 9000px" srcdoc="{page}">'
        "</iframe><script>frame.onload = () => { const page = frame.contentDocument; const wide = "
        '[...page.querySelectorAll("*")].filter(one => one.getBoundingClientRect().right > innerEdge(page)); '
        'document.title = page.documentElement.scrollWidth + " " + wide.map(one => one.tagName) }; '
        "const innerEdge = page => page.documentElement.clientWidth + 0.5</script>",
        encoding="utf-8",
    )
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    done = subprocess.run([*command, "--dump-dom", frame], capture_output=True, text=True, timeout=120)
    (title,) = re.findall(r"<title>(\d+) ([A-Z,]*)</title>", done.stdout)
    assert int(title[0]) <= width and title[1] == ""


def test_letters_in_pictures_are_large_enough_for_a_narrow_screen(written):
    for file in written.glob("*.svg"):
        svg = file.read_text("utf-8")
        width = float(re.search(r'viewBox="0 0 ([\d.]+) ', svg)[1])
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", svg)]
        assert sizes and min(sizes) * (NARROW - 32) / width >= 9


def test_bars_begin_at_zero(report):
    from smaller_labse.evaluate.report import charts

    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "_svg", lambda figure: drawn.append(figure) or "")
        charts.overview_chart(report, "tatoeba", "precision at 1")
        charts.parts_chart(report, "tatoeba", "precision at 1")
        charts.curve_chart(report, report.averages[0])
    for axes in (axes for figure in drawn for axes in figure.axes):
        if axes.patches:
            assert axes.get_xlim()[0] == 0 and axes.patches[0].get_x() == 0
    assert drawn[0].axes[0].patches


def test_a_name_with_dollar_signs_is_no_formula(report):
    named = replace(report.models[1].model, name=r"a $\x$ b_")
    report = replace(
        report, models=(report.models[0], replace(report.models[1], model=named), *report.models[2:])
    )
    for picture in (
        overview_chart(report, "tatoeba", "precision at 1"),
        parts_chart(report, "sts", "Pearson"),
    ):
        assert r"a $\x$ b_" in picture
