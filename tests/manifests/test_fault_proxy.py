"""The proxy that tests of a bucket's faults lean on breaks what it is told to, and nothing else."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from fault_proxy import Fault, FaultProxy
from object_store import ObjectStore

pytestmark = pytest.mark.servers

DATA = bytes(range(256)) * 4096


@pytest.fixture
def client(proxy: FaultProxy, store: ObjectStore) -> Any:
    """A client that tries once."""
    store.client().put_object(Bucket=store.bucket, Key="proxied/data", Body=DATA)
    return boto3.client(
        "s3",
        endpoint_url=proxy.endpoint,
        aws_access_key_id=store.key,
        aws_secret_access_key=store.secret,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=1),
    )


def read(client: Any, **more: str) -> bytes:
    data: bytes = client.get_object(Bucket="mill", Key="proxied/data", **more)["Body"].read()
    return data


def test_what_is_not_broken_passes_with_its_signature(client: Any, proxy: FaultProxy) -> None:
    client.put_object(Bucket="mill", Key="proxied/written here", Body=DATA)
    upload = client.create_multipart_upload(Bucket="mill", Key="proxied/parts")["UploadId"]
    part = {"Bucket": "mill", "Key": "proxied/parts", "UploadId": upload}
    tag = client.upload_part(PartNumber=1, Body=DATA, **part)["ETag"]
    client.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]}, **part)
    assert read(client, Range="bytes=10-19") == DATA[10:20]
    assert client.head_object(Bucket="mill", Key="proxied/parts")["ContentLength"] == len(DATA)
    listed = client.list_objects_v2(Bucket="mill", Prefix="proxied/")["Contents"]
    assert [item["Key"] for item in listed] == ["proxied/data", "proxied/parts", "proxied/written here"]
    assert proxy.broken() == []
    assert proxy.count("PUT") == 2
    assert proxy.count("PUT", "partNumber=") == 1


@pytest.mark.parametrize(
    ("kind", "code"), [("500", "InternalError"), ("503", "SlowDown"), ("403", "InvalidAccessKeyId")]
)
def test_an_error_is_answered_as_often_as_told(client: Any, proxy: FaultProxy, kind: Any, code: str) -> None:
    proxy.inject(Fault(kind, method="GET", first=2, every=2, times=2))
    outcomes = []
    for _ in range(6):
        try:
            outcomes.append(len(read(client)))
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == [len(DATA), code, len(DATA), code, len(DATA), len(DATA)]
    assert [request.status for request in proxy.broken()] == [int(kind)] * 2


@pytest.mark.parametrize("kind", ["reset", "lost_answer"])
def test_a_connection_is_reset_before_the_answer(client: Any, proxy: FaultProxy, kind: Any) -> None:
    proxy.inject(Fault(kind))
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        read(client)
    assert read(client) == DATA


@pytest.mark.parametrize("kind", ["reset_body", "truncate"])
def test_an_answer_breaks_off(client: Any, proxy: FaultProxy, kind: Any) -> None:
    proxy.inject(Fault(kind))
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        read(client)
    assert read(client) == DATA


@pytest.mark.parametrize("kind", ["stall", "stall_body"])
def test_a_stall_is_waited_for_or_given_up(client: Any, proxy: FaultProxy, kind: Any) -> None:
    proxy.inject(Fault(kind, seconds=0.2))
    assert read(client) == DATA
    proxy.inject(Fault(kind, seconds=1.5))
    with pytest.raises(HTTPClientError):
        read(client)


def test_an_upload_that_is_reset_leaves_nothing_and_one_whose_answer_is_lost_is_there(
    client: Any, proxy: FaultProxy, store: ObjectStore
) -> None:
    proxy.inject(Fault("reset_upload", method="PUT"), Fault("lost_answer", method="PUT"))
    for name in ("reset", "lost"):
        with pytest.raises(HTTPClientError):
            client.put_object(Bucket="mill", Key=f"uploads/{name}", Body=DATA)
    assert store.keys("uploads/") == ["uploads/lost"]


def test_a_killed_server_is_a_reset_connection(client: Any, proxy: FaultProxy, store: ObjectStore) -> None:
    store.kill()
    try:
        with pytest.raises(HTTPClientError):
            read(client)
    finally:
        store.restart()
    assert read(client) == DATA
