import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import gigatoken
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import RecipeError
from stages.tokenizer_training import train
from stages.tokenizing import TextTokenizer

TEXTS = [f"def f{i}(x):\n\treturn x + {i * 37}  # naïve café №{i}\n\n" for i in range(300)]
TRAINED = train(TEXTS, vocabulary_size=280, control_tokens=("<|endoftext|>", "<|fim_prefix|>"))
TOKENIZER = TextTokenizer.load(TRAINED, end_of_document="<|endoftext|>")
ROOT = Path(__file__).parents[2]
IN_ANOTHER_PROCESS = """
import sys
from hashlib import sha256
from stages.tokenizer_training import train
texts = [f"def f{i}(x):\\n\\treturn x + {i * 37}  # naïve café №{i}\\n\\n" for i in range(300)]
print(sha256(train(texts, vocabulary_size=280, control_tokens=("<|endoftext|>", "<|fim_prefix|>"))).hexdigest())
"""


@pytest.mark.parametrize(("parallelism", "hash_seed"), [("true", "1"), ("false", "2")])
def test_same_texts_give_the_same_bytes_in_any_process(parallelism: str, hash_seed: str) -> None:
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": parallelism, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == sha256(TRAINED).hexdigest()


def test_the_order_of_the_texts_does_not_matter() -> None:
    assert train(TEXTS[::-1], vocabulary_size=270) == train(TEXTS, vocabulary_size=270)


@given(st.text())
def test_every_string_survives(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.lists(st.sampled_from(["<|endoftext|>", "def", " ", "\n", "\t", "é", "e\u0301", "7", "'ll", "\u3000"])))
def test_both_engines_give_the_same_ids(parts: list[str]) -> None:
    TOKENIZER.check(["".join(parts)])


def test_the_fast_engine_knows_what_is_trained() -> None:
    assert TOKENIZER.engine == "gigatoken"
    TOKENIZER.check(TEXTS)


def test_control_tokens_have_the_last_ids_in_order() -> None:
    assert TOKENIZER.vocabulary_size == 280
    assert TOKENIZER.end_of_document_id == 278
    assert TOKENIZER.control_ids == {278, 279}
    assert not {"<|endoftext|>", "<|fim_prefix|>"} & set(json.loads(TRAINED)["model"]["vocab"])


def test_the_control_tokens_of_qwen_are_put_in_unless_others_are_named() -> None:
    control = TextTokenizer.load(train([]), end_of_document="<|endoftext|>").control
    fim = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")
    assert list(control) == ["<|endoftext|>", *fim, "<|repo_name|>", "<|file_sep|>"]


def test_hugging_face_loads_it_and_sees_the_control_token() -> None:
    loaded = tokenizers.Tokenizer.from_str(TRAINED.decode())
    assert loaded.encode("<|endoftext|>").ids == [278]
    assert loaded.decode(loaded.encode("a é").ids) == "a é"
    assert gigatoken.Tokenizer.from_json(TRAINED).encode("<|endoftext|>").tolist() == [278]


def test_no_texts_give_a_tokenizer_of_bytes() -> None:
    tokenizer = TextTokenizer.load(train([]), end_of_document="<|endoftext|>")
    assert tokenizer.vocabulary_size == 262
    assert len(tokenizer.encode("aé")) == 3


@pytest.mark.parametrize("control_tokens", [("<|a|>", "<|a|>"), ("",)])
def test_control_tokens_must_be_distinct_and_not_empty(control_tokens: tuple[str, ...]) -> None:
    with pytest.raises(RecipeError, match="control_tokens"):
        train([], control_tokens=control_tokens)


def test_a_vocabulary_without_room_for_bytes_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least 262, got 261"):
        train([], vocabulary_size=261)
