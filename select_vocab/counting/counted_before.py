"""Was it counted before? Whether a counts file holds what counting this text would give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import progress
from smaller_labse.corpora.line_batches import LineFilter, line_filter_of, numbered, read_batches
from smaller_labse.corpora.shards.text_digest import EARLIER_DIGITS, TextDigest
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.wordpiece import differs_by_preprocessor
from smaller_labse.select_vocab.counting.counts_file import NO_SAMPLE, preprocessor_of, read_metadata
from smaller_labse.select_vocab.counting.shard_of_counts import plan_of, read_shard


class OtherCounts(SmallerLabseError):
    """A counts file is there that holds other counts than counting the text would give.

    Its message says what to do with the command `count`; what others say instead rests on the attributes.

    Attributes:
        found: the file, and what of it is other.
        likely_all: whether the counts beside it are likely to be other, too; else it is about one text.
    """

    def __init__(self, found: str, likely_all: bool = False) -> None:
        """Say what was found, and what to do."""
        if likely_all:
            advice = "choose another folder or add --overwrite"
        else:
            advice = "delete that file to count this text again, or add --overwrite to count all again"
        super().__init__(f"{found}; {advice}")
        self.found, self.likely_all = found, likely_all


def require_same_counts(
    source: Source, file: Path, tokenizer: Tokenizer, line_filter: LineFilter, sample: bool = True
) -> str:
    """Refuse a counts file that holds other counts than this source would give.

    A text in files is read again, which takes a small part of the time that counting takes, and its
    digest compared with the one in the file. A dataset on the hub is named by its dump and is not read again.

    Returns:
        What is known of it, for people, e.g. "en: counted before, its text has not changed".

    Raises:
        OtherCounts: it holds counts of another vocabulary, preprocessor, corpus or line filter, or of the
            text before it was changed, or the text can be read only once.
        SmallerLabseError: it holds counts of a shard of another division.
    """
    metadata = read_metadata(file)
    other = what_differs(metadata, source, tokenizer, line_filter)
    if other:
        raise OtherCounts(f"{file} exists and holds counts of another {other}", likely_all=True)
    if not sample and metadata["sample"] != NO_SAMPLE:
        raise OtherCounts(f"{file} holds lines of its text, which --no-sample is to leave out")
    if not (source.paths or source.files):
        return f"{source.words}: counted before ({file}); --overwrite counts again"
    pipe = find_pipe(source)
    if pipe:
        unknown = "so nobody can tell whether it is the same text"
        raise OtherCounts(f"{file} exists, and {pipe} can be read only once, {unknown}", likely_all=True)
    if "text_digest" not in metadata:
        return (
            f"{source.words}: counted before ({file}), by a version that did not note the text's digest; "
            "if the text has changed since, count again with --overwrite"
        )
    source = numbered(source, line_filter)
    found = read_shard(metadata)
    if found is not None and found.plan != plan_of(source):
        raise SmallerLabseError(
            f"{file} holds counts of {found.shard.words} of {source.description} from before that changed; "
            "count all shards again, with --overwrite or into another folder"
        )
    is_earlier = len(metadata["text_digest"]) == EARLIER_DIGITS
    if _digest(source, line_filter, is_earlier) != metadata["text_digest"]:
        raise OtherCounts(
            f"{file} holds counts of {source.description} from before it was changed, or of another text of "
            "that name"
        )
    return f"{source.words}: counted before ({file}), its text has not changed"


def find_pipe(source: Source) -> Path | None:
    """A path of the source that can be read only once; None where there is none."""
    return next((path for path in source.paths if not path.is_file() and not path.is_dir()), None)


def what_differs(
    metadata: Mapping[str, str], source: Source, tokenizer: Tokenizer, line_filter: LineFilter
) -> str | None:
    """In what a counts file differs from what this source would give, e.g. "corpus (a.txt, now b.txt)"."""
    found = preprocessor_of(metadata)
    if found != tokenizer.preprocessor and differs_by_preprocessor(
        metadata["fingerprint"], found, tokenizer.pieces
    ):
        return f"preprocessor ({found}, now {tokenizer.preprocessor})"
    expected = {
        "fingerprint": (tokenizer.fingerprint, "vocabulary"),
        "corpus": (source.stored_corpus, "corpus"),
        "filter": (line_filter_of(source, line_filter).to_json(), "line filter"),
    }
    for key, (value, called) in expected.items():
        # Counts of earlier versions hold the paths of their texts.
        if metadata[key] != value and not (key == "corpus" and metadata[key] == source.description):
            return f"{called} ({metadata[key]}, now {value})"
    return None


def _digest(source: Source, line_filter: LineFilter, is_earlier: bool) -> str:
    """A text's digest, or what earlier versions noted: SHA-256 of all its lines in their order."""
    digest, earlier = TextDigest(), hashlib.sha256()
    most = line_filter_of(source, line_filter).max_lines if source.shard is None else None
    with progress(f"checking {source.words}", most, "lines") as advance:
        for batch in read_batches(source, line_filter):
            if is_earlier:
                earlier.update(batch.encoded_with_counts)
            else:
                batch.add_to(digest)
            advance(len(batch.lines))
    return earlier.hexdigest()[:EARLIER_DIGITS] if is_earlier else digest.hexdigest()
