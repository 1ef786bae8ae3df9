"""ONNX files of a model folder: written, verified, described on the model card."""
