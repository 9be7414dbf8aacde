"""Published numbers: test cards and example accounts that manuals print, so that nobody has to use a real one.

Read once from `published_numbers.toml`; they name nobody, and code that tests payments needs them.
"""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def published(kind: str) -> frozenset[bytes]:
    """The numbers of one table of the file, `cards` or `ibans`, without separators, letters upper case."""
    data = tomllib.loads(files("filters").joinpath("published_numbers.toml").read_text(encoding="utf-8"))
    return frozenset(data[kind].encode("ascii").split())
