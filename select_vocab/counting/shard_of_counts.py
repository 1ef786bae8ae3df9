"""Which shard of a text counts are of, and what all shards of one count have in common."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from smaller_labse.corpora.shards.shard import Shard
from smaller_labse.corpora.sources import Source

SHARD = "shard"  # in a counts file's metadata
PLAN_DIGITS = 32


@dataclass(frozen=True)
class ShardOfCounts:
    """The shard that counts are of.

    Attributes:
        shard: which.
        plan: a digest of how the text was divided: of the sizes of its files, and of how many lines each part
            has where that had to be known.
        sampled: whether the counts hold lines of the text, as far as there were any.
    """

    shard: Shard
    plan: str
    sampled: bool = True

    def to_json(self) -> str:
        """As it stands in a counts file's metadata."""
        number, of = self.shard.number, self.shard.of
        return json.dumps({"number": number, "of": of, "plan": self.plan, "sampled": self.sampled})


def plan_of(source: Source) -> str:
    """A digest of how a source is divided into shards, see `ShardOfCounts`."""
    sizes = [] if source.is_word_list else [text.size for text in source.parted_texts()]
    numbers = None if source.numbers is None else source.numbers.texts
    return hashlib.sha256(json.dumps([sizes, numbers]).encode()).hexdigest()[:PLAN_DIGITS]


def read_shard(metadata: Mapping[str, str]) -> ShardOfCounts | None:
    """Which shard a counts file is of; None where it is of all.

    Raises:
        ValueError, LookupError, TypeError: its metadata do not say it as they should.
    """
    if SHARD not in metadata:
        return None
    said = json.loads(metadata[SHARD])
    number, of, plan, sampled = (said[key] for key in ("number", "of", "plan", "sampled"))
    if not type(number) is type(of) is int or not 1 <= number <= of or type(sampled) is not bool:
        raise ValueError(f"its shard is {metadata[SHARD]}")
    return ShardOfCounts(Shard(number, of), str(plan), sampled)
