"""Reasons of opt-out requests, which are published: they must not say who asked, nor for what."""

import re
from collections.abc import Iterable, Iterator

from manifests.errors import RecipeError
from manifests.globs import is_glob
from manifests.opt_out_values import forge_place, owner_key, path_key, repository_key, split_path, url_key
from manifests.opt_outs import Request

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MARKS = ".,;:!?()[]{}<>\"'`“”‘’"
_FORM = "the owner asked"  # what the form proposes: it names nobody, even where an owner is called "owner"


def check_reasons(requests: Iterable[Request]) -> None:
    """Look for what would name somebody in the reasons of requests that are added together.

    Every reason is held against the values, owners and tickets of all of them, word by word, without regard to case.

    Raises:
        RecipeError: a reason holds an e-mail address, or one of these.
    """
    requests = list(requests)
    reasons = {request.reason for request in requests}
    meant = {term.casefold() for request in requests for term in _terms(request) if term}
    for reason in sorted(reasons):
        if address := _ADDRESS.search(reason):
            raise _names(address[0], "an e-mail address")
        if reason.casefold() == _FORM:
            continue
        for word in _words(reason.casefold()):
            if word in meant:
                raise _names(word, "a value, an owner or a ticket of what is asked for")
    for request in requests:
        if request.value.casefold() in request.reason.casefold() and " " in request.value:  # no word: a path
            raise _names(request.value, "a value of what is asked for")


def _terms(request: Request) -> Iterator[str]:
    """What a request is told by: what is asked for, whose it is, and its ticket."""
    by, value = request.by, request.value
    yield from (request.ticket, value)
    if by == "repository":
        yield owner_key(repository_key(value))
    elif by == "path":
        repository, glob = split_path(value)
        yield from (repository, owner_key(repository_key(repository)), "" if is_glob(glob) else path_key(glob))
    elif by == "url":
        yield url_key(value)
        if place := forge_place(value):
            yield from (place.repository, owner_key(place.repository), place.path)


def _words(reason: str) -> Iterator[str]:
    """Words of a reason, whole and in parts, and as names of repositories, paths and addresses."""
    for text in reason.split():
        word = text.strip(_MARKS)
        yield from (text, word, repository_key(word), url_key(word), path_key(word))
        yield from re.split(r"[/:@]", word)


def _names(found: str, what: str) -> RecipeError:
    shown = found if len(found) <= 100 else f"{found[:100]}…"
    return RecipeError(
        f"reason: expected one that names nobody, got {what}: {shown!r}",
        hint="it is published: say why in general words, such as: the owner asked; --reason, or `reason` in a form",
    )
