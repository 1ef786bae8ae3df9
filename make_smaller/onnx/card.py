"""What a model card says of the model's ONNX files: how they are used alone, what quantizing changed."""

from __future__ import annotations

from collections.abc import Sequence

from smaller_labse.common.result_table import WIDTH
from smaller_labse.make_smaller.onnx.files import OnnxFile, onnx_table
from smaller_labse.make_smaller.rounding import change_table
from smaller_labse.originals.onnx_formats import FORMATS

SNIPPET = """```python
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

folder = "{folder}"
tokenizer = Tokenizer.from_file(f"{{folder}}/tokenizer.json")
tokenizer.enable_truncation({length})
tokenizer.enable_padding(){special}
session = onnxruntime.InferenceSession(f"{{folder}}/{file}")
encodings = tokenizer.encode_batch([{prompt}text for text in ["dog", "cat"]])
ids, mask = ([getattr(each, name) for each in encodings] for name in ("ids", "attention_mask"))
inputs = {{"input_ids": np.array(ids, np.int64), "attention_mask": np.array(mask, np.int64)}}
embeddings = session.run(["sentence_embedding"], inputs)[0]
```
"""
# In a text, "[MASK]" is no special token.
SPLIT_SPECIAL_TOKENS = "\ntokenizer.encode_special_tokens = True"


def onnx_section(files: Sequence[OnnxFile], folder: str, prompt: str, mended: bool) -> str:
    """The section; "" where there are no files.

    Args:
        files: the ONNX files.
        folder: what the examples call the Hugging Face folder.
        prompt: what goes before every text.
        mended: whether text is read by the mended preprocessor.
    """
    if not files:
        return ""
    said = "".join(f"- `{each.format}`: {FORMATS[each.format].what}.\n" for each in files)
    text = (
        "## ONNX\n\nThe files need onnxruntime, tokenizers and NumPy, and nothing else; pooling and "
        f"normalization are in them.\n\n{said}\n"
    )
    text += SNIPPET.format(
        folder=folder,
        length=files[0].sequence_length,
        special=SPLIT_SPECIAL_TOKENS if mended else "",
        file=files[0].file,
        prompt=f"{prompt!r} + " if prompt else "",
    )
    text += (
        "\nCompared with the float32 model in TensorFlow when they were written, and a text's embedding "
        "alone with that in a batch:\n\n"
    )
    text += onnx_table(files).markdown(WIDTH)
    for each in files:
        if each.embeddings:
            text += f"\nWhat {each.format} changed, per language:\n\n"
            text += change_table(each.embeddings).markdown(WIDTH)
    if any(each.embeddings for each in files):
        text += (
            "\nWhat that costs in a task is measured by `evaluate-encoder compare`, which takes the files as "
            "models, too.\n"
        )
    return text
