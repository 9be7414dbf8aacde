"""Answer cache: what a model said to a request, kept for good, so that nothing is paid for twice.

A folder or a prefix of a bucket, one object for each answer, which any number of processes, runs and hosts may share.
The first answer to a request is the answer: whoever comes later with another one gets the first, so what is made of the
answers does not depend on who was faster. An entry is believed only where its checksum holds and it says that it
belongs to this very request; a damaged one is as good as none, and the next answer takes its place. Two writers that
find the same damaged entry at the same moment may each go on with their own answer.

    <model>-<digest of model, revision, dtype, sampling>/<document, 2 digits>/<document>-<digest of the request>

All answers about a document have names that begin with the sha256 of its text: that is how to forget them. Cost: some
1 KB and two small files' work an answer; in a bucket one request to read, three to write.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated

import msgspec
import zstandard

from manifests.buckets import ENVIRONMENT, Access
from manifests.errors import NoSpaceError, RecipeError, StorageError, UnitError
from manifests.storage import Storage
from stages.model_requests import Answer, Request, Sampling

_MAXIMUM_BYTES = 64 << 20
_HINT = "name another folder as rewriting.cache in the recipe, or make this one writable"

_Tokens = Annotated[int, msgspec.Meta(ge=0)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    request: str
    text: str
    finish_reason: str
    prompt_tokens: _Tokens
    completion_tokens: _Tokens


def namespace(model: str, *, revision: str, dtype: str, sampling: Sampling) -> str:
    """The folder of all answers that are drawn from one model in one way."""
    drawn = [float(sampling.temperature), float(sampling.top_p), sampling.seed]
    told = msgspec.json.encode([model, revision, dtype, *drawn])
    shown = re.sub(r"[^A-Za-z0-9.-]+", "-", model.rpartition("/")[2])[:60].strip(".-") or "model"
    return f"{shown}-{sha256(told).hexdigest()[:16]}"


def request_key(request: Request) -> str:
    """sha256 in hex of all that decides the answer to a request, but the model and how it draws."""
    return sha256(msgspec.json.encode([request.prompt, request.messages, request.maximum_tokens])).hexdigest()


class AnswerCache:
    """The answers of one model.

    Args:
        folder: local or in a bucket; made at the first answer.
        within: the folder's part for this model, a `namespace`.
        access: how buckets are reached.
    """

    def __init__(self, folder: str, within: str, access: Access = ENVIRONMENT) -> None:
        self._storage = Storage(folder, access)
        self._within = within

    def get(self, request: Request) -> Answer | None:
        """What was answered; None where nothing was, or what is there is damaged.

        Raises:
            StorageError: the bucket refuses.
        """
        key = request_key(request)
        try:
            data = self._storage.read_start(self._name(request, key), _MAXIMUM_BYTES)
        except OSError:
            return None
        return None if data is None else _answer(data, key)

    def put(self, request: Request, answer: Answer) -> Answer:
        """Keep an answer; returns the one that is kept, which is another where one was there already.

        Raises:
            NoSpaceError: the disk is full.
            UnitError: the folder cannot be written.
            StorageError: the bucket refuses.
        """
        key = request_key(request)
        name, data = self._name(request, key), _packed(key, answer)
        with self._writing():
            if self._storage.write_new(name, data):
                return answer
            kept = self.get(request)
            if kept is None:
                self._storage.write(name, data)
                kept = self.get(request)
        return kept or answer

    def check_writable(self) -> None:
        """Raise RecipeError where no answer could be kept; disturbs nobody who writes there."""
        name = f"probe/{os.getpid()}-{os.urandom(8).hex()}"
        try:
            with self._writing():
                self._storage.write(name, b"x")
                self._storage.delete(name)
        except UnitError as error:
            raise RecipeError(error.message, hint=error.hint or _HINT) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        what = "this is the folder of the model's answers"
        try:
            yield
        except NoSpaceError as error:
            hint = "free some space there, or name a folder elsewhere as rewriting.cache in the recipe, and run again"
            raise NoSpaceError(f"{error.message}; {what}", hint=hint) from error
        except StorageError as error:
            raise StorageError(f"{error.message}; {what}", hint=error.hint) from error
        except OSError as error:
            message = f"{self._storage.root}: cannot be written: {error.strerror}; {what}"
            raise UnitError(message, hint=_HINT) from error

    def _name(self, request: Request, key: str) -> str:
        return f"{self._within}/{request.document[:2]}/{request.document}-{key}"


def _packed(key: str, answer: Answer) -> bytes:
    entry = _Entry(key, answer.text, answer.finish_reason, answer.prompt_tokens, answer.completion_tokens)
    return zstandard.ZstdCompressor(write_checksum=True).compress(msgspec.json.encode(entry))


def _answer(data: bytes, key: str) -> Answer | None:
    try:
        if zstandard.get_frame_parameters(data).content_size > _MAXIMUM_BYTES:  # it would be allocated at once
            return None
        entry = msgspec.json.decode(zstandard.ZstdDecompressor().decompress(data), type=_Entry)
    except (zstandard.ZstdError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if entry.request != key:
        return None
    return Answer(entry.text, entry.finish_reason, entry.prompt_tokens, entry.completion_tokens)
