"""Row presets: the rows of published data sets, whose fields have fixed types. One typed conversion checks them all."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from stages.rows import Fault, Fields, Row, json_object, missing_text

PresetName = Literal["stack-v2", "pile", "jsonl"]


class Preset(NamedTuple):
    """A data set's rows.

    Attributes:
        text: name of the field that holds the text.
        checked: the types of the fields that are looked at.
        row: from the checked fields and the metadata.
    """

    text: str
    checked: type[msgspec.Struct]
    row: Callable[[Any, str], Row]


def preset_row(fields: Fields, preset: Preset) -> Row | Fault:
    """The one document of a row; takes the text out of the fields.

    Returns:
        A Row, or the first fault that holds: of `json_object`, `missing_text` (absent or null), `wrong_type`.
    """
    try:
        checked = msgspec.convert(fields, preset.checked)
    except msgspec.ValidationError as error:
        if isinstance(whole := json_object(fields), Fault):
            return whole
        return missing_text(preset.text) if fields.get(preset.text) is None else Fault("wrong_type", str(error))
    del fields[preset.text]
    metadata = json_object(fields)
    return metadata if isinstance(metadata, Fault) else preset.row(checked, metadata)


class _StackV2(msgspec.Struct):
    """A file of The Stack v2 with its content: the fields of the data set card, all but the content nullable.

    Counts and ids are floats and dates may be numbers, because pandas writes columns with nulls that way.
    """

    content: str
    blob_id: str | None = None
    directory_id: str | None = None
    path: str | None = None
    content_id: str | None = None
    detected_licenses: list[str] | None = None
    license_type: str | None = None
    repo_name: str | None = None
    snapshot_id: str | None = None
    revision_id: str | None = None
    branch_name: str | None = None
    visit_date: str | float | None = None
    revision_date: str | float | None = None
    committer_date: str | float | None = None
    github_id: float | None = None
    star_events_count: float | None = None
    fork_events_count: float | None = None
    gha_license_id: str | None = None
    gha_event_created_at: str | float | None = None
    gha_created_at: str | float | None = None
    gha_language: str | None = None
    src_encoding: str | None = None
    language: str | None = None
    is_vendor: bool | None = None
    is_generated: bool | None = None
    length_bytes: float | None = None
    extension: str | None = None
    filename: str | None = None


class _PileMeta(msgspec.Struct):
    pile_set_name: str | None = None


class _Pile(msgspec.Struct):
    text: str
    meta: _PileMeta | None = None


class _Jsonl(msgspec.Struct):
    """Anybody's rows: the same name may mean something else here, so only the text has a fixed type."""

    text: str
    subset: Any = None
    source: Any = None
    language: Any = None


def _stack_v2_row(checked: _StackV2, metadata: str) -> Row:
    repo, path = checked.repo_name or "", checked.path or ""
    return Row(checked.content, "", checked.language or "", repo, path, f"{repo}:{path}", metadata)


def _pile_row(checked: _Pile, metadata: str) -> Row:
    subset = (checked.meta.pile_set_name if checked.meta else None) or ""
    return Row(checked.text, subset, "", "", "", "", metadata)


def _jsonl_row(checked: _Jsonl, metadata: str) -> Row:
    subset = next((name for name in (checked.subset, checked.source) if isinstance(name, str)), "")
    language = checked.language if isinstance(checked.language, str) else ""
    return Row(checked.text, subset, language, "", "", "", metadata)


PRESETS: Mapping[PresetName, Preset] = {
    "stack-v2": Preset("content", _StackV2, _stack_v2_row),
    "pile": Preset("text", _Pile, _pile_row),
    "jsonl": Preset("text", _Jsonl, _jsonl_row),
}
