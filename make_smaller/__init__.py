"""The original and a selection become a smaller model."""
