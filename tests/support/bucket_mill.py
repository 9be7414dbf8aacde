"""The small mill of the tests with its inputs, work folder and release in a bucket, run by the command line."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from fault_proxy import FaultProxy, fault_proxy
from object_store import ObjectStore

_COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]
_PATIENCE_SECONDS = 240
Files = dict[str, bytes]


class BucketMill:
    """A recipe on a prefix of a bucket, reached through a proxy.

    Args:
        inputs: a folder with the small inputs and their recipe; stays as it is.
        folder: where the changed recipe goes.
    """

    def __init__(self, store: ObjectStore, proxy: FaultProxy, *, inputs: Path, folder: Path) -> None:
        self.store, self.proxy = store, proxy
        self._prefix = folder.name
        self.root = f"s3://{store.bucket}/{self._prefix}"
        self.work, self.release = f"{self.root}/work", f"{self.root}/releases/small-0.1.0"
        self._folder = folder
        self.recipe = folder / "recipe.yaml"
        shutil.copytree(inputs / "files", folder / "inputs/files")
        shutil.copy(inputs / "texts.jsonl", folder / "inputs/texts.jsonl")
        store.fill(f"{self._prefix}/in", folder / "inputs")
        self.recipe.write_text(
            yaml.safe_dump(self._changed(yaml.safe_load((inputs / "recipe.yaml").read_text()), inputs))
        )

    def _changed(self, recipe: dict[str, Any], inputs: Path) -> dict[str, Any]:
        for source in recipe["sources"]:
            source["paths"] = [f"{self.root}/in/{path}" for path in source["paths"]]
        recipe["tokenizer"]["path"] = str(inputs / "tokenizer.json")
        return recipe | {"work": self.work, "release": {"path": f"{self.root}/releases"}}

    def environment(self) -> dict[str, str]:
        """What a command of this mill runs in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | self.store.environment(self.proxy.endpoint)

    def call(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run a command to its end; what it printed. Fails on another exit code than expected."""
        done = subprocess.run(
            [*_COMMAND, *arguments],
            env=self.environment() | environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said

    def run(self, *more: str, code: int = 0, **environment: str) -> str:
        """`corpusmill run`."""
        return self.call("run", str(self.recipe), *more, code=code, **environment)

    @contextmanager
    def started(self, *more: str) -> Iterator["subprocess.Popen[str]"]:
        """`corpusmill run` in the background; it and all that it started is gone on leaving."""
        command = subprocess.Popen(
            [*_COMMAND, "run", str(self.recipe), *more],
            env=self.environment(),
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with command:
            try:
                yield command
            finally:
                kill_session(command.pid)

    def released(self, release: str | None = None) -> Files:
        """Every file of the release, by name."""
        prefix = (release or self.release).split("/", 3)[3] + "/"
        client = self.store.client()
        return {
            key.removeprefix(prefix): client.get_object(Bucket=self.store.bucket, Key=key)["Body"].read()
            for key in self.store.keys(prefix)
        }

    def put(self, name: str, data: bytes) -> None:
        """Put an input in place."""
        self.store.client().put_object(Bucket=self.store.bucket, Key=f"{self._prefix}/in/{name}", Body=data)

    def keys(self, folder: str) -> list[str]:
        """Names of what lies below a folder, from that folder on."""
        prefix = f"{self._prefix}/{folder}/"
        return [key.removeprefix(prefix) for key in self.store.keys(prefix)]


@contextmanager
def bucket_mill(store: ObjectStore, *, inputs: Path, folder: Path) -> Iterator[BucketMill]:
    """A mill behind a proxy of its own."""
    with fault_proxy(store.port) as proxy:
        yield BucketMill(store, proxy, inputs=inputs, folder=folder)


def local_files(folder: Path) -> Files:
    """Every file below a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def kill_session(leader: int) -> None:
    """End every process of a session that a test started, by SIGKILL."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGKILL)
