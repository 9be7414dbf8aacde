"""The paths that a recipe names: where they stand in it, and what they are relative to."""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.recipe import Recipe

# Section and key: one path each, and lists of folders.
_PATHS = (
    *(("release", "path"), ("release", "parent"), ("tokenizer", "path"), ("licences", "cache")),
    *(("slurm", "logs"), ("slurm", "activate"), ("software_heritage", "contents"), ("software_heritage", "cache")),
    *(("rewriting", "cache"), ("rewriting", "engine_environment"), ("opt_out", "registry")),
)
# Beside the paths of sources, what may lie in a bucket.
REMOTE = (
    *("work", "release.path", "release.parent", "deduplication.against", "held_out.releases"),
    *("software_heritage.contents", "rewriting.cache", "opt_out.registry"),
)
_FOLDERS = (("deduplication", "against"), ("held_out", "releases"))


def named_paths(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, path) of every path of a recipe as it was read, which may be any YAML."""
    for number, source in enumerate(_list(value.get("sources"))):
        paths = _in(source, "paths")
        for path in paths if isinstance(paths, list) else [paths]:
            yield from _named(f"sources.{number}.paths", path)
    for number, benchmark in enumerate(_list(_in(value.get("decontamination"), "benchmarks"))):
        yield from _named(f"decontamination.benchmarks.{number}.path", _in(benchmark, "path"))
    yield from _named("work", value.get("work"))
    yield from _named("rewriting.model.path", _in(_in(value.get("rewriting"), "model"), "path"))
    for section, name in _PATHS:
        yield from _named(f"{section}.{name}", _in(value.get(section), name))
    for section, name in _FOLDERS:
        for folder in _list(_in(value.get(section), name)):
            yield from _named(f"{section}.{name}", folder)


def _in(section: object, name: str) -> object:
    return section.get(name) if isinstance(section, dict) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _named(key: str, path: object) -> Iterator[tuple[str, str]]:
    if isinstance(path, str):
        yield key, path


def absolute(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with every path absolute; relative ones are taken from a folder."""

    def here(name: str) -> str:
        return name if "://" in name else str(folder / name)

    def here_or_none(name: str | None) -> str | None:
        return None if name is None else here(name)

    def pattern(name: str) -> str:
        # A bracket in the folder's own name is no pattern.
        return name if "://" in name or Path(name).is_absolute() else str(Path(glob.escape(str(folder))) / name)

    return recipe.model_copy(
        update={
            "work": here(recipe.work),
            "sources": [
                source.model_copy(update={"paths": [pattern(path) for path in source.paths]})
                for source in recipe.sources
            ],
            "tokenizer": recipe.tokenizer.model_copy(update={"path": here(recipe.tokenizer.path)}),
            "decontamination": recipe.decontamination
            and recipe.decontamination.model_copy(
                update={
                    "benchmarks": [
                        benchmark.model_copy(update={"path": here(benchmark.path)})
                        for benchmark in recipe.decontamination.benchmarks
                    ]
                }
            ),
            "release": recipe.release.model_copy(
                update={"path": here(recipe.release.path), "parent": here_or_none(recipe.release.parent)}
            ),
            "deduplication": recipe.deduplication.model_copy(
                update={"against": [here(folder) for folder in recipe.deduplication.against]}
            ),
            "held_out": recipe.held_out
            and recipe.held_out.model_copy(update={"releases": [here(folder) for folder in recipe.held_out.releases]}),
            "opt_out": recipe.opt_out and recipe.opt_out.model_copy(update={"registry": here(recipe.opt_out.registry)}),
            "rewriting": recipe.rewriting
            and recipe.rewriting.model_copy(
                update={
                    "cache": here_or_none(recipe.rewriting.cache),
                    "engine_environment": here_or_none(recipe.rewriting.engine_environment),
                    "model": recipe.rewriting.model.model_copy(
                        update={"path": here_or_none(recipe.rewriting.model.path)}
                    ),
                }
            ),
            "licences": recipe.licences.model_copy(update={"cache": here_or_none(recipe.licences.cache)}),
            "slurm": recipe.slurm
            and recipe.slurm.model_copy(
                update={"logs": here_or_none(recipe.slurm.logs), "activate": here_or_none(recipe.slurm.activate)}
            ),
            "software_heritage": recipe.software_heritage.model_copy(
                update={
                    "contents": here(recipe.software_heritage.contents),
                    "cache": here_or_none(recipe.software_heritage.cache),
                }
            ),
        }
    )
