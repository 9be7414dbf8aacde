"""Hidden characters: what stands between a token's characters hides nothing, and costs a clean text nothing."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import candidates, hidden_characters
from filters.example_values import filled_in
from filters.hidden_characters import visible_text
from filters.redaction_policy import RedactionPolicy
from filters.spans import Span, replaced
from stages.redaction import redact
from stages.scanning import find_spans

ALL = RedactionPolicy()
HIDDEN = [*map(chr, (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF))]
AWS, IPV4, CARD = filled_in("AKIA«base32:16»"), filled_in("«ipv4»"), filled_in("«card:4:16»")
TOKENS = [
    "some.one" + "@" + "company-mail.org",
    IPV4,
    AWS,
    filled_in("«iban:DE:18»"),
    "+49 30 9018" + "2765",
    f"card:{CARD}",
]


@pytest.mark.parametrize("character", HIDDEN, ids=lambda character: f"{ord(character):04x}")
def test_each_hidden_character_is_looked_through(character: str) -> None:
    for token in TOKENS[:4]:
        hidden = f"é {token[:7]}{character}{token[7:]} z".encode()
        clean = find_spans(f"é {token} z".encode(), policy=ALL)
        [span] = find_spans(hidden, policy=ALL)
        assert (span.start, span.stop, span.rule) == (3, len(hidden) - 2, clean[0].rule)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_spans_are_those_of_the_clean_text_with_what_is_hidden_in_them(data: st.DataObject) -> None:
    pieces = data.draw(
        st.lists(st.tuples(st.sampled_from(TOKENS), st.sampled_from(["é ", "\n", " , ", "漢 "])), max_size=5)
    )
    clean, hidden, places = b"", b"", [0]
    for token, glue in pieces:
        for place, byte in enumerate(token.encode()):
            inside = place > 0 and " " not in token[place - 1 : place + 1]
            run = "".join(data.draw(st.lists(st.sampled_from(HIDDEN), max_size=2))) if inside else ""
            hidden += run.encode()
            places[-1:] = [len(hidden)]
            clean, hidden = clean + bytes([byte]), hidden + bytes([byte])
            places.append(len(hidden))
        clean, hidden = clean + glue.encode(), hidden + glue.encode()
        places += [len(hidden) - len(glue.encode()) + step for step in range(1, len(glue.encode()) + 1)]
    expected = [Span(places[s.start], places[s.stop - 1] + 1, s.kind, s.rule) for s in find_spans(clean, policy=ALL)]
    assert find_spans(hidden, policy=ALL) == expected
    assert find_spans(replaced(hidden, expected), policy=ALL) == []


def test_offsets_count_hidden_runs_within_a_span_and_none_at_its_ends() -> None:
    text = visible_text("\u200bab\u200b\u200bcd\u200b".encode())
    assert text.data == b"abcd"
    assert list(text.in_original([Span(0, 4, "email", "x"), Span(2, 3, "email", "x"), Span(0, 2, "email", "x")])) == [
        Span(3, 13, "email", "x"),
        Span(11, 12, "email", "x"),
        Span(3, 5, "email", "x"),
    ]


def test_places_are_right_in_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_characters, "BLOCK_BYTES", 5)
    original = "ab\u00adc\u200b\u2060défg\ufeff\u200bhi"
    text = visible_text(original.encode())
    assert text.data == "abcdéfghi".encode()
    for place in range(len(text.data)):
        [span] = text.in_original([Span(place, place + 1, "email", "x")])
        assert original.encode()[span.start : span.stop] == text.data[place : place + 1]


def test_hidden_characters_without_end_cost_a_few_bytes_each() -> None:
    data = "a\u00ad".encode() * 200_000
    find_spans(b"x", policy=ALL)
    tracemalloc.start()
    find_spans(data, policy=ALL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(data)


def test_a_text_of_hidden_characters_only() -> None:
    assert visible_text("\u200b\u200c".encode()).data == b""
    assert find_spans("\u200b\u200c".encode(), policy=ALL) == []


def test_a_text_without_them_in_tokens_is_scanned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[bytes] = []
    places = candidates._places
    monkeypatch.setattr(candidates, "_places", lambda tool, data: scans.append(data) or places(tool, data))
    find_spans(f"می\u200cخواهم {IPV4} \ufeffx \u200b y\u00ad".encode(), policy=ALL)
    assert len(scans) == 1
    find_spans(b"a\xe2\x80\x8bb", policy=ALL)
    assert len(scans) == 3


def test_a_redacted_text_shows_nothing_however_much_was_hidden() -> None:
    text = "\u200b".join("some.one" + "@" + "company-mail.org") + " and \u00ad" + "\u2060".join(IPV4) + "\u200b"
    once = redact(text, policy=ALL)
    assert once.text == "<EMAIL> and \u00ad<IP_ADDRESS>\u200b"
    assert redact(once.text, policy=ALL).text is once.text
