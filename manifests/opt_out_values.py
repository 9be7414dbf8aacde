"""Values of opt-out requests: what each kind may hold, how it is written down, and when two mean the same.

Repositories compare without regard to case, host and `.git`: who asks for `https://github.com/Owner/Name.git` means
what rows call `owner/name`. A name that two hosts share is one name here: that takes too much rather than too little.
Addresses compare without scheme, `www.`, the host's case, its default port, a fragment, `utm_` parameters and slashes
at the end, and with what needs no percent sign written without. Paths compare from the top of the repository, `/a`,
`./a` and `a` alike; they have a case.
"""

import re
import string
from typing import NamedTuple
from urllib.parse import unquote

from manifests.errors import RecipeError
from manifests.globs import literal_characters

MAXIMUM_VALUE_CHARACTERS = 4_096

HEX_DIGITS = {"blob": 40, "sha256": 64, "content": 32, "document": 32}
"""Kinds that are digests or ids, and how long they are."""

# The same patterns serve whole columns, in RE2: nothing here may mean something else there.
BLANKS = " \t\r\n"
REPOSITORY_HOST = (
    r"^[ \t\r\n/]*(?:(?:https?://)?api\.github\.com/repos/|[a-z][a-z0-9+.\-]*://[^/]*/|[^/@:]*@[^/:]*:"
    r"|(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)[/:])?"
)
URL_PARTS = r"(?s)^(?:[A-Za-z][A-Za-z0-9+.\-]*://)?(?:[Ww][Ww][Ww]\.)?(?P<host>[^/?#]*)(?P<rest>[^#]*)"
SPELT_OTHERWISE = r"%[0-9A-Fa-f]{2}|[?&]utm_|:(?:80|443)(?:[/?#]|\z)"
"""What addresses have of which the host and the rest are not yet the key; RE2 alone."""
PATH_START, PATH_MIDDLE = r"^(?:\.?/)+", r"/(?:\.?/)+"
"""What a path has none of at its start, and what is one slash further on."""

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_HOST = re.compile(REPOSITORY_HOST)
_URL = re.compile(URL_PARTS)
_PORT = re.compile(r":(?:80|443)\Z")
_TRACKING = re.compile(r"(?:[?&]utm_[^&]*)+\Z")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")  # RFC 3986, 2.3
_PATH_START, _PATH_MIDDLE = re.compile(PATH_START), re.compile(PATH_MIDDLE)
_REPOSITORY = re.compile(r"[^\s/:*?\[\]\\]+(?:/[^\s/:*?\[\]\\]+)+")
_OWNER = re.compile(r"[^\s/:*?\[\]\\@]+")
_WEB = re.compile(r"(?i)https?://[^\s/?#]+\.[^\s/?#]+(?:[/?#]\S*)?")
_SCHEME = re.compile(r"[A-Za-z]+://")
_SWHID = re.compile(r"(?i)swh:1:(cnt|rev|dir|rel|snp|ori):([0-9a-f]{40})(?:;\S*)?")
# Of the forges, which marks stand between a repository and a path in it, and how many parts of a name follow them.
_MARKS = ("blob", "tree", "raw", "blame", "edit")
_FORGES = {
    "github.com": dict.fromkeys(_MARKS, 1),
    "gitlab.com": dict.fromkeys(_MARKS, 1),
    "bitbucket.org": {"src": 1, "raw": 1, "annotate": 1},
    "codeberg.org": {"src": 2, "raw": 2, "blame": 2},
}
_WHOLE = ("tree", "src")  # what shows a whole repository, too
_RAW_HOST = "raw.githubusercontent.com"
_API_HOST = "api.github.com"


class Place(NamedTuple):
    """Where an address leads in a forge.

    Attributes:
        repository: as `repository_key` has it.
        path: of a file or a folder in it; empty for all of it.
    """

    repository: str
    path: str


def _lowered(text: str) -> str:
    """Capitals of ASCII alone, as whole columns are lowered."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def repository_key(name: str) -> str:
    """What two names of one repository have in common; an empty name has an empty one."""
    key = _HOST.sub("", _lowered(name)).rstrip("/" + BLANKS)
    return key.removesuffix(".git")


def path_key(path: str) -> str:
    """What two spellings of one path in a repository have in common; of globs, too. The Stack v2 writes `/a`."""
    return _PATH_MIDDLE.sub("/", _PATH_START.sub("", path))


def owner_key(repository: str) -> str:
    """The owner in a `repository_key`: what stands before its first slash; empty where there is none."""
    owner, slash, _ = repository.partition("/")
    return owner if slash else ""


def url_key(url: str) -> str:
    """What two spellings of one address have in common; an empty one has an empty one."""
    found = _URL.match(url)
    assert found is not None  # noqa: S101 - it matches any string
    rest = _ESCAPED.sub(_plainly, _TRACKING.sub("", found["rest"]))
    return _PORT.sub("", _lowered(found["host"])) + rest.rstrip("/")


def _plainly(escaped: re.Match[str]) -> str:
    character = unquote(escaped[0], errors="replace")
    return character if character in _UNRESERVED else escaped[0].upper()


def forge_place(url: str) -> Place | None:
    """The repository, and the path in it, that an address of a known forge leads to.

    Known are github.com, gitlab.com, bitbucket.org and codeberg.org. A revision is taken for one part of a name: of
    `tree/feature/x/src` nobody can tell from the address whether the branch is `feature` or `feature/x`.

    Returns:
        None for another host, and for pages of a forge that are no files: issues, profiles.
    """
    host, _, rest = url_key(url).partition("/")
    parts = [unquote(part) for part in rest.partition("?")[0].split("/") if part]
    if host == _RAW_HOST:
        after = parts[4:] if parts[2:3] == ["refs"] else parts[2:]
        return Place(repository_key("/".join(parts[:2])), path_key("/".join(after[1:]))) if len(parts) > 3 else None
    if host == _API_HOST:
        return _place_of_api(parts)
    marks = _FORGES.get(host)
    if marks is None or len(parts) < 2:
        return None
    size = next((at for at, part in enumerate(parts) if at >= 2 and (part in marks or part == "-")), len(parts))
    if host != "gitlab.com" and size > 2:
        return None
    after = parts[size:][1 if parts[size : size + 1] == ["-"] else 0 :]
    if after and after[0] not in marks:
        return None
    path = after[1 + marks[after[0]] :] if after else []
    if after and not path and after[0] not in _WHOLE:  # cut short: it was to name a file
        return None
    return Place(repository_key("/".join(parts[:size])), path_key("/".join(path)))


def _place_of_api(parts: list[str]) -> Place | None:
    """Of `repos/owner/name`, and of `repos/owner/name/contents/path`."""
    whole, file = len(parts) == 3, len(parts) > 4 and parts[3] == "contents"
    if parts[:1] != ["repos"] or not (whole or file):
        return None
    return Place(repository_key("/".join(parts[1:3])), path_key("/".join(parts[4:])))


def split_path(value: str) -> tuple[str, str]:
    """(repository as it is written, glob) of a value of kind `path`; no repository where it is a glob alone."""
    scheme = _SCHEME.match(value)
    start = scheme.end() if scheme else 0
    before, _, after = value[start:].partition(":")
    before = value[:start] + before
    if after and _REPOSITORY.fullmatch(_plain_repository(before)):
        return before, after
    return "", value


def value_key(by: str, value: str) -> str:
    """What two values of one kind that mean the same have in common."""
    if by in ("repository", "owner"):
        return repository_key(value)
    if by == "url":
        return url_key(value)
    if by == "path":
        repository, glob = split_path(value)
        return f"{repository_key(repository)}:{path_key(glob)}"
    return value


def checked_value(by: str, value: str) -> str:
    """A value as the registry writes it down: digits in lower case, repositories without host and `.git`.

    Blanks around it are not taken for a part of it, but for those of a path.

    Raises:
        RecipeError: it is none of its kind, or would match everything.
    """
    value = value if by == "path" else value.strip()
    if not value or value != value.strip() or len(value) > MAXIMUM_VALUE_CHARACTERS or not value.isprintable():
        hint = "give it without blanks around it; in a path ? stands for any character"
        raise _wrong(by, value, f"1 to {MAXIMUM_VALUE_CHARACTERS:,} printable characters", hint)
    if by in HEX_DIGITS:
        return _digits(by, value)
    return _CHECKS[by](value)


def _digits(by: str, value: str) -> str:
    wanted = HEX_DIGITS[by]
    if len(value) == wanted and set(value) <= set(string.hexdigits):
        return value.lower()
    hint = "`corpusmill explain RELEASE ID` shows ids and hashes of a document"
    if by in ("blob", "sha256"):
        command = "git hash-object FILE" if by == "blob" else "sha256sum FILE"
        hint = f"`{command}` tells it; a list of digests of other kinds does not say which files are meant"
    raise _wrong(by, value, f"{wanted} hexadecimal digits", hint)


def _repository(value: str) -> str:
    plain = _plain_repository(value)
    host = url_key(value).partition("/")[0] if "://" in value else ""
    place = forge_place(value)
    if host in {*_FORGES, _API_HOST} and (place is None or place.path):
        raise _wrong("repository", value, "owner/name or the address of a repository", f"--by url --value {value}")
    if place:
        plain = plain[: len(place.repository)]
    if _REPOSITORY.fullmatch(plain):
        return plain
    hint = f"for all that an owner has: --by owner --value {value}" if _OWNER.fullmatch(value) else "such as owner/name"
    raise _wrong("repository", value, "owner/name or the address of a repository", hint)


def _plain_repository(value: str) -> str:
    """Without host and `.git`, in its own case."""
    found = _HOST.match(_lowered(value))
    start = found.end() if found else 0
    return value[start : start + len(repository_key(value))]


def _owner(value: str) -> str:
    plain = _plain_repository(value)
    if _OWNER.fullmatch(plain):
        return plain
    raise _wrong("owner", value, "the name of an owner, without a slash", "for one repository: --by repository")


def _path(value: str) -> str:
    before, glob = split_path(value)
    repository = _plain_repository(before)
    glob = path_key(glob)
    if not glob or glob.startswith("../") or "/../" in glob:
        raise _wrong("path", value, "a path from the top of a repository", "such as owner/name:vendor/** or **/id_rsa")
    if not repository and not any(map(str.isalnum, literal_characters(glob))):
        raise _wrong(
            "path", value, "a glob that does not match everything", "name a repository: owner/name:GLOB, or its owner"
        )
    return f"{repository}:{glob}" if repository else glob


def _swhid(value: str) -> str:
    found = _SWHID.fullmatch(value)
    if found is None:
        raise _wrong("swhid", value, "swh:1:cnt: and 40 hexadecimal digits", "`git hash-object FILE` tells the digits")
    kind, digits = found[1].lower(), found[2].lower()
    if kind != "cnt":
        hint = "documents are files: ask for the repository (--by repository) or for its contents, swh:1:cnt:..., each"
        raise _wrong("swhid", value, "the SWHID of a content, swh:1:cnt:...", hint)
    return f"swh:1:cnt:{digits}"


def _url(value: str) -> str:
    if not _WEB.fullmatch(value):
        raise _wrong("url", value, "an address such as https://example.org/page", "begin it with https://")
    host, _, rest = url_key(value).partition("/")
    parts = [part for part in rest.partition("?")[0].split("/") if part]
    if host in _FORGES and len(parts) == 1:
        raise _wrong("url", value, "the address of a repository or a file", f"--by owner --value {parts[0]}")
    return value


def checked_ticket(value: str) -> str:
    """A ticket number, whatever its form; raises RecipeError where it could not be told apart or printed."""
    if re.fullmatch(r"\S{1,200}", value) and value.isprintable():
        return value
    raise _wrong("ticket", value, "1 to 200 printable characters without blanks", "such as T-2026-0041")


_CHECKS = {
    "repository": _repository,
    "owner": _owner,
    "path": _path,
    "swhid": _swhid,
    "url": _url,
    "ticket": checked_ticket,
}


def _wrong(by: str, value: str, expected: str, hint: str) -> RecipeError:
    shown = value if len(value) <= 100 else f"{value[:100]}…"
    return RecipeError(f"{by}: expected {expected}, got {shown!r}", hint=hint)
