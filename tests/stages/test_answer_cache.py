from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import RecipeError, UnitError
from stages.answer_cache import AnswerCache, namespace, request_key
from stages.model_requests import Answer, Message, Request, Sampling

_REQUEST = Request("ab" * 32, "cd" * 32, (Message("user", "x = 1"),), 100)
_ANSWER = Answer("```python\nx = 1\n```", "stop", 12, 7)
_OTHER = Answer("```python\nx = 2\n```", "stop", 12, 7)


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(str(tmp_path), "model")


def _entry(folder: Path) -> Path:
    [entry] = (path for path in folder.rglob("*") if path.is_file())
    return entry


def test_nothing_is_answered_at_first_and_nothing_is_made(cache: AnswerCache, tmp_path: Path) -> None:
    assert cache.get(_REQUEST) is None
    assert not list(tmp_path.iterdir())


def test_the_first_answer_is_the_answer(cache: AnswerCache, tmp_path: Path) -> None:
    assert cache.put(_REQUEST, _ANSWER) == _ANSWER
    assert AnswerCache(str(tmp_path), "model").put(_REQUEST, _OTHER) == _ANSWER
    assert cache.get(_REQUEST) == _ANSWER


def test_an_entry_is_found_by_the_document_that_it_is_about(cache: AnswerCache, tmp_path: Path) -> None:
    cache.put(_REQUEST, _ANSWER)
    assert _entry(tmp_path).relative_to(tmp_path) == Path("model/ab", f"{'ab' * 32}-{request_key(_REQUEST)}")


@pytest.mark.parametrize(
    "other",
    [
        Request("ef" * 32, "cd" * 32, (Message("user", "x = 1"),), 100),
        Request("ab" * 32, "ef" * 32, (Message("user", "x = 1"),), 100),
        Request("ab" * 32, "cd" * 32, (Message("user", "x = 2"),), 100),
        Request("ab" * 32, "cd" * 32, (Message("system", "x = 1"),), 100),
        Request("ab" * 32, "cd" * 32, (Message("user", "x"), Message("user", " = 1")), 100),
        Request("ab" * 32, "cd" * 32, (Message("user", "x = 1"),), 101),
    ],
)
def test_another_request_has_another_answer(cache: AnswerCache, other: Request) -> None:
    cache.put(_REQUEST, _ANSWER)
    assert cache.get(other) is None


def test_a_model_that_draws_otherwise_has_answers_of_its_own() -> None:
    def name(model: str = "org/Coder-7B", revision: str = "a", dtype: str = "auto", seed: int = 0) -> str:
        return namespace(model, revision=revision, dtype=dtype, sampling=Sampling(0.2, 0.7, seed))

    others = [name("other/Coder-7B"), name(revision="b"), name(dtype="float16"), name(seed=1)]
    assert len({name(), *others}) == 5
    assert name().startswith("Coder-7B-")
    assert namespace("../..", revision="a", dtype="auto", sampling=Sampling(0, 1, 0)).startswith("model-")
    assert namespace("m", revision="a", dtype="auto", sampling=Sampling(0, 1, 0)) == namespace(
        "m", revision="a", dtype="auto", sampling=Sampling(0.0, 1.0, 0)
    )


def test_a_damaged_entry_is_none_and_the_next_answer_takes_its_place(cache: AnswerCache, tmp_path: Path) -> None:
    cache.put(_REQUEST, _ANSWER)
    whole = _entry(tmp_path).read_bytes()
    flipped = (whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(len(whole)))
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], *flipped):
        _entry(tmp_path).write_bytes(damaged)
        assert cache.get(_REQUEST) in (None, _ANSWER)
    _entry(tmp_path).write_bytes(whole[:-1])
    assert cache.put(_REQUEST, _OTHER) == _OTHER
    assert cache.get(_REQUEST) == _OTHER


def test_an_entry_in_the_place_of_another_is_not_believed(cache: AnswerCache, tmp_path: Path) -> None:
    cache.put(_REQUEST, _ANSWER)
    other = Request(_REQUEST.document, _REQUEST.prompt, _REQUEST.messages, 101)
    entry = _entry(tmp_path)
    entry.rename(entry.with_name(f"{other.document}-{request_key(other)}"))
    assert cache.get(other) is None


def test_an_entry_that_claims_to_be_huge_takes_no_memory(cache: AnswerCache, tmp_path: Path) -> None:
    cache.put(_REQUEST, _ANSWER)
    packer = zstandard.ZstdCompressor().compressobj(size=1 << 40)
    _entry(tmp_path).write_bytes(packer.compress(b"x") + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    assert cache.get(_REQUEST) is None


def test_a_folder_that_cannot_be_written_is_told_before_work_and_amid_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = AnswerCache(str(tmp_path / "file"), "model")
    with pytest.raises(RecipeError, match="cannot be written: Not a directory; this is the folder of the model's answ"):
        cache.check_writable()
    with pytest.raises(UnitError, match="cannot be written"):
        cache.put(_REQUEST, _ANSWER)
    assert cache.get(_REQUEST) is None


def test_a_look_whether_it_can_be_written_leaves_nothing_behind(cache: AnswerCache, tmp_path: Path) -> None:
    cache.check_writable()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@settings(max_examples=20)
@given(_TEXTS, _TEXTS, st.integers(0, 1 << 39))
def test_what_is_kept_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str, reason: str, tokens: int) -> None:
    cache = AnswerCache(str(tmp_path_factory.mktemp("cache")), "model")
    answer = Answer(text, reason, tokens, tokens)
    cache.put(_REQUEST, answer)
    assert cache.get(_REQUEST) == answer
