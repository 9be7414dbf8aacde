"""Redacted source parses as it did: tree-sitter finds as many errors in every real file before and after."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
import zstandard
from tree_sitter import Node, Parser

from filters.grammars import GRAMMARS, grammar
from filters.parse_errors import MAXIMUM_BYTES
from filters.placeholders import spelling_of
from filters.redaction_policy import RedactionPolicy
from filters.spans import PLACEHOLDERS, Span, replaced
from filters.text_syntax import syntax_of
from stages.redaction import redact

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
SHARDS = sorted((SHARED / "data").glob("stack_v2*/*.jsonl.zst"))
HIGH = RedactionPolicy(levels=("high",) * len(RedactionPolicy().levels))

# "repository path" of files whose number of errors may change, and why.
KNOWN: dict[str, str] = {}

Case = tuple[str, str, str]
ONE_FILE_IN = 7
ONE_PLACE_IN = 7
INLINE_KINDS = [kind for kind in PLACEHOLDERS if kind != "private_key"]
# Words of strings and comments; behind a brace or a dollar a string may hold an expression.
WORD = re.compile(rb"(?<![\\A-Za-z0-9_.])[A-Za-z0-9]{7,}(?![A-Za-z0-9_.])")
EXPRESSION = re.compile(rb"[{$]")


@cache
def parser(language: str) -> Parser:
    return Parser(grammar(language))


def num_errors(language: str, text: str) -> int:
    """ERROR and missing nodes."""
    cursor = parser(language).parse(text.encode()).walk()
    total = 0
    while True:
        node = cursor.node
        assert node is not None
        total += node.is_error or node.is_missing
        if node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return total


def files() -> Iterator[Case]:
    """(name, language, text) of every file that a grammar reads."""
    for shard in SHARDS:
        with shard.open("rb") as file:
            lines = zstandard.ZstdDecompressor().stream_reader(file).readall().splitlines()
        for line in lines:
            row = json.loads(line)
            for part in row.get("files") or [row]:
                text, language = part.get("content"), part.get("language")
                if text and language in GRAMMARS and len(text) <= MAXIMUM_BYTES:
                    yield f"{part.get('repo_name') or row.get('repo_name')} {part.get('path')}", language, text


@pytest.mark.real
@pytest.mark.skipif(not SHARDS, reason="shared data absent: set CORPUSMILL_SHARED")
@pytest.mark.parametrize("policy", [RedactionPolicy(), RedactionPolicy(stand_ins=True), HIGH])
def test_real_source_parses_as_before(policy: RedactionPolicy) -> None:
    changed: Counter[str] = Counter()
    worse = {}
    for name, language, text in files():
        redacted = redact(text, policy=policy, document_id=name, syntax=syntax_of("code", language)).text
        if redacted is text:
            continue
        changed[language] += 1
        before, after = num_errors(language, text), num_errors(language, redacted)
        if before != after and name not in KNOWN:
            worse[name] = (language, before, after)
    assert worse == {}
    assert sum(changed.values()) > 50


def literals(root: Node) -> Iterator[Node]:
    """Outermost strings and comments, and integer literals."""
    cursor = root.walk()
    while True:
        node = cursor.node
        assert node is not None
        is_text = re.fullmatch(
            r"(?:template_|raw_|interpreted_|encapsed_|line_|block_)?(?:string|comment)\w*", node.type
        )
        if is_text or (node.child_count == 0 and (node.text or b"").isdigit()):
            yield node
        elif cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def planted(name: str, language: str, data: bytes) -> list[Span]:
    """Places where a secret, an address or a number could stand: words of strings and comments, whole numbers."""
    spans = []
    for node in literals(parser(language).parse(data).root_node):
        start, stop = node.start_byte, node.end_byte
        line = data[data.rfind(b"\n", 0, start) + 1 : start]
        if data[start:stop].isdigit():
            places = [] if b"//" in line else [(start, stop)]  # a division in Python
        else:
            found = (match.span() for match in WORD.finditer(data, start, stop))
            places = [place for place in found if not EXPRESSION.search(data, start, place[0])]
        for place in places:
            number = crc32(b"%d " % place[0] + name.encode())
            if number % ONE_PLACE_IN == 0:
                spans.append(Span(*place, INLINE_KINDS[number // ONE_PLACE_IN % len(INLINE_KINDS)], "planted"))
    return spans


@pytest.mark.real
@pytest.mark.skipif(not SHARDS, reason="shared data absent: set CORPUSMILL_SHARED")
def test_real_source_parses_as_before_wherever_something_may_stand() -> None:
    typed = bare = 0
    worse = {}
    for name, language, text in files():
        data = text.encode()
        if crc32(name.encode()) % ONE_FILE_IN or not (spans := planted(name, language, data)):
            continue
        spelling = spelling_of(data, spans, syntax_of("code", language))
        typed, bare = typed + (not spelling.bare), bare + spelling.bare
        redacted = replaced(data, spans, spelling.of).decode()
        before, after = num_errors(language, text), num_errors(language, redacted)
        if before != after:
            worse[name] = (language, before, after, spelling.bare)
    assert worse == {}
    assert typed > 300
    assert bare > 30
