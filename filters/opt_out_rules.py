"""Rules of opt-out requests: what of a document each request is held against, as keys and patterns.

Equal keys are one look-up however many requests there are. What is a glob becomes a pattern; one inside a repository is
held against that repository's paths alone.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from operator import attrgetter

from manifests.globs import glob_pattern, is_glob, quoted
from manifests.opt_out_values import forge_place, path_key, repository_key, split_path, url_key
from manifests.opt_outs import KINDS, SCOPES, Request

EXACT = ("document", "repository", "owner", "blob", "sha256", "content", "url", "file")
"""What keys are compared; `file` is a repository and a path in it, see `file_key`."""

_FOLDER = re.compile(r"/(?:tree|src)/")  # of a forge's addresses, those that can be of a folder
_WITHIN_A_KIND = attrgetter("date", "ticket", "value", "reason")


@dataclass(frozen=True, slots=True)
class Rules:
    """What requests ask for; numbers are places in `requests`.

    Attributes:
        requests: in the order in which they count: of several that meet a document the first is named.
        exact: of each of `EXACT`, keys and the first request that names each.
        within: by `repository_key`, globs in that repository as patterns of a `path_key`, with their requests.
        anywhere: the same for globs of any repository.
    """

    requests: tuple[Request, ...]
    exact: dict[str, dict[str, int]] = field(default_factory=lambda: {kind: {} for kind in EXACT})
    within: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    anywhere: list[tuple[str, int]] = field(default_factory=list)


def rules_of(requests: Iterable[Request]) -> Rules:
    """Rules of the requests that count, in whatever order they come.

    The order in which they count is their own: scope `content` before `place`, then as in `KINDS`, then the earlier
    date, then ticket and value. Withdrawals ask for nothing; those of `State.active` hold none.
    """
    rules = Rules(tuple(_in_order(one for one in requests if one.by != "ticket")))
    for number, request in enumerate(rules.requests):
        for kind, key in exact_keys(request):
            rules.exact[kind].setdefault(key, number)
        for repository, pattern in _patterns(request) if request.by in ("path", "url") else ():
            target = rules.within.setdefault(repository, []) if repository else rules.anywhere
            target.append((pattern, number))
    return rules


def exact_keys(request: Request) -> list[tuple[str, str]]:
    """(kind of `EXACT`, key) of all that a request finds by equality; one of kind `document` has one, and so on."""
    by, value = request.by, request.value
    if by == "swhid":
        return [("blob", value.removeprefix("swh:1:cnt:"))]
    if by == "path":
        repository, glob = split_path(value)
        literal = repository and not is_glob(glob)
        return [("file", file_key(repository_key(repository), glob))] if literal else []
    if by == "url":
        place = forge_place(value)
        keys = [("url", url_key(value))]
        if place and place.path:
            keys.append(("file", file_key(place.repository, place.path)))
        elif place:
            keys.append(("repository", place.repository))
        return keys
    return [(by, repository_key(value) if by in ("repository", "owner") else value)]


def lookup_keys(request: Request) -> list[tuple[str, str]]:
    """(kind, value) of all entries of a release's `lookup/` that can lead to documents which a request finds.

    Kinds are those of `lookup/`: id, blob, sha256, content, repository, owner, url. Some of what they lead to may not
    be meant: other files of a repository.

    Returns:
        Empty where only looking at every document can tell: a glob without a repository.
    """
    keys = []
    for kind, key in exact_keys(request):
        if kind == "file":
            keys.append(("repository", key.partition("\0")[0]))
        else:
            keys.append(("id" if kind == "document" else kind, key))
    keys += [("repository", repository) for repository, _ in _patterns(request) if repository]
    return list(dict.fromkeys(keys))


def file_key(repository: str, path: str) -> str:
    """The key of one file: of a `repository_key` and a path, however that is spelt."""
    return f"{repository}\0{path_key(path)}"


def _in_order(requests: Iterable[Request]) -> list[Request]:
    """As they count; sorted kind by kind, for a key of all fields takes ten times as long."""
    of: dict[int, list[Request]] = defaultdict(list)
    places = {(scope, by): place for place, (scope, by) in enumerate(product(SCOPES, KINDS))}
    for request in requests:
        of[places[request.scope, request.by]].append(request)
    return [one for place in sorted(of) for one in sorted(of[place], key=_WITHIN_A_KIND)]


def _patterns(request: Request) -> list[tuple[str, str]]:
    """(repository, pattern of a whole `path_key`); the repository is empty for any."""
    if request.by == "path":
        repository, glob = split_path(request.value)
        if not repository or is_glob(glob):
            return [(repository_key(repository), glob_pattern(path_key(glob)))]
    place = forge_place(request.value) if request.by == "url" else None
    if place and place.path and _FOLDER.search(request.value):
        return [(place.repository, f"{quoted(place.path)}/.*")]
    return []
