"""Units of hostile texts, cut in the gatekeeper's process."""

import asyncio
from collections.abc import Iterator

import pytest

from filters.rewrite_gates import GateBounds
from stages.gatekeeper import Gatekeeper


@pytest.fixture(scope="module")
def gatekeeper() -> Iterator[Gatekeeper]:
    with Gatekeeper(GateBounds(), redact=lambda _text, _language: 0, match=lambda _: None, linter=None) as keeper:
        yield keeper


def test_units_tile_the_text(gatekeeper: Gatekeeper) -> None:
    text = "def é():\n    return 1\n\n\ndef b():\n    return 2\n"
    assert [text[start:stop] for start, stop in asyncio.run(gatekeeper.units(text, "Python"))] == [
        "def é():\n    return 1\n\n\n",
        "def b():\n    return 2\n",
    ]


@pytest.mark.servers
def test_a_text_that_bursts_the_parser_is_one_unit_and_the_next_is_cut_as_ever(gatekeeper: Gatekeeper) -> None:
    bomb = "x=>" * 16_000  # 9 GB in tree-sitter's C grammar
    assert asyncio.run(gatekeeper.units(bomb, "C")) == [(0, len(bomb))]
    assert asyncio.run(gatekeeper.units("int a;\nint b;\n", "C")) == [(0, 7), (7, 14)]
