"""Text as words whose tokens do not depend on each other, so that every word is tokenized once."""
