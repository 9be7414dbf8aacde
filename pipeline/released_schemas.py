"""The columns and metadata that Parquet files of a release should have, by folder and by what its manifest says."""

import pyarrow as pa

from manifests.errors import IntegrityError
from manifests.release import MANIFEST, Manifest
from pipeline.release_folders import DATA, POSITIONS, length_suffixes, rewrites_code, sequence_lengths, texts_format
from stages.attribution import attribution_schema
from stages.packed_rows import packed_metadata, packed_schema
from stages.positions import positions_schema
from stages.release_index import BAND_ROWS, INDEX, with_release
from stages.released_documents import LOOKUP, RELEASED_DOCUMENTS
from stages.rewrite_provenance import rewrites_schema
from stages.texts import texts_schema

_OF_LABEL = {"documents": RELEASED_DOCUMENTS, "lookup": LOOKUP, "index": INDEX, "bands": BAND_ROWS}


def released_schema(manifest: Manifest, folder: str) -> pa.Schema:
    """What the files of a folder should have.

    Raises:
        IntegrityError: no release of such a recipe has this folder.
    """
    label, recipe = manifest.label, manifest.recipe
    if folder in _OF_LABEL:
        return with_release(_OF_LABEL[folder], label)
    if folder == "attribution":
        return attribution_schema(label)
    if folder == "rewrites":
        return rewrites_schema(label, originals=texts_format(recipe) != "off")
    if folder in ("texts", "held_out"):
        return texts_schema(label, rewritten=folder == "texts" and rewrites_code(recipe))
    lengths = sequence_lengths(recipe)
    for length, suffix in zip(lengths, length_suffixes(lengths), strict=True):
        if folder == DATA + suffix:
            return packed_schema(metadata_of(manifest, length))
        if folder == POSITIONS + suffix:
            return positions_schema(metadata_of(manifest, length))
    raise IntegrityError(f"{MANIFEST}: expected no files in {folder}/, got some")


def metadata_of(manifest: Manifest, sequence_tokens: int) -> dict[str, str]:
    """What the metadata of the files of a context length must say."""
    return packed_metadata(
        manifest.label,
        tokenizer_sha256=manifest.tokenizer.sha256,
        sequence_tokens=sequence_tokens,
        mode=manifest.packing.mode,
    )


def nullable_in(folder: str) -> frozenset[str]:
    """Columns that may have nulls."""
    if folder == "index":
        return frozenset({"values"})
    return frozenset({"loss_mask"}) if folder == DATA or folder.startswith(f"{DATA}-") else frozenset()
