"""A removal with release and registry in a bucket makes the bytes that one on a disk makes."""

from pathlib import Path

import pytest
from fault_proxy import FaultProxy

import manifests.buckets
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.storage import Storage
from pipeline.removing import ApplyOptions, apply_opt_outs
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers


def files_of(folder: Storage) -> dict[str, bytes]:
    return folder.read_many(folder.list(""))


def test_a_removal_in_a_bucket_makes_the_same_bytes(
    s3_folder: str, small_release: Path, tmp_path: Path, *, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    monkeypatch.setattr(manifests.buckets, "_clients", {})  # those of tests before this one go another way
    there, here = Storage(f"{s3_folder}/small-0.1.0"), Storage(str(small_release))
    for name, data in files_of(here).items():
        there.write(name, data)
    request = Request("T-1", "2026-03-04", "repository", "team/project3", "asked")
    made = []
    for folder, registry, output in (
        (there.root, f"{s3_folder}/registry", ""),
        (here.root, str(tmp_path / "registry"), str(tmp_path / "small-0.1.1")),
    ):
        Registry(registry).append([request])
        made.append(apply_opt_outs(Registry(registry), folder, ApplyOptions(output)).folder)
    assert made[0] == f"{s3_folder}/small-0.1.1"
    assert proxy.count("GET", "/small-0.1.0/documents/") > 0
    assert proxy.count("GET", "/small-0.1.0/tokenizer/") == 0  # what stays as it is never comes here
    assert proxy.count("PUT", "/small-0.1.1/tokenizer/") == 1
    verify_release(made[0])
    assert files_of(Storage(made[0])) == files_of(Storage(made[1]))
    remembered = [files_of(Storage(f"{root}/registry/suppressed")) for root in (s3_folder, str(tmp_path))]
    assert remembered[0] == remembered[1]
    assert remembered[0]
