"""Deprecated and unsafe uses of languages' own APIs, and what to use instead: what the mode `modernize` lists.

Entries are facts of a language's documentation, in `deprecated_apis.toml`, by linguist's name of the language; each has
an example that it finds and a replacement in which it finds nothing. They are regular expressions without look-around,
which hyperscan reads: all of a language in one pass of linear time, whatever the text. A comment that names an old
function is a finding too; the prompt tells the model to leave it.

Cost: 430 MB of text a CPU second, 20 µs a file; a language's database compiles in 0.1 s, once a process. Of 5,000 files
of The Stack v2 in these languages 3 % have an entry, of those in C 16 %.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import hyperscan
import msgspec

from filters.pattern_databases import Pattern, compiled

_FLAGS = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE


class Advice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One use of an API that should go.

    Attributes:
        api: as a person would call it, `os.popen()`.
        why: "deprecated", "gone since 3.12", "no bound".
        instead: what to use.
        pattern: what finds it, in UTF-8 bytes.
        example: text that it finds.
        replacement: the same by what is advised; nothing of the language's table is found there.
    """

    api: str
    why: str
    instead: str
    pattern: str
    example: str
    replacement: str

    @property
    def note(self) -> str:
        """One line for the model."""
        return f"{self.api}: {self.why}; use {self.instead}"


def deprecated(text: str, language: str) -> list[Advice]:
    """The deprecated and unsafe uses in a text, each once, in the order of the table.

    Args:
        language: linguist's name; one without a table has none.
    """
    entries = advices(language)
    if not entries:
        return []
    found: set[int] = set()
    _database(language).scan(
        text.encode("utf-8", "surrogatepass"), match_event_handler=lambda entry, *_: found.add(entry)
    )
    return [entries[number] for number in sorted(found)]


def load_advices() -> None:
    """Compile the databases of all languages, 1 CPU s, so that forked processes need not."""
    for language in _file()["advice"].keys() | _file()["relatives"].keys():
        _database(language)


@cache
def advices(language: str) -> tuple[Advice, ...]:
    """All entries of a language, its relatives' first; empty where there is no table."""
    file = _file()
    relatives: list[str] = file["relatives"].get(language, [])
    own: list[Any] = file["advice"].get(language, [])
    entries = msgspec.convert(own, tuple[Advice, ...])
    return tuple(entry for relative in relatives for entry in advices(relative)) + entries


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("stages").joinpath("deprecated_apis.toml").read_bytes().decode())


@cache
def _database(language: str) -> Any:
    entries = enumerate(advices(language))
    return compiled(tuple(Pattern(entry.pattern.encode(), number, _FLAGS) for number, entry in entries))
