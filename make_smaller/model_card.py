"""The model card of a smaller model, its README.md: what it is, what it keeps, and how to use it."""

from __future__ import annotations

from huggingface_hub import ModelCard, ModelCardData

from smaller_labse.corpora.languages import name_language
from smaller_labse.make_smaller.manifest import ModelDescription
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, PREPROCESS
from smaller_labse.select_vocab.selection import Selection, coverage_table, estimate_table, size_table

TASK = "sentence-similarity"  # https://huggingface.co/docs/hub/models-tasks
TAGS = (TASK, "feature-extraction", "smaller-labse")


def model_card(description: ModelDescription) -> ModelCard:
    """The card: Markdown, with the front matter that the Hugging Face hub reads.

    The same description gives the same bytes.
    """
    data = ModelCardData(
        language=list(description.selection.languages) or None,
        license=description.license,
        base_model=description.base_model,
        pipeline_tag=TASK,
        tags=list(TAGS),
    )
    parts = [
        _summary(description),
        "## Size\n\n" + size_table(description.selection, description.original_parameters).markdown(),
        _languages(description.selection),
        _usage(description),
        _verification(description),
    ]
    if set(description.formats) == {ENCODER, HUGGINGFACE} and description.selection.kind == "wordpiece":
        parts.append(DIFFERENCES)
    text = "\n".join(parts)
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")


def _summary(description: ModelDescription) -> str:
    left = description.parameters / description.original_parameters
    return (
        f"# {description.name}\n\n"
        f"{description.original_name}, trimmed to {_named(description.selection.languages)}: "
        f"{left:.1%} of its parameters. Only rows of the embedding matrix were taken away; a text "
        "whose tokens were all kept gets the same tokens and the same embedding as from the original.\n"
    )


def _named(codes: tuple[str, ...]) -> str:
    if not codes:
        return "a list of tokens"
    names = [name_language(code).name for code in codes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _languages(selection: Selection) -> str:
    rule = selection.rule["name"] + (f" {selection.rule['value']}" if "value" in selection.rule else "")
    characters = (
        "every character kept" if selection.keep_characters else "characters not kept for their own sake"
    )
    text = f"## Languages\n\nTokens chosen by the rule {rule}, {characters}.\n"
    if selection.rule.get("filled_up"):
        text += (
            f"{selection.rule['filled_up']:,} tokens that were not chosen so fill the vocabulary up to its "
            "size: those that the original ranks first.\n"
        )
    if selection.coverage:
        text += (
            "*Coverage* is the share of the counted tokens' occurrences that are kept, *unknown* the share "
            "that the original cannot read, *new unknown* the share that it could.\n\n"
        )
        text += coverage_table(selection).markdown()
        text += (
            "\nThat is the text that was counted. Of new text of the same kind this is expected, by a "
            "Good–Turing estimate; *never counted* is the share of its tokens that are new.\n\n"
        )
        text += estimate_table(selection).markdown()
    return text


def _usage(description: ModelDescription) -> str:
    parts = ["## Use\n"]
    if description.sequence_length:
        parts.append(f"Inputs are truncated at {description.sequence_length} tokens.")
    if description.prompt:
        parts.append(f"The preprocessor puts {description.prompt!r} before every sentence.")
    if ENCODER in description.formats:
        parts.append(f"""
```python
import tensorflow as tf
import tensorflow_text  # registers the preprocessor's ops

preprocess = tf.saved_model.load("{description.name}/{PREPROCESS}")
encoder = tf.saved_model.load("{description.name}/{ENCODER}")
embeddings = tf.nn.l2_normalize(encoder(preprocess(tf.constant(["dog"])))["default"], axis=1)
```""")
    if HUGGINGFACE in description.formats:
        parts.append(f"""
```python
from sentence_transformers import SentenceTransformer

embeddings = SentenceTransformer("{description.name}/{HUGGINGFACE}").encode(["dog"])
```""")
    return "\n".join(parts) + "\n"


def _verification(description: ModelDescription) -> str:
    return (
        "## Verification\n\n"
        f"Compared with the original when this model was written: {description.verification.summary}.\n"
    )


DIFFERENCES = """## Where the two tokenizers differ

`preprocess/` is tf-text's `BertTokenizer`, which the original was trained with; `huggingface/` is Hugging
Face's. They tokenize most text the same. tf-text turns a word of more than 100 bytes into `[UNK]`, Hugging
Face one of more than 100 characters (Thai, written without spaces, shows it most); tf-text takes control
characters for spaces, Hugging Face deletes them; tf-text takes a no-break space (U+00A0, U+202F) for a
letter, so that French `ami !` with one becomes `[UNK]`, Hugging Face splits there. On text that both
tokenize the same, both give the same embedding.
"""
