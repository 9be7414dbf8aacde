"""Pass 9, release: put the shards in place and write the manifest last: a release is there whole or not at all."""

import re
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from filters.licence_words import licence_words
from manifests.errors import RecipeError, UnitError
from manifests.ledger import Ledger
from manifests.record import Record
from manifests.release import (
    CHAIN,
    MANIFEST,
    SCHEMA_VERSION,
    DocumentClass,
    EarlierRelease,
    Manifest,
    ReleaseFile,
    ReleaseMixture,
    ReleasePacking,
    ReleaseSource,
    ReleaseTokenizer,
    SourceShard,
)
from manifests.storage import TEMPORARY_NAME, Storage, file_sha256
from pipeline.benchmark_files import benchmark_settings
from pipeline.pass_4_mix import mixture_shares
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.release_benchmarks import release_benchmarks
from pipeline.release_folders import FOLDERS, SHARD_FILE, folders_of, shard_files
from pipeline.release_texts import card, summary
from pipeline.software import software_versions
from pipeline.steps import RECORDS, Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_bytes, tokenizer_settings
from stages.attribution import NOT_KNOWN

_OURS = re.compile(rf"{SHARD_FILE.pattern}|tokenizer/tokenizer\.json|SUMMARY\.md|README\.md|{TEMPORARY_NAME.pattern}")

_COUNTED = ("look_up", "detect", "forks", "last_rounds", "resolve", "mix", "settle")


def release_folder(recipe: Recipe) -> Storage:
    """Where the release is made."""
    return Storage(f"{recipe.release.path}/{recipe.name}-{recipe.version}")


def check_not_taken(recipe: Recipe, plan: Plan) -> None:
    """Raise RecipeError where the release cannot be put: another release, other people's files, no permission."""
    folder = release_folder(recipe)
    if not folder.exists(MANIFEST):
        others = [name for name in folder.list("") if not _OURS.fullmatch(name)]
        if others:
            raise RecipeError(
                f"{folder.root}: holds {others[0]!r}, which is no part of a release; expected an empty folder or none",
                hint="choose another release.path, name or version",
            )
        folder.check_writable()
        return
    there = Manifest.read(folder)
    if (there.recipe, there.sources, there.earlier, there.tokenizer.sha256, there.software) != (
        _recipe(recipe),
        _sources(recipe, plan),
        _earlier(plan),
        tokenizer_settings(recipe)["sha256"],
        software_versions(),
    ):
        raise RecipeError(
            f"{folder.root}: release {recipe.name} {recipe.version} exists and was made from another recipe, other "
            "inputs or other library versions; a release is never changed",
            hint="raise `version` in the recipe, or remove that folder if nobody uses it",
        )


def _release(context: UnitContext) -> None:
    recipe = context.recipe
    folder = release_folder(recipe)
    manifest = _manifest(context)
    shards = _shards(context)
    texts = {
        "tokenizer/tokenizer.json": tokenizer_bytes(recipe),
        "SUMMARY.md": summary(manifest).encode(),
        "README.md": card(manifest).encode(),
    }
    listed = [file for file, _ in shards]
    listed += [ReleaseFile(path, len(data), sha256(data).hexdigest()) for path, data in texts.items()]
    final = msgspec.structs.replace(manifest, files=sorted(listed, key=lambda file: file.path))
    final.check_accounts()
    data = final.to_bytes()
    if folder.exists(MANIFEST) and folder.read(MANIFEST) != data:
        raise UnitError(
            f"{folder.root}: release {recipe.name} {recipe.version} exists with other contents; it was not changed",
            hint="raise `version` in the recipe, or remove that folder if nobody uses it",
        )
    _place_shards(context, folder, shards)
    for path, text in texts.items():
        folder.write(path, text)
    folder.write(MANIFEST, data)
    folder.clear_temporary()
    with context.whole_file("manifest", ".json") as file:
        file.write(data)
    context.counts = {"digest": final.digest}


def _shards(context: UnitContext) -> list[tuple[ReleaseFile, str]]:
    """What pack made, as it will stand in the release; each with its file of the work folder."""
    records = sorted(context.earlier["pack"], key=lambda record: record.unit)
    shards = []
    for folder in folders_of(_recipe(context.recipe)):
        for path, record in zip(shard_files(folder.name, len(records)), records, strict=True):
            made = record.outputs[folder.table]
            shards.append((ReleaseFile(path, made.num_bytes, made.sha256, folder.rows(record)), made.file))
    return shards


def _place_shards(context: UnitContext, folder: Storage, shards: list[tuple[ReleaseFile, str]]) -> None:
    """Copy what pack made. A file that a stopped run left is kept if its bytes are right; other ones of ours go."""
    present = {path: size for known in FOLDERS for path, size in folder.list(known.name).items()}
    for file, made in shards:
        if present.pop(file.path, None) != file.num_bytes or not _holds(folder, file):
            context.storage.copy_to(made, folder, file.path, digest=file.sha256)
        context.progress(file.num_bytes)
    for path in present:
        if _OURS.fullmatch(path):
            folder.delete(path)


def _holds(folder: Storage, file: ReleaseFile) -> bool:
    with folder.open(file.path) as there:
        return file_sha256(there) == file.sha256


def _manifest(context: UnitContext) -> Manifest:
    recipe = context.recipe
    tokenizer = load_tokenizer(recipe)
    packs = context.earlier["pack"]
    documents = _classes(packs)
    reached = dict.fromkeys(mixture_shares(recipe), 0)
    for row in documents:
        reached[row.kind] += row.tokens
    settled = context.earlier["settle"][0].counts
    failed = [
        f"{', '.join(shard.name for shard in context.plan.units[record.unit])}: {record.failure.message}"
        for record in context.failed["ingest"]
        if record.failure
    ]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.name,
        version=recipe.version,
        recipe=_recipe(recipe),
        software=software_versions(),
        sources=_sources(recipe, context.plan),
        earlier=_earlier(context.plan),
        tokenizer=ReleaseTokenizer(
            tokenizer.sha256,
            tokenizer.vocabulary_size,
            recipe.tokenizer.end_of_document,
            tokenizer.end_of_document_id,
            sorted(tokenizer.control_ids),
        ),
        ledgers={step: _ledger([*context.earlier[step], *context.failed[step]]) for step in CHAIN},
        failed_units=failed,
        text_forms=_sum_counts(record.counts["text_forms"] for record in context.earlier["ingest"]),
        encodings=_sum_counts(record.counts["encodings"] for record in context.earlier["ingest"]),
        redactions=_sum_counts(record.counts["redactions"] for record in context.earlier["clean"]),
        benchmarks=release_benchmarks(recipe, context.earlier["clean"]),
        mixture=ReleaseMixture(
            mixture_shares(recipe),
            context.earlier["mix"][0].counts["estimated_tokens"],  # type: ignore[arg-type]
            settled["selected_tokens"],  # type: ignore[arg-type]
            settled["target_tokens"],  # type: ignore[arg-type]
            reached,
        ),
        packing=ReleasePacking(
            recipe.packing.sequence_tokens,
            _sum_counts(record.counts["sequences"] for record in packs),
            sum(int(record.counts["padding_tokens"]) for record in packs),  # type: ignore[call-overload]
            sum(int(record.counts["cut_documents"]) for record in packs),  # type: ignore[call-overload]
        ),
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
    )


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


def _recipe(recipe: Recipe) -> dict[str, object]:
    """The recipe without anything that says where files lay; benchmarks by their hashes."""
    value: dict[str, object] = recipe.model_dump(
        mode="json",
        exclude={
            "work": True,
            "release": {"path"},
            "tokenizer": True,
            "sources": True,
            "licences": {"cache"},
            "deduplication": {"against"},
            "held_out": {"releases"},
            "decontamination": True,
        },
    )
    value["decontamination"] = benchmark_settings(recipe)
    value["tokenizer"] = {"end_of_document": recipe.tokenizer.end_of_document}
    sources = [source.model_dump(mode="json", exclude={"paths"}) for source in recipe.sources]
    value["sources"] = sorted(sources, key=lambda source: str(source["name"]))
    return value


def _earlier(plan: Plan) -> list[EarlierRelease]:
    """The earlier releases that the recipe names, each once."""
    return list(
        {
            shard.digest: EarlierRelease(
                shard.release, shard.digest, shard.against, shard.holds_out, has_texts="texts" in shard.texts
            )
            for shard in plan.earlier
        }.values()
    )


def _sources(recipe: Recipe, plan: Plan) -> list[ReleaseSource]:
    shards: dict[str, list[SourceShard]] = {}
    for unit in plan.units:
        for shard in unit:
            shards.setdefault(shard.source, []).append(SourceShard(shard.name, shard.num_bytes, shard.sha256))
    return [
        ReleaseSource(source.name, source.format, source.kind, source.declared_licence, shards[source.name])
        for source in sorted(recipe.sources, key=lambda source: source.name)
    ]


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "recipe": _recipe(recipe),
        "earlier": [shard.identity for shard in plan.earlier],
        "sources": [shard.sha256 for unit in plan.units for shard in unit],
    }


def _prepare(recipe: Recipe) -> None:
    load_tokenizer(recipe)


STEPS = [
    Step(
        name="release",
        number=9,
        pass_name="release",
        grain="one",
        reads=(
            *(
                Read(step, RECORDS, "all")
                for step in (*CHAIN, "look_up", "detect", "forks", "last_rounds", "resolve", "mix", "settle")
            ),
            *(Read("pack", folder.table, "all") for folder in FOLDERS),
        ),
        settings=_settings,
        run=_release,
        prepare=_prepare,
        always=True,
    )
]
