"""Reasons: why `plan` says that a unit is to be made, in words and with the names of what changed.

The record of a unit keeps short digests of what it was made from. They say which part changed; the recipe and the
versions of the last run, which lie in the work folder, say which key and which package. Where a run was stopped after
they had been replaced, the part alone is named. Costs one reading of the records, and nothing decides by it.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from pydantic import ValidationError

from manifests.errors import CorpusmillError, IntegrityError
from manifests.record import Origin, Record, record_name
from pipeline.origins import short_digest
from pipeline.recipe import Recipe
from pipeline.runner import StepState
from pipeline.software import software_versions
from pipeline.steps import Step
from pipeline.units import Mill, unit_identity, unit_inputs

_MANY = 5
_ABSENT = object()
# Settings that are no keys of a recipe, in words.
_WORDS = {
    "slices": "the number of slices",
    "slices_per_partition": "the number of slices",
    "units": "the number of input units",
    "source": "the settings of a source",
    "sources": "sources or their shards",
    "earlier": "earlier releases",
    "opt_outs": "the opt-out registry",
    "earlier_shard": "earlier releases",
    "tokenizer": "the tokenizer",
    "detector": "the licence detector",
    "decontamination": "the benchmarks",
}
Key = tuple[str, ...]


@dataclass(slots=True)
class Reasons:
    """Finds reasons for one mill; what the last run left is read once.

    Attributes:
        last: the recipe of the last run, None where it cannot be read.
    """

    mill: Mill
    last: Recipe | None = None
    _keys: dict[Key, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with suppress(IntegrityError, ValidationError):
            self.last = Recipe.model_validate_json(self.mill.work.read("recipe.json"))

    def of(self, state: StepState) -> dict[str, int]:
        """Reason -> number of units, for the units of a step that are to run."""
        found: dict[str, int] = {}
        records = self.mill.records(state.step)
        begun = any(record is not None for record in records)
        name = state.step.name
        present = self.mill.work.list(f"{name}/data") | self.mill.work.list(f"{name}/records") if state.units else {}
        for unit in state.units:
            reason = self._of_unit(state, unit, begun=begun, present=present)
            found[reason] = found.get(reason, 0) + 1
        return found

    def _of_unit(self, state: StepState, unit: int, *, begun: bool, present: Mapping[str, int]) -> str:
        record = self.mill.records(state.step)[unit]
        if record is None:
            if record_name(state.step.name, unit) in present:
                return "its record is damaged"
            return "the last run did not come to it" if begun else "never run"
        if record.failure is not None:
            return f"failed before: {record.failure.error}"
        gone = [name for name, o in sorted(record.outputs.items()) if present.get(o.file) != o.num_bytes]
        if gone:
            return f"an output is gone or cut: {_some(gone)}"
        changed = self._changed(state, record)
        if not changed:
            always = state.step.always and state.num_bytes is not None
            return "looks at files outside the work folder" if always else "an earlier step is made again"
        return "; ".join(changed)

    def _changed(self, state: StepState, record: Record) -> list[str]:
        if record.origin is None:
            known = state.num_bytes is not None
            return ["something changed; its record, of an earlier version, does not say what"] if known else []
        inputs = unit_inputs(self.mill, state.step, record.unit) if state.num_bytes is not None else {}
        old, new = record.origin, unit_identity(self.mill, state.step, record.unit, inputs).origin()
        changed = []
        if old.software != new.software:
            changed.append(f"software changed: {self._packages(old.software)}")
        if old.version != new.version:
            changed.append(f"this version of corpusmill does it differently (version {old.version} -> {new.version})")
        if old.settings != new.settings:
            changed.append(f"settings changed: {_some(self._settings(state.step, record.unit, old, new))}")
        changed += _shards(old.shards, new.shards)
        if state.num_bytes is not None and old.written != new.written:
            changed.append("what earlier steps wrote changed")
        return changed

    def _packages(self, digest: str) -> str:
        with suppress(IntegrityError, msgspec.MsgspecError):
            last = msgspec.json.decode(self.mill.work.read("software.json"), type=dict[str, str])
            now = software_versions()
            if short_digest(last) == digest:
                names = sorted(name for name in {*last, *now} if last.get(name) != now.get(name))
                return _some([f"{name} {last.get(name, 'absent')} -> {now.get(name, 'absent')}" for name in names])
        return "versions of packages"

    def _settings(self, step: Step, unit: int, old: Origin, new: Origin) -> list[str]:
        """Keys of the recipe where one is found to do it, else names of what the step depends on."""
        names = sorted({*old.settings, *new.settings})
        parts = {name: (old.settings.get(name), new.settings.get(name)) for name in names}
        changed = [name for name, (before, now) in parts.items() if before != now]
        place = (step.name, *(f"{name} {parts[name]}" for name in changed))
        if place not in self._keys:
            keys = list(self._changed_keys(step, unit, changed)) if self.last is not None else []
            self._keys[place] = keys or [_WORDS.get(name, name) for name in changed]
        return self._keys[place]

    def _changed_keys(self, step: Step, unit: int, parts: list[str]) -> Iterator[str]:
        """Changed keys of the recipe that, put into the last one by themselves, change one of these parts."""
        assert self.last is not None  # noqa: S101 - asked by the caller
        last, now = (recipe.model_dump(mode="json") for recipe in (self.last, self.mill.recipe))
        before = self._settings_under(self.last, step, unit)
        for keys in _changeable(last, list(_differences(last, now, ())), now):
            changed = _with(last, keys, now)
            with suppress(ValidationError, CorpusmillError, OSError):
                after = self._settings_under(Recipe.model_validate(changed), step, unit)
                if any(before.get(part) != after.get(part) for part in parts):
                    yield from (".".join(key) for key in keys)

    def _settings_under(self, recipe: Recipe, step: Step, unit: int) -> dict[str, str]:
        if not step.asked_for(recipe):
            return {}
        return unit_identity(replace(self.mill, recipe=recipe), step, unit, {}).origin().settings


def reason_lines(mill: Mill, steps: Sequence[StepState]) -> Iterator[str]:
    """Lines for people: steps that follow one another and have the same reasons share one."""
    reasons = Reasons(mill)
    said: list[tuple[list[str], str]] = []
    for state in steps:
        found = reasons.of(state)
        if not found:
            continue
        of = f" of {state.num_units:,} units: "
        several = len(found) > 1 or sum(found.values()) < state.num_units
        text = "; ".join(f"{number:,}{of}{reason}" if several else reason for reason, number in found.items())
        if said and said[-1][1] == text:
            said[-1][0].append(state.step.name)
        else:
            said.append(([state.step.name], text))
    if said:
        yield "why:"
    for names, text in said:
        yield f"  {names[0]}{f' to {names[-1]}' if len(names) > 1 else ''}: {text}"


def _shards(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changed = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    words = {
        "input shards changed": changed,
        "input shards added": sorted(new.keys() - old.keys()),
        "input shards gone": sorted(old.keys() - new.keys()),
    }
    return [f"{what}: {_some(names)}" for what, names in words.items() if names]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MANY:,} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more


def _differences(old: object, new: object, key: Key) -> Iterator[Key]:
    """Keys of the leaves that differ; members of a list that have names are told apart by them."""
    if old == new:
        return
    olds, news = _members(old), _members(new)
    if key and (olds is None or news is None):
        yield key
        return
    for name in dict.fromkeys([*(olds or {}), *(news or {})]):
        yield from _differences((olds or {}).get(name, _ABSENT), (news or {}).get(name, _ABSENT), (*key, name))


def _members(value: object) -> dict[str, object] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {item["name"]: item for item in value}
    return None


def _changeable(last: dict[str, Any], keys: Sequence[Key], now: object) -> Iterator[list[Key]]:
    """The keys one by one, but together with all of their section where one alone is no recipe: shares add up to 1."""
    together: dict[str, list[Key]] = {}
    for key in keys:
        try:
            Recipe.model_validate(_with(last, [key], now))
        except (ValidationError, CorpusmillError):
            together.setdefault(key[0], []).append(key)
        else:
            yield [key]
    yield from together.values()


def _with(last: dict[str, Any], keys: Sequence[Key], now: object) -> dict[str, Any]:
    """The last recipe's JSON with some keys as they are now."""
    changed = copy.deepcopy(last)
    for key in keys:
        _put(changed, key, _at(now, key))
    return changed


def _at(value: object, key: Key) -> object:
    for name in key:
        value = (_members(value) or {}).get(name, _ABSENT)
    return value


def _put(value: object, key: Key, leaf: object) -> None:
    """Change one leaf of a recipe's JSON; members of lists are only changed, never added or taken away."""
    for name in key[:-1]:
        value = (_members(value) or {}).get(name)
    if isinstance(value, dict):
        if leaf is _ABSENT:
            value.pop(key[-1], None)
        else:
            value[key[-1]] = leaf
