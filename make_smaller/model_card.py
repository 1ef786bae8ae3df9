"""The README.md of a smaller model: what it is, what it keeps, and how to use it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from smaller_labse.corpora.languages import find_language
from smaller_labse.make_smaller.verify import Proof
from smaller_labse.select_vocab.selection import Selection, coverage_table, size_table

SAVED_MODEL, HUGGINGFACE = "encoder", "huggingface"

YAML_WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")  # which are no strings


@dataclass(frozen=True)
class ModelDescription:
    """Everything that a model card and a manifest say.

    Attributes:
        name: the model's, that is its folder's.
        original_name: the folder, handle or hub id that the original was found by.
        original_parameters: of the original, all of them.
        selection: the kept pieces.
        sequence_length: what inputs are cut at by default; None where only the Hugging Face folder says.
        proof: what the comparison with the original saw.
        formats: `SAVED_MODEL`, `HUGGINGFACE` or both.
        license_name: the licence, e.g. "apache-2.0"; None where nobody said.
        base_model: the original's id on the Hugging Face hub; None where it has none.
        prompt: what the preprocessor puts before every sentence.
    """

    name: str
    original_name: str
    original_parameters: int
    selection: Selection
    sequence_length: int | None
    proof: Proof
    formats: tuple[str, ...]
    license_name: str | None
    base_model: str | None = None
    prompt: str = ""

    @property
    def parameters(self) -> int:
        """Of the smaller model: only rows of the table, as wide as the embeddings, were taken away."""
        dropped = self.selection.original_rows - len(self.selection.kept_ids)
        return self.original_parameters - dropped * self.selection.hidden_size


def model_card(description: ModelDescription) -> str:
    """The card as Markdown, with the front matter that the Hugging Face hub reads."""
    parts = [
        _front_matter(description),
        _summary(description),
        "## Size\n\n" + size_table(description.selection, description.original_parameters).markdown(),
        _languages(description.selection),
        _usage(description),
        _proof(description.proof),
    ]
    if set(description.formats) == {SAVED_MODEL, HUGGINGFACE} and description.selection.kind == "wordpiece":
        parts.append(DIFFERENCES)
    return "\n".join(parts)


def _front_matter(description: ModelDescription) -> str:
    languages = description.selection.languages
    lines = ["---"]
    if languages:
        lines += ["language:", *(f"- {_quoted(code)}" for code in languages)]
    if description.license_name:
        lines.append(f"license: {_quoted(description.license_name)}")
    if description.base_model:
        lines.append(f"base_model: {description.base_model}")
    lines += ["pipeline_tag: sentence-similarity", "tags:"]
    lines += [f"- {tag}" for tag in ("sentence-similarity", "feature-extraction", "smaller-labse")]
    return "\n".join([*lines, "---", ""])


def _quoted(text: str) -> str:
    """A string in YAML 1.1, which reads a bare `no`, Norwegian's code, as false."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", text) and text.lower() not in YAML_WORDS
    return text if plain else json.dumps(text)


def _summary(description: ModelDescription) -> str:
    left = description.parameters / description.original_parameters
    return (
        f"# {description.name}\n\n"
        f"{description.original_name}, cut down to {_named(description.selection.languages)}: "
        f"{left:.1%} of its parameters. Only rows of the table of word embeddings were taken away; a text "
        "whose pieces were all kept gets the same pieces and the same embedding as from the original.\n"
    )


def _named(codes: tuple[str, ...]) -> str:
    if not codes:
        return "a list of pieces"
    names = [find_language(code).name for code in codes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _languages(selection: Selection) -> str:
    rule = selection.rule["name"] + (f" {selection.rule['value']}" if "value" in selection.rule else "")
    characters = (
        "every character kept" if selection.keep_characters else "characters not kept for their own sake"
    )
    text = f"## Languages\n\nPieces chosen by the rule {rule}, {characters}.\n"
    if selection.coverage:
        text += (
            "*Coverage* is the share of the counted pieces' occurrences that are kept, *unknown* the share "
            "that the original cannot read, *new unknown* the share that it could.\n\n"
        )
        text += coverage_table(selection).markdown()
    return text


def _usage(description: ModelDescription) -> str:
    parts = ["## Use\n"]
    if description.sequence_length:
        parts.append(f"Inputs are cut at {description.sequence_length} pieces.")
    if description.prompt:
        parts.append(f"The preprocessor puts {description.prompt!r} before every sentence.")
    if SAVED_MODEL in description.formats:
        parts.append(f"""
```python
import tensorflow as tf
import tensorflow_text  # registers the preprocessor's ops

preprocess = tf.saved_model.load("{description.name}/preprocess")
encoder = tf.saved_model.load("{description.name}/encoder")
embeddings = tf.nn.l2_normalize(encoder(preprocess(tf.constant(["dog"])))["default"], axis=1)
```""")
    if HUGGINGFACE in description.formats:
        parts.append(f"""
```python
from sentence_transformers import SentenceTransformer

embeddings = SentenceTransformer("{description.name}/huggingface").encode(["dog"])
```""")
    return "\n".join(parts) + "\n"


def _proof(proof: Proof) -> str:
    return (
        "## Proof\n\n"
        "Compared with the original when this model was written: "
        f"{proof.rows:,} rows equal to the bit; {proof.about_texts}.\n"
    )


DIFFERENCES = """## Where the two tokenizers part

`preprocess/` is tf-text's `BertTokenizer`, which the original was trained with; `huggingface/` is Hugging
Face's. They cut most text the same. tf-text turns a word of more than 100 bytes into `[UNK]`, Hugging Face
one of more than 100 characters (Thai, written without spaces, shows it most); tf-text takes control
characters for spaces, Hugging Face deletes them; tf-text takes a no-break space (U+00A0, U+202F) for a
letter, so that French `ami !` with one becomes `[UNK]`, Hugging Face splits there. On text that both cut the
same, both give the same embedding.
"""
