"""Phone plans: whether a country's plan could have given a number out, by the metadata of the library phonenumbers.

The library compiles a country's patterns anew whenever its regular expressions were pushed out of Python's cache of
512, which a plan of 25 countries does by itself: a millisecond a number. Here they are compiled once. A test holds the
answers to the library's.
"""

import importlib
import re
from functools import cache, lru_cache
from typing import Any, Literal

from filters.fictional_phone_numbers import is_made_up

Verdict = Literal["valid", "invalid", "made up"]

CACHED_ANSWERS = 65_536

_TYPES = (
    "fixed_line", "mobile", "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip


class _Form:
    """What numbers of one sort look like.

    Attributes:
        lengths: how many digits; empty for any.
    """

    __slots__ = ("_pattern", "lengths")

    def __init__(self, description: Any) -> None:
        self.lengths = frozenset(description.possible_length)
        self._pattern = re.compile(description.national_number_pattern or "(?!)")

    def fits(self, number: str) -> bool:
        return (not self.lengths or len(number) in self.lengths) and self._pattern.fullmatch(number) is not None


class _Region:
    """The numbers of one country, or of what shares a country code with others."""

    __slots__ = ("_all", "_leading", "_sorts")

    def __init__(self, metadata: Any) -> None:
        self._leading = re.compile(metadata.leading_digits) if metadata.leading_digits else None
        self._all = _Form(metadata.general_desc)
        descriptions = (getattr(metadata, name) for name in _TYPES)
        self._sorts = tuple(
            _Form(description) for description in descriptions if description and description.national_number_pattern
        )

    def has(self, number: str) -> bool:
        return self._all.fits(number) and any(sort.fits(number) for sort in self._sorts)

    def claims(self, number: str) -> bool:
        """Whether the number is this region's before any that comes later, valid or not."""
        return self._leading.match(number) is not None if self._leading else self.has(number)


@lru_cache(maxsize=CACHED_ANSWERS)
def verdict(number: str, regions: tuple[str | None, ...]) -> Verdict:
    """What a number is: of one region's plan, of none, or by one of them set aside or made up.

    Args:
        number: digits, with a `+` in front where the region is None.
    """
    library = _library()
    is_valid = False
    for region in regions:
        try:
            parsed = library.parse(number, region)
        except library.NumberParseException:
            continue
        national = library.national_significant_number(parsed)
        if is_made_up(f"{parsed.country_code}{parsed.national_number}"):
            return "made up"
        is_valid = is_valid or _is_valid(parsed.country_code, national)
    return "valid" if is_valid else "invalid"


def _is_valid(country_code: int, national: str) -> bool:
    regions = _regions(country_code)
    if len(regions) == 1:
        return regions[0].has(national)
    return next((region.has(national) for region in regions if region.claims(national)), False)


@cache
def _regions(country_code: int) -> tuple[_Region, ...]:
    library = _library()
    names = library.COUNTRY_CODE_TO_REGION_CODE.get(country_code, ())
    metadata = [library.PhoneMetadata.metadata_for_region_or_calling_code(country_code, name) for name in names]
    return tuple(_Region(one) for one in metadata if one is not None)


@cache
def _library() -> Any:
    return importlib.import_module("phonenumbers")
