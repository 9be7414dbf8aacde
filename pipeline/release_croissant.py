"""croissant.json of a release: what its files and columns are, in JSON-LD that tools and search engines read.

Generated from the manifest alone. The manifest has no clock, so there is no `datePublished`; nor does it know a
creator or a URL: whoever publishes the release adds them. Columns of structs are left out of the record sets.

Source: Croissant 1.1, http://mlcommons.org/croissant/1.1; RAI 1.0, http://mlcommons.org/croissant/RAI/1.0; PROV-O,
https://www.w3.org/TR/prov-o/.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from filters.licence_policy import NO_LICENCE
from manifests.printable import printable_json
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.release_croissant_words import rai_words
from pipeline.release_folders import DATA, folders_of, folders_packed, rewrites_code, texts_format
from pipeline.release_texts import release_headline
from stages.attribution import ATTRIBUTION
from stages.packed_rows import packed_schema
from stages.positions import POSITIONS
from stages.released_documents import RELEASED_DOCUMENTS
from stages.rewrite_provenance import released_rewrites
from stages.texts import RELEASED_TEXTS, released_texts

CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_OF_CROISSANT = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty"),
    *("fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{name: f"cr:{name}" for name in _OF_CROISSANT},
}
_FORMATS = {
    "parquet": "application/x-parquet",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "zst": "application/zstd",
    "html": "text/html",
}
_TYPES: dict[pa.DataType, str] = {
    **dict.fromkeys((pa.int8(), pa.int32(), pa.int64(), pa.uint32(), pa.uint64()), "sc:Integer"),
    pa.float64(): "sc:Float",
    pa.bool_(): "sc:Boolean",
    pa.string(): "sc:Text",
}


def croissant(manifest: Manifest) -> str:
    """The document; the same for equal manifests."""
    tables = _tables(manifest)
    metadata: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": manifest.name,
        "description": f"{manifest.name} {manifest.version}: {release_headline(manifest)}",
        "conformsTo": CONFORMS_TO,
        "version": manifest.version,
        "license": _licences(manifest),
        "citeAs": f"{manifest.name} {manifest.version}",
        "isLiveDataset": False,
        "keywords": ["pretraining", "code", "text"],
        **rai_words(manifest),
        **_provenance(manifest),
        "distribution": [*_file_objects(manifest), *_file_sets(manifest, tables)],
        "recordSet": [_record_set(name, schema) for name, schema in tables.items()],
    }
    compact = msgspec.json.encode(metadata)
    return printable_json(msgspec.json.format(compact, indent=1)).decode() + "\n"


def _tables(manifest: Manifest) -> dict[str, pa.Schema]:
    """The columns of every folder of tables, by its name."""
    is_rewritten, has_texts = rewrites_code(manifest.recipe), texts_format(manifest.recipe) != "off"
    columns = {
        "attribution": ATTRIBUTION,
        "documents": RELEASED_DOCUMENTS,
        "held_out": RELEASED_TEXTS,
        "rewrites": released_rewrites(originals=has_texts),
        "texts": released_texts(rewritten=is_rewritten),
    }
    packed = [folder.name for folder in folders_packed(manifest.recipe)]
    found = {name: packed_schema({}) if name.partition("-")[0] == DATA else POSITIONS for name in packed}
    if manifest.packed_from is None:
        names = [folder.name for folder in folders_of(manifest.recipe)]
        found |= {name: columns[name] for name in names if name in columns}
    return found


def _file_objects(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for file in manifest.files:
        yield {
            "@type": "cr:FileObject",
            "@id": file.path,
            "name": file.path,
            "contentUrl": file.path,
            "contentSize": f"{file.num_bytes} B",
            "encodingFormat": _format(file.path),
            "sha256": file.sha256,
        }


def _format(name: str) -> str:
    return _FORMATS.get(name.rpartition(".")[2], "application/octet-stream")


def _file_sets(manifest: Manifest, tables: dict[str, pa.Schema]) -> Iterator[dict[str, Any]]:
    for name in tables:
        suffix = texts_format(manifest.recipe) if name == "texts" else "parquet"
        yield {
            "@type": "cr:FileSet",
            "@id": f"files-of-{name}",
            "name": f"files-of-{name}",
            "description": f"The files of {name}/, one for each shard.",
            "encodingFormat": _format(suffix),
            "includes": f"{name}/*.{suffix}",
        }


def _record_set(name: str, schema: pa.Schema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [field for column in schema for field in _field(name, column)],
    }


def _field(table: str, column: pa.Field) -> Iterator[dict[str, Any]]:
    is_list = pa.types.is_list(column.type)
    value = column.type.value_type if is_list else column.type
    if value not in _TYPES:
        return
    yield {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "dataType": _TYPES[value],
        **({"isArray": True, "arrayShape": "-1"} if is_list else {}),
        "source": {"fileSet": {"@id": f"files-of-{table}"}, "extract": {"column": column.name}},
    }


def _licences(manifest: Manifest) -> list[str]:
    """Concluded expressions; what no evidence names is not among them."""
    return sorted({row.licence for row in manifest.documents} - {NO_LICENCE})


def _provenance(manifest: Manifest) -> dict[str, Any]:
    derived: list[dict[str, str]] = [
        {
            "@type": "prov:Entity",
            "prov:label": source.name,
            **({"prov:atLocation": source.url} if source.url else {}),
            **({"prov:generatedAtTime": source.snapshot} if source.snapshot else {}),
        }
        for source in manifest.sources
    ]
    if manifest.parent is not None:
        label = f"{manifest.parent.name} {manifest.parent.version}, manifest {manifest.parent.digest}"
        derived.append({"@type": "prov:Entity", "prov:label": label})
    agents = [{"@type": "prov:SoftwareAgent", "prov:label": f"corpusmill {manifest.software.get('corpusmill', '')}"}]
    if isinstance(manifest.rewriting, ReleaseRewriting):
        model = manifest.rewriting.model
        agents.append({"@type": "prov:SoftwareAgent", "prov:label": f"{model.name}, revision {model.revision}"})
    activity = {"@type": "prov:Activity", "prov:label": "curation", "prov:wasAssociatedWith": agents}
    return {"prov:wasDerivedFrom": derived, "prov:wasGeneratedBy": activity}
