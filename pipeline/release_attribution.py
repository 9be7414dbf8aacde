"""ATTRIBUTION.md of a release: whose work it is made of, under which licences, and how to give them their due.

Generated from the manifest alone. The rows of single documents are in `attribution/`; this page says how to read them.
"""

from collections.abc import Iterable, Sequence

from filters.licence_words import NO_EVIDENCE, UNLISTED
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from pipeline.markdown import cell, table
from pipeline.release_texts import AMOUNTS, packed_set_of

_ASKS = {
    "permissive": "keep the copyright notice and the text of the licence with copies",
    "open-content": "name the authors and the licence, and say what was changed",
    "share-alike": "the same, and put what is made of it under the same licence",
    NO_EVIDENCE: "unknown: nothing says how it is licensed",
    UNLISTED: "read the licence: no list knows it",
}
_OTHER = "read the licence: it is on none of the named sets"
_NOTICES = """\
```python
import pyarrow.parquet as pq


def notices(release: str, repository: str) -> list[str]:
    \"\"\"Licence, place and copyright statements of every document of a repository.\"\"\"
    rows = pq.read_table(f"{release}/attribution", filters=[("repository", "==", repository)]).to_pylist()
    return [f"{row['path']} ({row['licence']}): {'; '.join(row['copyright'])}" for row in rows]
```"""
_HOW = (
    "Every document has a row in `attribution/`, in the file of its shard's name: repository, revision, path, SWHID, "
    "the concluded licence, every piece of evidence for it, and the copyright statements found in the text. All "
    "notices of a repository are printed by"
)


def attribution_page(manifest: Manifest) -> str:
    """The page; the same for equal manifests."""
    if manifest.packed_from is not None:
        return f"# Attribution\n\n{packed_set_of(manifest)} Attribution lies there.\n"
    parts = [
        f"# Attribution of {manifest.name} {manifest.version}",
        "## Sources",
        table(("source", "published at", "as of", "licence declared for all of it"), _sources(manifest)),
        "## Licences",
        table(("licence", "what it is", *AMOUNTS, "what it asks, in short"), _licences(manifest)),
        "The last column is a reminder and no legal advice; the text of each licence decides.",
        "## Single documents",
        _HOW,
        _NOTICES,
        *_model(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def _sources(manifest: Manifest) -> Iterable[Sequence[str]]:
    for source in manifest.sources:
        said = (source.url or "not stated", source.snapshot or "not stated", source.declared_licence or "none")
        yield cell(source.name), *map(cell, said)


def _licences(manifest: Manifest) -> Iterable[Sequence[str]]:
    for (licence, words), tally, tokens in manifest.sums_by("licence", "licence_words"):
        asks = dict.fromkeys(_ASKS.get(word, _OTHER) for word in words.split(", "))
        amounts = (f"{number:,}" for number in (tally.documents, tally.num_bytes, tokens))
        yield cell(licence), cell(words), *amounts, "; ".join(asks)


def _model(manifest: Manifest) -> Iterable[str]:
    if isinstance(manifest.rewriting, ReleaseRewriting):
        model = manifest.rewriting.model
        rewrites = manifest.rewriting.total.released_documents
        yield "## What a model wrote"
        yield (
            f"{rewrites:,} documents are as {cell(model.name)} (revision {cell(model.revision)}, licence "
            f"{cell(model.licence)}) rewrote them. They are derived from their originals: licence, notices and "
            "attribution of the originals hold for them, and `rewrites/` names model, prompts and original of each. "
            "The model's licence may ask for more, such as its name in what is made with it."
        )
