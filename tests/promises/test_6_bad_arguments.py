"""Promise 6: what cannot be meant ends in one line, exit code 2, and nothing is written."""

from __future__ import annotations

import pytest

from smaller_labse.corpora.languages import LANGUAGES, find_language, parse_languages

TEXT = "--text en={text}/en.txt"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            "--languages xx",
            "unknown language 'xx'; give a code such as en or fr, an English name, or any ISO 639 code",
        ),
        ("--languages medical --dataset somebody/{{code}}", "unknown language 'medical'; did you mean"),
        ("--text .x={text}/en.txt", "'.x' cannot name text; use letters, digits"),
        ("--text en={text}/*.text", "/*.text: no file matches this pattern"),
        (f"{TEXT} --text-field body", "en.txt is plain text, which has no fields; leave the option out"),
        (
            f"{TEXT} --languages en,ja --wikipedia --text-field body",
            "en.txt is plain text, which has no fields; leave the option out",
        ),
        (
            f"{TEXT} --text it={{text}}/it.txt --languages en",
            "it.txt: Italian (it) is not among --languages; add it there, or leave --languages out",
        ),
        (
            f"{TEXT} --text {{text}}/{{{{code}}}}.txt --languages en",
            "{code}.txt: no language uses it, as there",
        ),
        ("--text {text}/x/{{code}}.txt --languages en,it --wikipedia", "{code}.txt: no language uses it, as"),
        ("--text en={words} --max-lines 10", "en.tsv is a word list, which is counted whole, so leave them"),
        ("--text en={words} --longer-than 5", "en.tsv is a word list, which is counted whole, so leave them"),
        (f"{TEXT} --text EN2={{text}}/it.txt en2={{text}}/ja.txt", "would both be counted into en2.parquet"),
        ("--text {text}/{{code}}.txt --languages en,frx", "unknown language 'frx'; did you mean fr (French)"),
        ("--text {text}/{{code}}.txt --languages ,", "no language in ','"),
        (
            "--text {text}/{{code}}.txt --languages nowhere/languages.txt",
            "there is no such file of languages",
        ),
        (
            "--text {text}/{{cod}}.txt --languages en",
            "{cod}.txt: nothing is put in the place of {cod}; did you mean {code}? There are {code}, {iso3}, {name}",
        ),
        (
            "--dataset somebody/corpus --dataset-config {{xx}} --languages en",
            "--dataset-config {xx}: nothing is put in the place of {xx}; there are {code}, {iso3}, {name}",
        ),
        # A misspelt language is said before the files that are missing, whatever else is given.
        (
            "--text nowhere/{{code}}.txt --languages en,frx",
            "unknown language 'frx'; did you mean fr (French)",
        ),
        ("--text en=nowhere.txt --languages en,frx", "unknown language 'frx'; did you mean fr (French)"),
        ("--text en=nowhere*.txt --languages en,frx --wikipedia", "unknown language 'frx'; did you mean fr"),
        (
            "--text en=nowhere.txt x/{{code}}.txt --languages en,frx --dataset somebody/{{code}}",
            "unknown language 'frx'; did you mean fr",
        ),
        ("--text en=", "--text en=: write LANGUAGE=PATH, or put"),  # else it were all files of this folder
        ("--text {text}/en.txt", "write LANGUAGE=PATH, or put {code} or {iso3} into the path"),
        ("--text {text}/{{code}}.txt", "name the languages with --languages, or write --text LANGUAGE=PATH"),
        (f"{TEXT} --text {{text}}/{{{{code}}}}.txt", "name the languages with --languages"),
        (f"{TEXT} --text eng={{text}}/en.txt", "en.txt is given twice for English (en)"),
        (
            f"{TEXT} --text it={{text}}/en.txt",
            "English (en) and Italian (it) would be counted from the same text",
        ),
        (f"{TEXT} --languages en,it", "no text for Italian (it); add --text it=PATH"),
        (
            "--languages en --dataset somebody/corpus --wikipedia",
            "--dataset and --wikipedia exclude each other",
        ),
        (f"{TEXT} --dataset somebody/corpus", "every language has text of its own; name with --languages"),
        (f"{TEXT} --wikipedia-date 20240101", "every language has text of its own; name with --languages"),
        (f"{TEXT} --dataset-split test", "--dataset-config and --dataset-split go with --dataset"),
        ("--languages en --dataset-config en", "--dataset-config and --dataset-split go with --dataset"),
        ("--languages en --text-field body", "--text-field goes with --text or --dataset"),
        (
            "--languages en,fr --dataset somebody/corpus",
            "English (en) and French (fr) would be counted from the same",
        ),
        ("--dataset somebody/corpus-{{code}}", "name the languages, e.g. --languages en,fr,de"),
        ("", "name the languages, e.g. --languages en,fr,de"),
        (f"{TEXT} --longer-than -1", "expected a non-negative integer, got '-1'"),
        (f"{TEXT} --longer-than 5.5", "expected a non-negative integer, got '5.5'"),
        (
            "--text en=gopher://host/en.txt",
            "--text gopher://host/en.txt: nothing is read from gopher://; there are",
        ),
        ("--text en={words} --draw even", "en.tsv is a word list, which is counted whole, so leave them"),
        (f"{TEXT} --draw even --max-lines 0", "--draw draws some of the lines, --max-lines 0 takes all"),
        (f"{TEXT} --sample odd", "--sample: invalid choice: 'odd', expected first, even"),
        (f"{TEXT} --max-lines ten", "expected a non-negative integer, got 'ten'"),
        (f"{TEXT} --max-lines {'9' * 30}", "is too large"),
        (f"{TEXT} --workers two", "expected a non-negative integer, got 'two'"),
    ],
)
def test_count_refuses(example, text_files, run, tmp_path, tmp_path_factory, nothing_left, arguments, reason):
    words = tmp_path_factory.mktemp("words") / "en.tsv"
    words.write_text("good\t3\n")
    given = arguments.format(text=text_files, words=words).split()
    ended = run("count", "--model", example, *given, "--out", tmp_path / "counts")
    assert ended.code == 2
    assert reason in ended.error.splitlines()[-1]
    assert "Traceback" not in ended.error
    nothing_left()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--counts {counts} --top-k 0", "--top-k: expected a positive integer, got '0'"),
        ("--counts {counts} --top-k many", "expected a positive integer, got 'many'"),
        (
            "--counts {counts} --coverage 1e-99999999",
            "expected a share from 0 to 1, such as 0.00005, got '1e-99999999'",
        ),
        (
            "--counts {counts} --vocab-size 0",
            "--vocab-size: expected a positive integer or a percentage, such as 25%, got '0'",
        ),
        (
            "--counts {counts} --vocab-size 0%",
            "expected a percentage from above 0% to 100%, such as 25%, got '0%'",
        ),
        (
            "--counts {counts} --vocab-size 101%",
            "expected a percentage from above 0% to 100%, such as 25%, got '101%'",
        ),
        (
            "--counts {counts} --vocab-size x%",
            "expected a percentage from above 0% to 100%, such as 25%, got 'x%'",
        ),
        ("--counts {counts} --vocab-size 9", "--vocab-size 9 is too small: "),
        ("--counts {counts} --coverage 1.5", "expected a share from 0 to 1, such as 0.00005, got '1.5'"),
        ("--counts {counts} --coverage -0.1", "expected a share from 0 to 1, such as 0.00005, got '-0.1'"),
        ("--counts {counts} --coverage 99%", "expected a share from 0 to 1, such as 0.00005, got '99%'"),
        (
            "--counts {counts} --min-line-share nan",
            "expected a share from 0 to 1, such as 0.00005, got 'nan'",
        ),
        (
            "--counts {counts} --min-line-share inf",
            "expected a share from 0 to 1, such as 0.00005, got 'inf'",
        ),
        (
            "--counts {counts} --min-line-share 1/0",
            "expected a share from 0 to 1, such as 0.00005, got '1/0'",
        ),
        ("--counts {counts} --top-k 5 --coverage 0.9", "not allowed with argument --top-k"),
        ("--counts {counts} --order random", "invalid choice: 'random'"),
        ("--counts {counts} --languages de", "no counts of German (de) among {counts}; count first"),
        ("--counts {counts} --languages xx", "unknown language 'xx'"),
        ("--counts {counts} --vocab-size 999999", "--vocab-size 999,999: the original has only "),
        ("--counts {counts} --strip", "--strip goes with --pieces"),
        ("--counts {counts} --skip-missing", "--skip-missing goes with --pieces or with published"),
        ("--counts {counts} --fill-up", "--fill-up goes with --vocab-size"),
        ("--counts {counts} --top-k 5 --fill-up", "--fill-up goes with --vocab-size"),
        ("--keep {pieces}", "nothing to select from; add --counts, or lists of tokens with --pieces"),
        ("--pieces {pieces} --languages en,frx", "unknown language 'frx'; did you mean fr (French)"),
        ("--pieces {pieces} --top-k 5", "--top-k chooses from counts; add --counts"),
        ("--pieces {pieces} --min-line-share 0.1", "--min-line-share chooses from counts; add --counts"),
    ],
)
def test_select_refuses(example, counted, run, tmp_path, nothing_left, arguments, reason):
    (tmp_path / "pieces.txt").write_text("a\n")
    given = arguments.format(counts=counted, pieces=tmp_path / "pieces.txt").split()
    ended = run("select", "--model", example, *given, "--out", tmp_path / "selection")
    assert ended.code == 2
    assert reason.format(counts=counted) in ended.error.splitlines()[-1]
    nothing_left("pieces.txt")


@pytest.mark.parametrize("option", ["--strip", "--skip-missing", "--fill-up"])
def test_an_option_without_effect_is_refused_before_the_model_is_read(counted, run, tmp_path, option):
    nowhere = tmp_path / "nowhere"
    ended = run("select", "--model", nowhere, "--counts", counted, option, "--out", tmp_path / "selection")
    assert ended.code == 2
    assert f"{option} goes with " in ended.error


def test_merge_refuses_a_file_given_twice(example, counted, run, tmp_path, nothing_left):
    twice = [counted / "en.parquet", counted / ".." / counted.name / "en.parquet"]
    ended = run("merge", "--model", example, *twice, "--out", tmp_path / "en.parquet")
    assert ended.code == 2
    assert "given twice" in ended.error
    nothing_left()


def test_outputs_never_replace_what_is_read(example, counted, run, tmp_path):
    italian = tmp_path / "it.parquet"
    italian.write_bytes((counted / "it.parquet").read_bytes())
    before = italian.read_bytes()
    merge = ["merge", "--model", example, italian, counted / "ja.parquet", "--overwrite", "--out", italian]
    selection = tmp_path / "selection"
    assert run("select", "--model", example, "--counts", counted, "--out", selection).code == 0
    (selection / "words.txt").write_text("good\n")
    keep = ["--keep", selection / "words.txt", "--overwrite", "--out", selection]
    for ended in (run(*merge), run("select", "--model", example, "--counts", counted, *keep)):
        assert ended.code == 2
        assert "choose another place for the output" in ended.error
    assert italian.read_bytes() == before
    assert (selection / "words.txt").read_text() == "good\n"


@pytest.mark.parametrize(
    "arguments", [[], ["cut"], ["count"], ["select", "--model", "m"], ["merge", "--out", "x"]]
)
def test_an_incomplete_command_is_explained(run, arguments):
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.error.splitlines()[-1].startswith("select-vocab")
    assert "required" in ended.error or "invalid choice" in ended.error


def test_a_language_has_its_codes_and_its_name_in_any_case():
    assert len(LANGUAGES) == 109
    for language in LANGUAGES:
        for name in language.names:
            assert find_language(name) is language
            assert find_language(f" {name.upper()} ") is language
    assert find_language("cmn") is find_language("zho")
    assert find_language("no") is find_language("nb")


def test_a_file_of_languages_has_one_a_line_and_comments(tmp_path):
    file = tmp_path / "languages.txt"
    file.write_bytes(b"# ours\r\nfr\r\n\r\nGerman # deutsch\r\nfra\r\n")
    assert [language.code for language in parse_languages(str(file))] == ["fr", "de"]
    assert [language.code for language in parse_languages("German, fr,deu")] == ["de", "fr"]


def test_the_languages_of_the_published_model_can_be_read():
    from pathlib import Path

    file = Path(__file__).parents[2] / "scripts" / "languages" / "15.txt"
    assert len(parse_languages(str(file))) == 15


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"fran\xe7ais\n"])
def test_a_file_without_languages_is_refused(example, run, tmp_path, data):
    (tmp_path / "languages.txt").write_bytes(data)
    arguments = ["--model", example, "--languages", tmp_path / "languages.txt", "--out", tmp_path / "counts"]
    ended = run("count", *arguments)
    assert ended.code == 2
    assert ended.error.count("\n") == 1
    assert "languages.txt" in ended.error
