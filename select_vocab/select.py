"""The verb `select`: read counts and lists, choose tokens, write the selection's folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from smaller_labse.common.arguments import (
    StrPath,
    check,
    megabytes,
    paths,
    positive_integer,
    share,
    size_or_percentage,
)
from smaller_labse.common.atomic_output import require_absent, require_not_read
from smaller_labse.common.errors import UsageError
from smaller_labse.common.visible_text import visible
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.originals.open import Original, open_original, read_by
from smaller_labse.originals.preprocessors import require_preprocessor
from smaller_labse.originals.tokenizers.vocabulary import distinct_ids
from smaller_labse.select_vocab.choosing.choose_tokens import ORDERS, choose_tokens
from smaller_labse.select_vocab.choosing.count_rules import PUBLISHED_RULE, Rule, TooFewTokensAsked
from smaller_labse.select_vocab.choosing.file_sizes import require_file_format
from smaller_labse.select_vocab.choosing.finished_file import finished_file, limit_size
from smaller_labse.select_vocab.choosing.keep_rules import tokens_by_text
from smaller_labse.select_vocab.choosing.token_lists import read_keep_list, read_token_lists
from smaller_labse.select_vocab.choosing.unseen import too_little_text
from smaller_labse.select_vocab.counting.counts_folder import counted_with, holds_frequencies, read_all_counts
from smaller_labse.select_vocab.selection import MARKER, Selection, write_selection
from smaller_labse.select_vocab.selection_tables import too_few_tokens

Paths = StrPath | Iterable[StrPath]
MAX_MEGABYTES = "max-megabytes"


def select(
    model: StrPath,
    counts: Paths = (),
    *,
    out: StrPath,
    vocab_size: int | str | None = None,
    max_megabytes: float | str | None = None,
    format: str | None = None,
    top_k: int | None = None,
    coverage: float | str | None = None,
    min_line_share: float | str | None = None,
    languages: str | os.PathLike[str] | Iterable[str] | None = None,
    pieces: Paths = (),
    keep: Paths = (),
    keep_pieces: Paths = (),
    keep_script: str | Iterable[str] = (),
    keep_pattern: str | Iterable[str] = (),
    keep_characters: bool = True,
    order: str = "original",
    fill_up: bool = False,
    round_to: int = 1,
    strip: bool = False,
    strip_original: bool = False,
    skip_missing: bool = False,
    sample: bool = True,
    preprocessor: str | None = None,
    overwrite: bool = False,
    report: Callable[[Selection, Original], None] = lambda selection, original: None,
) -> Selection:
    """Select the tokens that a smaller model keeps, by one rule from counts, or from lists, or from both.

    At most one of `vocab_size`, `max_megabytes`, `top_k`, `coverage` and `min_line_share` is given; without
    any, it is the published model's rule, `min_line_share=0.00005`.

    Args:
        model: the original, as in `smaller_labse.count`.
        counts: counts files, published `*_freqs.json(.gz)` files, or folders of either.
        out: the selection's folder.
        vocab_size: so many tokens in all, or a percentage of the original's vocabulary size, "25%", shared
            out so that the language that is covered worst is covered as well as possible.
        max_megabytes: as `vocab_size`, with the largest vocabulary size whose finished file has at most so
            many megabytes (10^6 bytes), without the tokenizer beside it.
        format: of that file: "float32", "int8" or "int4" for an ONNX file, "safetensors" for the weights in
            `huggingface/`, in the original's dtype.
        top_k: the k most frequent tokens of each language.
        coverage: the fewest tokens that cover this share of each language's occurrences, e.g. 0.999.
        min_line_share: tokens that occur in at least int(lines x share) lines of a language.
        languages: use only the counts of these; None for all.
        pieces: files that list tokens to keep, one per line.
        keep: files of words or sentences, one per line, whose tokens are all kept.
        keep_pieces: files of tokens, one per line, that are kept beside those of the counts.
        keep_script: Unicode's names of scripts, "Latin": tokens with letters of it and of no other are kept.
        keep_pattern: regular expressions (RE2's): tokens are kept whose text, without the spaces around it,
            matches one in any part.
        keep_characters: keep every character's own token, so that no text becomes unreadable.
        order: of the tokens, "original" or "alphabetical" (by code point, special tokens first).
        fill_up: where the counts hold fewer tokens than `vocab_size` asks for, take the original's own first
            ones, too: WordPiece's in the vocabulary's order, Unigram's by score, BPE's by merge. Without it,
            fewer are kept, and a warning says how many.
        round_to: what the vocabulary size is a multiple of, such as 64: the original's own first tokens fill
            it up, and `vocab_size` and what fits `max_megabytes` are rounded down.
        strip: strip white space off listed tokens, as the published lists want; one that the original does
            not have then is the last of its tokens that strip to it.
        strip_original: strip the original's tokens, too, as the author of the published model did: a listed
            token is the last one that strips to it, even where the original has the token itself.
        skip_missing: leave out listed tokens that the original does not have, instead of failing.
        sample: whether `selection.json` holds a few of the counted lines, for `make_smaller` to verify the
            model with; else it takes built-in sentences only.
        preprocessor: "faithful" or "mended", see `smaller_labse.count`; None for the one that the counts were
            made with.
        overwrite: replace an earlier selection.
        report: is called with the selection and the original when the selection is written.

    Returns:
        The selection, as `read_selection(out)` reads it.

    Raises:
        UsageError: an argument is wrong, or two contradict each other.
        SmallerLabseError: an input cannot be read, or does not belong to the model; or `out` exists.

    Example::

        selection = smaller_labse.select(
            "sentence-transformers/LaBSE", "work/counts", out="work/selection", vocab_size="25%"
        )
        for language in selection.coverage:
            print(language.name, language.kept, f"{language.coverage:.2%}")
    """
    require_preprocessor(preprocessor)
    counts_paths, folder = paths(counts), Path(out)
    given: dict[str, object] = {
        "min-line-share": min_line_share,
        "top-k": top_k,
        "coverage": coverage,
        "vocab-size": vocab_size,
        "max-megabytes": max_megabytes,
    }
    rule = _rule({name: value for name, value in given.items() if value is not None}, bool(counts_paths))
    round_to = check("round_to", positive_integer, round_to)
    scripts, patterns = _texts(keep_script), _texts(keep_pattern)
    if order not in ORDERS:
        raise UsageError(f"order: expected {' or '.join(ORDERS)}, got {order!r}")
    require_file_format(format, rule.name == MAX_MEGABYTES)
    _require_effect(rule, counts_paths, paths(pieces), fill_up, strip, strip_original, skip_missing, sample)
    # Counts may be of texts with names of their own.
    wanted = parse_languages(languages, any_name=bool(counts_paths)) if languages is not None else []
    require_absent(folder, overwrite, MARKER)
    require_not_read(
        folder, [*counts_paths, *paths(pieces), *paths(keep), *paths(keep_pieces), Path(model)], overwrite
    )
    original = open_original(os.fspath(model), preprocessor)
    if preprocessor is None:
        original = read_by(original, counted_with(counts_paths))
    tokenizer = original.tokenizer
    lists = read_token_lists(paths(pieces), tokenizer, strip, skip_missing, strip_original)
    limit = None
    if rule.name == MAX_MEGABYTES and format is not None:
        limit = limit_size(original, format, str(rule.value), round_to)
        rule = Rule("vocab-size", limit.vocab_size)
    else:
        rule = _with_size(rule, original.vocab_size, round_to)
    kept_anyway = [
        read_keep_list(paths(keep), tokenizer, original.prompts),
        *read_token_lists(paths(keep_pieces), tokenizer).ids,
        tokens_by_text(tokenizer, scripts, patterns),
    ]
    try:
        selection = choose_tokens(
            tokenizer,
            original_size=original.vocab_size,
            hidden_size=original.hidden_size,
            counts=read_all_counts(counts_paths, tokenizer, wanted, skip_missing),
            rule=rule,
            listed=lists.ids,
            stripped=lists.stripped,
            keep=distinct_ids(np.concatenate(kept_anyway)),
            keep_characters=keep_characters,
            order=order,
            fill_up=fill_up,
            round_to=round_to,
            languages=[] if wanted and counts_paths else [each.code for each in wanted or lists.languages],
        )
    except TooFewTokensAsked as error:
        if limit is None:
            raise
        raise limit.too_small(error.always_kept) from None
    if limit is not None:
        file = finished_file(limit, original, selection.subset, selection.pieces)
        selection = replace(selection, finished_file=file)
    if not sample:
        selection = replace(selection, sentences={})
    write_selection(selection, tokenizer, folder, overwrite)
    report(selection, original)
    for warning in (too_few_tokens(selection), too_little_text(selection.coverage, rule)):
        if warning:
            print(visible(warning), file=sys.stderr)
    return selection


def _require_effect(
    rule: Rule,
    counts: Sequence[Path],
    pieces: Sequence[Path],
    fill_up: bool,
    strip: bool,
    strip_original: bool,
    skip_missing: bool,
    sample: bool,
) -> None:
    """Refuse options that would do nothing, before a model is read."""
    if not counts and not pieces:
        raise UsageError("nothing to select from; add --counts, or lists of tokens with --pieces")
    if fill_up and rule.name not in ("vocab-size", MAX_MEGABYTES):
        raise UsageError("--fill-up goes with --vocab-size or --max-megabytes, the size to fill up to")
    if not sample and not counts:
        raise UsageError("--no-sample goes with --counts; lists of tokens hold no lines")
    if strip and not pieces:
        raise UsageError("--strip goes with --pieces; it is about lists of tokens")
    if strip_original and not strip:
        raise UsageError("--strip-original goes with --strip; it is about what listed tokens strip to")
    if skip_missing and not pieces and not any(map(holds_frequencies, counts)):
        raise UsageError("--skip-missing goes with --pieces or with published *_freqs.json(.gz) files")


_READERS: Mapping[str, Callable[[str], str | int]] = {
    "coverage": share,
    "min-line-share": share,
    "top-k": positive_integer,
    "vocab-size": size_or_percentage,
    MAX_MEGABYTES: megabytes,
}


def _rule(given: dict[str, object], has_counts: bool) -> Rule:
    """The one rule that is given, its value checked; the default where none is."""
    if len(given) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in given)} exclude each other; choose one rule")
    if not given:
        return PUBLISHED_RULE
    ((name, value),) = given.items()
    if not has_counts:
        raise UsageError(f"--{name} chooses from counts; add --counts")
    return Rule(name, check(name.replace("-", "_"), _READERS[name], value))


def _texts(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _with_size(rule: Rule, original_size: int, round_to: int) -> Rule:
    """The rule with its vocabulary size as a number of tokens, a multiple of `round_to`.

    Raises:
        UsageError: the original has fewer.
    """
    if rule.name != "vocab-size":
        return rule
    text = str(rule.value)
    if not text.endswith("%"):
        if int(text) > original_size:
            raise UsageError(
                f"--vocab-size {int(text):,}: the original has only {original_size:,} tokens; ask for fewer"
            )
        return Rule(rule.name, _multiple(int(text), round_to))
    return Rule(rule.name, _multiple(max(1, int(Fraction(text[:-1]) / 100 * original_size)), round_to))


def _multiple(size: int, of: int) -> int:
    """The largest multiple that is no more than a size.

    Raises:
        UsageError: there is none.
    """
    if size < of:
        raise UsageError(
            f"--round-to {of:,} is more than the vocabulary size of {size:,}; choose a smaller one"
        )
    return size // of * of
