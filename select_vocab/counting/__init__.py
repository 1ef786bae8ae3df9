"""Counting: text becomes counts of tokens, one file per language, which a selection is made from."""
