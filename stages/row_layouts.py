"""Row layouts: what the fields of a row mean, whatever container they came in.

A layout is a preset of a published data set, whose fields have fixed types, or `Columns`, which names the fields as the
recipe does. A row of a repository (`Columns.files`) gives one document for each of its files.

What a repository says of itself (licence, stars, dates) belongs to each of its files and is repeated in the metadata of
each. So that a row cannot grow by its own square, `MAXIMUM_SHARED_CHARACTERS` of it are repeated at most: a field that
does not fit is left out, but never a named one, nor evidence of a licence, whose loss could let a file through.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from stages.blob_rows import BlobRow, blob_row
from stages.pull_requests import pull_request_row
from stages.row_presets import PRESETS, PresetName, preset_row
from stages.rows import Fault, Fields, Row, json_object, missing_text

RowFormat = PresetName | Literal["stack-v2-ids", "pull-requests", "columns"]
Path = tuple[str, ...]
Item = Row | BlobRow | Fault

MAXIMUM_SHARED_CHARACTERS = 1 << 14
_FILES = ("files",)  # where The Stack v2 has the files of a repository

# All that a decision is made from: `pipeline.measuring.RowFacts` reads these fields, and no others.
_EVIDENCE = (
    *("detected_licenses", "license_type", "gha_license_id", "star_events_count"),
    *("revision_id", "revision_date", "directory_id"),
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the fields that make a document; dots lead into nested objects (`meta.pile_set_name`).

    Attributes:
        text: the only one that a row must have.
        files: a list of objects, each a file. Its text is looked up in the file, all else in the file and then in the
            row.
    """

    text: str
    subset: str | None = None
    language: str | None = None
    repo: str | None = None
    path: str | None = None
    files: str | None = None


class Layout(NamedTuple):
    """How rows become parts of documents.

    Attributes:
        text: where the text stands in a row, or in a file of it; of a format without texts, what it is fetched by.
        files: where the list of files stands; None where a row is one document.
        named: where else the recipe looks; empty for a preset, whose other fields may be absent.
        parts: the parts of one row, in order, or faults; it may change the fields it is given. The reasons: those of
            `json_object`, `missing_text` (absent or null), `wrong_type`, and for repositories `missing_files` (absent
            or null), `no_files` (an empty list), `metadata_too_long` (the repository's name or what decides); for pull
            requests `invalid_diff`; for rows without texts those of `stages.blob_rows.blob_row`.
        files_optional: whether rows may have no list of files, and are one file then.
    """

    text: Path
    files: Path | None
    parts: Callable[[Fields], Iterable[Item]]
    named: tuple[Path, ...] = ()
    files_optional: bool = False


def row_layout(row_format: RowFormat, columns: Columns | None = None) -> Layout:
    """The layout of a format; `columns` names the fields of the format of that name."""
    if row_format == "pull-requests":
        return Layout(("diff",), None, lambda row: (pull_request_row(row),))
    if row_format == "stack-v2-ids":
        return Layout(("blob_id",), _FILES, _blob_rows, files_optional=True)
    if row_format != "columns":
        preset = PRESETS[row_format]
        return Layout((preset.text,), None, lambda row: (preset_row(row, preset),))
    if columns is None:
        raise ValueError("the format `columns` needs the names of the columns")
    paths = {part: tuple(name.split(".")) for part, name in asdict(columns).items() if name}
    text, files = paths.pop("text"), paths.pop("files", None)
    if files is None:
        return Layout(text, None, lambda row: (_named_row(row, text, paths),), tuple(paths.values()))
    named = tuple(paths.values())
    needed = [path[0] for path in named]

    def parts(row: Fields) -> Iterator[Item]:
        return _file_rows(row, files, needed, lambda entry, shared: _named_row(entry, text, paths, shared))

    return Layout(text, files, parts, named)


def _blob_rows(row: Fields) -> Iterable[Item]:
    if row.get(_FILES[0]) is None:
        return (blob_row(row),)
    return _file_rows(row, _FILES, ("repo_name",), lambda entry, shared: blob_row(_with_shared(entry, shared)))


def _file_rows(
    row: Fields, files: Path, needed: Iterable[str], part: Callable[[Fields, Fields], Item]
) -> Iterator[Item]:
    """The parts of a repository's row.

    Args:
        needed: fields of the row that each file gets, whatever their length.
        part: of a file, and of what it gets of the row.
    """
    name = ".".join(files)
    try:
        entries = _taken(row, files)
    except msgspec.ValidationError as error:
        yield Fault("wrong_type", str(error))
        return
    if entries is None:
        yield Fault("missing_files", f"no `{name}`")
    elif not isinstance(entries, list):
        yield Fault("wrong_type", f"expected a list, got {type(entries).__name__} - at `{name}`")
    elif not entries:
        yield Fault("no_files", f"`{name}` is empty")
    elif isinstance(shared := _shared(row, needed), Fault):
        yield shared
    else:
        for entry in entries:
            if isinstance(entry, dict):
                yield part(entry, shared)
            else:
                yield Fault("wrong_type", f"expected an object, got {type(entry).__name__} - in `{name}`")


def _shared(row: Fields, named: Iterable[str]) -> Fields | Fault:
    """What each file of a repository's row gets of the row: what is needed, then as many of the other fields as fit."""
    needed = dict.fromkeys(name for name in (*_EVIDENCE, *named) if name in row)
    shared: Fields = {}
    num_characters = 0
    for name in needed | row:
        encoded = json_object({name: row[name]})
        if isinstance(encoded, Fault):
            return encoded
        if num_characters + len(encoded) <= MAXIMUM_SHARED_CHARACTERS:
            shared[name] = row[name]
            num_characters += len(encoded)
        elif name in needed:
            detail = f"expected at most {MAXIMUM_SHARED_CHARACTERS} characters of JSON - at `{name}`"
            return Fault("metadata_too_long", detail)
    return shared


def _named_row(fields: Fields, text: Path, paths: Mapping[str, Path], shared: Fields | None = None) -> Row | Fault:
    """A document whose fields have the recipe's names.

    Args:
        fields: of the row, or of a file of it; the text is taken out of them.
        shared: where `fields` are a file's: what it gets of the row around it.
    """
    try:
        content = _taken(fields, text)
        found = {part: _string(fields, path) or _string(shared, path) for part, path in paths.items()}
    except msgspec.ValidationError as error:
        return Fault("wrong_type", str(error))
    if content is None:
        return missing_text(".".join(text))
    if not isinstance(content, str):
        return Fault("wrong_type", f"expected a string, got {type(content).__name__} - at `{'.'.join(text)}`")
    if shared:
        fields = _with_shared(fields, shared)
    metadata = json_object(fields)
    if isinstance(metadata, Fault):
        return metadata
    repo, path = found.get("repo", ""), found.get("path", "")
    key = f"{repo}:{path}" if "repo" in paths or "path" in paths else ""
    return Row(content, found.get("subset", ""), found.get("language", ""), repo, path, key, metadata)


def _with_shared(fields: Fields, shared: Fields) -> Fields:
    """The fields of a file and what it gets of its repository's row."""
    # A null of the file says nothing: Parquet has one wherever a file lacks a field that another file has.
    return shared | {name: value for name, value in fields.items() if value is not None or name not in shared}


def _at(row: Any, path: Path) -> Any:
    """What stands at a path; None where something on the way is absent or null."""
    value = row
    for depth, name in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            where = ".".join(path[:depth])
            raise msgspec.ValidationError(f"expected an object, got {type(value).__name__} - at `{where}`")
        value = value.get(name)
    return value


def _string(row: Fields | None, path: Path) -> str:
    value = _at(row, path)
    if value is not None and not isinstance(value, str):
        raise msgspec.ValidationError(f"expected a string, got {type(value).__name__} - at `{'.'.join(path)}`")
    return value or ""


def _taken(row: Fields, path: Path) -> Any:
    """What stands at a path, taken out of the row."""
    value = _at(row, path)
    if value is not None:
        del _at(row, path[:-1])[path[-1]]
    return value
