"""What is trained: a model's encoder, or some of it, and how it is written."""
