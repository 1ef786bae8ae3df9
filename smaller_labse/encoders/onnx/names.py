"""What the inputs and outputs of an ONNX file are called, as transformers.js and others look for them."""

IDS, MASK = "input_ids", "attention_mask"
TOKENS, EMBEDDING = "last_hidden_state", "sentence_embedding"
