"""Tasks that models are measured on: translation retrieval, bitext mining, semantic similarity."""
