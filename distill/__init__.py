"""Stage 3, optional: a model folder and text, or translation pairs, become another model folder."""
