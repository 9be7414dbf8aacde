"""Pass 2a, licence detection: three steps of the barrier that tell what ingest's notices and licence files say.

    look_up  per slice of texts  each distinct text once; what an earlier run detected is known
    detect   per slice of texts  the detector reads what is left; answers go to the units and repositories that wait
    govern   per slice of repositories  licence files and manifests speak for the folders below them, nearest first;
                                        those at the top, of all revisions, for what has no path

Only `detect` loads the detector's index, and only where some text is left.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from filters.licence_evidence import EvidenceKind
from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS, joined
from filters.licence_files import nearest
from filters.licence_policy import MAXIMUM_WHERE
from filters.licence_sets import is_neutral
from pipeline.licence_gathering import ANY_REVISION, CLAIMS, KEY, MEMBERS, NOTICES, Place
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import table_of
from stages.licence_cache import LicenceCache
from stages.licence_detection import Detection, detect, detector_version, load

_ANSWER = [
    pa.field("key", KEY),
    *(pa.field(name, pa.string()) for name in ("expression", "granted")),
    pa.field("confidence", pa.float64()),
]
KNOWN = pa.schema(_ANSWER)
MISSING = pa.schema([pa.field("key", KEY), pa.field("text", pa.large_string())])
ANSWERS = pa.schema([*_ANSWER, pa.field("decided", pa.bool_())])
GOVERNED = pa.schema(
    [pa.field(name, pa.string()) for name in ("repo", "revision", "directory", "kind", "expression", "where")]
    + [pa.field("confidence", pa.float64())]
)
UNDECIDED = "LicenseRef-corpusmill-undecided"
NOT_UNDERSTOOD = "LicenseRef-scancode-unknown"
_CACHED_EVERY = 500


def _look_up(context: UnitContext) -> None:
    texts: dict[bytes, str] = {}
    for table in context.segments("notices"):
        for key, text in zip(table.column("key").to_pylist(), table.column("text").to_pylist(), strict=True):
            if text:
                texts.setdefault(key, text)
    known = context.clock.timing("recall", _cache(context.recipe).known)(texts)
    context.counts = {"texts": len(texts), "known": len(known)}
    with context.blocks("known", KNOWN) as out:
        out.write(table_of(((key, *answer[:3]) for key, answer in sorted(known.items())), KNOWN))
    with context.blocks("missing", MISSING) as out:
        out.write(table_of(((key, text) for key, text in sorted(texts.items()) if key not in known), MISSING))


def _detect(context: UnitContext) -> None:
    known = {
        row["key"]: Detection(row["expression"], row["granted"], row["confidence"])
        for row in context.table("known").to_pylist()
    }
    answers = known | _detected(context)
    waiting: dict[str, set[tuple[int, bytes]]] = {"unit": set(), "slice": set()}
    for table in context.segments("notices"):
        columns = (table.column(name).to_pylist() for name in ("key", "unit", "slice"))
        for key, unit, place in zip(*columns, strict=True):
            waiting["unit" if place < 0 else "slice"].add((unit if place < 0 else place, key))
    for table_name, name, num_blocks in (
        ("answers", "unit", len(context.plan.units)),
        ("claim_answers", "slice", context.plan.num_slices),
    ):
        with context.blocks(table_name, ANSWERS, num_blocks=num_blocks) as out:
            wanted = sorted(waiting[name])
            rows = ((key, *answers[key]) for _, key in wanted)
            out.write(table_of(rows, ANSWERS), np.array([place for place, _ in wanted], dtype=np.int64))


def _detected(context: UnitContext) -> dict[bytes, Detection]:
    """The answers to the texts that look_up did not know; the cache gets them as they come."""
    cache, fresh = _cache(context.recipe), dict[bytes, Detection]()
    blocks = context.inputs["missing"]
    missing = context.rows(blocks, MISSING, progress=lambda _bytes: context.progress(0))
    num_bytes = sum(segment.length for block in blocks for segment in block.segments)
    asked, texts = missing.column("key").to_pylist(), missing.column("text").to_pylist()
    timing = context.clock.timing
    detecting, keep = timing("detect", detect), timing("keep", cache.add)
    answers = paid = timing("recall", cache.known)(
        asked
    )  # a run that was stopped here has left answers since look_up asked
    undecided = 0
    for place, (key, text) in enumerate(zip(asked, texts, strict=True), 1):
        # Bytes that were read in a moment count as dealt with when their text is: this takes long.
        context.progress(num_bytes * place // len(asked) - num_bytes * (place - 1) // len(asked))
        if key in paid:
            continue
        fresh[key] = found = detecting(text, seconds=context.recipe.licences.text_seconds)
        undecided += not found.decided
        if len(fresh) >= _CACHED_EVERY:  # a run that is stopped keeps what it paid for
            keep(fresh)
            answers, fresh = answers | fresh, {}
    keep(fresh)
    context.counts = {"detected": len(asked) - len(paid), "undecided": undecided}
    return answers | fresh


class _Claim(NamedTuple):
    expression: str
    path: str
    confidence: float


_ROLES = ("licence_file", "notice_file", "manifest")
_Claims = dict[str, dict[str, list[_Claim]]]  # by role and folder


def _govern(context: UnitContext) -> None:
    answers = answers_of(context.segments("claim_answers"))
    claims: dict[tuple[str, str], _Claims] = {}
    for table in context.segments("claims"):
        for row in table.to_pylist():
            claim = _claim(row, answers)
            if claim is not None:
                role = "notice_file" if row["role"] == "licence_file" and is_neutral(claim.expression) else row["role"]
                by_role = claims.setdefault((row["repo"], row["revision"]), {name: {} for name in _ROLES})
                by_role[role].setdefault(row["directory"], []).append(claim)
    revisions: dict[str, list[str]] = {}
    for repo, revision in claims:
        revisions.setdefault(repo, []).append(revision)
    with context.blocks("governed", GOVERNED, num_blocks=len(context.plan.units)) as out:
        for table in context.segments("members"):
            rows: list[tuple[object, ...]] = []
            units: list[int] = []
            for member in table.to_pylist():
                place = Place(member["repo"], member["revision"], member["directory"])
                for kind, found in _speaking(claims, revisions, place):
                    rows.append((*place, kind, *_together(found)))
                    units.append(member["unit"])
            out.write(table_of(rows, GOVERNED), np.array(units, dtype=np.int64))


def _speaking(
    claims: dict[tuple[str, str], _Claims], revisions: dict[str, list[str]], place: Place
) -> Iterator[tuple[EvidenceKind, list[_Claim]]]:
    """What speaks for a place; for one at any revision, all that does at one of them, together."""
    if place.revision != ANY_REVISION:
        yield from _governing(claims.get(place[:2]), place.directory)
        return
    together: dict[EvidenceKind, list[_Claim]] = {}
    for revision in revisions.get(place.repo, ()):
        for kind, found in _governing(claims[place.repo, revision], place.directory):
            together.setdefault(kind, []).extend(found)
    yield from together.items()


def _governing(claims: _Claims | None, directory: str) -> Iterator[tuple[EvidenceKind, list[_Claim]]]:
    """What speaks for a folder: the nearest licence files, with the notes from there on down, and manifests.

    A note of somebody else's licence, or a file that only refers to another, takes no folder out of the licence that
    stands above it.
    """
    if claims is None:
        return
    licence, notes = nearest(directory, claims["licence_file"]), nearest(directory, claims["notice_file"])
    found = list(licence[1]) if licence else []
    if notes and (licence is None or len(notes[0]) >= len(licence[0])):
        found += notes[1]
    if found:
        yield "licence_file", found
    if manifest := nearest(directory, claims["manifest"]):
        yield "manifest", manifest[1]


def _claim(row: dict[str, Any], answers: dict[bytes, Detection]) -> _Claim | None:
    """What a licence file or manifest says; None for nothing."""
    found = [answers[key] for key in row["keys"]]
    said = [row["expression"]] if row["expression"] else []
    said += [expression_of(answer) for answer in found if expression_of(answer)]
    if not row["complete"]:
        said.append(UNDECIDED)
    if not said:
        if row["role"] == "notice_file" or (row["role"] == "licence_file" and not row["keys"]):
            return None  # a note without terms; a file without words, such as the target of a link
        said = [NOT_UNDERSTOOD]
    return _Claim(holding(said), row["path"], min((answer.confidence for answer in found), default=1.0))


def _together(claims: list[_Claim]) -> tuple[str, str, float]:
    """Everything that speaks for one folder: expressions joined with AND, paths, lowest confidence."""
    ordered = sorted(set(claims), key=lambda claim: (claim.path, claim.expression))
    paths = ", ".join(dict.fromkeys(claim.path for claim in ordered))
    expression = holding(claim.expression for claim in ordered)
    return expression, paths[:MAXIMUM_WHERE], min(claim.confidence for claim in ordered)


def holding(expressions: Iterable[str]) -> str:
    """Expressions joined with AND, each of them and all together no longer than what can be read.

    Evidence is repeated for every document that it speaks for, so a longer one gives way to one that nothing allows.
    """
    return _within_limit(joined(map(_within_limit, expressions)))


def _within_limit(expression: str) -> str:
    return expression if len(expression) <= MAXIMUM_EXPRESSION_CHARACTERS else UNDECIDED


def expression_of(answer: Detection) -> str:
    """The expression of an answer; one that nothing allows where there was no time to decide."""
    return answer.expression if answer.decided else UNDECIDED


def answers_of(tables: Iterable[pa.Table]) -> dict[bytes, Detection]:
    """Answers by key."""
    found: dict[bytes, Detection] = {}
    for table in tables:
        for row in table.to_pylist():
            key = row.pop("key")
            found[key] = Detection(**row)
    return found


def check_cache(recipe: Recipe) -> None:
    """Raise RecipeError, or NoSpaceError, where answers could not be kept: before a run, not after its first pass."""
    _cache(recipe).check_writable()


def _cache(recipe: Recipe) -> LicenceCache:
    return LicenceCache(recipe.licences.cache_folder, detector_version())


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "detector": detector_version(),
        "text_seconds": recipe.licences.text_seconds,
        "slices": plan.num_slices,
        "units": len(plan.units),
    }


STEPS = [
    Step("look_up", 2, "decide", "slices", (Read("ingest", "notices", "blocks", NOTICES),), _settings, _look_up),
    Step(
        name="detect",
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(
            Read("look_up", "missing", "same", MISSING),
            Read("look_up", "known", "same", KNOWN),
            Read("ingest", "notices", "blocks", NOTICES),
        ),
        settings=_settings,
        run=_detect,
        prepare=lambda _recipe: load(),
        prepare_for="missing",
    ),
    Step(
        name="govern",
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(
            Read("ingest", "claims", "blocks", CLAIMS),
            Read("ingest", "members", "blocks", MEMBERS),
            Read("detect", "claim_answers", "blocks", ANSWERS),
        ),
        settings=_settings,
        run=_govern,
        version=2,
    ),
]
