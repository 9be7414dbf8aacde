"""Pass 9, release: put the shards in place and write the manifest last: a release is there whole or not at all."""

import re

from manifests.errors import RecipeError, UnitError
from manifests.release import CHAIN, MANIFEST, Manifest, ReleaseFile
from manifests.storage import TEMPORARY_NAME, Storage, file_sha256
from pipeline.opt_outs import opt_out_settings, released_opt_outs
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.release_folders import BESIDE, MAXIMUM_LENGTHS, SHARD_FILE, folders_of, packed_tables, shard_files
from pipeline.release_manifest import (
    new_manifest,
    released_earlier,
    released_parent,
    released_recipe,
    released_sources,
)
from pipeline.release_pages import PAGE_FILE, pages
from pipeline.rewriting_page import PAGE
from pipeline.rewriting_samples import SampleFiles, page_of
from pipeline.rewriting_settings import rewrites
from pipeline.software import software_versions
from pipeline.steps import RECORDS, Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_bytes, tokenizer_settings

OURS = re.compile(
    rf"{SHARD_FILE.pattern}|tokenizer/tokenizer\.json|{PAGE_FILE.pattern}|{re.escape(PAGE)}|{TEMPORARY_NAME.pattern}"
)

# What pack and locate may have made: (step, table). Of context lengths a recipe has fewer.
PACKED_FILES = (
    *(("pack", table) for tables in packed_tables(range(MAXIMUM_LENGTHS)) for table in tables),
    *((folder.step, folder.table) for folder in BESIDE),
)
_COUNTED = ("look_up", "detect", "forks", "last_rounds", "resolve", "mix", "settle")
_REWRITING = ("survey", "choose", "rewrite", "overlay")


def release_folder(recipe: Recipe) -> Storage:
    """Where the release is made."""
    return Storage(f"{recipe.release.path}/{recipe.name}-{recipe.version}", recipe.s3.access)


def check_not_taken(recipe: Recipe, plan: Plan) -> None:
    """Raise RecipeError where the release cannot be put: another release, other people's files, no permission."""
    folder = release_folder(recipe)
    if not folder.exists(MANIFEST):
        others = [name for name in folder.list("") if not OURS.fullmatch(name)]
        if others:
            raise RecipeError(
                f"{folder.root}: holds {others[0]!r}, which is no part of a release; expected an empty folder or none",
                hint="choose another release.path, name or version",
            )
        folder.check_writable()
        return
    there = Manifest.read(folder)
    found = (there.recipe, there.sources, there.earlier, there.parent, there.opt_outs, there.tokenizer.sha256)
    if (*found, there.software) != (
        released_recipe(recipe),
        released_sources(recipe, plan, _digests_of(there)),
        released_earlier(plan),
        released_parent(recipe),
        released_opt_outs(recipe, plan.opt_outs),
        tokenizer_settings(recipe)["sha256"],
        software_versions(),
    ):
        raise RecipeError(
            f"{folder.root}: release {recipe.name} {recipe.version} exists and was made from another recipe, other "
            "inputs, requests or library versions; a release is never changed",
            hint="raise `version` in the recipe, or remove that folder if nobody uses it",
        )


def _digests_of(manifest: Manifest) -> dict[str, str]:
    """Where the plan does not know a shard by its digest, the release's own word has to do; what is made will tell."""
    return {shard.name: shard.sha256 for source in manifest.sources for shard in source.shards}


def _release(context: UnitContext) -> None:
    recipe = context.recipe
    folder = release_folder(recipe)
    timing = context.clock.timing
    manifest = timing("describe", new_manifest)(context)
    shards = _shards(context)
    texts = {
        "tokenizer/tokenizer.json": tokenizer_bytes(recipe),
        **timing("describe", _rewriting_page)(context, manifest),
    }
    listed = [*(file for file, _ in shards), *map(ReleaseFile.of, texts, texts.values())]
    written = timing("describe", pages)(manifest.with_files(listed))
    final = manifest.with_files([*listed, *map(ReleaseFile.of, written, written.values())])
    final.check_accounts()
    texts |= written
    data = final.to_bytes()
    if folder.exists(MANIFEST) and folder.read(MANIFEST) != data:
        raise UnitError(
            f"{folder.root}: release {recipe.name} {recipe.version} exists with other contents; it was not changed",
            hint="raise `version` in the recipe, or remove that folder if nobody uses it",
        )
    timing("place", _place_shards)(context, folder, shards)
    for path, text in texts.items():
        folder.write(path, text)
    folder.write(MANIFEST, data)
    folder.clear_temporary(OURS)
    with context.whole_file("manifest", ".json") as file:
        file.write(data)
    context.counts = {"digest": final.digest}


def _rewriting_page(context: UnitContext, manifest: Manifest) -> dict[str, bytes]:
    """The page on rewriting by its name, made from what pack made; nothing where the recipe has nothing rewritten."""
    outputs = [record.outputs for record in sorted(context.earlier["pack"], key=lambda record: record.unit)]
    files = [
        SampleFiles(own["rewritten"].file, own["texts"].file if "texts" in own else None)
        for own in outputs
        if "rewritten" in own
    ]
    page = page_of(manifest, context.storage, files)
    return {} if page is None else {PAGE: page.encode()}


def _shards(context: UnitContext) -> list[tuple[ReleaseFile, str]]:
    """What pack and locate made, as it will stand in the release; each with its file of the work folder."""
    shards = []
    recipe = released_recipe(context.recipe)
    for folder in folders_of(recipe):
        records = sorted(context.earlier[folder.step], key=lambda record: record.unit)
        for path, record in zip(shard_files(folder, recipe, len(records)), records, strict=True):
            made = record.outputs[folder.table]
            shards.append((ReleaseFile(path, made.num_bytes, made.sha256, folder.rows(record)), made.file))
    return shards


def _place_shards(context: UnitContext, folder: Storage, shards: list[tuple[ReleaseFile, str]]) -> None:
    """Copy what pack made. A file that a stopped run left is kept if its bytes are right; other ones of ours go."""
    present = {path: size for path, size in folder.list("").items() if SHARD_FILE.fullmatch(path)}
    for file, made in shards:
        if present.pop(file.path, None) != file.num_bytes or not _holds(folder, file):
            context.storage.copy_to(made, folder, file.path, digest=file.sha256)
        context.progress(file.num_bytes)
    for path in present:
        folder.delete(path)


def _holds(folder: Storage, file: ReleaseFile) -> bool:
    with folder.open(file.path) as there:
        return file_sha256(there) == file.sha256


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "recipe": released_recipe(recipe),
        "earlier": [shard.identity for shard in plan.earlier],
        "parent": released_parent(recipe),
        "opt_outs": opt_out_settings(recipe, plan.opt_outs),
        "sources": [shard.identity for unit in plan.units for shard in unit],
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
            *(Read(step, RECORDS, "all") for step in (*CHAIN, *_COUNTED)),
            *(Read(step, RECORDS, "all", asked_for=rewrites) for step in _REWRITING),
            *(Read(step, table, "all") for step, table in PACKED_FILES),
        ),
        settings=_settings,
        run=_release,
        prepare=_prepare,
        always=True,
    )
]
