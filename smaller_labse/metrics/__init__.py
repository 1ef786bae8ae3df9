"""From embeddings to numbers: nearest neighbours, scores, intervals."""
