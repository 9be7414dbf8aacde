"""The server that the tests of buckets lean on is what they take it for."""

import pytest
from botocore.exceptions import ClientError
from object_store import ObjectStore, object_store

pytestmark = pytest.mark.servers


def test_what_is_there_is_not_overwritten_where_the_writer_says_so(store: ObjectStore, s3_folder: str) -> None:
    key = s3_folder.removeprefix(f"s3://{store.bucket}/") + "/lock"
    store.client().put_object(Bucket=store.bucket, Key=key, Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        store.client().put_object(Bucket=store.bucket, Key=key, Body=b"second", IfNoneMatch="*")


def test_a_killed_server_comes_back_with_what_it_was_given(tmp_path_factory: pytest.TempPathFactory) -> None:
    with object_store(tmp_path_factory.mktemp("killed")) as server:
        server.client().put_object(Bucket=server.bucket, Key="a/b", Body=b"kept")
        server.kill()
        server.restart()
        assert server.client().get_object(Bucket=server.bucket, Key="a/b")["Body"].read() == b"kept"
        assert server.keys() == ["a/b"]
