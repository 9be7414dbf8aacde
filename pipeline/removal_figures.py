"""What a removal changes of a release's figures: all of it are differences from those of the parent."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from manifests.release_packing import COMPARED_MODES, Mode, PackingFigures
from pipeline.removal_packed import Removal
from pipeline.verify_rows import KINDS, Int64s
from stages.packing import Measures, figures, lay_out

Modes = dict[str, dict[str, PackingFigures]]


@dataclass(slots=True)
class Change:
    """What becomes of figures; numbers that grow less are below 0.

    Attributes:
        classes: by class, documents, bytes and tokens.
        not_known: by what is not known, and by kind.
        rewrites: by language, rewrites and their bytes.
        packed: packed documents, by kind.
        forms: tokens by form.
        lengths: by context length, then by mode and kind.
    """

    classes: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    not_known: Counter[tuple[str, str]] = field(default_factory=Counter)
    rewrites: dict[str, list[int]] = field(default_factory=dict)
    held_out: int = 0
    packed: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    lengths: dict[int, Modes] = field(default_factory=dict)

    def add_class(self, names: tuple[str, ...], documents: int, num_bytes: int, tokens: int) -> None:
        """Add to the figures of a class."""
        sums = self.classes.setdefault(names, [0, 0, 0])
        for place, amount in enumerate((documents, num_bytes, tokens)):
            sums[place] += amount

    def add_modes(self, sequence_tokens: int, modes: Modes) -> None:
        """Add to the figures of a context length."""
        sums = self.lengths.setdefault(sequence_tokens, {})
        for mode, by_kind in modes.items():
            own = sums.setdefault(mode, dict.fromkeys(by_kind, PackingFigures()))
            sums[mode] = {kind: own[kind] + by_kind[kind] for kind in by_kind}


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """Rows and pieces of a shard, before or after a removal."""

    kinds: Int64s
    used: Int64s
    piece_rows: Int64s
    piece_lengths: Int64s
    documents: Int64s
    copies: Int64s

    def packed(self) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Of each packed document: kind, tokens, pieces and copy number."""
        _, first, number, pieces = np.unique(self.documents, return_index=True, return_inverse=True, return_counts=True)
        tokens = np.bincount(number, weights=self.piece_lengths, minlength=len(first)).astype(np.int64)
        return self.kinds[self.piece_rows[first]], tokens, pieces, self.copies[first]

    def modes(self, sequence_tokens: int, mode: Mode) -> Modes:
        """Figures of the mode as the rows are, and of the others as they would be for the shard as one slice."""
        kinds, tokens, pieces, copies = self.packed()
        found: Modes = {}
        for name in dict.fromkeys((*COMPARED_MODES, mode)):
            found[name] = {}
            for place, kind in enumerate(KINDS):
                own = kinds == place
                if name == mode:
                    rows = self.kinds == place
                    width = int(self.used[rows].sum()) if mode == "none" else int(rows.sum()) * sequence_tokens
                    padding = width - int(self.used[rows].sum())
                    cut = own & (pieces > 1)
                    found[name][kind] = PackingFigures(int(rows.sum()), padding, int(cut.sum()), int(tokens[cut].sum()))
                    continue
                measures = Measures(tokens[own], np.arange(own.sum(), dtype=np.uint64), copies[own].astype(np.int32))
                found[name][kind] = figures(lay_out(measures, sequence_tokens=sequence_tokens, mode=name, seed=0))
        return found


def packing_change(removal: Removal, sequence_tokens: int, mode: Mode) -> Modes:
    """What becomes of the figures of a context length.

    Of the mode that was not written, the removal's own share can only be told for the shard as a whole, not for the
    slices that pack knew: it is what one slice of them would lose.
    """
    before, after = _before_and_after(removal)
    old, new = before.modes(sequence_tokens, mode), after.modes(sequence_tokens, mode)
    return {name: {kind: _less(new[name][kind], old[name][kind]) for kind in KINDS} for name in new}


def packed_change(removal: Removal) -> tuple[Counter[str], Counter[str]]:
    """What becomes of packed documents by kind, and of tokens by form."""
    documents: Counter[str] = Counter()
    for sign, laid in zip((-1, 1), _before_and_after(removal), strict=True):
        for place, count in zip(*np.unique(laid.packed()[0], return_counts=True), strict=True):
            documents[KINDS[int(place)]] += sign * int(count)
    forms: Counter[str] = Counter()
    for sign, names, lengths in (
        (-1, removal.shard.forms, removal.shard.lengths),
        (1, removal.kept.forms, removal.kept.position_lengths),
    ):
        table = pa.table([names, pa.array(lengths)], names=["form", "tokens"])
        for row in table.group_by("form").aggregate([("tokens", "sum")]).to_pylist():
            forms[row["form"]] += sign * row["tokens_sum"]
    return documents, forms


def handed_over(removal: Removal) -> list[tuple[str, str, int]]:
    """(removed document, the one that its tokens count for now, how many): what stays of packed documents."""
    runs = np.flatnonzero(removal.touched.gone[removal.kept.run_stretches])
    return [
        (
            removal.shard.ids[removal.kept.run_stretches[run]].tobytes().hex(),
            removal.kept.run_ids[run].tobytes().hex(),
            int(removal.kept.run_lengths[run]),
        )
        for run in runs.tolist()
    ]


def added(stated: PackingFigures, change: PackingFigures, tokens: int, documents: int, width: int) -> PackingFigures:
    """Figures of a mode that was not written, within what the release's documents allow.

    Args:
        tokens: that are left of the kind, in so many packed documents.
        width: tokens of a sequence.
    """
    sums = stated + change
    sequences = max(sums.sequences, -(-tokens // width))
    cut = min(max(sums.cut_documents, 0), documents)
    return PackingFigures(
        sequences, sequences * width - tokens, cut, min(max(sums.cut_tokens, 0), tokens) if cut else 0
    )


def _before_and_after(removal: Removal) -> tuple[_Laid, _Laid]:
    shard, kept = removal.shard, removal.kept
    used = np.bincount(shard.piece_rows, weights=shard.piece_lengths, minlength=len(shard.kinds)).astype(np.int64)
    copies = np.zeros(shard.num_documents, dtype=np.int64)
    copies[shard.documents] = shard.piece_copies
    before = _Laid(shard.kinds, used, shard.piece_rows, shard.piece_lengths, shard.documents, copies[shard.documents])
    rows = np.searchsorted(kept.rows, kept.piece_rows)
    after = _Laid(
        shard.kinds[kept.rows], kept.used, rows, kept.piece_lengths, kept.piece_documents, copies[kept.piece_documents]
    )
    return before, after


def _less(one: PackingFigures, other: PackingFigures) -> PackingFigures:
    return PackingFigures(*(getattr(one, name) - getattr(other, name) for name in PackingFigures.__struct_fields__))


def merged(counts: Mapping[str, int], change: Mapping[str, int]) -> dict[str, int]:
    """Counts by name with a difference added; names at 0 go."""
    sums = {name: counts.get(name, 0) + change.get(name, 0) for name in sorted({*counts, *change})}
    return {name: count for name, count in sums.items() if count}
