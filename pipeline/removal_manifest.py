"""The manifest of a release out of which documents were taken: the parent's, with the figures of what is left."""

import re
from collections.abc import Iterable

import msgspec

from manifests.errors import RecipeError
from manifests.release import DocumentClass, Manifest
from manifests.release_lineage import ReleaseOptOuts, ReleaseParent, ReleaseRemovals
from manifests.release_mixture import ReleaseMixture
from manifests.release_packing import ContextLength, PackingFigures, ReleasePacking
from manifests.release_rewriting import ReleaseRewriting, RewrittenLanguage
from pipeline.recipe_mixture import Mixture
from pipeline.removal_figures import Change, added, merged
from pipeline.software import software_versions

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def next_version(version: str, asked: str | None) -> str:
    """The version of the new release: the one asked for, else the next patch.

    Raises:
        RecipeError: the one asked for is none, or not above the parent's.
    """
    numbers = _numbers(version)
    if asked is None:
        return ".".join(map(str, (*numbers[:2], numbers[2] + 1)))
    if not _VERSION.fullmatch(asked) or _numbers(asked) <= numbers:
        raise RecipeError(
            f"--version: expected three numbers above {version}, got {asked[:40]!r}",
            hint="leave it out to raise the third number",
        )
    return asked


def patched(parent: Manifest, version: str, change: Change, opt_outs: ReleaseOptOuts) -> Manifest:
    """The new manifest, but for its files and for `removals`."""
    documents = _documents(parent.documents, change)
    tokens = dict.fromkeys(parent.mixture.shares, 0)
    for row in documents:
        tokens[row.kind] = tokens.get(row.kind, 0) + row.tokens
    changed = parent.rewriting
    if isinstance(changed, ReleaseRewriting):
        changed = _rewriting(changed, change)
    return msgspec.structs.replace(
        parent,
        version=version,
        written_by=software_versions()["corpusmill"],
        mixture=_mixture(parent, change, tokens),
        packing=_packing(parent.packing, change, tokens),
        documents=documents,
        licence_words=words_left(parent, documents),
        held_out=parent.held_out + change.held_out,
        not_known={
            name: {kind: count + change.not_known[name, kind] for kind, count in by_kind.items()}
            for name, by_kind in parent.not_known.items()
        },
        files=[],
        content="",
        rewriting=changed,
        parent=ReleaseParent(name=parent.name, version=parent.version, digest=parent.digest),
        opt_outs=opt_outs,
        packed_as=parent.label,
    )


def words_left(parent: Manifest, documents: Iterable[DocumentClass]) -> dict[str, str]:
    """What the parent says of the licences that are left: other versions might say it in other words."""
    licences = {row.licence for row in documents}
    return {licence: words for licence, words in parent.licence_words.items() if licence in licences}


def with_removals(manifest: Manifest, removals: ReleaseRemovals) -> Manifest:
    """The manifest with what was taken out since the run."""
    return msgspec.structs.replace(manifest, removals=removals)


def summed(changes: Iterable[Change]) -> Change:
    """Changes of several shards, together."""
    total = Change()
    for change in changes:
        for names, numbers in change.classes.items():
            total.add_class(names, *numbers)
        total.not_known.update(change.not_known)
        for language, (documents, num_bytes) in change.rewrites.items():
            sums = total.rewrites.setdefault(language, [0, 0])
            sums[0] += documents
            sums[1] += num_bytes
        total.held_out += change.held_out
        total.packed.update(change.packed)
        total.forms.update(change.forms)
        for length, modes in change.lengths.items():
            total.add_modes(length, modes)
    return total


def _numbers(version: str) -> tuple[int, ...]:
    found = _VERSION.fullmatch(version)
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def _documents(classes: Iterable[DocumentClass], change: Change) -> list[DocumentClass]:
    left = []
    for row in classes:
        names = (row.kind, row.source, row.subset, row.language, row.licence)
        documents, num_bytes, tokens = change.classes.get(names, [0, 0, 0])
        if row.documents + documents:
            left.append(
                msgspec.structs.replace(
                    row,
                    documents=row.documents + documents,
                    num_bytes=row.num_bytes + num_bytes,
                    tokens=row.tokens + tokens,
                )
            )
    return left


def _mixture(parent: Manifest, change: Change, tokens: dict[str, int]) -> ReleaseMixture:
    rules = Mixture.model_validate(parent.recipe.get("mixture") or {})
    gone: dict[tuple[str, str], int] = {}
    for (kind, _source, subset, language, _licence), (*_, amount) in change.classes.items():
        key = kind, rules.domain_of(kind, subset, language)
        gone[key] = gone.get(key, 0) + amount
    domains = [
        msgspec.structs.replace(domain, reached_tokens=domain.reached_tokens + gone.get((domain.kind, domain.name), 0))
        for domain in parent.mixture.domains
    ]
    return msgspec.structs.replace(parent.mixture, reached_tokens=tokens, domains=domains)


def _packing(packing: ReleasePacking, change: Change, tokens: dict[str, int]) -> ReleasePacking:
    documents = {kind: count + change.packed[kind] for kind, count in packing.documents.items()}
    lengths = []
    for length in packing.lengths:
        modes: dict[str, dict[str, PackingFigures]] = {}
        for mode, by_kind in length.modes.items():
            changes = change.lengths.get(length.sequence_tokens, {}).get(mode, {})
            modes[mode] = {}
            for kind, figures in by_kind.items():
                own = changes.get(kind, PackingFigures())
                modes[mode][kind] = (
                    figures + own
                    if mode == packing.mode
                    else added(figures, own, tokens[kind], documents.get(kind, 0), length.sequence_tokens)
                )
        lengths.append(ContextLength(length.sequence_tokens, modes))
    return ReleasePacking(packing.mode, documents, merged(packing.forms, change.forms), lengths)


def _rewriting(rewriting: ReleaseRewriting, change: Change) -> ReleaseRewriting:
    languages: dict[str, RewrittenLanguage] = {}
    for language, one in rewriting.languages.items():
        documents, num_bytes = change.rewrites.get(language, [0, 0])
        languages[language] = msgspec.structs.replace(
            one,
            released_documents=one.released_documents + documents,
            released_bytes=one.released_bytes + num_bytes,
        )
    return msgspec.structs.replace(rewriting, languages=languages)
