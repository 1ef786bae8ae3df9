"""A training run: from a model, a teacher and pairs to the files of a trained student."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import announce, progress
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.corpora.translation_pairs import TranslationPairs
from smaller_labse.distill.data.pairs import HeldOut, split_pairs
from smaller_labse.distill.description import Distillation, describe
from smaller_labse.distill.students.layers import keep_layers
from smaller_labse.distill.students.student import Student
from smaller_labse.distill.teacher_vectors import digests_of_model
from smaller_labse.distill.training.train import TrainingFiles, TrainingOptions, TrainingPairs, train
from smaller_labse.distill.training.training_step import TrainingStep
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.deterministic_tensorflow import additions_in_order
from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork
from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.originals.digests import digest_of_json
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.locate import Place
from smaller_labse.originals.model_folder import FROM_HUGGINGFACE, FROM_TFHUB, manifest_around
from smaller_labse.originals.open import open_place
from smaller_labse.originals.original_card import read_original_card

FORMAT = "smaller_labse.training.1"
LOG = "training.jsonl"
DIGITS = 16  # of the digest in the files' names


@dataclass(frozen=True)
class Run:
    """What a student is made of, and how.

    Attributes:
        place: the files of the model that its layers are from.
        student: that model.
        kept: which of its layers.
        teacher: what the user called the teacher.
        pairs: what it is trained on.
        targets: different sentences → the teacher's embeddings of them.
        options: of the training.
        work: where it goes on from when it is interrupted.
    """

    place: Place
    student: Student
    kept: tuple[int, ...]
    teacher: str
    pairs: Sequence[TranslationPairs]
    targets: Callable[[list[str]], np.ndarray]
    options: TrainingOptions
    work: Path


def run_training(run: Run, folder: Path, name: str) -> Distillation:
    """Train, and write the student with its cards and manifest.

    Args:
        run: see the class.
        folder: where to; whoever calls this makes it appear whole.
        name: the new model's.

    Raises:
        SmallerLabseError: see `shrink`.
    """
    pairs, held_out = split_pairs(run.pairs, run.student.tokenizer, run.targets)
    config, read_tensor = keep_layers(run.student.config, run.student.read_tensor, run.kept)
    _require_same_size(config, pairs.targets, run.teacher)
    options = run.options
    if options.steps is None and options.max_minutes is None:
        options = replace(options, steps=max(1, len(pairs.sentences) // options.pairs))
    run.work.mkdir(parents=True, exist_ok=True)
    key = _key(run, pairs, options)
    files = TrainingFiles(*(run.work / f"{key}.{end}" for end in ("checkpoint", "best", "jsonl")))
    with scratch_folder() as scratch, additions_in_order():
        setup = run.student.tokenizer.write_for_tensorflow(scratch)
        preprocess = build_preprocessor(setup, run.student.sequence_length)
        encoder = Encoder(config, read_tensor, setup.file)
        network = TensorFlowNetwork(name, preprocess, encoder, run.student.tokenizer.pieces)
        sentence_encoder = SentenceEncoder(name, network, run.student.prompt)
        step = TrainingStep(encoder, preprocess, pairs.targets.shape[1], options.weights)
        before = _precision(held_out, sentence_encoder)
        announce(
            f"training on {len(pairs.sentences):,} pairs; before it, {before:.1%} of held-out ones are found"
        )
        total = None if options.steps is None else 2 * options.pairs * options.steps
        with progress("training", total, "texts") as bar:
            done = train(
                step,
                pairs,
                run.student.prompt,
                options,
                files,
                lambda: _precision(held_out, sentence_encoder),
                bar,
            )
        announce("writing the model")
        trained = {each: variable.numpy() for each, variable in encoder.weights.items()}
    run.student.write(folder, config, trained.__getitem__, run.kept)
    shutil.copyfile(files.log, folder / LOG)
    original = open_place(run.place)
    described = Distillation(
        name=name,
        teacher=_public_name(run.teacher),
        student=read_original_card(run.place),
        student_parameters=original.parameters,
        vocab_size=config.vocab_size,
        parameters=original.parameters - run.student.config.parameters + config.parameters,
        layers=run.kept,
        all_layers=run.student.config.num_hidden_layers,
        languages=tuple(dict.fromkeys(language.code for each in run.pairs for language in each.languages)),
        corpus=" + ".join(each.corpus for each in run.pairs),
        pairs=len(pairs.sentences),
        steps=done.step,
        options=asdict(options),
        before=before,
        after=done.best,
    )
    describe(described, manifest_around(run.student.folder), _original(run, original.parameters), folder)
    return described


def _precision(held_out: HeldOut, encoder: SentenceEncoder) -> float:
    return held_out.precision(lambda texts: encoder.encode(texts, True, advance=lambda amount: None))


def _require_same_size(config: EncoderConfig, targets: np.ndarray, teacher: str) -> None:
    dense = config.pooling.dense
    size = dense[-1].out_features if dense else config.hidden_size
    if targets.shape[1] != size:
        raise SmallerLabseError(
            f"{teacher}: its embeddings have {targets.shape[1]} numbers, the student's {size}; "
            "choose a teacher with embeddings of the same size"
        )


def _key(run: Run, pairs: TrainingPairs, options: TrainingOptions) -> str:
    """What a run's result depends on, so that another run's checkpoint is never taken for its own."""
    texts = digest_of_json({"texts": [list(pairs.sentences), list(pairs.translations)]})
    described = {
        "format": FORMAT,
        "student": digests_of_model(run.place),
        "layers": run.kept,
        "texts": texts,
        "sizes": list(pairs.sizes),
        "targets": digest_of_json({"targets": np.asarray(pairs.targets[:64], np.float32).tolist()}),
        "options": asdict(options),
    }
    return digest_of_json(described)[:DIGITS]


def _public_name(teacher: str) -> str:
    """What the teacher is called, without folders of this machine."""
    return Path(teacher).resolve().name if Path(teacher).exists() else teacher


def _original(run: Run, parameters: int) -> dict[str, object]:
    """The manifest's "original", for a student whose own model has no manifest."""
    card = read_original_card(run.place)
    return {
        "name": card.name,
        "hub_id": card.hub_id,
        "base_model": card.base_model,
        "format": FROM_HUGGINGFACE if isinstance(run.place, HuggingFaceFolder) else FROM_TFHUB,
        "fingerprint": run.student.tokenizer.fingerprint,
        "rows": run.student.config.vocab_size,
        "parameters": parameters,
    }
