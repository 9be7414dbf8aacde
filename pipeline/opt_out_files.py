"""Files that `optout import` reads: forms that people filled in, JSON lines of requests, and lists of digests.

They come from anywhere, so they are bounded, and nothing of one is taken unless all of it can be. What a form says of
its sender has to be there and is left out: a registry holds no address and no name.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from manifests.errors import CorpusmillError, RecipeError, SourceError
from manifests.opt_outs import KINDS, MAXIMUM_LINE_BYTES, SCOPES, Request, checked, parsed
from pipeline.published_reasons import check_reasons
from pipeline.strict_yaml import StrictLoader

MAXIMUM_FILE_BYTES = 1 << 28
MAXIMUM_FORM_BYTES = 1 << 20

_FORM_KEYS = ("ticket", "date", "reason", "scope", "remove", "relation", "contact", "confirmed")
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_BY_LENGTH = {40: "blob", 64: "sha256"}
_SHARED = ("ticket:", "date:", "reason:", "scope:")  # errors about what all entries of a form have in common
_TEMPLATE = "docs/removal-request.yaml is a form to start from"


class Given(NamedTuple):
    """What the command line says of all requests in a file; empty where it does not.

    Attributes:
        by: kind of the digests of a list.
        today: the date where neither file nor command line has one; none may be later. Empty: any may be.
    """

    ticket: str = ""
    reason: str = ""
    date: str = ""
    scope: str = ""
    by: str = ""
    today: str = ""


class _FormLoader(StrictLoader):
    """Every value is the text that stands there: a digest is no number, and a day no date of Python's."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the class above has it


def requests_of(path: Path, given: Given) -> list[Request]:
    """All requests of a file, checked, and their reasons; its name (.yaml, .yml) or its first line tells its kind.

    Raises:
        SourceError: the file cannot be read, or a line or an entry of it is no request; the message names it.
        RecipeError: an option is missing, or is there that this kind of file has itself; or a reason names somebody.
    """
    requests = _read(path, given)
    try:
        check_reasons(requests)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error.message}", hint=error.hint) from error
    return requests


def _read(path: Path, given: Given) -> list[Request]:
    if path.suffix.lower() in (".yaml", ".yml"):
        return _of_form(path, _bytes(path, MAXIMUM_FORM_BYTES), given)
    data = _bytes(path, MAXIMUM_FILE_BYTES)
    lines = [(number, line.strip()) for number, line in enumerate(data.split(b"\n"), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith(b"#")]
    if not lines:
        raise SourceError(f"{path}: expected requests, found none", hint=_TEMPLATE)
    if lines[0][1].startswith(b"{"):
        return _of_lines(path, lines, given)
    return _of_digests(path, lines, given)


def _of_lines(path: Path, lines: Iterable[tuple[int, bytes]], given: Given) -> list[Request]:
    said = [f"--{name}" for name in ("ticket", "reason", "date", "scope", "by") if getattr(given, name)]
    if said:
        raise RecipeError(
            f"{path}: expected no {said[0]} beside lines that have their own",
            hint="leave the option away; it is for lists of digests and for forms",
        )

    def read(line: bytes) -> Request:
        if len(line) > MAXIMUM_LINE_BYTES:
            raise RecipeError(f"expected a line of at most {MAXIMUM_LINE_BYTES:,} bytes, got {len(line):,}")
        return _checked(parsed(line), given.today)

    return list(_numbered(path, lines, read))


def _of_digests(path: Path, lines: Iterable[tuple[int, bytes]], given: Given) -> list[Request]:
    for name in ("ticket", "reason"):
        if not getattr(given, name):
            raise RecipeError(f"{path}: a list of digests needs --{name}", hint=f"for all of them: --{name} TEXT")

    def read(line: bytes) -> Request:
        if not _HEX.fullmatch(line):
            shown = line[:60].decode(errors="replace")
            raise RecipeError(
                f"expected a digest in hexadecimal digits and nothing else, got {shown!r}",
                hint="one a line, # before a remark; of the output of sha256sum: cut -d ' ' -f 1",
            )
        digits = line.decode()
        by = given.by or _BY_LENGTH.get(len(digits), "")
        if not by and len(digits) == 32:
            raise RecipeError(
                "32 hexadecimal digits may be a content hash or a document id of a release, or an MD5",
                hint="say which with --by content or --by document; of an MD5 nobody can tell which file is meant",
            )
        if not by:
            raise RecipeError(
                f"expected 40 digits (a git blob id) or 64 (the sha256 of a file), got {len(digits)}",
                hint="`git hash-object FILE` or `sha256sum FILE` tells them",
            )
        return _checked(_request(given, by, digits), given.today)

    return list(_numbered(path, lines, read))


def _numbered(path: Path, lines: Iterable[tuple[int, bytes]], read: Callable[[bytes], Request]) -> Iterator[Request]:
    """What is read of each line; an error names the line."""
    for number, line in lines:
        try:
            yield read(line)
        except CorpusmillError as error:
            raise SourceError(f"{path}:{number}: {error.message}", hint=error.hint) from error


def _of_form(path: Path, data: bytes, given: Given) -> list[Request]:
    form = _form(path, data)
    for key in ("relation", "contact", "reason"):
        if not _text(path, form, key):
            raise SourceError(f"{path}: {key}: expected an answer, found none", hint=f"fill it in; {_TEMPLATE}")
    if _text(path, form, "confirmed").lower() not in ("yes", "true"):
        raise SourceError(
            f"{path}: confirmed: expected yes, got {_text(path, form, 'confirmed')[:40]!r}",
            hint="whoever asks confirms to be allowed to: write confirmed: yes",
        )
    answers = {key: _text(path, form, key) for key in ("ticket", "reason", "date", "scope")}
    for key, answer in answers.items():
        if answer and (said := getattr(given, key)) and said != answer:
            raise RecipeError(f"{path}: {key}: the form says {answer!r}, --{key} {said!r}", hint="say it once")
    given = given._replace(**{key: answer or getattr(given, key) for key, answer in answers.items()})
    if given.by:
        raise RecipeError(f"{path}: expected no --by beside a form", hint="the form says by what, under `remove`")
    if not given.ticket:
        raise RecipeError(f"{path}: expected a ticket, found none", hint="give the request a number: --ticket T-1")
    requests = [
        _entry(path, given, by, number, value)
        for by, values in _remove(path, form).items()
        for number, value in enumerate(values, 1)
    ]
    if not requests:
        hint = f"name a repository, an address or a digest; {_TEMPLATE}"
        raise SourceError(f"{path}: remove: expected at least one entry, found none", hint=hint)
    return requests


def _entry(path: Path, given: Given, by: str, number: int, value: str) -> Request:
    try:
        return _checked(_request(given, by, value), given.today)
    except CorpusmillError as error:
        where = "" if error.message.startswith(_SHARED) else f"remove.{by}, entry {number}: "
        raise SourceError(f"{path}: {where}{error.message}", hint=error.hint) from error


def _form(path: Path, data: bytes) -> dict[str, Any]:
    try:
        form = yaml.load(data.decode(), Loader=_FormLoader)  # noqa: S506 - a SafeLoader, and stricter
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"{path}: expected a form in YAML, got: {words[:300]}", hint=_TEMPLATE) from error
    if not isinstance(form, dict):
        raise SourceError(f"{path}: expected a form with {', '.join(_FORM_KEYS)}, got no keys", hint=_TEMPLATE)
    if unknown := [key for key in form if key not in _FORM_KEYS]:
        expected = ", ".join(_FORM_KEYS)
        raise SourceError(f"{path}: expected {expected}, got a key {str(unknown[0])[:40]!r}", hint=_TEMPLATE)
    return form


def _text(path: Path, form: dict[str, Any], key: str) -> str:
    answer = form.get(key, "")
    if not isinstance(answer, str):
        raise SourceError(f"{path}: {key}: expected a text, got several", hint=f"one answer; {_TEMPLATE}")
    return answer.strip()


def _remove(path: Path, form: dict[str, Any]) -> dict[str, list[str]]:
    """What is asked for, by kind. Withdrawals are the operator's: a form has none."""
    kinds = [kind for kind in KINDS if kind != "ticket"]
    asked = form.get("remove") or {}
    if not isinstance(asked, dict) or any(kind not in kinds for kind in asked):
        found = next((str(kind)[:40] for kind in asked if kind not in kinds), "") if isinstance(asked, dict) else asked
        expected = f"expected lists under {', '.join(kinds)}"
        raise SourceError(f"{path}: remove: {expected}, got {str(found)[:40]!r}", hint=_TEMPLATE)
    for kind, values in asked.items():
        if values and not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise SourceError(f"{path}: remove.{kind}: expected a list of texts", hint=f"- one in a line; {_TEMPLATE}")
    return {kind: [value.strip() for value in values or [] if value.strip()] for kind, values in asked.items()}


def _request(given: Given, by: str, value: str) -> Request:
    fields = {
        "ticket": given.ticket,
        "date": given.date or given.today,
        "by": by,
        "value": value,
        "reason": given.reason,
        "scope": given.scope.lower() or SCOPES[0],
    }
    try:
        return msgspec.convert(fields, Request)
    except msgspec.ValidationError:
        name, known = ("by", KINDS) if by not in KINDS else ("scope", SCOPES)
        got = str(fields[name])[:40]
        near = get_close_matches(got.lower(), known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "spell it as listed; docs/removals.md says what each finds"
        raise RecipeError(f"{name}: expected {', '.join(known)}, got {got!r}", hint=hint) from None


def request_of(given: Given, value: str) -> Request:
    """The request of a command line, checked; raises RecipeError where it is none, or its reason names somebody."""
    request = _checked(_request(given, given.by, value), given.today)
    check_reasons([request])
    return request


def _checked(request: Request, today: str) -> Request:
    """A request with its value as it is written down; of a day that has been."""
    request = checked(request)
    if today and request.date > today:
        raise RecipeError(
            f"date: expected the day when it was asked, {today} at the latest, got {request.date}",
            hint="leave it away for today; in YYYY-MM-DD the month stands before the day",
        )
    return request


def _bytes(path: Path, maximum_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(maximum_bytes + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}", hint="check the path") from error
    if len(data) > maximum_bytes:
        raise SourceError(f"{path}: expected at most {maximum_bytes:,} bytes, found more", hint="import it in parts")
    return data
