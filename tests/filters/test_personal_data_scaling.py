"""Personal data in hostile texts: work grows with the text, never faster, and each place costs a bounded look."""

import time
import tracemalloc

import pytest

from filters import candidates
from filters.redaction_policy import KINDS, RedactionPolicy
from filters.validators import PLACES
from stages.scanning import find_spans, kept_scanner

HIGH = RedactionPolicy(tuple("high" for _ in KINDS))
HOSTILE = {
    "digits": "1234567890",
    "fours": "4111 ",
    "dashed_fours": "4111-",
    "plus_ones": "+1",
    "plus_groups": "+1 23 ",
    "at_signs": "a@",
    "at_domains": "a@b.com",
    "dotted": "1.",
    "colons": "2a02:",
    "mapped": "::ffff:",
    "words_and_digits": "tel 1 ",
    "phones": "phone 0123 ",
    "dots": "a.",
    "long_labels": "a@" + "b" * 62 + ".",
    "percent": "a%40",
    "country_codes": "DE12",
    "at_dot": "x at y dot ",
    "brackets": "x (at) ",
    "cjk": "漢@",
    "table": "1,(415) 867-2",
    "long_distance": "1-415-",
    "slashes": "040 / ",
    "spoken": "x (at) y (dot) ",
    "soft": "a\u00ad",
    "spaces": "tel      ",
}
BYTES = 100_000


def places(data: bytes) -> int:
    return sum(map(len, candidates._places(kept_scanner(HIGH), data).values()))


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_text_has_at_most_twice_the_places(name: str) -> None:
    unit = HOSTILE[name]
    half = (unit * (BYTES // 2 // len(unit))).encode()
    assert places(half) <= len(half)
    assert places(half + half) <= 2 * places(half) + 64


class Counted(bytes):
    """Bytes that count how many of them were copied out."""

    copied = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        value = super().__getitem__(key)
        Counted.copied += len(value) if isinstance(value, bytes) else 1
        return value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_place_reads_a_bounded_part_of_the_text(name: str) -> None:
    unit = HOSTILE[name]
    data = Counted((unit * (BYTES // len(unit.encode()))).encode())
    for place in PLACES:
        if place.endswith("_block"):
            continue
        for stop in range(BYTES // 2, BYTES // 2 + 40):
            Counted.copied = 0
            found = PLACES[place](data, stop, "high")
            assert Counted.copied < 4_000
            assert found is None or found[1] - found[0] < 512


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_lines_are_read_in_bounded_time(name: str) -> None:
    unit = HOSTILE[name]
    data = (unit * (BYTES // len(unit.encode()))).encode()
    started = time.process_time()
    find_spans(data, policy=HIGH)
    assert time.process_time() - started < 20


def test_many_addresses_in_one_document() -> None:
    number = 30_000
    data = b"\n".join(b"person%d@company-mail.org" % index for index in range(number))
    find_spans(b"x", policy=HIGH)
    tracemalloc.start()
    spans = find_spans(data, policy=HIGH)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(spans) == number
    assert peak < 600 * number


def test_a_long_line_of_digits_has_hardly_a_place() -> None:
    assert places(b"1234567890" * 300_000) < 10
