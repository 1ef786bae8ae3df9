"""The back end for originals from Hugging Face: a folder of any architecture, SavedModels of some."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.encoders.bert import save_encoder
from smaller_labse.encoders.config import is_rebuilt
from smaller_labse.encoders.from_huggingface import build_encoder, read_encoder
from smaller_labse.encoders.preprocessor import build_preprocessor, save_preprocessor
from smaller_labse.encoders.prompt import prompt_of
from smaller_labse.encoders.sentence_transformers_folder import (
    MODULES,
    read_default_prompt,
    write_default_prompt,
)
from smaller_labse.encoders.to_huggingface import write_sentence_transformers
from smaller_labse.make_smaller.back_end import Options, Say, Written
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.trim_huggingface import TrimmedFolder, trim_huggingface
from smaller_labse.make_smaller.verify import (
    WORD_IDS,
    as_arrays,
    load_embed,
    traced_once,
    verification_sentences,
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


class FromHuggingFace:
    """An original from Hugging Face and a selection; see `BackEnd`."""

    def __init__(
        self, original: HuggingFaceFolder, tokenizer: Tokenizer, selection: Selection, options: Options
    ) -> None:
        """Check the options.

        Raises:
            UsageError: options that do not go together, or are for TF Hub originals.
        """
        if not options.huggingface:
            raise UsageError("--no-huggingface is for TF Hub originals")
        chosen = (options.sequence_length, options.pooling)
        if options.savedmodel is False and any(option is not None for option in chosen):
            raise UsageError("--sequence-length and --pooling are the SavedModel's")
        self._original, self._tokenizer, self._selection = original, tokenizer, selection
        self._options = options
        self._is_rebuilt = is_rebuilt(read_object(original.folder / CONFIG))
        self._saved_model = self._is_rebuilt if options.savedmodel is None else options.savedmodel
        self._prompt = (prompt_of(original) or "") if options.prompt is None else options.prompt
        self._check_prompt()

    def _check_prompt(self) -> None:
        """See that the prompt's tokens are kept, or else no text has its own, and that a file can say it."""
        if not self._prompt:
            return
        if not self._saved_model and not (self._original.folder / MODULES).is_file():
            raise UsageError(
                f"the prompt {self._prompt!r}: {self._original.name} has no {MODULES}, and without it "
                "sentence-transformers reads no prompt; leave --prompt out"
            )
        # White space at its end becomes part of the word behind it.
        needed = self._tokenizer.tokenize([self._prompt.strip()])[0]
        kept = np.isin(needed, self._selection.subset.original_ids)
        if not kept.all():
            missing = self._tokenizer.pieces[needed[~kept][0]]
            raise SmallerLabseError(
                f"the prompt {self._prompt!r}: its token {missing!r} is not kept; select with --keep and a "
                "file that holds the prompt"
            )

    def write(self, folder: Path, say: Say) -> Written:
        """Write `huggingface/` and, where the architecture allows, `encoder/` and `preprocess/`."""
        if not self._is_rebuilt:
            say("only huggingface/ is written: this architecture is not rebuilt in TensorFlow")
        texts = verification_sentences(self._selection)
        say("trimming the embedding matrix and writing huggingface/")
        trimmed = trim_huggingface(
            self._original.folder, self._selection.subset, folder / HUGGINGFACE, self._options.dtype
        )
        smaller = self._write_tokenizer(trimmed)
        if self._prompt != read_default_prompt(trimmed.folder):
            write_default_prompt(trimmed.folder, self._prompt)
        say("verifying it against the original")
        self._verify_rows(trimmed)
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
            elif self._options.dtype is None:  # rounded to float16 the embeddings are others, by design
                embedded, difference = self._verify_saved_models(
                    folder, [texts[number] for number in unchanged], length
                )
        return Written(
            original_parameters=trimmed.original_parameters,
            formats=(ENCODER, HUGGINGFACE) if self._saved_model else (HUGGINGFACE,),
            verification=Verification(trimmed.vocab_size, len(texts), len(unchanged), embedded, difference),
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

    def _verify_rows(self, trimmed: TrimmedFolder) -> None:
        before, after = open_safetensors(self._original.folder), open_safetensors(trimmed.folder)
        for name in trimmed.tensors:
            written = after.find(name)
            verify_rows(
                before.find(name), {f"{written.file}: {name}": written}, self._selection, self._options.dtype
            )

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
            write_sentence_transformers(trimmed, encoder.config, encoder.read_tensor, length, normalize=False)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = tokenizer.write_for_tensorflow(Path(scratch))
            save_encoder(build_encoder(encoder, setup.file), folder / ENCODER)
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
        original = self._original.folder
        encoder = read_encoder(original, open_safetensors(original).tensors, self._options.pooling)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            setup = self._tokenizer.write_for_tensorflow(Path(scratch))
            original_preprocess = build_preprocessor(setup, length, self._prompt)
            before = as_arrays(original_preprocess(tf.constant(texts)))
            same = self._selection.subset.same_tokens(before[WORD_IDS], after[WORD_IDS])
            if not same.any():
                raise SmallerLabseError(
                    f"none of {len(texts)} texts, the prompt {self._prompt!r} before it, gets the "
                    "original's tokens; select with --keep and a file that holds the prompt"
                )
            return verify_embeddings(
                lambda used: traced_once(build_encoder(encoder, setup.file, used)),
                lambda: load_embed(folder / ENCODER),
                before,
                after,
                np.flatnonzero(same),
                texts,
            )


def _token_ids(tokenizer: Tokenizer, texts: list[str]) -> list[np.ndarray]:
    """The token ids of each text, int32 [tokens] each."""
    ids, lengths = tokenizer.tokenize(texts)
    return np.split(ids, np.cumsum(lengths)[:-1])
