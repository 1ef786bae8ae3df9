"""Measure any model with mteb, the Massive Text Embedding Benchmark: its tasks, its scores, its result files.

    .venv/bin/python examples/mteb_tasks.py --model work/model --tasks Tatoeba STS17 --out work/mteb

The model is whatever `smaller_labse.load` takes, SavedModels too; its own prompt goes before every text. mteb
fetches its tasks' data from the Hugging Face hub; `mteb available-tasks` lists the names. mteb 2 needs Python
3.11 or later: `.venv/bin/pip install -e '.[mteb]'`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import smaller_labse

INSTALL = "mteb is not installed; in Python 3.11 or later: .venv/bin/pip install -e '.[mteb]'"


def load_for_mteb(model: str, device: str | None = None) -> Any:
    """A sentence encoder as mteb wants one: batches of records in, embeddings out."""
    from mteb.models.abs_encoder import AbsEncoder
    from mteb.models.model_meta import ModelMeta, ScoringFunction

    encoder = smaller_labse.load(model, device=device)

    class MtebEncoder(AbsEncoder):
        # What names the folder of the results.
        mteb_model_meta = ModelMeta.create_empty(
            {
                "name": f"smaller-labse/{Path(model).resolve().name}",
                "revision": "local",
                "similarity_fn_name": ScoringFunction.COSINE,
            }
        )

        def encode(self, inputs: Any, *, batch_size: int | None = None, **of_the_task: Any) -> np.ndarray:
            texts = [text for batch in inputs for text in batch["text"]]
            return encoder.encode(texts, normalize=True, batch_size=batch_size)

    return MtebEncoder()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True, help="a model's folder, TF Hub handle or hub id")
    parser.add_argument("--tasks", required=True, nargs="+", help="mteb's names, such as Tatoeba STS17")
    parser.add_argument("--languages", nargs="+", help="ISO 639-3, such as fra deu; default: all of a task")
    parser.add_argument("--out", required=True, type=Path, help="folder for mteb's result files")
    parser.add_argument("--device", help="cpu, gpu or gpu:1; default: a GPU where there is one")
    parser.add_argument("--batch-size", type=int, help="how many texts are computed at a time")
    options = parser.parse_args()
    try:
        import mteb
    except ModuleNotFoundError:
        parser.exit(1, f"{parser.prog}: {INSTALL}\n")

    tasks = mteb.get_tasks(tasks=options.tasks, languages=options.languages)
    encoder = load_for_mteb(options.model, options.device)
    results = mteb.evaluate(
        encoder,
        tasks,
        cache=mteb.ResultCache(options.out),
        overwrite_strategy="always",  # mteb knows results by the folder's name alone
        encode_kwargs={} if options.batch_size is None else {"batch_size": options.batch_size},
    )
    for task in results.task_results:
        for split, subsets in task.scores.items():
            for scores in subsets:
                print(f"{task.task_name}  {split}  {scores['hf_subset']}  {scores['main_score']:.4f}")


if __name__ == "__main__":
    main()
