"""Folders of a release with one file for each partition: what pack and locate make, and `verify` expects.

Files of one name belong together: `texts/shard-00003-of-00008.parquet` is about the documents of the shard of data that
has this name. Packed rows and their positions have folders of their own for every context length: the first length lies
in `data/` and `positions/`, one of 32,768 tokens beside it in `data-32768/` and `positions-32768/`. Names may differ in
what follows the first point: texts are Parquet or JSON lines, all else is Parquet.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from manifests.ledger import Ledger
from manifests.record import Record
from stages.texts import TextsFormat

DATA = "data"
POSITIONS = "positions"
MAXIMUM_LENGTHS = 4


class ReleaseFolder(NamedTuple):
    """A folder.

    Attributes:
        name: of the folder.
        table: the output that becomes its file.
        rows: how many rows a file has, by the record of the unit that made it.
        asked_for: whether a release has it, by the recipe as it stands in the manifest; that may be any JSON.
        suffix: what the names of its files end in, by the same.
        step: whose output it is.
    """

    name: str
    table: str
    rows: Callable[[Record], int]
    asked_for: Callable[[Mapping[str, Any]], bool] = lambda _recipe: True
    suffix: Callable[[Mapping[str, Any]], str] = lambda _recipe: "parquet"
    step: str = "pack"


def documents(record: Record) -> int:
    """Rows of a file with one for each document that pack kept."""
    assert record.ledger is not None  # noqa: S101 - pack wrote it
    return Ledger.from_json(record.ledger).kept.documents


def texts_format(recipe: Mapping[str, Any]) -> TextsFormat | Literal["off"]:
    """What the texts of documents are written as, by a manifest's recipe; "off" where it says nothing we know."""
    release = recipe.get("release")
    said = release.get("texts") if isinstance(release, dict) else "off"
    return next((form for form in get_args(TextsFormat) if form == said), "off")


def holds_out(recipe: Mapping[str, Any]) -> bool:
    """Whether a manifest's recipe sets documents aside."""
    return recipe.get("held_out") is not None


def rewrites_code(recipe: Mapping[str, Any]) -> bool:
    """Whether a manifest's recipe has code rewritten."""
    return recipe.get("rewriting") is not None


def compares_texts(recipe: Mapping[str, Any]) -> bool:
    """Whether a manifest's recipe looks for near duplicates."""
    section = recipe.get("deduplication")
    return isinstance(section, dict) and section.get("near") is not None


def _counted(name: str) -> Callable[[Record], int]:
    return lambda record: msgspec.convert(record.counts[name], int)


def _of_length(place: int, name: str) -> Callable[[Record], int]:
    """Rows of one of the two files of the context length at some place."""
    return lambda record: msgspec.convert(record.counts["lengths"], list[dict[str, Any]])[place][name]


BESIDE = (
    ReleaseFolder("attribution", "attribution", documents),
    ReleaseFolder("texts", "texts", documents, lambda recipe: texts_format(recipe) != "off", texts_format),
    ReleaseFolder("rewrites", "rewritten", _counted("rewrites"), rewrites_code),
    ReleaseFolder("held_out", "held_texts", _counted("held_out"), holds_out),
    ReleaseFolder("index", "index", _counted("indexed")),
    ReleaseFolder("bands", "bands", _counted("bands")),
    ReleaseFolder("documents", "documents", _counted("documents_told")),
    ReleaseFolder("lookup", "lookup", _counted("lookup"), step="locate"),
)
_SUFFIXES = "|".join(re.escape(form) for form in get_args(TextsFormat))
_PACKED = rf"(?:{DATA}|{POSITIONS})(?:-[1-9]\d*)?"
_SHARD = r"/shard-\d{5}-of-\d{5}"
PACKED_FILE = re.compile(rf"{_PACKED}{_SHARD}\.parquet")
SHARD_FILE = re.compile(rf"(?:{_PACKED}|{'|'.join(folder.name for folder in BESIDE)}){_SHARD}\.(?:{_SUFFIXES})")


def length_suffixes(sequence_tokens: Sequence[int]) -> list[str]:
    """What follows `data` and `positions` in the names of the folders of each context length."""
    return [f"-{length}" if place else "" for place, length in enumerate(sequence_tokens)]


def packed_tables(sequence_tokens: Sequence[int]) -> list[tuple[str, str]]:
    """The outputs of pack for each context length: its rows and its positions. They are numbered by its place."""
    ends = ["", *(f"_{place}" for place in range(1, len(sequence_tokens)))]
    return [(f"shard{end}", f"positions{end}") for end in ends[: len(sequence_tokens)]]


def sequence_lengths(recipe: Mapping[str, Any]) -> list[int]:
    """The context lengths of a recipe as it stands in a manifest; none where it does not say any."""
    section = recipe.get("packing")
    stated = section.get("sequence_tokens") if isinstance(section, dict) else None
    lengths = stated if isinstance(stated, list) else [stated]
    sound = [length for length in lengths if isinstance(length, int) and not isinstance(length, bool)]
    return sound if sound == lengths else []


def folders_packed(recipe: Mapping[str, Any]) -> list[ReleaseFolder]:
    """The folders of packed rows and of their positions, length by length."""
    lengths = sequence_lengths(recipe)
    return [
        folder
        for place, (suffix, tables) in enumerate(zip(length_suffixes(lengths), packed_tables(lengths), strict=True))
        for folder in (
            ReleaseFolder(DATA + suffix, tables[0], _of_length(place, "rows")),
            ReleaseFolder(POSITIONS + suffix, tables[1], _of_length(place, "positions")),
        )
    ]


def folders_of(recipe: Mapping[str, Any]) -> list[ReleaseFolder]:
    """The folders of a release, by the recipe as it stands in its manifest."""
    return [*folders_packed(recipe), *(folder for folder in BESIDE if folder.asked_for(recipe))]


def shard_files(folder: ReleaseFolder, recipe: Mapping[str, Any], count: int) -> list[str]:
    """The files of a folder, by number of partition, where there are `count` of them.

    Args:
        recipe: as it stands in the manifest.
    """
    return [f"{folder.name}/shard-{number:05d}-of-{count:05d}.{folder.suffix(recipe)}" for number in range(count)]


def shard_of(path: str) -> str:
    """The shard of data that a file of another folder belongs to."""
    return f"{DATA}/{path.partition('/')[2].partition('.')[0]}.parquet"
