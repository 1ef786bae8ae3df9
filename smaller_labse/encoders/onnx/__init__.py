"""ONNX: encoders as graphs of standard operators, in float32 and quantized; written from their weights."""
