"""What `optout check` and `optout apply` say. Paths and reasons come from strangers: nothing is printed raw."""

import json
from collections.abc import Iterator

import typer

from manifests.errors import RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import KINDS, Request, checked
from manifests.printable import printable_json
from pipeline.inspect_run import safe
from pipeline.removal_asked import asked_of, told_before
from pipeline.removal_search import How, Search, Wanted, search
from pipeline.removal_work import read_by_run
from pipeline.removing import Applied, opened_release

_SHOWN = 20  # documents of a request; all of them in JSON
_SAID: dict[How, str] = {"named": "documents", "exact_copy": "exact copies", "near_copy": "near copies"}


def check_release(
    registry: Registry,
    folder: str,
    single: tuple[str, str],
    *,
    near_copies: str,
    work: str = "",
) -> Search:
    """What of a release is asked to be left out.

    Args:
        single: kind and value of the one thing to be asked for; empty: everything in the registry.
        work: work folder of the run, so that what it read and dropped counts, too; empty: none.

    Raises:
        RecipeError: no release or registry, a kind without a value, or a work folder of another run.
        IntegrityError: the release or the registry is damaged.
    """
    by, value = single
    if bool(by) != bool(value):
        raise RecipeError(
            "--by and --value: expected both or neither", hint="such as --by repository --value owner/name"
        )
    manifest, files = opened_release(folder)
    for line in told_before(files.storage, manifest, near_copies):
        typer.echo(line, err=True)  # so that --json stays what programs read
    wanted = asked_of(registry, manifest, near_copies=near_copies).wanted
    if by:
        wanted = Wanted([_single(by, value)], [], wanted.near, wanted.near_copies)
    if work:
        wanted = wanted._replace(read=read_by_run(work, manifest, wanted.requests))
    return search(files, wanted)


def print_found(found: Search, *, as_json: bool) -> None:
    """Print what was found, request by request."""
    if as_json:
        for row in _rows(found):
            typer.echo(printable_json(json.dumps(row, ensure_ascii=False).encode()).decode())
        return
    by_request: dict[int, list[dict[str, object]]] = {}
    for row in _rows(found):
        by_request.setdefault(int(str(row["request"])), []).append(row)
    for place, rows in sorted(by_request.items()):
        counts = ", ".join(f"{sum(row['how'] == how for row in rows)} {said}" for how, said in _SAID.items())
        typer.echo(f"{_name(found, place)}: {counts}")
        for row in rows[:_SHOWN]:
            where = f"{row['repository']}:{row['path']}" if row["repository"] else str(row["path"]) or "(no path)"
            of = "held out beside shard" if row["held_out"] else "shard"
            typer.echo(f"  {row['doc_id']}  {of} {row['shard']}  {row['how']}  {safe(where, 200)}")
        if len(rows) > _SHOWN:
            typer.echo(f"  and {len(rows) - _SHOWN:,} more; --json has all")
    if not by_request:
        typer.echo("nothing of it is in the release")


def applied_lines(applied: Applied) -> Iterator[str]:
    """What a removal came to."""
    if not applied.folder:
        yield "nothing to remove: no document of the release is asked for; nothing was made"
        return
    for one in applied.tombstones:
        yield safe(
            f"{one.by}, {one.date}: {one.documents} documents, {one.exact_copies} exact copies, {one.near_copies} near "
            f"copies, {one.rewrites} of them rewritten, {one.held_out} held out; {one.tokens:,} tokens: {one.reason}",
            1_000,
        )
    read, written = sum(applied.opened.values()), sum(applied.written.values())
    yield f"{applied.shards:,} of {applied.of_shards:,} shards: read {read:,} files, wrote {written:,}"
    yield "searched again for everything asked and remembered: nothing is left"
    yield f"made {applied.folder}"


def _rows(found: Search) -> Iterator[dict[str, object]]:
    columns = ["doc_id", "repository", "path", "held_out", "rewrite"]
    for shard, rows in sorted(found.rows.items()):
        for row in rows.select(columns).to_pylist():
            match = found.matches[shard][row["doc_id"]]
            yield {"request": match.request, "how": match.how, "shard": shard, **row, **_asked(found, match.request)}


def _asked(found: Search, place: int) -> dict[str, str]:
    if place < 0:
        return {"ticket": "", "by": "", "value": ""}
    request = found.requests[place]
    return {"ticket": request.ticket, "by": request.by, "value": request.value}


def _name(found: Search, place: int) -> str:
    if place < 0:
        return "taken out of an earlier release"
    request = found.requests[place]
    return safe(f"{request.by} {request.value} ({request.ticket})", 300)


def _single(by: str, value: str) -> Request:
    if by not in KINDS or by == "ticket":
        raise RecipeError(
            f"--by: expected one of {', '.join(kind for kind in KINDS if kind != 'ticket')}, got {by[:40]!r}"
        )
    return checked(Request(ticket="asked", date="1970-01-01", by=by, value=value, reason="asked"))  # type: ignore[arg-type]
