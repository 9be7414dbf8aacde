import pickle

import pytest

from manifests.errors import (
    CorpusmillError,
    IntegrityError,
    RecipeError,
    RetryableError,
    SourceError,
    UnitError,
)

CLASSES = [CorpusmillError, RecipeError, SourceError, UnitError, RetryableError, IntegrityError]


@pytest.mark.parametrize("error", CLASSES)
@pytest.mark.parametrize("hint", ["", "run again"])
def test_an_error_survives_pickling(error: type[CorpusmillError], hint: str) -> None:
    original = error("a.jsonl:3: not JSON", hint=hint)
    copy = pickle.loads(pickle.dumps(original))  # noqa: S301 - it was pickled in this line
    assert type(copy) is error
    assert (copy.message, copy.hint, str(copy)) == (original.message, original.hint, str(original))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CorpusmillError, 1),
        (RecipeError, 2),
        (SourceError, 1),
        (UnitError, 1),
        (RetryableError, 1),
        (IntegrityError, 3),
    ],
)
def test_exit_codes(error: type[CorpusmillError], code: int) -> None:
    assert error("x").exit_code == code


def test_a_hint_follows_the_message() -> None:
    assert str(UnitError("no space left", hint="free some")) == "no space left\nhint: free some"


def test_no_hint_no_line() -> None:
    assert str(UnitError("no space left")) == "no space left"


@pytest.mark.parametrize("error", CLASSES[1:])
def test_every_error_is_a_corpusmill_error(error: type[CorpusmillError]) -> None:
    assert issubclass(error, CorpusmillError)


def test_a_retryable_error_fails_its_unit() -> None:
    assert issubclass(RetryableError, UnitError)


def test_an_integrity_error_is_never_a_failed_unit() -> None:
    assert not issubclass(IntegrityError, UnitError)
