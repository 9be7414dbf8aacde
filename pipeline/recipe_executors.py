"""The recipe's sections on where the mill runs: nothing here decides a byte of what comes out."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from manifests.buckets import Access, BucketAccess
from manifests.errors import RecipeError
from manifests.storage import user_cache_folder
from pipeline.recipe_types import Positive, Section

PassName = Literal["ingest", "decide", "clean", "mix", "rewrite", "tokenize", "settle", "pack", "release"]
RayAddress = Annotated[str, Field(pattern=r"^(auto|(ray://)?(\[[0-9a-fA-F:]+\]|[^/:\s]+):\d+)$")]
SlurmTime = Annotated[str, Field(pattern=r"^(\d+-)?\d+(:\d\d){0,2}$")]


class SlurmResources(Section):
    """What a task of a job array asks of Slurm; null: what `slurm` says for every pass."""

    partition: str | None = None
    time: SlurmTime | None = None
    cpus_per_task: Positive | None = None
    memory_gb: Positive | None = None
    gpus: Annotated[int, Field(ge=0)] | None = None
    tasks: Positive | None = None


class Slurm(Section):
    """How the mill is submitted to Slurm, and what each task asks for.

    `tasks` is the most that one array has; the cluster's MaxArraySize holds, too. Each task of pass `rewrite` starts a
    server of the model on its `gpus`, so `passes` should say `tasks` for it: as many as may run at the same time.
    `workers` run at the same time; null:
    as many as Slurm lets. `activate` is a script that every job sources; null: that of the environment which submits.
    `logs` is a folder that all nodes share; null: one in the work folder. `signal_seconds` before a task's time is up
    it is told to stop. `sbatch` holds any other options of sbatch. `passes` overrides resources by pass.
    """

    partition: str
    time: SlurmTime = "24:00:00"
    cpus_per_task: Positive = 1
    memory_gb: Positive = 4
    gpus: Annotated[int, Field(ge=0)] = 0
    tasks: Positive = 1000
    workers: Positive | None = None
    qos: str | None = None
    activate: str | None = None
    logs: str | None = None
    signal_seconds: Positive = 120
    sbatch: dict[str, str] = {}
    passes: dict[PassName, SlurmResources] = {}

    def resources(self, pass_name: str) -> SlurmResources:
        """What tasks of a pass ask for, nothing null."""
        given = {str(name): stated for name, stated in self.passes.items()}.get(pass_name, SlurmResources())
        stated = given.model_dump(exclude_none=True)
        return SlurmResources(**(self.model_dump(include=set(SlurmResources.model_fields)) | stated))


class Ray(Section):
    """A Ray cluster: its address, and what each task asks for.

    `address` is `auto` on a node of the cluster, `host:port`, or `ray://host:port` from outside; null: a Ray of the
    run's own on this machine, for `--workers` tasks. `tasks` is the most that one step has; null: as many as the
    cluster has room for when the step begins. A task runs `cpus_per_task` units at the same time. Each task of pass
    `rewrite`, and no other, asks for `gpus`, on which it starts a server of the model.
    """

    address: RayAddress | None = None
    tasks: Positive | None = None
    cpus_per_task: Positive = 1
    memory_gb: Positive = 2
    gpus: Annotated[int, Field(ge=0)] = 0


class S3Access(Section):
    """How a bucket is reached; null: as the AWS environment and configuration files say. Never a key: a profile's name.

    `unsigned` asks without credentials, as public buckets allow.
    """

    endpoint: str | None = None
    profile: str | None = None
    region: str | None = None
    unsigned: bool = False

    @property
    def of_bucket(self) -> BucketAccess:
        """What a client is made from."""
        return BucketAccess(self.endpoint, self.profile, self.region, self.unsigned)


PUBLIC_BUCKET = "softwareheritage"
_PUBLIC = {PUBLIC_BUCKET: S3Access(region="us-east-1", unsigned=True)}


class S3(S3Access):
    """How buckets are reached, and others than the rest by name."""

    buckets: dict[str, S3Access] = _PUBLIC

    @field_validator("buckets")
    @classmethod
    def _public_ones_stay(cls, buckets: dict[str, S3Access]) -> dict[str, S3Access]:
        return _PUBLIC | buckets

    @property
    def access(self) -> Access:
        """What `manifests.storage` asks for."""
        return Access(self.of_bucket, {name: access.of_bucket for name, access in self.buckets.items()})

    @model_validator(mode="after")
    def _endpoint_is_an_address(self) -> Self:
        accesses: list[S3Access] = [self, *self.buckets.values()]
        for access in accesses:
            if access.endpoint is not None and "@" in access.endpoint:  # which is not repeated here
                raise ValueError("s3: endpoint: expected an address, got one with a name or password; set s3.profile")
            if access.endpoint is not None and not access.endpoint.startswith(("http://", "https://")):
                raise ValueError(f"s3: endpoint: expected http:// or https://, got {access.endpoint!r}")
        return self


class SoftwareHeritage(Section):
    """Where `format: stack-v2-ids` fetches contents: `contents`/<blob_id>, `concurrency` at a time.

    The public bucket asks for `accept_terms: softwareheritage`. `cache` is the folder of what was fetched; null: one in
    the user's cache folder, and none where the contents lie in a local folder.
    """

    contents: Annotated[str, Field(min_length=1)] = f"s3://{PUBLIC_BUCKET}/content"
    accept_terms: Literal["softwareheritage"] | None = None
    concurrency: Annotated[int, Field(ge=1, le=64)] = 16
    cache: str | None = None

    @field_validator("cache")
    @classmethod
    def _cache_is_a_folder(cls, cache: str | None) -> str | None:
        if cache is not None and (not cache.strip() or cache.startswith("~") or "://" in cache):
            raise ValueError(
                f"{cache!r}: expected a local folder, written out, or null for one in the user's cache folder"
            )
        return cache

    @property
    def lacks_acceptance(self) -> bool:
        """Whether the contents lie in the public bucket, whose terms nobody has accepted."""
        bucket = self.contents.removeprefix("s3://").partition("/")[0]
        is_public = self.contents.startswith("s3://") and bucket.lower() == PUBLIC_BUCKET
        return is_public and self.accept_terms != PUBLIC_BUCKET

    @property
    def cache_folder(self) -> str | None:
        """Where fetched contents are kept: what `cache` says, else a folder of the user's; None for local contents.

        Raises:
            RecipeError: neither recipe nor user has a place for them.
        """
        if self.cache is not None or "://" not in self.contents:
            return self.cache
        try:
            return str(user_cache_folder("software_heritage"))
        except RuntimeError as error:
            raise RecipeError(
                "software_heritage.cache: expected a folder for fetched contents, got null, and this user's home "
                "folder is not known",
                hint="name a folder as software_heritage.cache in the recipe",
            ) from error
