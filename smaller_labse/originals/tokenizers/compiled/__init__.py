"""Compiled tokenizing: text as words whose tokens do not depend on each other, each tokenized once."""
