"""Buckets: how S3, and what speaks its protocol, is reached: one boto3 client for each process and way of access.

A client must not cross a fork (its connections would be shared), so each process makes its own; what is costly of it,
the session with its credentials and service model, is made once and inherited. Every request is retried by botocore
with jitter; a body that breaks off is fetched again from there. Keys never stand in a recipe: they come from the AWS
environment and configuration files, as for any other program.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from manifests.errors import CorpusmillError, IntegrityError, RecipeError, RetryableError, StorageError

SCHEME = "s3://"
_ATTEMPTS = 7  # with waits that double up to 20 s: half a minute of trouble is waited out
_CONNECT_SECONDS, _READ_SECONDS = 10, 30  # all attempts together stay below `limits.progress_seconds`
_CONNECTIONS = 64
_GONE = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchUpload"})
_NO_BUCKET = "NoSuchBucket"
_REFUSED = frozenset({"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled"})
_EXPIRED = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestExpired"})
_CHANGED = frozenset({"412", "PreconditionFailed", "ConditionalRequestConflict"})


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """How a bucket is reached; None: as the AWS environment says.

    Attributes:
        endpoint: address of the server.
        profile: name of a profile in the AWS configuration files.
        unsigned: without credentials, as public buckets allow.
    """

    endpoint: str | None = None
    profile: str | None = None
    region: str | None = None
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How buckets are reached: all alike, but for those that are named."""

    default: BucketAccess = BucketAccess()
    buckets: Mapping[str, BucketAccess] = field(default_factory=dict)

    def of(self, bucket: str) -> BucketAccess:
        """How this bucket is reached."""
        return self.buckets.get(bucket, self.default)


ENVIRONMENT = Access()
_sessions: dict[BucketAccess, Any] = {}
_clients: dict[tuple[int, BucketAccess], Any] = {}
_making: dict[int, threading.Lock] = {}


def split(url: str) -> tuple[str, str]:
    """(bucket, key) of `s3://bucket/key`; raises RecipeError where there is no bucket."""
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise RecipeError(f"{url}: expected s3://bucket/path, got no bucket", hint="name the bucket")
    return bucket, key.strip("/")


def client(access: BucketAccess) -> Any:
    """This process's client; thread-safe.

    Raises:
        RecipeError: an unknown profile, no address of a server, or configuration files that cannot be read.
    """
    key = (os.getpid(), access)
    if key in _clients:
        return _clients[key]
    # boto3 makes a client for one thread at a time. A lock for each process: a fork would inherit a held one.
    with _making.setdefault(os.getpid(), threading.Lock()):
        if key not in _clients:
            _clients[key] = _new_client(access)
    return _clients[key]


def _new_client(access: BucketAccess) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config

    endpoint = access.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        **({"signature_version": UNSIGNED} if access.unsigned else {}),
        **({"s3": {"addressing_style": "path"}} if endpoint else {}),  # few servers have a name for each bucket
    )
    try:
        with told("s3"):
            return _session(access).client("s3", endpoint_url=endpoint, config=config)
    except ValueError as error:  # of an address from the recipe, the environment or a configuration file
        raise RecipeError(
            f"s3: {str(error)[:300]}; expected an address such as https://s3.example.org",
            hint="check s3.endpoint in the recipe, AWS_ENDPOINT_URL, and endpoint_url in the AWS configuration files",
        ) from error


def _session(access: BucketAccess) -> Any:
    if access not in _sessions:
        import boto3

        _sessions[access] = boto3.session.Session(profile_name=access.profile, region_name=access.region)
    return _sessions[access]


class GoneError(FileNotFoundError):
    """There is no such object."""


class ChangedError(IntegrityError):
    """The object is not the one that was found, or there is one where none was expected."""


class BrokenOffError(RetryableError):
    """The body of an answer ended early: none of the errors that botocore itself tries again."""


@contextmanager
def told(where: str) -> Iterator[None]:
    """Make errors of ours of what boto3 raises.

    Raises:
        GoneError: no such object.
        ChangedError: a condition of the request does not hold.
        RecipeError: no credentials, no such profile, no such bucket.
        StorageError: the bucket refuses.
        RetryableError: no answer, or a server's own error, after all attempts; BrokenOffError after one.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _of_answer(where, error) from error
    except HTTPError as error:  # of a streamed answer botocore reads the body of an error, and lets this through
        told_by = _of_library(where, error)
        raise BrokenOffError(told_by.message, hint=told_by.hint) from error
    except (BotoCoreError, Boto3Error) as error:
        cause = error.__context__
        if isinstance(cause, ClientError):  # what transfers of many parts wrap
            raise _of_answer(where, cause) from error
        raise _of_library(where, error) from error


def _of_answer(where: str, error: Any) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == _NO_BUCKET:
        return RecipeError(f"{where}: no such bucket", hint="check its name, endpoint and region")
    if code in _GONE or status == 404:
        return GoneError(2, "no such object", where)
    if code in _CHANGED or status == 412:
        hint = "run the same command again: what depends on it is made again"
        return ChangedError(f"{where}: another object is there than the one that was found before", hint=hint)
    if code in _EXPIRED:
        hint = "get new credentials and run the same command again: what is finished stays finished"
        return StorageError(f"{where}: the credentials have expired; the server says {code}", hint=hint)
    if code in _REFUSED or status in (401, 403):
        hint = "check the credentials (AWS_PROFILE, s3.profile) and what they allow, then run the same command again"
        return StorageError(f"{where}: access refused; the server says {code} to {error.operation_name}", hint=hint)
    if status >= 500 or status == 429 or code in ("SlowDown", "RequestTimeout"):
        hint = "run the same command again when the server is well: what is finished stays finished"
        return RetryableError(f"{where}: the server says {status} {code}, in {_ATTEMPTS} attempts", hint=hint)
    hint = "check endpoint, region and what the server supports"
    return StorageError(f"{where}: the server says {status} {code} to {error.operation_name}", hint=hint)


def _of_library(where: str, error: Exception) -> CorpusmillError:
    from botocore import exceptions as known

    told_by = " ".join(str(error).split())[:300]
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError):
        hint = "set AWS_PROFILE, or s3.profile in the recipe; for a public bucket s3.buckets.NAME.unsigned: true"
        return RecipeError(f"{where}: no credentials found; expected keys in the AWS environment or files", hint=hint)
    if isinstance(
        error, known.ProfileNotFound | known.ConfigParseError | known.NoRegionError | known.ParamValidationError
    ):
        return RecipeError(f"{where}: {told_by}", hint="check the AWS configuration files, s3.profile and s3.region")
    if isinstance(error, known.SSOError | known.TokenRetrievalError | known.CredentialRetrievalError):
        return StorageError(f"{where}: no credentials: {told_by}", hint="sign in again and run the same command again")
    hint = "check the endpoint and the network, and run the same command again: what is finished stays finished"
    return RetryableError(f"{where}: cannot be reached: {told_by}", hint=hint)


def check_bucket(bucket: str, access: Access) -> None:
    """Raise RecipeError where there is no such bucket; asking for an object does not tell."""
    next(pages(access.of(bucket), "list_objects_v2", Bucket=bucket, MaxKeys=1), None)


def pages(access: BucketAccess, operation: str, **asked: object) -> Iterator[dict[str, Any]]:
    """Every page of a listing."""
    with told(f"{SCHEME}{asked['Bucket']}/{asked.get('Prefix', '')}"):
        for page in client(access).get_paginator(operation).paginate(**asked):
            yield cast("dict[str, Any]", page)
