"""What stays of a packed shard when documents are taken out of it, computed from lengths and positions alone.

Rows without a removed document stay as they are. Of the others the tokens that stay move left; what follows is padding,
and a row without a token goes. A packed document of several files loses the files that are removed: what is no file's
own, the token that begins it, the line that names its repository and the token that ends it, stays, and counts for the
file that is now first or last. It is named after its first file.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from pipeline.removal_layout import PackedShard
from pipeline.verify_rows import Bools, Digests, Int64s
from stages.exchange import fixed_binary_array
from stages.rendering import packed_name


@dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """Which stretches and packed documents a removal concerns.

    Attributes:
        gone: which stretches are of removed documents.
        partial: which packed documents lose some of their files and keep others.
        heads: stretches with which a partial document begins, where its first file goes.
    """

    gone: Bools
    partial: Bools
    heads: Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What stays; rows are numbered as before.

    Attributes:
        rows: that stay, ascending.
        used: tokens of each that are no padding.
        piece_rows: row of each piece that stays, ascending; with its length, its offset and its packed document.
        run_rows: row of each run of tokens that is copied: `run_lengths` of them from `run_sources` in it to
            `run_places` in what it becomes. Each is of one stretch, and counts for the document `run_ids` from now on.
        position_rows: row of each position, with what else a position says.
    """

    rows: Int64s
    used: Int64s
    piece_rows: Int64s
    piece_lengths: Int64s
    piece_offsets: Int64s
    piece_documents: Int64s
    names: pa.StringArray
    run_rows: Int64s
    run_sources: Int64s
    run_places: Int64s
    run_lengths: Int64s
    run_stretches: Int64s
    run_ids: Digests
    position_rows: Int64s
    position_offsets: Int64s
    position_lengths: Int64s
    position_pieces: Int64s
    ids: Digests
    doc_offsets: Int64s
    forms: pa.StringArray


def touched(shard: PackedShard, removed: Digests) -> Touched:
    """What a removal of some source documents concerns."""
    chosen = fixed_binary_array(removed) if len(removed) else pa.array([], pa.binary(ID_BYTES))
    gone = pc.is_in(fixed_binary_array(shard.ids), value_set=chosen).to_numpy(zero_copy_only=False)
    documents, starts = _places(shard)
    count = shard.num_documents
    partial = (np.bincount(documents[gone], minlength=count) > 0) & (np.bincount(documents[~gone], minlength=count) > 0)
    order = np.lexsort((starts, documents))
    # The first file's stretches: all before the first one of another file.
    is_other = np.ones(len(order), dtype=np.bool_)
    is_other[1:] = (documents[order][1:] != documents[order][:-1]) | (shard.ids[order][1:] != shard.ids[order][:-1])
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = documents[order][1:] != documents[order][:-1]
    run = np.cumsum(is_other)
    first_run = np.zeros(count, dtype=np.int64)
    first_run[documents[order][opens]] = run[opens]
    in_first = run == first_run[documents[order]]
    heads = order[in_first & gone[order] & partial[documents[order]]]
    return Touched(gone, partial, heads)


def keep(shard: PackedShard, found: Touched, prefixes: Int64s) -> Kept:
    """Lay out what stays.

    Args:
        prefixes: of each packed document, the tokens at its beginning that are not its first file's own; looked at for
            partial documents whose first file goes.
    """
    documents, starts = _places(shard)
    parts, firsts = _parts(shard, found, prefixes)
    stretch, source, length, ids = parts
    document, piece = documents[stretch], shard.pieces[stretch]
    packed_offset, doc_offset = _offsets(document, starts[stretch] + source, length, ids)
    piece_lengths = np.bincount(piece, weights=length, minlength=len(shard.piece_rows)).astype(np.int64)
    stays = piece_lengths > 0
    opens = np.ones(len(piece), dtype=np.bool_)
    opens[1:] = piece[1:] != piece[:-1]
    rows = shard.piece_rows[piece]
    used = np.bincount(rows, weights=length, minlength=len(shard.kinds)).astype(np.int64)
    before = np.cumsum(length) - length
    places = before - (np.cumsum(used) - used)[rows]
    begins = opens.copy()
    begins[1:] |= ids[1:] != ids[:-1]
    number = np.cumsum(begins) - 1
    return Kept(
        rows=np.flatnonzero(used),
        used=used[used > 0],
        piece_rows=shard.piece_rows[stays],
        piece_lengths=piece_lengths[stays],
        piece_offsets=packed_offset[opens],
        piece_documents=shard.documents[stays],
        names=_names(shard, found, firsts).filter(pa.array(stays)),
        run_rows=rows,
        run_sources=shard.piece_begins[piece] + shard.within[stretch] + source,
        run_places=places,
        run_lengths=length,
        run_stretches=stretch,
        run_ids=ids,
        position_rows=rows[begins],
        position_offsets=places[begins],
        position_lengths=np.bincount(number, weights=length).astype(np.int64),
        position_pieces=piece[begins],
        ids=ids[begins],
        doc_offsets=doc_offset[begins],
        forms=shard.forms.take(pa.array(stretch[begins])),
    )


def _places(shard: PackedShard) -> tuple[Int64s, Int64s]:
    """Packed document of each stretch, and where in it the stretch begins."""
    return shard.documents[shard.pieces], shard.piece_offsets[shard.pieces] + shard.within


def _parts(
    shard: PackedShard, found: Touched, prefixes: Int64s
) -> tuple[tuple[Int64s, Int64s, Int64s, Digests], Digests]:
    """What stays of stretches, in their order, and of each packed document the first file that stays.

    Of each part: its stretch, where in it it begins, its tokens, and the document that they now count for.
    """
    documents, starts = _places(shard)
    count = shard.num_documents
    ends = np.bincount(documents, weights=shard.lengths, minlength=count).astype(np.int64)
    order = np.lexsort((starts, documents))
    staying = order[~found.gone[order]]
    firsts, lasts = (np.zeros(count, dtype=f"V{ID_BYTES}") for _ in range(2))
    firsts[documents[staying[::-1]]] = shard.ids[staying[::-1]]  # of several the one that is set last stands
    lasts[documents[staying]] = shard.ids[staying]
    cut = found.gone & found.partial[documents]
    head = np.where(cut, np.clip(prefixes[documents] - starts, 0, shard.lengths), 0)
    tail = np.where(cut & (starts + shard.lengths == ends[documents]), 1, 0)
    whole, headed, tailed = np.flatnonzero(~found.gone), np.flatnonzero(head), np.flatnonzero(tail)
    stretch = np.concatenate((whole, headed, tailed))
    source = np.concatenate((np.zeros(len(whole) + len(headed), dtype=np.int64), shard.lengths[tailed] - 1))
    length = np.concatenate((shard.lengths[whole], head[headed], tail[tailed]))
    ids = np.concatenate((shard.ids[whole], firsts[documents[headed]], lasts[documents[tailed]]))
    by_token = np.lexsort((source, stretch))
    return (stretch[by_token], source[by_token], length[by_token], ids[by_token]), firsts


def _offsets(documents: Int64s, starts: Int64s, lengths: Int64s, ids: Digests) -> tuple[Int64s, Int64s]:
    """Where each part begins within what is left of its packed document, and within its own document."""
    order = np.lexsort((starts, documents))
    own, length, name = documents[order], lengths[order], ids[order]
    before = np.cumsum(length) - length
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = own[1:] != own[:-1]
    begins = opens.copy()
    begins[1:] |= name[1:] != name[:-1]
    packed, member = np.empty(len(order), dtype=np.int64), np.empty(len(order), dtype=np.int64)
    packed[order] = before - before[opens][np.cumsum(opens) - 1]
    member[order] = before - before[begins][np.cumsum(begins) - 1]
    return packed, member


def _names(shard: PackedShard, found: Touched, firsts: Digests) -> pa.StringArray:
    """Names of all pieces: packed documents whose first file goes are named after the next one."""
    renamed = np.zeros(shard.num_documents, dtype=np.bool_)
    documents, _ = _places(shard)
    renamed[documents[found.heads]] = True
    places = np.flatnonzero(renamed[shard.documents])
    if not len(places):
        return shard.names
    names = [
        packed_name(firsts[shard.documents[place]].tobytes(), int(shard.piece_copies[place]), repository=True)
        for place in places.tolist()
    ]
    mask = np.zeros(len(shard.names), dtype=np.bool_)
    mask[places] = True
    return pc.replace_with_mask(shard.names, pa.array(mask), pa.array(names, pa.string()))
