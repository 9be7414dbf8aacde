"""The recipe's part on benchmarks: whose problems are looked for, how their files are read, and how much is a match."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from filters.benchmark_parts import Bounds
from pipeline.recipe_types import Name, Positive, Section

FieldName = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(gt=0, le=1)]

_FIELDS = ("task", "prompt", "solution", "tests")


class Benchmark(Section):
    """A file of problems, one JSON object a line; for format jsonl the names of its fields, dotted for nested ones."""

    name: Name
    path: Annotated[str, Field(min_length=1)]
    format: Literal["humaneval", "mbpp", "gsm8k", "jsonl"] = "jsonl"
    task: FieldName | None = None
    prompt: FieldName | None = None
    solution: FieldName | None = None
    tests: FieldName | None = None

    @model_validator(mode="after")
    def _fields_are_named(self) -> Self:
        named = [name for name in _FIELDS if getattr(self, name) is not None]
        if self.format == "jsonl" and self.prompt is None:
            raise ValueError("format: jsonl needs `prompt`, the name of a field, such as question; got none")
        if self.format != "jsonl" and named:
            raise ValueError(f"`{named[0]}` goes with format: jsonl, got format: {self.format}, which knows its own")
        return self


class Decontamination(Section):
    """Which benchmarks are looked for in every document, and how much of a problem makes a document go."""

    benchmarks: Annotated[list[Benchmark], Field(min_length=1)]
    ngram_words: Annotated[int, Field(ge=5, le=64)] = 10
    minimum_ngram_fraction: Share = 0.15
    minimum_ngrams: Positive = 5
    minimum_substring_characters: Positive = 80
    minimum_short_prompt_characters: Positive = 40
    window_tokens: Annotated[int, Field(ge=8, le=200)] = 16
    minimum_window_fraction: Share = 0.6
    maximum_problems: Positive = 3

    @field_validator("benchmarks")
    @classmethod
    def _names_differ(cls, benchmarks: list[Benchmark]) -> list[Benchmark]:
        names = [benchmark.name for benchmark in benchmarks]
        if len(set(names)) != len(names):
            raise ValueError(f"expected a name for each benchmark, got one twice: {', '.join(sorted(names))}")
        return benchmarks

    @property
    def bounds(self) -> Bounds:
        """What the matching is built with."""
        return Bounds(**self.model_dump(exclude={"benchmarks"}))
