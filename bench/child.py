"""CPU seconds of a piece of work in a forked child, which leaves no trace in the process that measures.

Standard library only, so that scripts in a peer's own environment measure the same way.
"""

import json
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def in_child(measure: Callable[[], Iterator[float]]) -> list[float]:
    """What is measured in a forked child."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(sender, json.dumps(list(measure())).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(sender)
    with os.fdopen(receiver) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"a measuring child ended with {os.waitstatus_to_exitcode(status)}; see above")
    return [float(figure) for figure in json.loads(said)]


def cpu_seconds(
    function: Callable[[Item], object], items: Sequence[Item], *, copy: Callable[[Item], Item], warm_up: int = 50
) -> float:
    """CPU seconds of one pass over the items in a forked child, all its threads included, after a warm-up.

    Args:
        copy: makes an item anew: a cached hash of an earlier use would flatter the figure.
    """

    def measure() -> Iterator[float]:
        for item in items[:warm_up]:
            function(item)
        fresh = [copy(item) for item in items]
        started = time.process_time()
        for item in fresh:
            function(item)
        yield time.process_time() - started

    (seconds,) = in_child(measure)
    return seconds
