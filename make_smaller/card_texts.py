"""What model cards say of every model of a kind: how it is used, where its two forms differ."""

from __future__ import annotations

from collections.abc import Mapping

from smaller_labse.originals.tokenizers.compiled.mended_words import LONGEST_PART

WITH_TENSORFLOW = """
```python
import tensorflow as tf
import tensorflow_text  # registers the preprocessor's ops

preprocess = tf.saved_model.load("{model}/preprocess")
encoder = tf.saved_model.load("{model}/encoder")
embeddings = tf.nn.l2_normalize(encoder(preprocess(tf.constant(["dog"])))["default"], axis=1)
```"""
WITH_SENTENCES = """
`sentences/` is called as LEALLA on TF Hub is, by `hub.KerasLayer` and `hub.load`, too:

```python
import tensorflow as tf
import tensorflow_text  # registers the model's ops

sentences = tf.saved_model.load("{model}/sentences")
embeddings = sentences.signatures["default"](tf.constant(["dog"]))["default"]
```"""
WITH_SENTENCE_TRANSFORMERS = """
```python
from sentence_transformers import SentenceTransformer

embeddings = SentenceTransformer("{folder}").encode(["dog"])
```"""
WITH_TRANSFORMERS = """
```python
from transformers import AutoModel, AutoTokenizer

tokenizer, model = (kind.from_pretrained("{folder}") for kind in (AutoTokenizer, AutoModel))
outputs = model(**tokenizer(["dog"], return_tensors="pt"))
```

How an embedding is made of the outputs (pooling) is as for the original."""
LEALLA_WITH_TRANSFORMERS = """
With transformers alone, `pooler_output` is not LEALLA's: `BertModel` puts tanh where LEALLA has GELU.

```python
import torch
from transformers import AutoModel, AutoTokenizer

tokenizer, model = (kind.from_pretrained("{folder}") for kind in (AutoTokenizer, AutoModel))
with torch.no_grad():
    inputs = tokenizer(["dog"], padding=True, truncation=True, return_tensors="pt")
    first = model(**inputs).last_hidden_state[:, 0]
    pooled = torch.nn.functional.gelu(model.pooler.dense(first), approximate="tanh")
    embeddings = torch.nn.functional.normalize(pooled, dim=1)
```"""
DIFFERENCES = """## Where the two tokenizers differ

`preprocess/` is faithful: tf-text's `BertTokenizer`, which the original was trained with; `huggingface/` is
Hugging Face's. They tokenize most text the same. tf-text turns a word of more than 100 bytes into `[UNK]`,
Hugging Face one of more than 100 characters (Thai, written without spaces, shows it most); tf-text takes
control characters for spaces, Hugging Face deletes them; tf-text takes a no-break space (U+00A0, U+202F) for
a letter, so that French `ami !` with one becomes `[UNK]`, Hugging Face splits there. On text that both
tokenize the same, both give the same embedding.
"""
MENDED_TEXT = f"""## How text is read

The preprocessor is mended: `preprocess/` and `huggingface/` read every text alike, and lose less of it than
the original's own, tf-text's `BertTokenizer`. No-break and other Unicode spaces are spaces, control
characters are deleted, and words of more than 100 bytes are no `[UNK]` (one of more than {LONGEST_PART}
characters is read as several). A text that both preprocessors read alike gets the original's embedding.
"""
LEALLA_DIFFERENCES = """## What Hugging Face's form does otherwise

`tokenizer.json` splits text where LEALLA does, by expressions that are made of the same table of Unicode's
scripts. Two things they do not say. LEALLA turns a word of more than 100 bytes into `[UNK]`; `tokenizer.json`
one that has so many characters that it has more than 100 bytes for certain, which leaves long words that mix
short characters with longer ones: Latin letters with many accents. And a special token that a text spells,
such as `[SEP]`, becomes that token. On text that both tokenize the same, both give the same embedding.

LEALLA's last step is GELU by tanh, for which sentence-transformers has no module. Four of its `Dense` modules
compute it, exactly but for float32's rounding (5e-7).
"""
# By the tokenizer's kind: of folders that hold both forms, and of `huggingface/` alone.
DIFFERENCES_OF_BOTH: Mapping[str, str] = {"wordpiece": DIFFERENCES, "lealla": LEALLA_DIFFERENCES}
DIFFERENCES_OF_HUGGINGFACE: Mapping[str, str] = {"lealla": LEALLA_DIFFERENCES}
# By the tokenizer's kind: what users of transformers alone must know besides.
MORE_WITH_TRANSFORMERS: Mapping[str, str] = {"lealla": LEALLA_WITH_TRANSFORMERS}
