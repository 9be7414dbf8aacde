"""What `optout add`, `import` and `list` print. Values and reasons come from strangers: nothing is printed raw."""

import json
from collections.abc import Iterator

import msgspec
import typer

from manifests.opt_out_registry import Registry, State
from manifests.opt_out_values import forge_place
from manifests.opt_outs import Request
from manifests.printable import printable_json
from pipeline.inspect_run import safe
from stages.suppression_files import num_suppressed


def added_lines(requests: list[Request], num_added: int, folder: str) -> Iterator[str]:
    """What became of requests that were added; of one alone, how it is understood."""
    there = len(requests) - num_added
    parts = [f"added {_counted(num_added)}"] if num_added or not there else []
    parts += [f"{_counted(there)} there already"] if there else []
    yield safe(f"{folder}: {', '.join(parts)}", 2_000)
    if len(requests) == 1 and requests[0].by == "url" and (place := forge_place(requests[0].value)):
        of = f"path {place.path} of " if place.path else ""
        yield safe(f"also takes {of}repository {place.repository}, whatever its address", 2_000)


def print_requests(registry: Registry, *, as_json: bool) -> None:
    """Every request of a registry with its state, and what is suppressed under its ticket.

    Raises:
        RecipeError: there is no registry.
        IntegrityError: the registry or a suppression file is damaged.
    """
    state = registry.read()
    suppressed = num_suppressed(registry.storage, state.suppressed)
    if as_json:
        for request in state.requests:
            typer.echo(_as_json(request, state, suppressed))
        return
    for request in state.requests:
        typer.echo(_as_line(request, state))
    for ticket, number in sorted(suppressed.items()):
        withdrawn = f", not kept out: withdrawn by {state.withdrawn[ticket]}" if ticket in state.withdrawn else ""
        typer.echo(safe(f"{ticket}: {_counted(number, 'content')} suppressed{withdrawn}"))
    tickets = _counted(len({request.ticket for request in state.active}), "ticket")
    typer.echo(f"{_counted(len(state.requests))}; active are {len(state.active):,}, under {tickets}")


def _as_line(request: Request, state: State) -> str:
    parts = [request.ticket, request.date, f"{request.by} {request.value}", request.scope, _state(request, state)]
    return "  ".join(safe(part, 300) for part in (*parts, request.reason))


def _as_json(request: Request, state: State, suppressed: dict[str, int]) -> str:
    facts = msgspec.to_builtins(request) | {
        "state": _state(request, state).partition(" ")[0],
        "withdrawn_by": None if request.by == "ticket" else state.withdrawn.get(request.ticket),
        "suppressed": suppressed.get(request.ticket, 0),
    }
    return printable_json(json.dumps(facts, ensure_ascii=False).encode()).decode()


def _state(request: Request, state: State) -> str:
    if request.by == "ticket":
        return "withdrawal"
    return f"withdrawn by {state.withdrawn[request.ticket]}" if request.ticket in state.withdrawn else "active"


def _counted(number: int, noun: str = "request") -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
