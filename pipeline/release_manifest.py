"""The manifest of a release that is about to be made, from the recipe, the plan and the records of all passes."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from filters.licence_words import licence_words
from manifests.errors import RecipeError
from manifests.inputs import open_input
from manifests.ledger import Ledger
from manifests.record import Record
from manifests.release import CHAIN, MANIFEST, SCHEMA_VERSION, DocumentClass, Manifest, ReleaseTokenizer
from manifests.release_inputs import EarlierRelease, ReleaseSource, SourceShard
from manifests.release_lineage import ReleaseParent
from manifests.release_packing import ContextLength, Mode, PackingFigures, ReleasePacking
from manifests.storage import Storage, file_sha256
from manifests.withdrawal import check_not_withdrawn
from pipeline.benchmark_files import benchmark_settings
from pipeline.opt_outs import released_opt_outs
from pipeline.packed_set import PackedCounts
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.recipe_tokens import TokenizerChoice
from pipeline.release_benchmarks import release_benchmarks
from pipeline.release_mixture import release_mixture
from pipeline.release_rewriting import release_rewriting
from pipeline.rewriting_settings import NOT_IN_BYTES
from pipeline.software import software_versions
from pipeline.steps import UnitContext
from pipeline.tokenizer_file import load_renderer, load_tokenizer
from stages.attribution import NOT_KNOWN
from stages.rendering import Renderer
from stages.tokenizing import TextTokenizer


def released_recipe(recipe: Recipe) -> dict[str, object]:
    """The recipe without anything that says where files lay; benchmarks by their hashes."""
    value: dict[str, object] = recipe.model_dump(
        mode="json",
        exclude={
            "work": True,
            "release": {"path", "parent"},
            "tokenizer": True,
            "sources": True,
            "licences": {"cache"},
            "deduplication": {"against"},
            "held_out": {"releases"},
            "opt_out": {"registry"},
            "decontamination": True,
            "executor": True,
            "slurm": True,
            "ray": True,
            "s3": True,
            "software_heritage": {"contents", "concurrency", "cache"},
            "rewriting": NOT_IN_BYTES,
        },
    )
    value["decontamination"] = benchmark_settings(recipe)
    value["tokenizer"] = recipe.tokenizer.model_dump(mode="json", exclude={"path"})
    sources = [source.model_dump(mode="json", exclude={"paths"}) for source in recipe.sources]
    value["sources"] = sorted(sources, key=lambda source: str(source["name"]))
    return value


def released_earlier(plan: Plan) -> list[EarlierRelease]:
    """The earlier releases that the recipe names, each once."""
    return list(
        {
            shard.digest: EarlierRelease(
                shard.release, shard.digest, shard.against, shard.holds_out, has_texts="texts" in shard.texts
            )
            for shard in plan.earlier
        }.values()
    )


def released_parent(recipe: Recipe) -> ReleaseParent | None:
    """The release before this one, if the recipe names one.

    Raises:
        RecipeError: there is none, or it was withdrawn.
        IntegrityError: its manifest is damaged.
    """
    if recipe.release.parent is None:
        return None
    folder = Storage(recipe.release.parent, recipe.s3.access)
    if not folder.exists(MANIFEST):
        raise RecipeError(
            f"release.parent: {folder.root}: expected the folder of a release, found no {MANIFEST} there",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    there = Manifest.read(folder)
    check_not_withdrawn(folder, there, what=f"release.parent: {folder.root}")
    return ReleaseParent(name=there.name, version=there.version, digest=there.digest)


def released_sources(recipe: Recipe, plan: Plan, digests: Mapping[str, str] | None = None) -> list[ReleaseSource]:
    """The sources of the recipe by name, with the shards that they had.

    Args:
        digests: sha256 of shards by name, of those whose digest the plan does not have; None where it is not known yet.
    """
    known = digests or {}
    shards: dict[str, list[SourceShard]] = {}
    for unit in plan.units:
        for shard in unit:
            digest = shard.sha256 or known.get(shard.name, "")
            shards.setdefault(shard.source, []).append(SourceShard(shard.name, shard.num_bytes, digest))
    return [
        ReleaseSource(
            source.name,
            source.format,
            source.kind,
            source.declared_licence,
            source.snapshot.isoformat() if source.snapshot else None,
            source.url,
            source.origin,
            shards[source.name],
        )
        for source in sorted(recipe.sources, key=lambda source: source.name)
    ]


def _shard_digests(context: UnitContext) -> dict[str, str]:
    """sha256 of every shard: ingest wrote down what it read to the end, which a damaged shard is not."""
    known = {
        name: digest
        for record in context.earlier["ingest"]
        for name, digest in msgspec.convert(record.counts["shards"], dict[str, str]).items()
    }
    for shard in (shard for unit in context.plan.units for shard in unit):
        if not shard.sha256 and shard.name not in known:
            with open_input(shard.found, context.recipe.s3.access) as file:
                known[shard.name] = file_sha256(file)
    return known


def new_manifest(context: UnitContext) -> Manifest:
    """The manifest but for the list of files, from the records of all passes."""
    recipe, records = context.recipe, context.earlier
    packs = records["pack"]
    documents = _classes(packs)
    packed = [msgspec.convert(record.counts, PackedCounts) for record in packs]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.name,
        version=recipe.version,
        recipe=released_recipe(recipe),
        software=software_versions(),
        written_by=software_versions()["corpusmill"],
        sources=released_sources(recipe, context.plan, _shard_digests(context)),
        earlier=released_earlier(context.plan),
        tokenizer=release_tokenizer(recipe.tokenizer, load_tokenizer(recipe), load_renderer(recipe)),
        ledgers={step: _ledger([*records[step], *context.failed[step]]) for step in CHAIN},
        failed_units=_failed_units(context),
        text_forms=_sum_counts(record.counts["text_forms"] for record in records["ingest"]),
        encodings=_sum_counts(record.counts["encodings"] for record in records["ingest"]),
        redactions=_redactions(records["clean"]),
        redacted_documents=_sum_counts(record.counts["redacted_documents"] for record in records["clean"]),
        benchmarks=release_benchmarks(recipe, records["clean"]),
        mixture=release_mixture(context, documents),
        packing=release_packing(recipe.packing.mode, packed),
        documents=documents,
        licence_words={row.licence: licence_words(row.licence) for row in documents},
        licence_counts=_licence_counts(context),
        duplicate_counts={
            "repository_copies": _total(context, "forks", "copies"),
            "unresolved": _total(context, "last_rounds", "unresolved"),
        },
        held_out=_total(context, "pack", "held_out"),
        not_known={name: _sum_counts(_not_known(record)[name] for record in packs) for name in NOT_KNOWN},
        files=[],
        rewriting=release_rewriting(context),
        parent=released_parent(recipe),
        opt_outs=released_opt_outs(recipe, context.plan.opt_outs),
    )


def release_tokenizer(chosen: TokenizerChoice, tokenizer: TextTokenizer, renderer: Renderer) -> ReleaseTokenizer:
    """What the manifest says of a tokenizer."""
    return ReleaseTokenizer(
        tokenizer.sha256,
        tokenizer.vocabulary_size,
        chosen.end_of_document,
        tokenizer.end_of_document_id,
        chosen.beginning_of_document,
        tokenizer.beginning_of_document_id,
        sorted(tokenizer.control_ids),
        renderer.template_ids,
    )


def _failed_units(context: UnitContext) -> list[str]:
    return [
        f"{', '.join(shard.name for shard in context.plan.units[record.unit])}: {record.failure.message}"
        for record in context.failed["ingest"]
        if record.failure
    ]


def release_packing(mode: Mode, counts: Sequence[PackedCounts]) -> ReleasePacking:
    """What the manifest says of the packing of all partitions."""
    lengths = []
    for parts in zip(*(count.lengths for count in counts), strict=True):
        modes: dict[str, dict[str, PackingFigures]] = {}
        for part in parts:
            for name, figures in part.modes.items():
                sums = modes.setdefault(name, dict.fromkeys(figures, PackingFigures()))
                modes[name] = {kind: sums[kind] + figures[kind] for kind in figures}
        lengths.append(ContextLength(parts[0].sequence_tokens, modes))
    documents = _sum_counts(count.documents for count in counts)
    return ReleasePacking(mode, documents, _sum_counts(count.forms for count in counts), lengths)


def _classes(packs: list[Record]) -> list[DocumentClass]:
    sums: dict[tuple[str, ...], list[int]] = {}
    for record in packs:
        for *names, documents, num_bytes, tokens in record.counts["classes"]:  # type: ignore[attr-defined]
            row = sums.setdefault(tuple(names), [0, 0, 0])
            for place, amount in enumerate((documents, num_bytes, tokens)):
                row[place] += amount
    return [
        msgspec.convert(dict(zip(DocumentClass.__struct_fields__, (*names, *row), strict=True)), DocumentClass)
        for names, row in sorted(sums.items())
    ]


def _total(context: UnitContext, step: str, name: str) -> int:
    return sum(int(record.counts[name]) for record in context.earlier[step])  # type: ignore[call-overload]


def _licence_counts(context: UnitContext) -> dict[str, int]:
    copies = _sum_counts(record.counts["copies"] for record in context.earlier["resolve"])
    return {
        "texts": _total(context, "look_up", "texts"),
        "undecided_texts": _total(context, "detect", "undecided"),
        "copies_elsewhere": copies["counted"],
    }


def _redactions(cleans: list[Record]) -> dict[str, dict[str, int]]:
    found = [msgspec.convert(record.counts["redactions"], dict[str, dict[str, int]]) for record in cleans]
    sources = sorted({source for counts in found for source in counts})
    return {source: _sum_counts(counts.get(source, {}) for counts in found) for source in sources}


def _not_known(record: Record) -> dict[str, object]:
    return msgspec.convert(record.counts["not_known"], dict[str, object])


def _sum_counts(parts: Iterable[object]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part in parts:
        assert isinstance(part, dict)  # noqa: S101 - an earlier pass wrote it
        for name, count in part.items():
            sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items()))


def _ledger(records: list[Record]) -> dict[str, object]:
    return Ledger.total(Ledger.from_json(record.ledger) for record in records if record.ledger).to_json()
