"""The recipe's section on rewriting: which model, which documents, in which modes, behind which gates, at what cost."""

from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from filters.grammars import GRAMMARS, has_grammar
from filters.licence_sets import licences_of_entries
from filters.model_licences import known_licence
from manifests.errors import RecipeError
from manifests.storage import user_cache_folder
from pipeline.recipe_types import Fraction, Positive, Section

Mode = Literal["repair", "modernize", "style"]
Engine = Literal["vllm", "sglang", "llamacpp", "endpoint"]
Tier = Literal["broken", "smelly"]
SpdxId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$", max_length=100)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class Model(Section):
    """The model that rewrites. `name` and `revision` say in every release which one it was.

    `path` is a local file or folder that the engine loads; null: `name` is a hub id, and the engine may download it.
    `context` is how many tokens prompt and answer may have together.
    """

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s/][^\s]*$")]
    revision: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]
    licence: SpdxId
    path: str | None = None
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    context: Annotated[int, Field(ge=512)] = 16_384
    tensor_parallel: Positive = 1
    data_parallel: Positive = 1


class Sampling(Section):
    """How the model draws tokens; the same for every request."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.7
    seed: Annotated[int, Field(ge=0, lt=1 << 31)] = 0


class Selection(Section):
    """Which of the code that mix selected is given to the model.

    `languages` by linguist's names; null: all that a grammar is there for. `tiers`: `broken` has parse errors, `smelly`
    has linter findings, at least `smelly_findings` in 100 lines; what has neither is fine and stays as it is.
    `hopeless` is what becomes of files of which more than `hopeless_errors` of the bytes do not parse. `share` of the
    documents that pass all this are taken, by chance.
    """

    languages: list[str] | None = None
    minimum_bytes: Positive = 200
    maximum_bytes: Positive = 100_000
    tiers: Annotated[list[Tier], Field(min_length=1)] = ["broken", "smelly"]
    smelly_findings: Annotated[float, Field(gt=0, le=100)] = 1.0
    hopeless: Literal["drop", "keep"] = "drop"
    hopeless_errors: Fraction = 0.25
    share: Fraction = 1.0

    @field_validator("languages")
    @classmethod
    def _languages_have_grammars(cls, languages: list[str] | None) -> list[str] | None:
        for language in languages or ():
            if not has_grammar(language):
                near = get_close_matches(language, GRAMMARS, n=1, cutoff=0.0)
                raise ValueError(
                    f"{language!r}: expected languages that a grammar is there for, {', '.join(GRAMMARS)}; did you "
                    f"mean {near[0]!r}?"
                )
        return languages


class Budget(Section):
    """What may be spent. `gpu_hours` needs `tokens_per_gpu_hour`, as `plan --probe` measures it; null: no limit."""

    tokens: Positive | None = None
    gpu_hours: Annotated[float, Field(gt=0)] | None = None
    tokens_per_gpu_hour: Positive | None = None

    @model_validator(mode="after")
    def _hours_are_tokens(self) -> Self:
        if self.gpu_hours is not None and self.tokens_per_gpu_hour is None:
            raise ValueError(
                "gpu_hours needs tokens_per_gpu_hour, how many tokens of prompts and answers a GPU does in an hour; "
                "`corpusmill plan --probe 0.01` measures it"
            )
        return self

    @property
    def maximum_tokens(self) -> float | None:
        """Tokens of prompts and answers together that may be paid for; None: no limit."""
        limits: list[float] = [] if self.tokens is None else [self.tokens]
        if self.gpu_hours is not None and self.tokens_per_gpu_hour is not None:
            limits.append(self.gpu_hours * self.tokens_per_gpu_hour)
        return min(limits, default=None)


class Gates(Section):
    """Bounds of the gates that have one; inclusive.

    `minimum_length` and `maximum_length` are ratios of UTF-8 bytes to the original's; `minimum_similarity` is the
    share of the original's word n-grams that the rewrite keeps; `maximum_repetition` is the share of the rewrite's
    bytes in lines that repeat others, beyond the original's.
    """

    minimum_length: Annotated[float, Field(gt=0, le=1)] = 0.5
    maximum_length: Annotated[float, Field(ge=1)] = 2.0
    minimum_similarity: Fraction = 0.3
    maximum_repetition: Fraction = 0.2
    linter: bool = True


class Rewriting(Section):
    """A smaller coder model rewrites noisy code; what passes every gate takes the original's place.

    `engine` starts a server on this machine's GPUs (`vllm`, `sglang`) or CPUs (`llamacpp`), or asks one that is there
    (`endpoint`, with the address of its API and the environment variable that holds its key). `engine_environment` is
    the virtual environment that has vLLM or SGLang; null: they are on PATH. `modes` run in their
    order, each by itself. `failed` is what becomes of a document whose rewrites are refused. At most `maximum_share` of
    the bytes of a language are rewrites. `concurrency` requests of one unit are under way at a time, each for
    `request_seconds` at most. `cache` is the folder of the model's answers, shared by all runs; null: one in the user's
    cache folder.
    """

    engine: Engine
    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")] | None = None
    api_key_variable: Variable | None = None
    engine_environment: str | None = None
    model: Model
    allow_licences: Annotated[list[str], Field(min_length=1)] = ["permissive"]
    sampling: Sampling = Sampling()
    modes: Annotated[list[Mode], Field(min_length=1)] = ["repair", "modernize", "style"]
    selection: Selection = Selection()
    budget: Budget = Budget()
    gates: Gates = Gates()
    failed: Literal["original", "drop"] = "original"
    near_duplicate_similarity: Annotated[float, Field(gt=0, le=1)] = 0.8
    maximum_share: Fraction = 0.5
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 64
    request_seconds: Positive = 600
    cache: str | None = None

    @field_validator("modes")
    @classmethod
    def _modes_differ(cls, modes: list[str]) -> list[str]:
        if len(set(modes)) != len(modes):
            raise ValueError(f"a mode stands twice: {', '.join(modes)}")
        return modes

    @model_validator(mode="after")
    def _endpoint_fits(self) -> Self:
        if (self.engine == "endpoint") != (self.endpoint is not None):
            raise ValueError(
                "engine: endpoint goes with `endpoint`, the address of a server's API such as "
                f"http://127.0.0.1:8000/v1; got engine: {self.engine} and endpoint: {self.endpoint}"
            )
        if self.engine == "llamacpp" and self.model.path is None:
            raise ValueError("engine: llamacpp needs model.path, a GGUF file")
        return self

    @model_validator(mode="after")
    def _licence_is_allowed(self) -> Self:
        model = self.model
        known = known_licence(model.name)
        if known is not None and known != model.licence:
            raise ValueError(f"model.licence: {model.name} is under {known}, got {model.licence}")
        if model.licence not in licences_of_entries(self.allow_licences):
            raise ValueError(
                f"model.licence: {model.licence} is not among allow_licences ({', '.join(self.allow_licences)}); what "
                "a model writes may be bound by its licence: expected one that somebody has allowed"
            )
        return self

    @property
    def cache_folder(self) -> str:
        """Where the model's answers lie; raises RecipeError where neither recipe nor user has a place for them."""
        if self.cache is not None:
            return self.cache
        try:
            return str(user_cache_folder("answers"))
        except RuntimeError as error:
            raise RecipeError(
                "rewriting.cache: expected a folder for the model's answers, got null, and this user's home folder is "
                "not known",
                hint="name a folder as rewriting.cache in the recipe",
            ) from error
