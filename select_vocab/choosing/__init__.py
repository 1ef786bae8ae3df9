"""Choosing: which tokens are kept, by rules and lists, and what they keep of counted and of new text."""
