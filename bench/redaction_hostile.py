"""`make bench-redaction-hostile`: CPU seconds and peak memory of redaction on texts made to be slow or large.

Each text is redacted in a forked child, as the mill redacts a document: limits on, so that one that leaks too much is
scanned and left out. Then the same with no limits, where everything is replaced. Growth is told by a quarter of the
text beside the whole: four times the text should take four times as long.
"""

import resource
import time
from collections.abc import Callable, Iterator

from child import in_child

from filters.redaction_policy import RedactionPolicy
from stages.leaks import LeakLimits
from stages.redaction import redact

_MB = 1_000_000

# What is repeated without a line end, up to 20 MB or, where a rule's own function looks at each place, 2 MB.
LINES = {
    "a": 20,
    "0": 20,
    "a@": 20,
    "1.": 20,
    "+1": 20,
    "0000 ": 20,
    "eyJ": 20,
    "sk-": 20,
    "x (at) ": 20,
    "\u00ade": 20,
}
DENSE = (
    "password=", "password is 1", "eyJa.", "://a:b@", "-----BEGIN " + "PRIVATE KEY-----", "ibm_key ", "AKIA",
    "tel 0171 1234567 ", "Tel: 0123 4567890\n", "a\u200bb@", "key: '", "4539148803436467 ", "DE89 3704 ",
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    print(f"{'text':<34}{'MB':>6}{'quarter, s':>12}{'whole, s':>10}{'no limits, s':>14}{'peak, MB':>10}")
    for name, make, num_bytes in _texts():
        quarter, _ = _measured(make(num_bytes // 4), limits=True)
        whole, _ = _measured(make(num_bytes), limits=True)
        unlimited, peak = _measured(make(num_bytes), limits=False)
        print(f"{name!r:<34}{num_bytes / _MB:>6.0f}{quarter:>12.1f}{whole:>10.1f}{unlimited:>14.1f}{peak:>10,.0f}")


def _texts() -> Iterator[tuple[str, Callable[[int], str], int]]:
    for unit in (*LINES, *DENSE):
        yield unit, lambda size, unit=unit: unit * (size // len(unit.encode())), LINES.get(unit, 2) * _MB
    yield "1 M addresses", lambda size: "".join(f"p{n}@mail-{n % 997}.org\n" for n in range(size // 24)), 24 * _MB


def _measured(text: str, *, limits: bool) -> tuple[float, float]:
    """CPU seconds, and the peak of the child's memory in MB, the text itself and what is loaded included."""
    policy = RedactionPolicy()
    redact("warm", policy=policy)
    bounds = LeakLimits(10, 0.5) if limits else LeakLimits()

    def measure() -> Iterator[float]:
        started = time.process_time()
        redact(text, policy=policy, limits=bounds)
        yield time.process_time() - started
        yield resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000

    seconds, peak = in_child(measure)
    return seconds, peak


if __name__ == "__main__":
    main()
