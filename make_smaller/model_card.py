"""The README.md of a smaller model: what it is, what it keeps, and how to use it."""

from __future__ import annotations

from dataclasses import dataclass

from smaller_labse.make_smaller.proof import Proof
from smaller_labse.make_smaller.shape import EncoderShape
from smaller_labse.select_vocab.languages import find_language
from smaller_labse.select_vocab.report import coverage_table, size_table
from smaller_labse.select_vocab.selection import Selection


@dataclass(frozen=True)
class ModelDescription:
    """Everything that a model card and a manifest say.

    Attributes:
        name: the model's, that is its folder's.
        original_name: the folder or handle that the original was found by.
        original: the original's measures.
        smaller: the smaller model's measures.
        selection: the kept pieces.
        sequence_length: what the preprocessor packs to by default.
        proof: what the comparison with the original saw.
        huggingface: whether there is a Hugging Face folder.
        license_name: the licence, e.g. "apache-2.0"; None where nobody said.
    """

    name: str
    original_name: str
    original: EncoderShape
    smaller: EncoderShape
    selection: Selection
    sequence_length: int
    proof: Proof
    huggingface: bool
    license_name: str | None


def model_card(description: ModelDescription) -> str:
    """The card as Markdown, with the front matter that the Hugging Face hub reads."""
    parts = [
        _front_matter(description),
        _summary(description),
        "## Size\n\n" + size_table(description.selection, description.original.parameters).markdown(),
        _languages(description.selection),
        _usage(description),
        _proof(description.proof),
    ]
    if description.huggingface:
        parts.append(DIFFERENCES)
    return "\n".join(parts)


def _front_matter(description: ModelDescription) -> str:
    languages = description.selection.languages
    lines = ["---"]
    if languages:
        lines += ["language:", *(f"- {_quoted(code)}" for code in languages)]
    if description.license_name:
        lines.append(f"license: {description.license_name}")
    lines += ["pipeline_tag: sentence-similarity", "tags:"]
    lines += [f"- {tag}" for tag in ("sentence-similarity", "feature-extraction", "bert", "smaller-labse")]
    return "\n".join([*lines, "---", ""])


def _quoted(code: str) -> str:
    """YAML 1.1 reads a bare `no`, Norwegian's code, as false."""
    return f'"{code}"' if code in ("no", "on", "off", "yes", "y", "n") else code


def _summary(description: ModelDescription) -> str:
    left = description.smaller.parameters / description.original.parameters
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
    text = f"""## Use

Inputs are cut at {description.sequence_length} pieces. The embedding is `default`; normalize it to compare
by cosine.

```python
import tensorflow as tf
import tensorflow_text  # registers the preprocessor's ops

preprocess = tf.saved_model.load("{description.name}/preprocess")
encoder = tf.saved_model.load("{description.name}/encoder")
embeddings = tf.nn.l2_normalize(encoder(preprocess(tf.constant(["dog"])))["default"], axis=1)
```
"""
    if description.huggingface:
        text += f"""
```python
from sentence_transformers import SentenceTransformer

embeddings = SentenceTransformer("{description.name}/huggingface").encode(["dog"])
```
"""
    return text


def _proof(proof: Proof) -> str:
    return (
        "## Proof\n\n"
        f"When this model was written, all {proof.rows:,} rows equalled the original's to the bit. Of "
        f"{proof.texts:,} texts, {proof.unchanged:,} kept their pieces; their embeddings differ from the "
        f"original's by {proof.largest_difference:.1e} at most.\n"
    )


DIFFERENCES = """## Where the two tokenizers part

`preprocess/` is tf-text's `BertTokenizer`, which the original was trained with; `huggingface/` is Hugging
Face's. They cut most text the same. tf-text turns a word of more than 100 bytes into `[UNK]`, Hugging Face
one of more than 100 characters (Thai, written without spaces, shows it most); tf-text takes control
characters for spaces, Hugging Face deletes them; tf-text takes a no-break space (U+00A0, U+202F) for a
letter, so that French `ami !` with one becomes `[UNK]`, Hugging Face splits there. On text that both cut the
same, both give the same embedding.
"""
