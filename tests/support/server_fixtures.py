"""Fixtures of the servers that tests of several files use; each starts its server only where a test asks for it."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from object_store import ObjectStore

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[ObjectStore]":
    """A real S3 server for all tests of this process. Whoever kills it starts it again."""
    from object_store import object_store

    with object_store(tmp_path_factory.mktemp("object-store")) as started:
        yield started


@pytest.fixture
def s3_folder(store: "ObjectStore", monkeypatch: pytest.MonkeyPatch) -> str:
    """An address in the server's bucket below which nothing is, the environment pointing to the server."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    return f"s3://{store.bucket}/test-{next(_NUMBERS)}"
