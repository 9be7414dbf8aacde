"""Benchmarks in a release: what its manifest says of them, and the section of the summary."""

from collections.abc import Iterable, Sequence

import msgspec

from manifests.record import Record
from manifests.release_inputs import ReleaseBenchmark
from pipeline.benchmark_files import benchmark_accounts
from pipeline.recipe import Recipe

HEAD = (
    "benchmark",
    "problems",
    "too short to match",
    "n-grams",
    "of them boilerplate",
    "syntax windows",
    "of them boilerplate",
    "problems found",
    "documents rejected",
)


def release_benchmarks(recipe: Recipe, records: Iterable[Record]) -> list[ReleaseBenchmark]:
    """What was looked for, and what the records of clean say was found; empty without decontamination."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for record in records:
        counted = msgspec.convert(record.counts["benchmarks"], dict[str, dict[str, dict[str, int]]])
        for name, parts in counted.items():
            for part, numbers in parts.items():
                sums = found.setdefault(name, {}).setdefault(part, {})
                for key, number in numbers.items():
                    sums[key] = sums.get(key, 0) + number
    return [
        ReleaseBenchmark(
            name=benchmark.name,
            format=benchmark.format,
            sha256=digest,
            **numbers,
            rejected=dict(sorted(found.get(benchmark.name, {}).get("reasons", {}).items())),
            tasks=dict(sorted(found.get(benchmark.name, {}).get("tasks", {}).items())),
        )
        for benchmark, digest, numbers in benchmark_accounts(recipe)
    ]


def benchmark_rows(benchmarks: Iterable[ReleaseBenchmark]) -> list[Sequence[str]]:
    """Rows under `HEAD`."""
    return [
        (
            one.name,
            *(
                f"{number:,}"
                for number in (
                    one.problems,
                    one.unmatchable_problems,
                    one.ngrams,
                    one.suppressed_ngrams,
                    one.windows,
                    one.suppressed_windows,
                    len(one.tasks),
                    sum(one.rejected.values()),
                )
            ),
        )
        for one in benchmarks
    ]
