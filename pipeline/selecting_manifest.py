"""The manifest of a selection: its parent's, with all numbers about documents, tokens and packing of its own.

Ledgers and whatever else tells of the run stay as they are: a selection explains the difference. Of the mixture only
what was reached is its own: shares, estimates and targets are those of the recipe that the parent was made by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from manifests.release import DocumentClass, Manifest
from manifests.release_lineage import ReleaseParent, ReleaseSelection
from manifests.release_mixture import ReleaseMixture
from manifests.release_rewriting import ReleaseRewriting
from pipeline.packed_set import PackedCounts
from pipeline.recipe_mixture import Mixture
from pipeline.release_manifest import release_packing
from pipeline.release_mixture import by_kind
from pipeline.removal_manifest import words_left
from pipeline.software import software_versions


@dataclass(frozen=True, slots=True)
class Selected:
    """What was written.

    Attributes:
        packed: of each shard.
        held_out: documents of `held_out/`.
        not_known: documents by what their attribution does not know, then by kind.
        rewrites: documents and bytes by language.
    """

    documents: list[DocumentClass]
    packed: Sequence[PackedCounts]
    held_out: int
    not_known: dict[str, dict[str, int]]
    rewrites: Mapping[str, Sequence[int]]


def selected_manifest(parent: Manifest, selected: Selected, *, where: str, name: str, version: str) -> Manifest:
    """The manifest but for its files.

    Args:
        parent: of the release that was cut.
        where: the condition.
    """
    documents = selected.documents
    return msgspec.structs.replace(
        parent,
        name=name,
        version=version,
        written_by=software_versions()["corpusmill"],
        mixture=_mixture(parent, documents),
        packing=release_packing(parent.packing.mode, selected.packed),
        documents=documents,
        licence_words=words_left(parent, documents),
        held_out=selected.held_out,
        not_known=selected.not_known,
        files=[],
        rewriting=_rewriting(parent, selected.rewrites),
        content="",
        parent=ReleaseParent(name=parent.name, version=parent.version, digest=parent.digest),
        selection=_selection(parent, selected, where),
        packed_as=None,
    )


def _selection(parent: Manifest, selected: Selected, where: str) -> ReleaseSelection:
    """What a selection of a selection leaves out is counted from the release that the first one was cut from."""
    before = parent.selection
    counts = {
        "documents": _left_out(parent, selected, "documents"),
        "num_bytes": _left_out(parent, selected, "num_bytes"),
    }
    counts["held_out"] = parent.held_out - selected.held_out
    if before is None:
        return ReleaseSelection(where=where, **counts)
    counts = {count: number + getattr(before, count) for count, number in counts.items()}
    return ReleaseSelection(where=f"({before.where}) and ({where})", **counts)


def _left_out(parent: Manifest, selected: Selected, what: str) -> int:
    before, after = (sum(getattr(row, what) for row in rows) for rows in (parent.documents, selected.documents))
    return int(before - after)


def _mixture(parent: Manifest, documents: Sequence[DocumentClass]) -> ReleaseMixture:
    mixture, asked = parent.mixture, Mixture.model_validate(parent.recipe.get("mixture", {}))
    reached: dict[tuple[str, str], int] = {}
    for row in documents:
        domain = row.kind, asked.domain_of(row.kind, row.subset, row.language)
        reached[domain] = reached.get(domain, 0) + row.tokens
    domains = [
        msgspec.structs.replace(domain, reached_tokens=reached.get((domain.kind, domain.name), 0))
        for domain in mixture.domains
    ]
    sums = by_kind(domains, "reached_tokens", mixture.shares)
    return msgspec.structs.replace(mixture, reached_tokens=sums, domains=domains)


def _rewriting(parent: Manifest, rewrites: Mapping[str, Sequence[int]]) -> ReleaseRewriting | msgspec.UnsetType:
    """What the model made of the code stays; how much of it is in the release is counted anew."""
    if not isinstance(parent.rewriting, ReleaseRewriting):
        return msgspec.UNSET
    languages = {}
    for language, account in parent.rewriting.languages.items():
        documents, num_bytes = rewrites.get(language, (0, 0))
        languages[language] = msgspec.structs.replace(account, released_documents=documents, released_bytes=num_bytes)
    return msgspec.structs.replace(parent.rewriting, languages=languages)
