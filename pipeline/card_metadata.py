"""The front matter of a release's card: what the Hugging Face Hub reads of it.

Keys are those of `huggingface_hub.DatasetCardData`; what the manifest does not know is left out.
Source: https://huggingface.co/docs/hub/datasets-cards (the metadata specification).
"""

import re
from typing import Any

import yaml

from filters.licence_policy import NO_LICENCE
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.release_folders import DATA, folders_of, length_suffixes, texts_format

# Upper bounds of the Hub's classes of size, in documents, and their names.
_SIZES = (
    *((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")),
    *((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B")),
    *((10_000_000_000, "1B<n<10B"), (100_000_000_000, "10B<n<100B"), (1_000_000_000_000, "100B<n<1T")),
)
_LARGEST = "n>1T"
_BESIDE = ("attribution", "documents", "held_out", "rewrites")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_SPDX = re.compile(r"[A-Za-z0-9.+-]+")
_FEATURES = (("input_ids", "int32"), ("seq_lengths", "int32"), ("loss_mask", "int8"), ("doc_ids", "string"))


def front_matter(manifest: Manifest) -> str:
    """YAML without its marks; the same for equal manifests."""
    return yaml.safe_dump(card_data(manifest), sort_keys=False, allow_unicode=True, width=120)


def card_data(manifest: Manifest) -> dict[str, Any]:
    """The keys and values."""
    languages = natural_languages(manifest)
    is_rewritten = isinstance(manifest.rewriting, ReleaseRewriting)
    data: dict[str, Any] = {"pretty_name": manifest.name, **_licence(manifest)}
    if languages:
        data["language"] = languages
        data["multilinguality"] = ["multilingual" if len(languages) > 1 else "monolingual"]
    return {
        **data,
        "task_categories": ["text-generation"],
        "size_categories": [size_category(sum(row.documents for row in manifest.documents))],
        "annotations_creators": ["no-annotation"],
        "language_creators": ["found", *(["machine-generated"] if is_rewritten else [])],
        "source_datasets": ["extended|other"],
        "tags": ["pretraining", "code", "corpusmill", *(["synthetic"] if is_rewritten else [])],
        "configs": _configs(manifest),
        "dataset_info": {"config_name": "default", "features": _features()},
    }


def natural_languages(manifest: Manifest) -> list[str]:
    """ISO 639 codes of the texts, in alphabetical order; names that are no codes are left out."""
    codes = {row.language for row in manifest.documents if row.kind == "text"}
    return sorted(code for code in codes if _LANGUAGE.fullmatch(code))


def size_category(documents: int) -> str:
    """The Hub's name for a number of documents."""
    return next((name for bound, name in _SIZES if documents < bound), _LARGEST)


def _licence(manifest: Manifest) -> dict[str, str]:
    """One SPDX id where all documents are under it; else `other`, which ATTRIBUTION.md explains."""
    licences = {row.licence for row in manifest.documents}
    if len(licences) == 1 and _SPDX.fullmatch(only := licences.pop()) and only != NO_LICENCE:
        return {"license": only.lower()}
    return {"license": "other", "license_name": "several-licences", "license_link": "ATTRIBUTION.md"}


def _configs(manifest: Manifest) -> list[dict[str, str]]:
    configs = [{"config_name": "default", "data_files": f"{DATA}/*.parquet"}]
    lengths = [length.sequence_tokens for length in manifest.packing.lengths]
    configs += [
        {"config_name": f"tokens{suffix}", "data_files": f"{DATA}{suffix}/*.parquet"}
        for suffix in length_suffixes(lengths)[1:]
    ]
    if manifest.packed_from is not None:
        return configs
    form = texts_format(manifest.recipe)
    if form != "off":
        configs.append({"config_name": "texts", "data_files": f"texts/*.{form}"})
    names = [folder.name for folder in folders_of(manifest.recipe)]
    return configs + [{"config_name": name, "data_files": f"{name}/*.parquet"} for name in _BESIDE if name in names]


def _features() -> list[dict[str, object]]:
    lists: list[dict[str, object]] = [{"name": name, "list": dtype} for name, dtype in _FEATURES]
    return [*lists, {"name": "doc_offsets", "list": "int32"}, {"name": "kind", "dtype": "string"}]
