"""The back end for originals from Hugging Face: a folder of any architecture, SavedModels of some."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object
from smaller_labse.encoders.bert import save_encoder
from smaller_labse.encoders.config import is_rebuilt
from smaller_labse.encoders.from_huggingface import HuggingFaceEncoder, build_encoder, read_encoder
from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor, save_preprocessor
from smaller_labse.encoders.prompt import choose_prompt
from smaller_labse.encoders.sentence_transformers_folder import (
    read_default_prompt,
    write_default_prompt,
)
from smaller_labse.encoders.sentence_transformers_modules import write_sentence_transformers
from smaller_labse.encoders.to_huggingface import bert_pooler
from smaller_labse.make_smaller.back_ends.back_end import Options, Say, Written
from smaller_labse.make_smaller.back_ends.trim_huggingface import TrimmedFolder, trim_huggingface
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.rounding import (
    NO_LANGUAGE,
    EmbeddingChange,
    Rounding,
    measure_embeddings,
    rounding_texts,
)
from smaller_labse.make_smaller.verification_texts import choose_texts, kept_by_tokenizer
from smaller_labse.make_smaller.verify import (
    WORD_IDS,
    Embed,
    as_arrays,
    embed_both,
    load_embed,
    traced_once,
    verify_embeddings,
    verify_rows,
    verify_tokens,
)
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, PREPROCESS
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from smaller_labse.select_vocab.selection import Selection

# Loads some rows of its embedding matrix only, see `verify_embeddings`.
LoadOriginal = Callable[[np.ndarray], Embed]
Compared = TypeVar("Compared")


class HuggingFaceBackEnd:
    """An original from Hugging Face and a selection; see `BackEnd`."""

    def __init__(
        self, original: HuggingFaceFolder, tokenizer: Tokenizer, selection: Selection, options: Options
    ) -> None:
        """Read the original's config and choose the prompt.

        Raises:
            UsageError: no file that is written could say the prompt.
            SmallerLabseError: a token of it is not kept, or SavedModels are to be written, and the original
                cannot be rebuilt in TensorFlow.
        """
        self._original, self._tokenizer, self._selection = original, tokenizer, selection
        self._options = options
        self._is_rebuilt = is_rebuilt(read_object(original.folder / CONFIG))
        self._saved_model = self._is_rebuilt if options.savedmodel is None else options.savedmodel
        self._prompt = choose_prompt(
            original,
            tokenizer,
            selection.subset.original_ids,
            options.prompt,
            self._saved_model or bool(options.onnx),
        )
        # What is wrong with it is said of its own files, before the long work.
        if self._saved_model or options.onnx:
            self._read_original_encoder()

    def write(self, folder: Path, say: Say) -> Written:
        """Write `huggingface/` and, where the architecture allows, `encoder/` and `preprocess/`."""
        if not self._is_rebuilt:
            say("only huggingface/ is written: this architecture is not rebuilt in TensorFlow")
        keeps = kept_by_tokenizer(self._selection, self._tokenizer)
        chosen = choose_texts(self._selection, self._tokenizer, keeps)
        texts = chosen.all
        say("trimming the embedding matrix and writing huggingface/")
        trimmed = trim_huggingface(
            self._original.folder, self._selection.subset, folder / HUGGINGFACE, self._options.dtype
        )
        smaller = self._write_tokenizer(trimmed)
        if self._prompt != read_default_prompt(trimmed.folder):
            write_default_prompt(trimmed.folder, self._prompt)
        say("verifying it against the original")
        rows_changed, row_difference = self._verify_rows(trimmed)
        unchanged = verify_tokens(
            _token_ids(self._tokenizer, texts),
            _token_ids(smaller, texts),
            self._selection.subset,
            texts,
            str(smaller.file),
            self._tokenizer.unknown_id,
        )
        length, embedded, difference = None, 0, 0.0
        if self._saved_model:
            say("writing encoder/ and preprocess/")
            length = self._write_saved_models(smaller, folder)
            say("verifying them against the original")
            if not len(unchanged):
                say("no text keeps all of its tokens, so that no embedding can be compared")
            elif not trimmed.rounded:
                embedded, difference = self._verify_saved_models(
                    folder, [texts[number] for number in unchanged], length
                )
        rounding = None
        if trimmed.rounded:
            say("measuring what rounding changed")
            changes: tuple[EmbeddingChange, ...] = ()
            try:
                changes = self._measure_rounding(folder, smaller, length, chosen.drawn)
                embedded, difference = changes[-1].texts, changes[-1].largest_difference
            except SmallerLabseError as error:
                say(f"how far embeddings moved is not measured: {error}")
            rounding = Rounding("float16", rows_changed, row_difference, changes)
        return Written(
            original_parameters=trimmed.original_parameters,
            formats=(ENCODER, HUGGINGFACE) if self._saved_model else (HUGGINGFACE,),
            verification=Verification(
                trimmed.vocab_size,
                len(texts),
                len(unchanged),
                embedded,
                difference,
                rounding,
                chosen.numbers,
            ),
            sequence_length=length,
            prompt=self._prompt,
        )

    def _write_tokenizer(self, trimmed: TrimmedFolder) -> Tokenizer:
        """Write the smaller tokenizer into the trimmed folder, and open it as users will."""
        self._tokenizer.write_subset(self._selection.subset, trimmed.folder)
        smaller = open_huggingface_tokenizer(trimmed.folder, trimmed.vocab_size)
        if smaller.pieces != self._selection.pieces:
            raise SmallerLabseError(
                f"{trimmed.folder}: the tokenizer that was written has other tokens than were selected"
            )
        return smaller

    def _verify_rows(self, trimmed: TrimmedFolder) -> tuple[int, float]:
        """How many rows rounding changed, and by how much, of the tensor where that is most."""
        before, after = open_safetensors(self._original.folder), open_safetensors(trimmed.folder)
        changed = []
        for name in trimmed.tensors:
            tensor = after.find(name)
            written = {f"{tensor.file}: {name}": tensor}
            changed.append(verify_rows(before.find(name), written, self._selection, self._options.dtype))
        return max(rows for rows, _ in changed), max(difference for _, difference in changed)

    def _write_saved_models(self, tokenizer: Tokenizer, folder: Path) -> int:
        """Write `encoder/` and `preprocess/` of the trimmed folder, in float32.

        Args:
            tokenizer: the smaller one.
            folder: where the trimmed folder is and the two are written.

        Returns:
            The sequence length of the preprocessor.

        Raises:
            SmallerLabseError: the folder's encoder, pooling or tokenizer cannot be rebuilt.
        """
        trimmed = folder / HUGGINGFACE
        encoder = read_encoder(trimmed, open_safetensors(trimmed).tensors, self._options.pooling)
        length = self._options.sequence_length or encoder.sequence_length
        if length > encoder.config.max_length:
            raise SmallerLabseError(
                f"--sequence-length {length}: the encoder takes at most {encoder.config.max_length} tokens"
            )
        if encoder.side_files.pooling is None:  # then only the SavedModel would say how it pools
            dense = bert_pooler(encoder.config, encoder.read_tensor)
            write_sentence_transformers(trimmed, encoder.config, dense, length, normalize=False)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = tokenizer.write_for_tensorflow(Path(scratch))
            save_encoder(build_encoder(encoder, setup), folder / ENCODER)
            gc.collect()  # the traced functions and the encoder hold each other
            save_preprocessor(build_preprocessor(setup, length, self._prompt), folder / PREPROCESS)
        return length

    def _verify_saved_models(self, folder: Path, texts: list[str], length: int) -> tuple[int, float]:
        """How many texts went through the original and the SavedModels, and the largest difference.

        The original is rebuilt in TensorFlow from its own folder, with the rows of the texts' tokens only.
        Texts that tf-text tokenizes otherwise than the original does are left out.

        Args:
            folder: where `encoder/` and `preprocess/` are.
            texts: whose tokens are the same for both tokenizers.
            length: what the preprocessor packs to.

        Raises:
            SmallerLabseError: no text is left, or the difference is larger than float32 rounding allows.
        """
        preprocess = tf.saved_model.load(str(folder / PREPROCESS))
        after = as_arrays(preprocess(tf.constant(texts)))
        return self._with_both(
            folder,
            texts,
            length,
            after,
            lambda original, before, same: verify_embeddings(
                original, lambda: load_embed(folder / ENCODER), before, after, same, texts
            ),
        )

    def _measure_rounding(
        self, folder: Path, smaller: Tokenizer, length: int | None, drawn: Sequence[str]
    ) -> tuple[EmbeddingChange, ...]:
        """How far rounding moved embeddings, of each language and of all, the last.

        Args:
            folder: where `huggingface/` is and, if they were written, `encoder/` and `preprocess/`.
            smaller: the smaller tokenizer.
            length: what the preprocessor packs to; None where none was written.
            drawn: texts of kept tokens, in no language.

        Raises:
            SmallerLabseError: embeddings cannot be computed here, or no text keeps its tokens.
        """
        if not self._is_rebuilt:
            raise SmallerLabseError("this architecture is not rebuilt in TensorFlow")
        self._read_original_encoder()  # what is wrong with it is said of its own files
        named = rounding_texts(self._selection)
        texts = [*(text for _, text in named), *drawn]
        languages = [language for language, _ in named] + [NO_LANGUAGE] * (len(texts) - len(named))
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            load: Callable[[], Embed]
            if length is not None:
                preprocess = tf.saved_model.load(str(folder / PREPROCESS))
                load = lambda: load_embed(folder / ENCODER)  # noqa: E731
            else:
                trimmed = folder / HUGGINGFACE
                rounded = read_encoder(trimmed, open_safetensors(trimmed).tensors, self._options.pooling)
                setup = smaller.write_for_tensorflow(Path(scratch))
                length = rounded.sequence_length
                preprocess = build_preprocessor(setup, length, self._prompt)
                load = lambda: traced_once(build_encoder(rounded, setup))  # noqa: E731
            after = as_arrays(preprocess(tf.constant(texts)))
            return self._with_both(
                folder,
                texts,
                length,
                after,
                lambda original, before, same: measure_embeddings(
                    *embed_both(original, load, before, after, same), [languages[each] for each in same]
                ),
            )

    def _read_original_encoder(self) -> HuggingFaceEncoder:
        original = self._original.folder
        return read_encoder(original, open_safetensors(original).tensors, self._options.pooling)

    def _with_both(
        self,
        folder: Path,
        texts: list[str],
        length: int,
        after: Mapping[str, np.ndarray],
        compare: Callable[[LoadOriginal, Mapping[str, np.ndarray], np.ndarray], Compared],
    ) -> Compared:
        """Compare the original with the smaller model; see `_verify_saved_models`.

        Args:
            folder: for files that vanish afterwards.
            texts: the texts.
            length: what both preprocessors pack to.
            after: the smaller model's inputs for them.
            compare: is given how to load the original, its inputs for the texts, and the indices of those
                texts that have the same tokens.
        """
        encoder = self._read_original_encoder()
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = self._tokenizer.write_for_tensorflow(Path(scratch))
            original_preprocess = build_preprocessor(setup, length, self._prompt)
            before = as_arrays(original_preprocess(tf.constant(texts)))
            same = self._selection.subset.same_tokens(before[WORD_IDS], after[WORD_IDS])
            if not same.any():
                raise SmallerLabseError(
                    f"none of {len(texts)} texts, the prompt {self._prompt!r} before it, gets the "
                    "original's tokens; choose tokens with "
                    "`select-vocab select --keep` and a file that holds the prompt"
                )
            return compare(
                lambda used: traced_once(build_encoder(encoder, setup, used)),
                before,
                np.flatnonzero(same),
            )


def _token_ids(tokenizer: Tokenizer, texts: list[str]) -> list[np.ndarray]:
    """The token ids of each text, int32 [tokens] each."""
    ids, lengths = tokenizer.tokenize(texts)
    return np.split(ids, np.cumsum(lengths)[:-1])
