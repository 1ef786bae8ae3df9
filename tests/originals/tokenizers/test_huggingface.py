"""Tokenizers of Hugging Face folders: WordPiece, what the files say of ids, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.make_smaller.example import learn_pieces
from smaller_labse.originals.tokenizers.bpe import BytePairEncoding
from smaller_labse.originals.tokenizers.huggingface_wordpiece import HuggingFaceWordPiece
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer, read_vocabulary
from smaller_labse.originals.tokenizers.tokenizer_files import write_files_beside
from smaller_labse.originals.tokenizers.unigram import Unigram
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.originals.tokenizers.wordpiece import WordPiece

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
TEXTS = st.lists(
    st.sampled_from(SENTENCES)
    | st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=8).map(" ".join)
    | st.lists(st.sampled_from(WORDS), max_size=4).map("".join),
    min_size=1,
    max_size=4,
)
HERE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = {"model_type": "bert"}


def write(folder: Path, **files: Any) -> Path:
    """A folder of JSON files (`config` is config.json), and of texts (`vocab` is vocab.txt)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if isinstance(content, str):
            (folder / f"{name}.txt").write_text(content, encoding="utf-8", newline="\n")
        else:
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def wordpiece_json() -> dict[str, Any]:
    """A `tokenizer.json` with an id wherever there can be one."""
    pieces = ["a", "[PAD]", "##b", "[unused1]", "b", "##a", "[CLS]", "ab", "[UNK]", "c", "[SEP]", "##c"]
    tokenizer = Tokenizer(models.WordPiece({piece: token_id for token_id, piece in enumerate(pieces)}))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 6), ("[SEP]", 10)],
    )
    tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[UNK]", "[SEP]"])
    tokenizer.add_tokens([AddedToken("<q>", single_word=True), AddedToken("<d>")])
    tokenizer.enable_padding(pad_id=1, pad_token="[PAD]")
    tokenizer.enable_truncation(5)
    return json.loads(tokenizer.to_str())


@pytest.fixture
def small(tmp_path) -> HuggingFaceWordPiece:
    return open_huggingface_tokenizer(
        write(tmp_path / "original", tokenizer=wordpiece_json(), config=BERT), vocab_size=20
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> HuggingFaceWordPiece:
    """BERT's tokenizer, from `vocab.txt`."""
    vocabulary = "".join(f"{piece}\n" for piece in learn_pieces(SENTENCES))
    folder = write(
        tmp_path_factory.mktemp("bert"),
        vocab=vocabulary,
        config=BERT,
        tokenizer_config={"do_lower_case": False},
    )
    return open_huggingface_tokenizer(folder, vocab_size=1_000_000)


@pytest.fixture
def trim(tmp_path) -> Callable[[HuggingFaceWordPiece, np.ndarray], HuggingFaceWordPiece]:
    def write_and_read(tokenizer: HuggingFaceWordPiece, kept: np.ndarray) -> HuggingFaceWordPiece:
        tokenizer.write_subset(VocabularySubset(kept, len(tokenizer.pieces)), tmp_path)
        return open_huggingface_tokenizer(tmp_path, vocab_size=len(kept))

    return write_and_read


def per_line(tokenizer: HuggingFaceWordPiece, lines: list[str]) -> list[list[int]]:
    ids, lengths = tokenizer.tokenize(lines)
    assert (ids.dtype, lengths.dtype) == (np.int32, np.int64)
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]


def with_special(tokenizer: HuggingFaceWordPiece, ids: Any = ()) -> np.ndarray:
    return tokenizer.with_dependencies(np.concatenate([tokenizer.special_ids, np.asarray(ids, int)]))


@given(TEXTS, st.data())
@HERE
def test_wordpiece_a_text_whose_pieces_are_all_kept_is_tokenized_the_same(original, trim, texts, data):
    before = per_line(original, texts)
    used = sorted({token_id for line in before for token_id in line})
    dropped = data.draw(st.sets(st.sampled_from(used), max_size=5)) if used else set()
    others = data.draw(st.sets(st.integers(0, len(original.pieces) - 1), max_size=50))
    kept = with_special(original, sorted((set(used) | others) - dropped))
    after = per_line(trim(original, kept), texts)
    unchanged = [set(line) <= set(kept.tolist()) for line in before]
    assert [kept[line].tolist() for line, same in zip(after, unchanged, strict=True) if same] == [
        line for line, same in zip(before, unchanged, strict=True) if same
    ]


@given(TEXTS)
@HERE
def test_wordpiece_no_text_of_the_seen_pieces_becomes_unknown(original, trim, texts):
    before = per_line(original, texts)
    seen = np.unique(np.array([token_id for line in before for token_id in line], int))
    smaller = trim(original, with_special(original, original.needed_for_characters(seen)))
    assert [line.count(smaller.unknown_id) for line in per_line(smaller, texts)] == [
        line.count(original.unknown_id) for line in before
    ]


def test_wordpiece_from_vocab_txt_has_the_pieces_and_the_fingerprint_of_tf_hubs(original):
    other = WordPiece(original.file)
    assert (original.pieces, original.fingerprint) == (other.pieces, other.fingerprint)
    assert (original.kind, original.unknown_id) == (other.kind, other.unknown_id)
    assert original.special_ids.tolist() == other.special_ids.tolist()
    texts = [text for text in SENTENCES if text.isascii()]
    assert np.array_equal(original.tokenize(texts)[0], other.tokenize(texts)[0])


def test_bert_lower_cases_unless_told_not_to(tmp_path):
    vocabulary = "".join(f"{piece}\n" for piece in [*SPECIAL, "a", "A", "é", "e"])
    folder = write(tmp_path, vocab=vocabulary, config=BERT)
    assert [
        open_huggingface_tokenizer(folder, vocab_size=9).pieces[one]
        for one in open_huggingface_tokenizer(folder, 9).tokenize(["A É"])[0]
    ] == [
        "a",
        "e",
    ]
    write(tmp_path, tokenizer_config={"do_lower_case": False})
    tokenizer = open_huggingface_tokenizer(folder, vocab_size=9)
    assert [tokenizer.pieces[one] for one in tokenizer.tokenize(["A é"])[0]] == ["A", "é"]


def test_text_is_tokenized_whole_without_special_pieces_padding_and_truncation(small):
    ids, lengths = small.tokenize(["ab c ab c ab c ab c", "", "b"])
    assert [small.pieces[token_id] for token_id in ids] == ["ab", "c"] * 4 + ["b"]
    assert lengths.tolist() == [8, 0, 1]
    none, no_lengths = small.tokenize([])
    assert (len(none), none.dtype, len(no_lengths), no_lengths.dtype) == (0, np.int32, 0, np.int64)


def test_special_pieces_are_those_that_any_file_names(tmp_path):
    folder = write(
        tmp_path,
        tokenizer=wordpiece_json(),
        config=BERT | {"pad_token_id": 0, "eos_token_id": [4, 99], "text_config": {"image_token_index": 7}},
        generation_config={"bos_token_id": 9, "max_length": 1},
        tokenizer_config={"added_tokens_decoder": {"11": {"content": "##c"}}},
        added_tokens={"##a": 5},
    )
    special = open_huggingface_tokenizer(folder, vocab_size=20).special_ids
    assert special.dtype == np.int32
    assert special.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]


def test_every_id_in_tokenizer_json_follows(small, trim, tmp_path):
    kept = with_special(small, [small.ids["ab"]])
    before, after = small.json_file.content, trim(small, kept).json_file.content
    place = {number: new for new, number in enumerate(kept.tolist())}
    assert [(token["content"], token["id"]) for token in after["added_tokens"]] == [
        (token["content"], place[token["id"]]) for token in before["added_tokens"]
    ]
    assert after["post_processor"]["special_tokens"]["[SEP]"]["ids"] == [place[10]]
    assert after["padding"] == before["padding"] | {"pad_id": place[1]}
    assert place[1] != 1
    assert after["truncation"] == before["truncation"]
    encoded = [Tokenizer.from_str(json.dumps(content)).encode("ab <d>") for content in (before, after)]
    assert encoded[1].ids == [place[number] for number in encoded[0].ids]
    assert (tmp_path / "vocab.txt").read_text().split() == [small.pieces[token_id] for token_id in kept]


@pytest.mark.parametrize(
    "processor",
    [
        {"type": "BertProcessing", "sep": ["[SEP]", 10], "cls": ["[CLS]", 6]},
        {
            "type": "Sequence",
            "processors": [
                {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
                {
                    "type": "RobertaProcessing",
                    "sep": ["[SEP]", 10],
                    "cls": ["[CLS]", 6],
                    "trim_offsets": True,
                    "add_prefix_space": True,
                },
            ],
        },
    ],
    ids=["BERT's", "RoBERTa's in a sequence"],
)
def test_post_processors_of_other_kinds_follow(tmp_path, trim, processor):
    content = wordpiece_json() | {"post_processor": processor}
    original = open_huggingface_tokenizer(write(tmp_path / "original", tokenizer=content), vocab_size=20)
    kept = with_special(original, [original.ids["ab"]])
    smaller = trim(original, kept)
    pair = [one.json_file.backend.encode("ab", "ab").ids for one in (original, smaller)]
    assert kept[pair[1]].tolist() == pair[0]


def test_wordpieces_can_stand_in_any_order(small, trim):
    kept = np.flip(np.setdiff1d(with_special(small, [small.ids["ab"]]), [12, 13]))
    kept = np.concatenate([kept, [12, 13]])  # which are added tokens only, and always last
    smaller = trim(small, kept)
    assert smaller.pieces == [small.pieces[token_id] for token_id in kept]
    assert kept[smaller.tokenize(["ab <d>"])[0]].tolist() == small.tokenize(["ab <d>"])[0].tolist()


def test_added_tokens_before_others_are_refused(small, tmp_path):
    with pytest.raises(SmallerLabseError, match="keep the original's order"):
        small.write_subset(VocabularySubset(np.flip(small.special_ids), len(small.pieces)), tmp_path)


def test_rows_beyond_the_pieces_are_in_no_vocabulary(tmp_path):
    folder = write(tmp_path, tokenizer=wordpiece_json())
    assert (
        open_huggingface_tokenizer(folder, vocab_size=14).pieces
        == open_huggingface_tokenizer(folder, vocab_size=999).pieces
    )
    assert open_huggingface_tokenizer(folder, vocab_size=14).without_embedding == ()


def test_added_tokens_beyond_the_table_are_left_out(tmp_path, trim):
    """Gemma's <image_soft_token> has the id 262,144 in a table of 262,144 rows."""
    original = open_huggingface_tokenizer(
        write(tmp_path / "original", tokenizer=wordpiece_json()), vocab_size=13
    )
    assert original.without_embedding == ("<d>",)
    assert original.pieces[-1] == "<q>"
    assert original.tokenize(["<d>"])[0].max() < 13
    smaller = trim(original, original.special_ids)
    assert "<d>" not in [token["content"] for token in smaller.json_file.content["added_tokens"]]


def test_the_files_beside_follow(small, tmp_path):
    decoder = {str(token_id): {"content": small.pieces[token_id], "special": True} for token_id in (0, 6, 12)}
    names = {"pad_token": "[PAD]", "cls_token": {"content": "[CLS]"}}
    write(
        tmp_path / "original",
        tokenizer_config=names | {"added_tokens_decoder": decoder | {"14": {"content": "<no row>"}}},
        special_tokens_map=names,
        added_tokens={"<q>": 12, "<no row>": 14},
        sentence_bert_config={"max_seq_length": 8},
    )
    out = tmp_path / "out"
    out.mkdir()
    write_files_beside(tmp_path / "original", VocabularySubset(np.array([0, 12, 6]), 20), 14, out)
    written = {file.name: json.loads(file.read_text()) for file in out.iterdir()}
    assert written == {
        "tokenizer_config.json": names
        | {"added_tokens_decoder": {"0": decoder["0"], "1": decoder["12"], "2": decoder["6"]}},
        "special_tokens_map.json": names,
        "added_tokens.json": {"<q>": 1},
    }
    with pytest.raises(
        SmallerLabseError, match=r"tokenizer_config\.json: names the id 12, whose piece is not"
    ):
        write_files_beside(tmp_path / "original", VocabularySubset(np.array([0, 6]), 20), 14, out)


def test_a_subset_is_all_that_the_trimmed_tokenizer_needs(small, tmp_path):
    folder = tmp_path / "original"
    write(folder, added_tokens={"<q>": 12}, special_tokens_map={"pad_token": "[PAD]"})
    out = write(tmp_path / "out")
    kept = small.special_ids
    small.write_subset(VocabularySubset(kept, original_size=20), out)  # of which six rows are padding
    names = {"tokenizer.json", "vocab.txt", "added_tokens.json", "special_tokens_map.json"}
    assert {file.name for file in out.iterdir()} == names
    assert json.loads((out / "added_tokens.json").read_text()) == {"<q>": kept.tolist().index(12)}
    assert read_vocabulary(out) == [small.pieces[token_id] for token_id in kept]


def test_a_subset_of_another_vocabulary_is_refused(small, tmp_path):
    for subset in (VocabularySubset(np.arange(13), 13), VocabularySubset(np.arange(15), 20)):
        with pytest.raises(SmallerLabseError, match=r"14 pieces, but the kept ids go up to 1[24] of"):
            small.write_subset(subset, tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()


def test_only_what_is_there_is_written(tmp_path):
    write_files_beside(
        write(tmp_path / "original"), VocabularySubset(np.arange(3), 3), 3, write(tmp_path / "out")
    )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("said", [True, False], ids=["with its type", "as older tokenizers wrote it"])
def test_the_family_is_told_by_the_model(tmp_path, said):
    bpe = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0]]}
    families = {HuggingFaceWordPiece: wordpiece_json()["model"], BytePairEncoding: bpe, Unigram: unigram}
    for number, (family, model) in enumerate(families.items()):
        if not said:
            model = {name: value for name, value in model.items() if name != "type"}
        folder = write(tmp_path / str(number), tokenizer={"version": "1.0", "model": model})
        tokenizer = open_huggingface_tokenizer(folder, vocab_size=20)
        assert type(tokenizer) is family
        assert len(tokenizer.tokenize(["ab a"])[0]) > 0


def test_the_fingerprint_tells_pieces_with_line_feeds_apart(tmp_path):
    fingerprints = set()
    for number, pieces in enumerate((["a", "\n", "\n\n"], ["a", "\n\n", "\n"])):
        model = {"type": "BPE", "vocab": {piece: each for each, piece in enumerate(pieces)}, "merges": []}
        folder = write(tmp_path / str(number), tokenizer={"version": "1.0", "model": model})
        fingerprints.add(open_huggingface_tokenizer(folder, vocab_size=20).fingerprint)
    assert len(fingerprints) == 2


def broken(**changes: Any) -> dict[str, Any]:
    return {"tokenizer": wordpiece_json() | changes}


def broken_model(**changes: Any) -> dict[str, Any]:
    return broken(model=wordpiece_json()["model"] | changes)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no tokenizer in it, expected tokenizer.json"),
        ({"tokenizer": [1]}, "a JSON list, expected an object"),
        ({"tokenizer": {"version": "1.0"}}, "no model in it, so it is no tokenizer.json"),
        (broken(added_tokens=[], padding=None, post_processor=None,
                model={"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}),
         "the model is WordLevel, expected WordPiece, Unigram or BPE"),
        (broken_model(vocab={"a": 0, "b": 1, "c": 9}), "the added token '.PAD.' has the id 1, but"),
        (broken(added_tokens=[], post_processor=None, padding=None, model=wordpiece_json()["model"] | {
            "vocab": {"a": 0, "b": 0, "[UNK]": 3}}), "3 different pieces, but none has the id 1, 2"),
        (broken(added_tokens=[{"id": "0", "content": "a"}]), "added_tokens, expected a list of objects"),
        (broken(added_tokens={"a": 0}), "added_tokens, expected a list of objects"),
        (broken(padding={"pad_id": -1}), "tokenizers can read"),
        (broken(post_processor={"type": "BertProcessing", "sep": ["a", 99], "cls": ["b", 1]}),
         "names the id 99, which no piece has"),
        (broken(post_processor={"type": "Guess"}), "tokenizers can read"),
        (broken(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}), "cannot be read"),
        (broken(normalizer={"type": "Precompiled", "precompiled_charsmap": "?"}), "cannot be read"),
        (broken(normalizer={"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAD/"}]}), "cannot be read"),
        (broken_model(unk_token="[WHAT]"), "the unknown piece '.WHAT.' is not in the vocabulary"),
        (broken_model(vocab=["a"]), "tokenizers can read"),
        (broken() | {"config": [1]}, "config.json: a JSON list, expected an object"),
        ({"vocab": "a\nb\n", "config": BERT}, "the unk_token '.UNK.' is not in the vocabulary"),
        ({"vocab": "a\na\n", "config": BERT}, "the piece 'a' stands in lines 1 and 2"),
        ({"vocab": "a\n", "config": {"model_type": "mpnet"}}, "the tokenizer is not BERT's; load the"),
    ],
)  # fmt: skip
def test_what_is_no_tokenizer_is_refused(tmp_path, capfd, files, message):
    with pytest.raises(SmallerLabseError, match=message) as raised:
        open_huggingface_tokenizer(write(tmp_path, **files), vocab_size=20)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b'{"model": ', "not readable as JSON"),
        (b"[" * 200_000, "not readable as JSON"),
        (
            b'{"model": {"type": "WordPiece", "unk_token": "\\ud800", "vocab": {"\\ud800": 0}}}',
            "half a surrogate pair",
        ),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not readable as JSON"),
    ],
)
def test_a_damaged_tokenizer_json_is_refused(tmp_path, content, message):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(SmallerLabseError, match=message):
        open_huggingface_tokenizer(tmp_path, vocab_size=20)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SmallerLabseError, match="1,099,511,627,776 bytes, expected at most"):
        open_huggingface_tokenizer(tmp_path, vocab_size=20)


@pytest.mark.parametrize(
    ("content", "config", "message"),
    [
        (b"\xff\xff\xff", {"model_type": "xlm-roberta"}, "no SentencePiece model, or a damaged one"),
        (b"\n\x03\n\x01\xff", {"model_type": "xlm-roberta"}, "a piece that is not UTF-8"),
        (b"", {"model_type": "xlm-roberta"}, "a SentencePiece model without pieces"),
        (b"\n\x03\n\x01a", {"model_type": "xlm-roberta"}, r"begins with \['a'\], expected \['<unk>', '<s>'"),
        (b"\n\x03\n\x01a", {"model_type": "t5"}, "no piece '<pad>', which T5's tokenizers have"),
        (b"\n\x03\n\x01a", {"model_type": "camembert"}, "neither XLM-R's nor T5's; load the original"),
        (b"\n\x03\n\x01a\x12\x02\x18\x02", {"model_type": "xlm-roberta"}, "begins with"),
    ],
)
def test_a_sentencepiece_model_that_cannot_be_read_is_refused(tmp_path, content, config, message):
    (write(tmp_path, config=config) / "sentencepiece.bpe.model").write_bytes(content)
    with pytest.raises(SmallerLabseError, match=message):
        open_huggingface_tokenizer(tmp_path, vocab_size=20)


def test_a_table_with_fewer_rows_than_pieces_is_refused(tmp_path):
    folder = write(tmp_path, tokenizer=wordpiece_json())
    with pytest.raises(SmallerLabseError, match="12 pieces, but the embedding matrix has 11 rows"):
        open_huggingface_tokenizer(folder, vocab_size=11)


def test_kept_ids_that_are_none_are_refused(small, tmp_path):
    for kept in ([], [99], [-1], [*small.special_ids, 0]):
        with pytest.raises(SmallerLabseError, match="kept"):
            small.write_subset(VocabularySubset(np.array(kept, int), len(small.pieces)), tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()


def test_wordpiece_filled_up_are_the_first_by_place_and_text_is_tokenized_the_same(original, trim, fill_up):
    added, left_out = fill_up(original, trim, 2500)
    assert added.max() < left_out.min()
