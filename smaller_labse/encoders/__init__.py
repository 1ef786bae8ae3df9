"""Encoders as networks: BERT in TensorFlow, preprocessors, from and to Hugging Face, `load`."""
