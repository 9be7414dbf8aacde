"""Credentials: the structured plugins of detect-secrets, each run only where its own pattern was seen.

A structured plugin knows a provider's token by its form. The keyword and entropy plugins guess, and are left out.
Never calls `verify`, so nothing leaves the machine. Two plugins are replaced by rules of our own: `basic_auth` takes
every `user:pass` of a test or a manual, `telegram_token` any number of 8 to 10 digits, a colon and 35 letters.

The plugin decides whether a line holds a secret; the span is ours, because the value that a plugin names is not always
the secret: GitHub's and GitLab's group is the prefix alone, JWT's value lacks the signature, Artifactory's has the
quotes around it. Placeholders (`ghp_xxxx…`, keys with EXAMPLE in them) stay, and so do Twilio's account SIDs.

Cost: Python's `re` on a candidate line, or on a window of at most `LINE_BYTES` where the line is longer. Two patterns
that backtrack badly are run in an equivalent form that does not; a test holds them to the originals.
"""

import base64
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from filters.spans import Span
from filters.value_tests import token

LINE_BYTES = 4_096
"""A longer line is verified in windows of this size around the candidates."""

_MARGIN_BYTES = 1_024
"""A candidate nearer than this to its window's end gets a window of its own."""

_TAIL_BYTES = 4_096
"""So much of a token behind its pattern's end is tested with it."""

_HEADER_BYTES = 65_536
"""The longest header of a JSON Web Token that is read; certificates may stand in it."""

# These plugins' groups are a choice of prefixes; the secret is the whole match.
_GROUP_IS_PREFIX = frozenset({"github_token", "gitlab_token"})

# An account's number is no secret, only half of one: a token stands beside it.
_IDENTIFIERS = {"twilio": b"AC"}

# ` *`, ` +` and ` *` in a row try every division of a run of spaces, which is cubic in its length. The two tokens are
# tried again from every `sk-` or `eyJ` of a run, which is quadratic: what fails from the first of a run's starts fails
# from all, so the second alternative, outside the group, eats the run.
_HARDENED = (
    (r"(?: *)(?:=|:|:=|=>| +|::)(?: *)", r"(?: *+(?:=>|:=|::|=|:) *+| ++)"),
    (
        r"eyJ[A-Za-z0-9-_=]+\.[A-Za-z0-9-_=]+\.?[A-Za-z0-9-_.+/=]*?",
        r"(eyJ[A-Za-z0-9-_=]++\.[A-Za-z0-9-_=]++\.?)|eyJ[A-Za-z0-9-_=]++",
    ),
    (
        r"sk-[A-Za-z0-9-_]*[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
        r"(sk-[A-Za-z0-9-_]*[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})|sk-[A-Za-z0-9-_]++",
    ),
)

_EDGE = " \t\r\n\f\v=:\"'"
_VALUE = re.compile(r"[^\s\"'`]+")
_TAIL = re.compile(rb"[A-Za-z0-9_-]*+")
_JWT_HEAD = re.compile(rb"(eyJ[A-Za-z0-9_=-]++)\.(?=[A-Za-z0-9_=-])|eyJ[A-Za-z0-9_=-]++")
_JWT_START = re.compile(rb"[A-Za-z0-9_=-]*+")
_JWT_TAIL = re.compile(rb"[A-Za-z0-9_=-]*+(?:\.[A-Za-z0-9_=-]++){0,3}")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of detect-secrets.

    Attributes:
        name: its module's name, the rule in spans and counts.
        original: an instance as the library has it.
        detector: an instance with patterns that cannot backtrack badly.
    """

    name: str
    original: Any
    detector: Any


def expressions(plugin: Plugin) -> list[tuple[str, bool]]:
    """The plugin's patterns for hyperscan and whether each ignores case.

    A superset of the plugin's matches on each line: white space beyond ASCII counts as any byte >= 0x80 and none
    crosses a line. Unicode digits or letters inside a token are not looked for: no provider issues such.
    """
    return [
        (
            pattern.pattern.replace(r"(?:\s|", r"(?:[\s\x1c-\x1f\x80-\xff]|").replace(r"=\s*(", r"=[^\S\n]*("),
            bool(pattern.flags & re.IGNORECASE),
        )
        for pattern in plugin.original.denylist
    ]


def region(data: bytes, stop: int) -> tuple[int, int, int]:
    """What is verified for a candidate that ends at `stop`: (start, stop, settled).

    Start and stop are the line without its LF, or, where it is longer than `LINE_BYTES`, a window of that size around
    the candidate, cut between characters. Candidates that end at or before settled need no region of their own.
    """
    last = stop - 1
    floor = max(0, last - LINE_BYTES)
    newline = data.rfind(b"\n", floor, last)
    whole_left = newline >= 0 or floor == 0
    start = newline + 1 if newline >= 0 else floor
    ceiling = min(len(data), last + LINE_BYTES)
    newline = data.find(b"\n", last, ceiling)
    whole_right = newline >= 0 or ceiling == len(data)
    end = newline if newline >= 0 else ceiling
    if whole_left and whole_right and end - start <= LINE_BYTES:
        return start, end, end + 1
    half = LINE_BYTES // 2
    window_start, window_end = max(start, stop - half), min(end, stop + half)
    while window_start > start and data[window_start] & 0xC0 == 0x80:
        window_start += 1
    while window_end < end and data[window_end] & 0xC0 == 0x80:
        window_end -= 1
    at_line_end = whole_right and window_end == end
    return window_start, window_end, end + 1 if at_line_end else window_end - _MARGIN_BYTES


def secret_spans(plugin: Plugin, data: bytes, start: int, stop: int, settled: int = 0) -> Iterator[Span]:
    """The secrets of one plugin in data[start:stop], part of one line.

    A JSON Web Token that a window cuts is known by its header alone. A whole-match token takes the token characters
    that touch its end with it: a key that has grown longer than the plugin's pattern must not leave its end behind.

    Args:
        settled: matches that end at or before it were found in an earlier window.
    """
    if plugin.name == "jwt" and _is_window(data, start, stop):
        for span in _web_tokens(data, start, stop, settled):
            settled = max(settled, span.stop)
            yield span
    line = data[start:stop].decode()
    accepted = set(plugin.detector.analyze_string(line))
    if not accepted:
        return
    ascii_only = line.isascii()
    cut_left = start > 0 and data[start - 1 : start] != b"\n"
    for original, pattern in zip(plugin.original.denylist, plugin.detector.denylist, strict=True):
        prefix = plugin.name in _GROUP_IS_PREFIX
        whole = prefix or not original.groups
        group = 0 if prefix else min(1, pattern.groups)
        for match in pattern.finditer(line):
            if match.start(group) < 0 or (not prefix and match[group] not in accepted):
                continue
            if cut_left and match.start() == 0:
                continue  # the window's edge is no word boundary
            first, last = _trimmed(plugin.name, line, *match.span(group))
            first_byte = start + (first if ascii_only else len(line[:first].encode()))
            last_byte = first_byte + len(line[first:last].encode())
            if last_byte <= settled:
                continue
            tail = _JWT_TAIL if plugin.name == "jwt" else _TAIL
            if whole:
                last_byte = _end(tail, data, last_byte, last_byte + _TAIL_BYTES)
            value = data[first_byte:last_byte]
            if token(value, "low") and not value.startswith(_IDENTIFIERS.get(plugin.name, b"\0")):
                if whole:
                    last_byte = settled = _end(tail, data, last_byte, len(data))
                yield Span(first_byte, last_byte, "secret", plugin.name)


def _end(tail: re.Pattern[bytes], data: bytes, start: int, limit: int) -> int:
    match = tail.match(data, start, limit)
    return match.end() if match else start


def _is_window(data: bytes, start: int, stop: int) -> bool:
    """Whether a region is less than a line."""
    return data[start - 1 : start] not in {b"", b"\n"} or data[stop : stop + 1] not in {b"", b"\n"}


def _web_tokens(data: bytes, start: int, stop: int, settled: int) -> Iterator[Span]:
    """The JSON Web Tokens whose header begins in a window or reaches into it, by their header, to their end."""
    before = data[max(settled, start - _HEADER_BYTES, 0) : start][::-1]
    start -= _end(_JWT_START, before, 0, len(before))
    for match in _JWT_HEAD.finditer(data, start, min(len(data), stop + _HEADER_BYTES)):
        if match.start() >= stop:
            break
        if match[1] and match.start() >= settled and _is_header(match[1]):
            settled = _end(_JWT_TAIL, data, match.end(), len(data))
            yield Span(match.start(), settled, "secret", "jwt")


def _is_header(text: bytes) -> bool:
    """Whether a token's first part names its algorithm."""
    try:
        header = json.loads(base64.urlsafe_b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def _trimmed(name: str, line: str, first: int, last: int) -> tuple[int, int]:
    text = line[first:last]
    if name == "azure_storage_key":
        return first + text.index("=") + 1, last
    if name == "npm" and (value := _VALUE.match(text)):
        return first, first + value.end()
    if name == "artifactory":
        return first + len(text) - len(text.lstrip(_EDGE)), last - len(text) + len(text.rstrip(_EDGE))
    return first, last


@cache
def plugin_named(name: str) -> Plugin:
    """The plugin of a module in detect_secrets.plugins; imports detect-secrets on the first call."""
    module = importlib.import_module(f"detect_secrets.plugins.{name}")
    base = importlib.import_module("detect_secrets.plugins.base").RegexBasedDetector
    [detector] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    denylist = tuple(re.compile(_hardened(item.pattern), item.flags) for item in detector.denylist)  # type: ignore[attr-defined]
    return Plugin(name, detector(), type(detector.__name__, (detector,), {"denylist": denylist})())


def _hardened(pattern: str) -> str:
    for original, equivalent in _HARDENED:
        pattern = pattern.replace(original, equivalent)
    return pattern
