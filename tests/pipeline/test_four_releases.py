"""The sample shards on this machine, in a bucket, on Slurm and on Ray: one release, byte for byte.

Each run is the command, in a process of its own. The first one asks the licence detector, half of its time; the others
find the answers in the cache that all tests share.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from object_store import ObjectStore
from ray_cluster import ray_cluster
from real_data import SHARD_FOLDERS, SHARED, write_real_recipe
from slurm_cluster import PARTITION, slurm_cluster

pytestmark = pytest.mark.servers

LIMIT_SECONDS = 1_800
CODE_SHARDS = 3  # of ten: more of them take longer and show no more
RELEASE = "releases/shared-0.1.0"

Digests = dict[str, str]
RunMill = Callable[..., None]


@pytest.fixture(scope="module")
def run_mill(tmp_path_factory: pytest.TempPathFactory) -> RunMill:
    """Run a recipe by the command line."""
    byte_code = str(tmp_path_factory.mktemp("byte-code"))

    def run(recipe: Path, *more: str, environment: dict[str, str]) -> None:
        # Tasks of a cluster are processes of their own, which would compile everything anew.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, "-c", "from pipeline.cli import main; main()", "run", str(recipe), *more],
            env=kept | {"PYTHONPYCACHEPREFIX": byte_code} | environment,
            cwd=recipe.parent,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def digests(folder: Path) -> Digests:
    """sha256 of every file below a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def expected(run_mill: RunMill, tmp_path_factory: pytest.TempPathFactory) -> Digests:
    """Digests of the release that this machine's own processes make."""
    recipe = write_real_recipe(tmp_path_factory.mktemp("local"), code_shards=CODE_SHARDS)
    run_mill(recipe, environment={})
    return digests(recipe.parent / RELEASE)


def test_on_this_machine(expected: Digests) -> None:
    assert {"manifest.json", "SUMMARY.md", "data/shard-00000-of-00001.parquet"} <= expected.keys()
    assert len(set(expected.values())) == len(expected)


def test_in_a_bucket(
    expected: Digests, run_mill: RunMill, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = f"s3://{store.bucket}/four"
    places = f"work: {root}/work\nrelease: {{path: {root}/releases}}\n"
    recipe = write_real_recipe(
        tmp_path_factory.mktemp("bucket"), shards=f"{root}/shards", more=places, code_shards=CODE_SHARDS
    )
    for name in SHARD_FOLDERS:
        store.fill(f"four/shards/{name}", SHARED / "data" / name)
    run_mill(recipe, environment=store.environment())
    client = store.client()
    found = {
        key.removeprefix(f"four/{RELEASE}/"): sha256(
            client.get_object(Bucket=store.bucket, Key=key)["Body"].read()
        ).hexdigest()
        for key in store.keys(f"four/{RELEASE}/")
    }
    assert found == expected
    assert store.uploads("four/") == []


def test_on_slurm(expected: Digests, run_mill: RunMill, tmp_path_factory: pytest.TempPathFactory) -> None:
    section = f"executor: slurm\nslurm: {{partition: {PARTITION}, time: '00:30:00', memory_gb: 4}}\n"
    recipe = write_real_recipe(tmp_path_factory.mktemp("slurm"), more=section, code_shards=CODE_SHARDS)
    with slurm_cluster(tmp_path_factory.mktemp("slurm-cluster")) as cluster:
        run_mill(recipe, "--wait", environment=cluster.environment())
        assert {job["NodeList"] for job in cluster.jobs()} == set(cluster.nodes)
    assert digests(recipe.parent / RELEASE) == expected


def test_on_ray(expected: Digests, run_mill: RunMill, tmp_path_factory: pytest.TempPathFactory) -> None:
    with ray_cluster(tmp_path_factory.mktemp("ray-cluster")) as environment:
        section = f"executor: ray\nray: {{address: '{environment['RAY_ADDRESS']}'}}\n"
        recipe = write_real_recipe(tmp_path_factory.mktemp("ray"), more=section, code_shards=CODE_SHARDS)
        run_mill(recipe, environment=environment)
    assert digests(recipe.parent / RELEASE) == expected
