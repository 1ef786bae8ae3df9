"""Preprocessors: strings become token ids in padded batches, in TensorFlow."""
