"""What people read of packing: sequences, padding and cuts by context length and mode, and the columns of a row."""

from collections.abc import Iterable, Sequence

from manifests.release import Manifest
from manifests.release_packing import ContextLength, PackingFigures
from pipeline.markdown import table
from pipeline.release_folders import DATA, POSITIONS, length_suffixes

_MODES = {
    "best_fit": "Documents that fit in a sequence are never cut.",
    "concat": "Documents stand one after another and are cut at the end of every sequence.",
    "none": "Every document has a row of its own, as long as it is; a longer one than a sequence is cut.",
}


def packing_section(manifest: Manifest) -> list[str]:
    """What stands under the heading: how it was packed, and what each mode comes to at each length."""
    packing = manifest.packing
    kinds = list(manifest.mixture.shares)
    head = ("tokens", "mode", *(f"sequences of {kind}" for kind in kinds), "padding", "documents cut", "tokens cut")
    documents = sum(packing.documents.values())
    text = (
        f"Packed as `{packing.mode}`. {_MODES[packing.mode]} The other rows say what the same documents come to in "
        f"another mode. Padding is a share of all places for tokens; what is cut, of {documents:,} packed documents (a "
        "repository document is one, and so is each copy of a document) and of their tokens."
    )
    forms = table(("form", "tokens", "share"), _forms(manifest))
    return [table(head, [row for length in packing.lengths for row in _rows(manifest, length, kinds)]), text, forms]


def _forms(manifest: Manifest) -> Iterable[Sequence[str]]:
    tokens = sum(manifest.packing.forms.values())
    for form, count in manifest.packing.forms.items():
        yield form, f"{count:,}", _share(count, tokens)


def _rows(manifest: Manifest, length: ContextLength, kinds: Sequence[str]) -> Iterable[Sequence[str]]:
    packing = manifest.packing
    documents, tokens = sum(packing.documents.values()), sum(manifest.mixture.reached_tokens.values())
    for mode, by_kind in length.modes.items():
        total = PackingFigures()
        for figures in by_kind.values():
            total += figures
        yield (
            f"{length.sequence_tokens:,}",
            f"**{mode}**" if mode == packing.mode else mode,
            *(f"{by_kind[kind].sequences:,}" for kind in kinds),
            _share(total.padding_tokens, total.padding_tokens + tokens, digits=3),
            f"{total.cut_documents:,} ({_share(total.cut_documents, documents)})",
            f"{total.cut_tokens:,} ({_share(total.cut_tokens, tokens)})",
        )


def _share(part: int, whole: int, *, digits: int = 2) -> str:
    return f"{part / whole:.{digits}%}" if whole else "-"


def columns_table(manifest: Manifest) -> str:
    """The columns of the packed rows as a table of Markdown, and what lies beside them."""
    packing = manifest.packing
    lengths = [length.sequence_tokens for length in packing.lengths]
    tokens = f"up to {lengths[0]} token ids" if packing.mode == "none" else f"{lengths[0]} token ids"
    rows = (
        ("`input_ids`", "list<int32>", f"{tokens} of one kind of document"),
        ("`seq_lengths`", "list<int32>", "tokens of each piece, in order; what follows their sum is padding"),
        ("`loss_mask`", "list<int8>", "0 for padding, else 1; null where the row has no padding"),
        ("`doc_ids`", "list<string>", "packed document of each piece"),
        ("`doc_offsets`", "list<int32>", "first token of each piece within its packed document"),
        ("`kind`", "string", " or ".join(f"`{kind}`" for kind in manifest.mixture.shares)),
    )
    others = [
        f"`{DATA}{suffix}/` and `{POSITIONS}{suffix}/` hold the same documents in sequences of {length:,} tokens."
        for suffix, length in zip(length_suffixes(lengths)[1:], lengths[1:], strict=True)
    ]
    positions = (
        f"`{POSITIONS}/` says which source document each stretch of each row is from, in the file of its shard's name: "
        "`doc_id`, `row`,\n`offset`, `length`, `doc_offset`, `copy` and `form`."
    )
    return "\n\n".join([table(("column", "type", "meaning"), rows), positions, *others])
