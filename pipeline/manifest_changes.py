"""How two manifests differ: recipe, software, tokenizer, sources, kinds of files, tokens and ledgers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from manifests.ledger import Ledger
from manifests.release import CHAIN, Manifest
from manifests.release_inputs import ReleaseSource
from pipeline.release_changes import LedgerChange, SourceChange, TokenChange, ValueChange

_OF_RECIPE = {"name", "version"}  # they differ always
_MAXIMUM_DEPTH = 32


class ManifestChanges(NamedTuple):
    """All of them; see `pipeline.release_changes.ReleaseDiff`."""

    tokens: dict[str, list[TokenChange]]
    recipe: list[ValueChange]
    software: list[ValueChange]
    tokenizer: list[ValueChange]
    sources: list[SourceChange]
    folders: list[ValueChange]
    ledgers: list[LedgerChange]


def manifest_changes(old: Manifest, new: Manifest) -> ManifestChanges:
    """How the later manifest differs from the earlier one."""
    return ManifestChanges(
        tokens=_token_changes(old, new),
        recipe=_recipe_changes(old, new),
        software=_value_changes(old.software, new.software),
        tokenizer=_value_changes(*(msgspec.to_builtins(one.tokenizer) for one in (old, new))),
        sources=_source_changes(old, new),
        folders=_value_changes(_folders(old), _folders(new)),
        ledgers=_ledger_changes(old, new),
    )


def _recipe_changes(old: Manifest, new: Manifest) -> list[ValueChange]:
    """By dotted key: `mixture.shares.code`; lists are one value, but for those of sections with a name of their own."""
    return _value_changes(dict(_flat(_named(old.recipe))), dict(_flat(_named(new.recipe))))


def _folders(manifest: Manifest) -> dict[str, str]:
    """Folder -> what the names of its files end in; pages are in none, and removals come and go."""
    found = {}
    for file in manifest.files:
        folder, slash, name = file.path.partition("/")
        if slash and folder != "removals":
            found[folder] = name.partition(".")[2]
    return found


def _source_changes(old: Manifest, new: Manifest) -> list[SourceChange]:
    """Sources that are new, gone or not the same."""
    was, now = ({source.name: source for source in one.sources} for one in (old, new))
    found = [_source_change(name, was.get(name), now.get(name)) for name in sorted(was.keys() | now.keys())]
    return [change for change in found if change is not None]


def _token_changes(old: Manifest, new: Manifest) -> dict[str, list[TokenChange]]:
    """By kind, source, language and licence: values whose tokens differ, the largest difference first."""
    found = {}
    for name in ("kind", "source", "language", "licence"):
        was, now = ({key[0]: tokens for key, _, tokens in one.sums_by(name)} for one in (old, new))
        changes = [
            TokenChange(value=value, old=was.get(value, 0), new=now.get(value, 0))
            for value in sorted(was.keys() | now.keys())
            if was.get(value, 0) != now.get(value, 0)
        ]
        if changes:
            found[name] = sorted(changes, key=lambda one: (-abs(one.new - one.old), one.value))
    return found


def _ledger_changes(old: Manifest, new: Manifest) -> list[LedgerChange]:
    """Documents rejected by pass and stage/reason, where they differ."""
    found = []
    for step in CHAIN:
        was, now = (Ledger.from_json(one.ledgers.get(step, {})).rejected for one in (old, new))
        for reason in sorted(was.keys() | now.keys()):
            numbers = [side[reason].documents if reason in side else 0 for side in (was, now)]
            if numbers[0] != numbers[1]:
                found.append(LedgerChange(step=step, reason=reason, old=numbers[0], new=numbers[1]))
    return found


def _source_change(name: str, was: ReleaseSource | None, now: ReleaseSource | None) -> SourceChange | None:
    if was == now:
        return None
    before, after = ({} if one is None else {shard.name: shard for shard in one.shards} for one in (was, now))
    fields = [] if was is None or now is None else _value_changes(*(_without_shards(one) for one in (was, now)))
    return SourceChange(
        name=name,
        what="added" if was is None else "removed" if now is None else "changed",
        shards_added=len(after.keys() - before.keys()),
        shards_removed=len(before.keys() - after.keys()),
        shards_changed=sum(before[shard] != after[shard] for shard in before.keys() & after.keys()),
        fields=fields,
    )


def _without_shards(source: ReleaseSource) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(source)
    return {name: value for name, value in said.items() if name != "shards"}


def _value_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ValueChange]:
    """Keys of different values; null is as good as not there, which a section becomes that is given its keys."""
    return [
        ValueChange(key=key, old=old.get(key), new=new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _named(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with its sources by name."""
    kept = {key: value for key, value in recipe.items() if key not in _OF_RECIPE}
    sources = kept.get("sources")
    if isinstance(sources, list) and all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in sources):
        kept["sources"] = {one["name"]: one for one in sources}
    return kept


def _flat(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything in nested objects; an empty one is a value."""
    if isinstance(value, dict) and value and depth < _MAXIMUM_DEPTH:
        for name, part in value.items():
            yield from _flat(part, f"{key}.{name}" if key else str(name), depth + 1)
    else:
        yield key, value
