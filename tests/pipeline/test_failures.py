"""What a record says of a unit that raised."""

from manifests.buckets import ChangedError
from manifests.errors import DamagedShardError, RetryableError
from pipeline.failures import failure_of


class _OwnError(RetryableError):
    pass


def test_a_class_of_ours_is_named_as_the_documented_tree_has_it() -> None:
    assert failure_of(ChangedError("s3://a/b: another object", hint="run again")).error == "IntegrityError"
    assert failure_of(_OwnError("a body broke off")).error == "RetryableError"
    assert failure_of(DamagedShardError("cut")).error == "DamagedShardError"


def test_an_error_that_is_not_ours_says_nothing_that_it_may_quote() -> None:
    failure = failure_of(ValueError("what a document holds"))
    assert failure.error == "ValueError"
    assert "what a document holds" not in failure.message
