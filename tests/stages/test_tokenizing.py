import io
import json
import multiprocessing
import os
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import category, combining, decomposition, normalize

import gigatoken
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from manifests.errors import IntegrityError, RecipeError, UnitError
from stages.tokenizer_training import train
from stages.tokenizing import _NOT_COMPOSED, TextTokenizer

END = "<|endoftext|>"
LOOPS = [f"for i in range({i}):\n    print(i)  # {i}\n" for i in range(200)]
SMALL = train(LOOPS, vocabulary_size=270, control_tokens=[END])
TOKENIZER = TextTokenizer.load(SMALL, end_of_document=END)
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def small() -> TextTokenizer:
    return TOKENIZER


@pytest.fixture(scope="module", params=["qwen2_5", "qwen3"])
def qwen(request: pytest.FixtureRequest) -> TextTokenizer:
    path = SHARED / "tokenizers" / request.param / "tokenizer.json"
    if not path.exists():
        pytest.skip(f"shared data absent: {path}")
    return TextTokenizer.load(path.read_bytes(), end_of_document=END)


@pytest.fixture(scope="module")
def real_texts() -> list[str]:
    """300 files of source code, with control tokens written into them."""
    path = SHARED / "data" / "stack_v2" / "part-00000-of-00010.jsonl.zst"
    if not path.exists():
        pytest.skip(f"shared data absent: {path}")
    with zstandard.open(path, "rb") as compressed:
        lines = io.BufferedReader(compressed)
        texts = [json.loads(line)["content"][:2_500] for line, _ in zip(lines, range(300), strict=False)]
    return [f"{text[:50]}<|im_start|>{text[50:100]} {END}\n{text[100:]}<|fim_prefix|>" for text in texts]


def changed(**fields: Any) -> bytes:
    """The small tokenizer's JSON with other top-level fields."""
    return json.dumps({**json.loads(SMALL), **fields}).encode()


def split(regex: str, behavior: str = "Isolated") -> dict[str, Any]:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    pattern = {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": False}
    return {"type": "Sequence", "pretokenizers": [pattern, byte_level]}


def added(content: str, number: int) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, "special": True, **flags}


def test_qwen_is_encoded_fast_and_as_tokenizers_does(qwen: TextTokenizer, real_texts: list[str]) -> None:
    assert qwen.engine == "gigatoken"
    qwen.check(real_texts)


@pytest.mark.real
def test_every_text_there_is_gets_the_ids_of_tokenizers() -> None:
    path = SHARED / "tokenizers/qwen2_5/tokenizer.json"
    shards = sorted((SHARED / "data").glob("*/*.jsonl.zst"))
    if not path.exists() or not shards:
        pytest.skip(f"shared data absent: {path}")
    fast = TextTokenizer.load(path.read_bytes(), end_of_document=END)
    reference = Tokenizer.from_str(json.dumps(json.loads(path.read_bytes()) | {"added_tokens": []}))
    reference.no_padding()
    num_bytes = 0
    for shard in shards:
        with zstandard.open(shard, "rb") as compressed:
            rows = [json.loads(line) for line in io.BufferedReader(compressed)]
        texts = [str(row[name]) for row in rows for name in ("content", "text", "diff", "message") if row.get(name)]
        for start in range(0, len(texts), 500):
            batch = texts[start : start + 500]
            expected = reference.encode_batch_fast(batch, add_special_tokens=False)
            for number, (text, encoding) in enumerate(zip(batch, expected, strict=True), start):
                assert fast.encode(text).tolist() == encoding.ids, (shard.name, number)
                num_bytes += len(text.encode())
    assert num_bytes > 140_000_000


def test_qwen_has_the_published_ids(qwen: TextTokenizer) -> None:
    assert qwen.end_of_document_id == 151_643
    assert qwen.vocabulary_size == 1 + max(qwen.control_ids)
    assert {151_644, 151_659, 151_664} <= qwen.control_ids


def test_control_tokens_written_in_qwen_text_stay_text(qwen: TextTokenizer, real_texts: list[str]) -> None:
    for text in real_texts[:50]:
        assert qwen.control_ids.isdisjoint(qwen.encode(text).tolist())


def test_qwen_decodes_to_the_composed_text(qwen: TextTokenizer) -> None:
    assert qwen.normalize("cafe\u0301") == "café"
    assert qwen.decode(qwen.encode("cafe\u0301")) == "café"
    assert qwen.decode([151_659, 64, 151_643]) == f"<|fim_prefix|>a{END}"


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert TOKENIZER.normalize(text) == text
    assert TOKENIZER.decode_bytes(TOKENIZER.encode(text)) == text.encode()


def test_ids_are_int32_and_none_for_an_empty_text(small: TextTokenizer) -> None:
    assert small.encode("").shape == (0,)
    assert small.encode("").dtype == small.encode("a\0b").dtype == np.int32


def test_pieces_cut_inside_a_character_join_to_the_exact_bytes(small: TextTokenizer) -> None:
    ids = small.encode("中文")
    assert small.decode(ids[:1]) == "\ufffd"
    assert small.decode_bytes(ids[:1]) + small.decode_bytes(ids[1:]) == "中文".encode()


def test_it_tells_the_digest_of_the_json(small: TextTokenizer) -> None:
    assert small.sha256 == sha256(SMALL).hexdigest()


def test_it_cannot_be_changed(small: TextTokenizer) -> None:
    with pytest.raises(FrozenInstanceError):
        small.end_of_document_id = 0  # type: ignore[misc]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_it_works_after_a_fork(small: TextTokenizer) -> None:
    expected = small.encode("print(中)").tolist()
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=lambda: sender.send(small.encode("print(中)").tolist()))
    child.start()
    assert receiver.poll(10)
    assert receiver.recv() == expected
    child.join(10)
    assert child.exitcode == 0


def test_an_absent_control_token_is_answered_with_the_nearest(small: TextTokenizer) -> None:
    with pytest.raises(RecipeError) as caught:
        TextTokenizer.load(SMALL, end_of_document="<|end_of_text|>")
    assert f"the nearest is {END!r}" in caught.value.message
    with pytest.raises(RecipeError, match="no control token '<s>'"):
        TextTokenizer.load(SMALL, end_of_document=END, beginning_of_document="<s>")


def test_control_tokens_are_known_by_name(small: TextTokenizer) -> None:
    assert small.control == {END: 269}
    assert small.control_id(END, hint="") == 269
    with pytest.raises(RecipeError, match="no control token '<|fim_prefix|>'".replace("|", "[|]")) as caught:
        small.control_id("<|fim_prefix|>", hint="do without")
    assert caught.value.hint == "do without"


def test_a_document_begins_with_a_control_token_only_where_one_is_named(small: TextTokenizer) -> None:
    assert small.beginning_of_document_id is None
    loaded = TextTokenizer.load(SMALL, end_of_document=END, beginning_of_document=END)
    assert loaded.beginning_of_document_id == 269


COMPOSING = TextTokenizer.load(changed(normalizer={"type": "NFC"}), end_of_document=END)


@given(st.text() | st.text(alphabet="e\u0301\u0328ａ한\u1100\u1161\u11a8Ω\u2126が\u3099か\u037e\u0387"))
def test_what_is_left_out_of_normalizing_is_normal_already(text: str) -> None:
    tokenizer = COMPOSING
    assert tokenizer._normalizer is not None
    assert tokenizer.normalize(text) == str(tokenizer._normalizer.normalize_str(text))
    assert tokenizer.decode(tokenizer.encode(text)) == tokenizer.normalize(text)


def test_characters_that_normalizing_is_left_out_for_never_compose() -> None:
    every = [chr(number) for number in range(0x110000) if not 0xD800 <= number < 0xE000]
    known = {character for character in every if not _NOT_COMPOSED.search(character)}
    parts = [decomposition(character).split() for character in every]
    second = {chr(int(part[1], 16)) for part in parts if len(part) == 2 and not part[0].startswith("<")}
    assert not known & second
    assert not known & {chr(number) for number in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for character in known:
        assert normalize("NFC", character) == character
        assert combining(character) == 0
        assert category(character) != "Cn"  # else a later version of Unicode could make it compose
    assert len(known) > 30_000


@pytest.mark.parametrize(
    "fields",
    [
        {"pre_tokenizer": split("[a-z]+|[^a-z]+")},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}},
        {"normalizer": {"type": "Lowercase"}},
    ],
    ids=["unknown regex", "no regex, taken in silence", "unknown normalizer"],
)
def test_what_gigatoken_cannot_do_right_is_left_to_tokenizers(fields: dict[str, Any]) -> None:
    tokenizer = TextTokenizer.load(changed(**fields), end_of_document=END)
    assert tokenizer.engine == "tokenizers"
    assert tokenizer.encode("").dtype == np.int32
    tokenizer.check(["For I in Range(10):\n    print(i)", END, ""])


def test_truncation_padding_and_post_processor_add_and_take_nothing(small: TextTokenizer) -> None:
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": END, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {END: {"id": END, "ids": [269], "tokens": [END]}},
    }
    truncation = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    for normalizer in (None, {"type": "Sequence", "normalizers": []}):
        fields = {"post_processor": template, "truncation": truncation, "normalizer": normalizer}
        tokenizer = TextTokenizer.load(changed(**fields), end_of_document=END)
        text = "for i in range(7):\n    print(i)"
        assert tokenizer.encode(text).tolist() == small.encode(text).tolist()


def test_a_control_token_that_is_a_base_entry_too_stays_text() -> None:
    model = json.loads(SMALL)["model"]
    model["vocab"][END] = TOKENIZER.end_of_document_id
    tokenizer = TextTokenizer.load(changed(model=model), end_of_document=END)
    assert tokenizer.end_of_document_id == 269
    assert tokenizer.decode([269]) == END
    assert 269 not in tokenizer.encode(f"a{END}").tolist()
    tokenizer.check([END, f"a{END}b"])


@pytest.mark.parametrize(
    ("tokenizer_json", "message"),
    [
        (b"{}", "model"),
        (b"\xff", "expected a Hugging Face byte-level BPE"),
        (changed(model={"type": "WordPiece", "vocab": {"a": 0}}), "merges"),
        (changed(model={"type": "BPE", "vocab": {"a": 0}, "merges": []}), "255 of the 256 byte symbols"),
        (changed(model={**json.loads(SMALL)["model"], "dropout": 0.1}), "dropout"),
        (changed(model={**json.loads(SMALL)["model"], "merges": ["not a merge"]}), "tokenizer.json"),
        (changed(added_tokens=[added("a", 5)]), "one id in vocab and another"),
        (changed(added_tokens=[]), "no control token"),
        (changed(pre_tokenizer=split(r"\s+", "Removed")), "does not give the text back"),
        (changed(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}), "prefix"),
    ],
)
def test_a_file_that_would_lose_or_invent_tokens_is_refused(tokenizer_json: bytes, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TextTokenizer.load(tokenizer_json, end_of_document=END)


def test_a_control_token_that_text_can_produce_is_refused() -> None:
    number = json.loads(SMALL)["model"]["vocab"]["a"]
    with pytest.raises(RecipeError, match="encodes to a control token"):
        TextTokenizer.load(changed(added_tokens=[added("a", number)]), end_of_document="a")


@pytest.mark.parametrize("number", [-1, 270])
def test_an_unknown_id_is_an_integrity_error(small: TextTokenizer, number: int) -> None:
    with pytest.raises(IntegrityError, match=f"token id {number} "):
        small.decode([number])


def test_check_names_the_first_difference(small: TextTokenizer) -> None:
    wrong = replace(small, _encode=lambda text: np.append(small.encode(text), np.int32(0)).astype(np.int32))
    with pytest.raises(IntegrityError, match="text 0: token 2 differs; expected the 2 ids of tokenizers, got 3"):
        wrong.check(["ab"])


def test_a_panic_of_the_engine_fails_the_unit(small: TextTokenizer) -> None:
    fast = gigatoken.Tokenizer.from_json(SMALL)
    panicking = replace(small, _encode=lambda text: np.frombuffer(fast.decode([len(text) * 10**6]), np.int32))
    with pytest.raises(UnitError, match="panicked on a text of 6 characters"):
        panicking.encode("secret")
