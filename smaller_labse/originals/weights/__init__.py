"""Tensors in files: TensorFlow checkpoints and safetensors, read one tensor or some rows at a time."""
