"""What a student is trained on: pairs, which of them are held out, and batches."""
