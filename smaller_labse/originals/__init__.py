"""Original models, as they are read: where they are, their weights, their tokenizers."""
