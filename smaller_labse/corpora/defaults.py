"""What is read where the user does not say: the dataset, its field, which lines; imports nothing heavy."""

from __future__ import annotations

WIKIPEDIA = "wikimedia/wikipedia"
WIKIPEDIA_DATE = "20231101"
SPLIT = "train"  # of a dataset
TEXT_FIELD = "text"  # of records, and of a dataset's
LONGER_THAN = 5  # characters
MAX_LINES = 1_000_000  # of each language
FIRST, EVEN = DRAWS = ("first", "even")
