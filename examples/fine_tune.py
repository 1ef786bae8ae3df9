"""Fine-tune under TensorFlow: a classifier on top of a smaller model, trained in one language or several.

    .venv/bin/python examples/fine_tune.py --model work/model --data reviews.tsv --out work/classifier

Each line of the data is `label<TAB>text`. Only the SavedModels and TensorFlow are used. The smaller embedding
matrix is what makes this affordable: the optimizer keeps two averages as large as the matrix.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401 - registers the preprocessor's operations
import tf_keras  # hub.KerasLayer is a layer of legacy Keras


def build_classifier(model: Path, labels: int) -> tf_keras.Model:
    """Strings [batch] → logits, float32 [batch, labels]; the whole encoder is trained."""
    text = tf_keras.Input((), dtype=tf.string)
    tokens = hub.KerasLayer(str(model / "preprocess"))(text)
    embedding = hub.KerasLayer(str(model / "encoder"), trainable=True)(tokens)["default"]
    return tf_keras.Model(text, tf_keras.layers.Dense(labels)(embedding))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True, type=Path, help="a model's folder")
    parser.add_argument("--data", required=True, type=Path, help="label<TAB>text, one per line")
    parser.add_argument("--out", required=True, type=Path, help="where the trained classifier goes")
    parser.add_argument("--epochs", type=int, default=3, help="default: 3")
    parser.add_argument("--learning-rate", type=float, default=2e-5, help="default: 2e-5")
    options = parser.parse_args()

    lines = options.data.read_text(encoding="utf-8").splitlines()
    labels, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    names = sorted(set(labels))

    tf_keras.utils.set_random_seed(1)
    classifier = build_classifier(options.model, len(names))
    classifier.compile(
        optimizer=tf_keras.optimizers.Adam(options.learning_rate),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    targets = tf.constant([names.index(label) for label in labels])
    history = classifier.fit(tf.constant(texts), targets, epochs=options.epochs, batch_size=32, verbose=0)
    for epoch, loss in enumerate(history.history["loss"], start=1):
        print(f"epoch {epoch}: loss {loss:.4f}")
    classifier.save(options.out)
    print(f"{options.out}: labels {', '.join(names)}")


if __name__ == "__main__":
    main()
