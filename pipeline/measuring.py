"""Measuring: what ingest writes down of a document, so that no later decision needs its text.

Where it stands, its language, licence evidence, the value of every signal that bounds it; and its sketch, which is what
duplicates are found by.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from filters.content_languages import content_language
from filters.licence_evidence import Evidence, header_evidence, metadata_evidence
from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS
from filters.natural_languages import has_prose, natural_language
from filters.notices import Notices
from filters.programming_languages import programming_language
from filters.signals import Signal, resolve
from filters.text_views import utf8_bytes
from manifests.document import ID_BYTES, Document
from pipeline.licence_gathering import KEY
from pipeline.recipe import Recipe
from pipeline.recipe_filters import DocumentClass
from pipeline.shards import shard_source
from pipeline.sketches import Sketch, sketching
from pipeline.stage_clock import StageClock
from stages.content_names import CONTENT_NAMES, content_names
from stages.readers import ShardSource

ROWS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        *CONTENT_NAMES,
        pa.field("shard", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("part", pa.int64()),
        pa.field("num_bytes", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("source", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("language", pa.string()),
        pa.field("natural_language", pa.string()),
        pa.field("natural_confidence", pa.float64()),
        pa.field("repo", pa.string()),
        pa.field("path", pa.string()),
        pa.field("metadata", pa.string()),
        pa.field("revision", pa.string()),
        pa.field("licence_metadata", pa.string()),
        pa.field("licence_metadata_where", pa.string()),
        pa.field("licence_tags", pa.string()),
        pa.field("licence_tags_where", pa.string()),
        pa.field("notices", pa.list_(KEY)),
        pa.field("notice_lines", pa.list_(pa.int64())),
        pa.field("notices_at_end", pa.list_(pa.bool_())),
        pa.field("notices_complete", pa.bool_()),
        pa.field("stars", pa.int64()),
        pa.field("recency", pa.int64()),
        pa.field("signals", pa.list_(pa.float64())),
    ]
)
_NOT_TEXT = "(licence field is no text)"  # no expression can be read from it, so it is never taken for no evidence
_UNKNOWN = "LicenseRef-scancode-unknown"  # nothing allows it
_NOTHING = Evidence("metadata", "", "")
_MAXIMUM_STARS = (1 << 31) - 1
_FIRST_DAY = date(1970, 1, 1)


class RowFacts(msgspec.Struct):
    """What of a row's metadata speaks of licences and of its rank among duplicates; any JSON may stand there."""

    detected_licenses: Any = None
    license_type: Any = None
    gha_license_id: Any = None
    star_events_count: Any = None
    revision_id: Any = None
    revision_date: Any = None
    directory_id: Any = None

    def licences(self) -> Evidence:
        """What the metadata says, and which fields of it; an empty expression for nothing.

        One that nothing allows where a field is of a wrong type, and where they say more than can be read. The type
        says something only where no licence is named: `non_permissive` is then one that nobody knows.
        """
        detected = [self.detected_licenses] if isinstance(self.detected_licenses, str) else self.detected_licenses or []
        named = self.gha_license_id
        if not isinstance(detected, list) or not all(isinstance(item, str) for item in detected):
            return Evidence("metadata", _NOT_TEXT, "detected_licenses")
        if named is not None and not isinstance(named, str):
            return Evidence("metadata", _NOT_TEXT, "gha_license_id")
        evidence = metadata_evidence(detected, named)
        if evidence is None:
            is_unknown = self.license_type == "non_permissive"
            return Evidence("metadata", _UNKNOWN, "license_type") if is_unknown else _NOTHING
        if len(evidence.expression) > MAXIMUM_EXPRESSION_CHARACTERS:
            return Evidence("metadata", _UNKNOWN, evidence.where)  # it is repeated for every copy of the row's file
        return evidence

    def revision(self) -> str:
        """The revision of the repository; empty where the row gives no text."""
        return self.revision_id if isinstance(self.revision_id, str) else ""

    def stars(self) -> int:
        """Stars of the repository, 0 where the row gives no number."""
        stars = self.star_events_count
        return max(0, min(int(stars), _MAXIMUM_STARS)) if isinstance(stars, int | float) else 0

    def recency(self) -> int:
        """Days from 1970-01-01 to the date of the revision; 0 where the row gives no date after that."""
        try:
            return max(0, (date.fromisoformat(str(self.revision_date)[:10]) - _FIRST_DAY).days)
        except ValueError:
            return 0

    def directory(self) -> str:
        """What names all files of the revision together, as git does; empty where the row gives no text."""
        return self.directory_id if isinstance(self.directory_id, str) else ""


facts_of = msgspec.json.Decoder(RowFacts).decode


class Raw(NamedTuple):
    """A document before it was put in form.

    Attributes:
        num_bytes: of its text in UTF-8.
        encoding: what the text was decoded from, see `stages.text_forms.source_encoding`.
    """

    document: Document
    num_bytes: int
    encoding: str = ""


class Measured(NamedTuple):
    """A row of `ROWS`, and one of `SKETCHES`."""

    row: tuple[object, ...]
    sketch: Sketch


def measuring(
    recipe: Recipe, clock: StageClock | None = None
) -> Callable[[Document, Raw, RowFacts, Notices], Measured]:
    """A function from a document in its form, what it was made of, its facts and notices to what is measured.

    Args:
        clock: is told of stages `identify` (languages), `sign` (sketches) and `measure` (all else).
    """
    clock = clock or StageClock()
    sources = {source.name: shard_source(source) for source in recipe.sources}
    from_content = recipe.languages.programming.from_content
    identify, measure = clock.timing("identify", identified), _signals(recipe)
    sketch = clock.timing("sign", sketching(recipe.deduplication.near))

    def measured(formed: Document, raw: Raw, facts: RowFacts, notices: Notices) -> Measured:
        document, natural, confidence = identify(formed, sources[formed.source], from_content=from_content)
        encoded = utf8_bytes(document.text)  # which signals read, too
        tags, said = header_evidence(document.text), facts.licences()
        row = (
            bytes.fromhex(document.id),
            *content_names(raw.document, kind=document.kind, encoding=raw.encoding),
            document.shard,
            document.row,
            document.part,
            raw.num_bytes,
            document.kind,
            document.source,
            document.subset,
            document.language,
            natural,
            confidence,
            document.repo,
            document.path,
            document.metadata,
            facts.revision(),
            said.expression,
            said.where,
            tags.expression if tags else "",
            tags.where if tags else "",
            [notice.key for notice in notices.found],
            [notice.line for notice in notices.found],
            [notice.at_end for notice in notices.found],
            notices.complete,
            facts.stars(),
            facts.recency(),
            measure(document),
        )
        return Measured(row, sketch(encoded))

    return clock.timing("measure", measured)


def identified(
    document: Document, source: ShardSource, *, from_content: bool
) -> tuple[Document, str | None, float | None]:
    """The document with its language, and the natural language of its prose with how sure that is.

    A language that the row names is believed. Code without one is known by its name, or, where it has none, by its
    content; a name that says nothing is mostly that of data. The kind may follow from the language. Text without one is
    called by its natural language. No natural language (None) is looked for in code that is no prose.
    """
    kind, language = document.kind, document.language
    if kind == "code" and not language:
        language = programming_language(document.path, document.text)
        if not language and not document.path and from_content:
            language = content_language(document.text)
        kind = source.kind_of(document.subset, language)
    natural: str | None = None
    confidence: float | None = None
    if has_prose(kind, language):
        natural, confidence = natural_language(document.text)
        if kind == "text" and not language:
            language = natural
    if (kind, language) != (document.kind, document.language):
        document = replace(document, kind=kind, language=language)
    return document, natural, confidence


def _signals(recipe: Recipe) -> Callable[[Document], list[float | None]]:
    names = recipe.filters.signals
    places = {name: place for place, name in enumerate(names)}

    @cache
    def wanted(group: DocumentClass) -> list[tuple[int, Signal]]:
        return [(places[name], resolve(name)) for name in recipe.filters.measured(*group)]

    def measure(document: Document) -> list[float | None]:
        values: list[float | None] = [None] * len(names)
        group = recipe.filters.class_of(document.kind, document.subset, document.language)
        for place, signal in wanted(group):
            values[place] = signal(document)
        return values

    return measure
