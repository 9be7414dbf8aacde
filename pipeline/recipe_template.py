"""`init`: a commented recipe with every default, read from the recipe's own defaults and never typed twice."""

from pathlib import Path

import yaml

from manifests.errors import RecipeError
from pipeline.recipe import Recipe, Source

_HEAD = """\
# A corpusmill recipe. Every key but `name`, `version` and `sources` has the default shown here; paths are relative to
# this file. `corpusmill plan FILE` says what a run would do, `corpusmill run FILE` does it.
"""

# What stands above each key of the recipe.
_COMMENTS = {
    "name": "The release is called <name>-<version>.",
    "version": "Three numbers; a release is never changed, so raise it whenever the recipe or the inputs change.",
    "seed": "Decides which documents the mixture takes and the order of the sequences.",
    "work": "Where passes keep their records and columns; delete it to start afresh.",
    "partitions": "Release shards; null: one for each GB of text.",
    "failed_units": "stop: a failed unit ends the run. leave_out: damaged shards are left out and named.",
    "sources": (
        "format: stack-v2 (content, path, repo_name, detected_licenses...), stack-v2-ids (the same without content,\n"
        "which software_heritage says where to fetch), pile (text, meta.pile_set_name), jsonl (text), pull-requests\n"
        "(diff, title, files...), or columns, which names the fields: columns: {text: content, repo: repository,\n"
        "path: file_path}. Shards are .jsonl.zst, .jsonl.gz, .jsonl or .parquet. kind: the side of\n"
        "the mixture; kinds overrides it by subset or language. prose_files: code or text, for Markdown and the like.\n"
        "declared_licence: an SPDX expression, your word for all rows. subset_licences: the same for single subsets,\n"
        "and the way to turn on those of the Pile that are off; docs/licences.md has the table. snapshot (a date),\n"
        "url, origin (public, licensed, crawled, users, other): what the release's documents say of the source."
    ),
    "text_forms": "Jupyter notebooks: script (cells in order, without outputs), drop, or keep as JSON.",
    "languages": (
        "Allow-lists; null is all. programming: names of GitHub linguist; from_content asks a model where there is no\n"
        "name, 10 ms a file. natural: ISO 639 codes, for text and for the prose among code."
    ),
    "filters": (
        "assign: the profiles that judge a document, by subset, else language, else kind. profiles: changes to the\n"
        "built-in tables, or tables of your own; docs/signals.md has both. `corpusmill retune` says what a change does."
    ),
    "licences": (
        "Every piece of evidence must be satisfiable from `allow`, for text also from `allow_text`; `deny` wins.\n"
        "Entries: permissive, open-content, share-alike, category:copyleft-limited and the like, SPDX ids, names that\n"
        "begin with LicenseRef-. no_licence: reject or keep. conflict (the file's own header is allowed, something\n"
        "farther away is not): reject, prefer_header or quarantine. copies (of files that only lie under copyleft or\n"
        "proprietary terms): count or strict. text_seconds: CPU time that the detector may take for one text.\n"
        "cache: the folder of its answers; who may write there must be trusted. null: one in the user's cache folder."
    ),
    "deduplication": "Exact duplicates always go. near: null turns near-duplicate removal off.",
    "held_out": (
        "What is set aside for evaluation, with all duplicates of it: {fraction: 0.01, subsets: {Github: 0.02},\n"
        "seed: 0, sources: [], releases: [releases/my-corpus-0.0.9]}; null: nothing. docs/duplicates.md has the rules."
    ),
    "opt_out": (
        "Requests to be left out, as `corpusmill optout` collects them: {registry: opt-outs, near_copies: remove};\n"
        "null: none. near_copies: remove or keep what is like a document that is asked for. docs/removals.md has more."
    ),
    "decontamination": (
        "Benchmarks whose problems must not be in the release: {benchmarks: [{name: humaneval, format: humaneval,\n"
        "path: HumanEval.jsonl}]}; null: none. Formats: humaneval, mbpp, gsm8k, or jsonl, which names its fields:\n"
        "task, prompt, solution, tests. docs/decontamination.md has the bounds."
    ),
    "redaction": (
        "sensitivity: off, low (what its form proves), balanced, or high (what merely may be one). allow: patterns of\n"
        "values that stay, such as '*@lists.debian.org'. addresses: placeholder, or stand_in, an address of a range\n"
        "for documentation. Documents with more findings in 1,000 bytes, or a larger share of key material, are left\n"
        "out; null: never. docs/redaction.md has the rules."
    ),
    "mixture": (
        "Shares in tokens. tokens: the total wanted, null for as many as possible. shortfall: scale, repeat (each\n"
        "document up to maximum_epochs times) or fail. preset: pile-v1. domains, by subset or language, weights being\n"
        "shares of the kind: {Python: {weight: 0.4, epochs: 2, maximum_tokens: 1000000}}; docs/mixture.md has more."
    ),
    "rewriting": (
        "A smaller coder model rewrites noisy code, and what passes every gate takes its place: {engine: vllm,\n"
        "model: {name: Qwen/Qwen2.5-Coder-14B-Instruct, revision: <commit>, licence: Apache-2.0}}; null: none does.\n"
        "docs/rewriting.md shows it, docs/recipe.md has every key."
    ),
    "tokenizer": (
        "A Hugging Face tokenizer.json; `corpusmill tokenizer train FILE` makes one from these sources. The control\n"
        "tokens that end and begin every document; null: nothing begins it."
    ),
    "rendering": (
        "template: qwen or starcoder2, whose control tokens the tokenizer must have. fim.rate: the share of code\n"
        "files that are cut for fill-in-the-middle, of these fim.spm with the suffix first. repository.share: how\n"
        "much of the code stands in documents of several files of a repository. docs/training-forms.md has the forms."
    ),
    "packing": (
        "mode: best_fit (cuts what is longer than a sequence alone), concat (whatever stands at its end), or none.\n"
        "sequence_tokens: one length, or several, such as [4096, 32768]: each gets a folder of its own."
    ),
    "release": (
        "The folder in which the release's own folder is made. texts: parquet puts the cleaned text of every document\n"
        "beside its token ids; jsonl.zst: the same as JSON lines; off: token ids alone. parent: the folder of the\n"
        "release before this one, which the manifest then names."
    ),
    "limits": (
        "A line longer than maximum_line_bytes is rejected. unit_bytes of shards make a unit (null: 4 MiB or more),\n"
        "slice_bytes of text a slice, which bounds memory. A unit without progress for progress_seconds is ended."
    ),
    "executor": "local, slurm or ray. This and what follows decide where the mill runs, and not what comes out.",
    "slurm": (
        "With executor: slurm: {partition: cpu, time: '24:00:00', memory_gb: 4, passes: {ingest: {memory_gb: 8}}};\n"
        "docs/clusters.md has every key."
    ),
    "ray": "With executor: ray. address: of the cluster; null: one of its own on this machine.",
    "s3": (
        "How s3:// is reached; null: as the AWS environment and ~/.aws say. buckets: others than the rest, by name.\n"
        "unsigned: without credentials, as public buckets allow. Keys never stand here."
    ),
    "software_heritage": (
        "Where format: stack-v2-ids fetches contents, and how many at a time. The public bucket has terms:\n"
        "docs/software-heritage.md says which; accept_terms: softwareheritage accepts them. cache: the folder of what\n"
        "was fetched; null: one in the user's cache folder."
    ),
}


def template() -> str:
    """The recipe as text: valid, with every key, its default and a comment."""
    source = Source(name="code", format="stack-v2", paths=["shards/code/*.jsonl.zst"], kind="code")
    text = Source(
        name="text",
        format="pile",
        paths=["shards/text/*.jsonl.zst"],
        kind="text",
        kinds={"Github": "code"},
    )
    recipe = Recipe(name="my-corpus", version="0.1.0", sources=[source, text])
    parts = [_HEAD]
    values = recipe.model_dump(mode="json")
    values["filters"]["profiles"] = {}  # the built-in tables: the recipe's own changes would stand here
    for key, value in values.items():
        comment = "".join(f"# {line}\n" for line in _COMMENTS.get(key, "").splitlines())
        # None puts innermost lists and mappings on one line; the recipe itself must not become one of them.
        style = None if isinstance(value, dict | list) else False
        parts.append(comment + yaml.safe_dump({key: value}, sort_keys=False, width=90, default_flow_style=style))
    return "\n".join(parts)


def write_template(path: Path) -> None:
    """Write the template; raises RecipeError where a file is there already or the folder is not."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError as error:
        raise RecipeError(f"{path}: there is a file already", hint="choose another name, or remove it") from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be written: {error.strerror}", hint="check the folder") from error
