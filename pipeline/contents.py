"""Where a recipe has the texts of rows without texts fetched, and where they are kept."""

from collections.abc import Callable
from pathlib import Path

from manifests.errors import RecipeError
from manifests.storage import Storage
from pipeline.recipe import Recipe, Source
from stages.blob_cache import BlobCache
from stages.software_heritage import Contents


def contents_of(recipe: Recipe, source: Source, beat: Callable[[], object] = lambda: None) -> Contents | None:
    """Where the texts of a source are fetched; None where they stand in its rows.

    Args:
        beat: called about once a second while texts are waited for.

    Raises:
        RecipeError: there is no place for what is fetched.
    """
    if source.format != "stack-v2-ids":
        return None
    settings = recipe.software_heritage
    folder = settings.cache_folder
    return Contents(
        Storage(settings.contents, recipe.s3.access),
        None if folder is None else BlobCache(folder),
        concurrency=settings.concurrency,
        maximum_bytes=recipe.limits.maximum_line_bytes,
        beat=beat,
    )


def check_contents(recipe: Recipe) -> None:
    """Raise RecipeError where contents are to be fetched from no folder or kept in none, NoSpaceError on a full disk.

    Without this a folder that is not mounted would be a run in which every blob is missing.
    """
    if all(source.format != "stack-v2-ids" for source in recipe.sources):
        return
    contents, folder = recipe.software_heritage.contents, recipe.software_heritage.cache_folder
    if "://" not in contents and not Path(contents).is_dir():
        raise RecipeError(
            f"software_heritage.contents: {contents}: expected a folder with one gzip file for each blob, found none",
            hint="paths are relative to the recipe's folder",
        )
    if folder is not None:
        BlobCache(folder).check_writable()
