"""Semantic versions of releases: their order, and which part of one was raised. Source: semver.org, 2.0.0."""

import re
from typing import Literal

Part = Literal["major", "minor", "patch", "none"]
PARTS: tuple[Part, ...] = ("major", "minor", "patch", "none")
"""From the change that matters most to none."""
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(.*)", re.DOTALL)


def order_of(version: str) -> tuple[int, int, int, bool, str]:
    """A key to sort by; what is no version comes first, `1.0.0-rc` before `1.0.0`."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return -1, -1, -1, False, version
    return int(found[1]), int(found[2]), int(found[3]), not found[4].startswith("-"), found[4]


def raised(version: str, part: Part) -> str:
    """The next version with one part raised and those behind it 0; as it is for "none" and for what is no version."""
    numbers = list(order_of(version)[:3])
    if part == "none" or numbers[0] < 0:
        return version
    place = PARTS.index(part)
    numbers[place:] = [numbers[place] + 1, *[0] * (2 - place)]
    return ".".join(map(str, numbers))


def raised_part(old: str, new: str) -> Part | None:
    """The first part in which a later version is higher; "none" for equal ones, None where `new` is not later."""
    before, after = order_of(old), order_of(new)
    if before == after:
        return "none"
    if after < before or before[0] < 0:
        return None
    return next((part for part, a, b in zip(PARTS[:3], before, after, strict=False) if a != b), "patch")
