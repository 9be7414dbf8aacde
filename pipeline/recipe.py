"""Recipe: one YAML file, whole and typed. An unknown key is an error that names the nearest valid one.

Every default stands here once; `corpusmill init` prints them, the manifest stores the recipe as it was understood.
"""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from filters.licence_evidence import Evidence
from filters.licence_policy import LicencePolicy
from filters.licence_sets import licences_of_entries
from filters.pile_subsets import SourceLicence, source_licence, unknown_subsets
from manifests.document import Kind
from manifests.errors import RecipeError
from manifests.storage import user_cache_folder
from pipeline.recipe_benchmarks import Decontamination
from pipeline.recipe_duplicates import Deduplication, HeldOut
from pipeline.recipe_executors import S3, Ray, Slurm, SoftwareHeritage
from pipeline.recipe_filters import Filters, Languages
from pipeline.recipe_mixture import Mixture
from pipeline.recipe_opt_out import OptOut
from pipeline.recipe_redaction import Redaction
from pipeline.recipe_release import ReleaseChoice
from pipeline.recipe_rewriting import Rewriting
from pipeline.recipe_tokens import Packing, Rendering, TokenizerChoice
from pipeline.recipe_types import Name, Positive, Section, Version

LicenceEntry = Annotated[str, Field(min_length=1, max_length=200)]


class Columns(Section):
    """Names of a row's fields, dotted for nested ones (`meta.set`); null where there is none.

    With `files`, a list of files, a row is a repository: the other names are looked up in each file, then in the row.
    """

    text: str
    subset: str | None = None
    language: str | None = None
    repo: str | None = None
    path: str | None = None
    files: str | None = None


def _kind_of_format(given: dict[str, Any]) -> Kind | None:
    """The kind that a format's rows have; None, which is refused, where only the recipe can know."""
    kinds: dict[str, Kind] = {"stack-v2": "code", "stack-v2-ids": "code", "pull-requests": "code", "pile": "text"}
    return kinds.get(given.get("format", "pile"))  # of a wrong format that is said, and nothing of the kind


class Source(Section):
    """One set of shards that share a format.

    `snapshot` is the date of which its contents are, `url` where it is published, `origin` how they were come by: they
    stand in the release's documents and decide nothing.

    `kind` has a default by format: code for stack-v2, stack-v2-ids and pull-requests, text for pile but for its subset
    Github.
    """

    name: Name
    format: Literal["stack-v2", "stack-v2-ids", "pull-requests", "pile", "jsonl", "columns"]
    columns: Columns | None = None
    paths: Annotated[list[str], Field(min_length=1)]
    kind: Annotated[Kind, Field(default_factory=_kind_of_format, validate_default=True)]
    kinds: Annotated[dict[str, Kind], Field(validate_default=True)] = {}
    prose_files: Kind = "code"
    declared_licence: str = ""
    snapshot: date | None = None
    url: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=2000)] | None = None
    origin: Literal["public", "licensed", "crawled", "users", "other"] | None = None
    subset_licences: dict[str, str] = {}

    @field_validator("paths")
    @classmethod
    def _paths_not_empty(cls, paths: list[str]) -> list[str]:
        if any(not path.strip() for path in paths):
            raise ValueError("a path is empty; expected a file name or a pattern such as shards/*.jsonl.zst")
        return paths

    @field_validator("kind", mode="before")
    @classmethod
    def _kind_is_given(cls, kind: object, info: ValidationInfo) -> object:
        if kind is None:
            known = "stack-v2, stack-v2-ids, pull-requests and pile have one of their own"
            raise ValueError(f"format: {info.data.get('format')} needs `kind`, code or text; {known}")
        return kind

    @field_validator("kinds")
    @classmethod
    def _github_is_code(cls, kinds: dict[str, Kind], info: ValidationInfo) -> dict[str, Kind]:
        return {"Github": "code", **kinds} if info.data.get("format") == "pile" else kinds

    @model_validator(mode="after")
    def _columns_are_named(self) -> Self:
        if self.format == "columns" and self.columns is None:
            raise ValueError("format: columns needs `columns`, the names of the row's fields, such as {text: content}")
        if self.format != "columns" and self.columns is not None:
            raise ValueError(f"`columns` goes with format: columns, got format: {self.format}, which knows its own")
        return self

    @model_validator(mode="after")
    def _subsets_are_known(self) -> Self:
        for name, nearest in unknown_subsets(self.format, self.subset_licences):
            raise ValueError(f"subset_licences: the Pile has no subset {name!r}; did you mean {nearest!r}?")
        return self

    def licence_of(self, subset: str) -> SourceLicence:
        """What the recipe and the table of the Pile's subsets say of a subset."""
        return source_licence(self.format, subset, self.subset_licences, self.declared_licence)


class TextForms(Section):
    """What becomes of notebooks before anything looks at them; every other form has one handling."""

    notebooks: Literal["script", "drop", "keep"] = "script"


class Licences(Section):
    """Which licences may stay, and what becomes of documents whose evidence is missing or disagrees.

    `allow` holds for every document, `allow_text` for those of kind text besides, `deny` wins over both: names of sets,
    categories, or SPDX ids. `text_seconds` of CPU is what the detector may take for one text. `cache` is the folder of
    its answers, shared by all runs; null: one in the user's cache folder.
    """

    allow: list[LicenceEntry] = ["permissive"]
    allow_text: list[LicenceEntry] = ["open-content", "share-alike"]
    deny: list[LicenceEntry] = []
    no_licence: Literal["reject", "keep"] = "reject"
    conflict: Literal["reject", "prefer_header", "quarantine"] = "reject"
    copies: Literal["count", "strict"] = "count"
    text_seconds: Annotated[float, Field(gt=0, le=3600)] = 5
    cache: str | None = None

    @field_validator("cache")
    @classmethod
    def _cache_is_a_folder(cls, cache: str | None) -> str | None:
        if cache is not None and (not cache.strip() or cache.startswith("~")):
            raise ValueError(f"{cache!r}: expected a folder, written out, or null for one in the user's cache folder")
        return cache

    @field_validator("allow", "allow_text", "deny")
    @classmethod
    def _entries_are_known(cls, entries: list[str]) -> list[str]:
        licences_of_entries(entries)
        return entries

    @property
    def policy(self) -> LicencePolicy:
        """What decides."""
        allow, allow_text, deny = map(frozenset, (self.allow, self.allow_text, self.deny))
        return LicencePolicy(allow, allow_text, deny, self.no_licence, self.conflict)

    @property
    def cache_folder(self) -> str:
        """Where the detector's answers lie; raises RecipeError where neither recipe nor user has a place for them."""
        if self.cache is not None:
            return self.cache
        try:
            return str(user_cache_folder("licences"))
        except RuntimeError as error:
            raise RecipeError(
                "licences.cache: expected a folder for the answers of the licence detector, got null, and this user's "
                "home folder is not known",
                hint="name a folder as licences.cache in the recipe",
            ) from error


class Limits(Section):
    """What one row and one unit may take.

    `unit_bytes` of shards make a unit; null: 4 MiB, or more where the blocks that a unit writes would be too small.
    """

    maximum_line_bytes: Positive = 16 * 1024 * 1024
    unit_bytes: Positive | None = None
    slice_bytes: Positive = 32 * 1024 * 1024
    progress_seconds: Positive = 600


class Recipe(Section):
    """Everything that decides what comes out, and where it is made: `executor` and what follows it decide no byte."""

    name: Name
    version: Version
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    work: str = "work"
    partitions: Annotated[int, Field(ge=1, le=256)] | None = None
    failed_units: Literal["stop", "leave_out"] = "stop"
    sources: Annotated[list[Source], Field(min_length=1)]
    text_forms: TextForms = TextForms()
    languages: Languages = Languages()
    filters: Filters = Filters()
    licences: Licences = Licences()
    deduplication: Deduplication = Deduplication()
    held_out: HeldOut | None = None
    opt_out: OptOut | None = None
    decontamination: Decontamination | None = None
    redaction: Redaction = Redaction()
    mixture: Mixture = Mixture()
    rewriting: Rewriting | None = None
    tokenizer: TokenizerChoice = TokenizerChoice()
    rendering: Rendering = Rendering()
    packing: Packing = Packing()
    release: ReleaseChoice = ReleaseChoice()
    limits: Limits = Limits()
    executor: Literal["local", "slurm", "ray"] = "local"
    slurm: Slurm | None = None
    ray: Ray = Ray()
    s3: S3 = S3()
    software_heritage: SoftwareHeritage = SoftwareHeritage()

    @field_validator("sources")
    @classmethod
    def _source_names_differ(cls, sources: list[Source]) -> list[Source]:
        names = [source.name for source in sources]
        if len(set(names)) != len(names):
            raise ValueError(f"two sources have one name: {', '.join(sorted(names))}")
        return sources

    @model_validator(mode="after")
    def _slurm_is_described(self) -> Self:
        if self.executor == "slurm" and self.slurm is None:
            raise ValueError("executor: slurm needs `slurm`, with a partition, such as slurm: {partition: cpu}")
        return self

    @model_validator(mode="after")
    def _terms_are_accepted(self) -> Self:
        if any(source.format == "stack-v2-ids" for source in self.sources) and self.software_heritage.lacks_acceptance:
            raise ValueError(
                f"software_heritage.contents: {self.software_heritage.contents} has terms of its own, which "
                "docs/software-heritage.md lists; expected `software_heritage: {accept_terms: softwareheritage}` from "
                "somebody who may accept them, or another place that holds the contents"
            )
        return self

    @model_validator(mode="after")
    def _held_out_sources_are_there(self) -> Self:
        names = [source.name for source in self.sources]
        for name in self.held_out.sources if self.held_out else []:
            if name not in names:
                raise ValueError(f"held_out.sources: {name!r}: expected one of the sources, {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _near_copies_can_be_told(self) -> Self:
        if self.opt_out and self.opt_out.near_copies == "remove" and self.deduplication.near is None:
            raise ValueError(
                "opt_out.near_copies: remove needs deduplication.near, by which near copies are found, got null; "
                "expected near_copies: keep, or near duplicates"
            )
        return self

    @model_validator(mode="after")
    def _a_text_takes_less_than_silence(self) -> Self:
        text_seconds, progress_seconds = self.licences.text_seconds, self.limits.progress_seconds
        if text_seconds >= progress_seconds:
            raise ValueError(
                f"licences.text_seconds: expected less than limits.progress_seconds ({progress_seconds}), got "
                f"{text_seconds:g}: a unit would be ended over a text that still has time"
            )
        return self

    @model_validator(mode="after")
    def _declared_licences_are_allowed(self) -> Self:
        policy = replace(self.licences.policy, no_licence="keep")
        for source in self.sources:
            declared = {"declared_licence": source.declared_licence}
            declared |= {f"subset_licences.{name}": word for name, word in source.subset_licences.items()}
            for key, expression in declared.items():
                evidence = [Evidence("source", expression, "recipe")] if expression else []
                kinds = {source.kind, source.prose_files, *source.kinds.values()}
                if all(policy.decide(evidence, kind=kind).rejected for kind in kinds):
                    reason = policy.decide(evidence, kind=source.kind).rejected
                    raise ValueError(
                        f"sources.{source.name}.{key}: {expression!r}: {reason}; every row that it speaks for would be "
                        "rejected; expected an SPDX expression that licences.allow or allow_text satisfies"
                    )
        return self
