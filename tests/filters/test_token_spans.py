"""Token spans: a value goes to its end, in whole characters, whatever stands around it and however long it is."""

import base64
import json
import random
import time
from hashlib import sha256

import pytest

from filters.example_values import example
from filters.redaction_policy import KINDS, RedactionPolicy
from filters.redaction_rules import Rule, rules
from filters.spans import whole_characters
from stages.redaction import redact
from stages.scanning import find_spans

ALL = RedactionPolicy()
HIGH = RedactionPolicy(tuple("high" for _ in KINDS))
MANY_BYTES = "ü漢😀\u00a0\u3000\u200b\u2028é"


def redacted(text: str) -> str:
    return redact(text, policy=ALL).text


def drawn(length: int) -> str:
    return "".join(sha256(b"fake%d" % part).hexdigest() for part in range(length // 64 + 1))[:length]


def encoded(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def web_token(payload: int, header: int = 0) -> str:
    head = encoded({"alg": "RS256", "kid": drawn(header)})
    return f"{head}.{encoded({'sub': drawn(payload)})}.{drawn(342)}"


@pytest.mark.parametrize("command", ["redis-cli -a {}", "7z x -p{}", "7z x -p{} archive.7z"])
@pytest.mark.parametrize("length", [5, 20, 21, 22, 23, 400])
def test_a_value_of_characters_of_many_bytes_goes_whole(command: str, length: int) -> None:
    assert "ü" not in redacted(command.format("k9ü" * length))


def test_a_value_beyond_the_bound_leaves_no_end() -> None:
    assert redacted("redis-cli -a " + "k9_X" * 40 + "- ping") == "redis-cli -a <SECRET> ping"
    assert redacted("redis-cli -a " + "k9é_X" * 40 + "，然后") == "redis-cli -a <SECRET>，然后"


@pytest.mark.parametrize("rule", [rule for rule in rules() if not rule.keywords][::4], ids=lambda rule: rule.id)
def test_spans_lie_on_characters(rule: Rule) -> None:
    chance = random.Random(rule.id)
    for template in rule.found:
        text = example(template).text
        variants = [text[:place] + character + text[place:] for character in MANY_BYTES for place in
                    (0, len(text), *(chance.randrange(len(text) + 1) for _ in range(3)))]  # fmt: skip
        variants.append("".join(a + chance.choice(MANY_BYTES) if chance.random() < 0.05 else a for a in text * 3))
        # Apart, because a span that ends within a character is hidden where a longer one covers it.
        for variant in variants:
            data = variant.encode()
            for span in find_spans(data, policy=HIGH):
                assert (span.start, span.stop) == whole_characters(data, span.start, span.stop)
        redact("\n".join(variants), policy=HIGH)


@pytest.mark.parametrize("payload", [100, 1_500, 3_300, 6_000, 300_000])
@pytest.mark.parametrize("before", [0, 5_000])
def test_a_web_token_in_a_long_line_goes_to_its_end(payload: int, before: int) -> None:
    for header in (0, 9_000):
        token = web_token(payload, header)
        text = "a," * before + '{"access_token":"%s","x":1}'
        assert redacted(text % token) == text % "<KEY>"
        assert redacted(f"Authorization: Bearer {token}\nnext") == "Authorization: Bearer <KEY>\nnext"


@pytest.mark.parametrize("head", ["eyJub3QgYSB0b2tlbg", encoded({"typ": "none"})])
def test_a_long_text_whose_head_names_no_algorithm_is_no_web_token(head: str) -> None:
    text = f"x = {head}.{drawn(6_000)}"
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "ghp_" + drawn(1_000_000),
        web_token(1_000_000),
        "redis-cli -a " + "k9ü" * 300_000,
        "eyJ" + "a" * 500_000 + "." + "b" * 500_000,
        "eyJhbGciOiJSUzI1NiJ9.a" * 40_000,
    ],
    ids=["token", "web_token", "option", "no_token", "many_heads"],
)
def test_a_long_value_is_read_in_linear_time(text: str) -> None:
    redacted("x")
    started = time.process_time()
    redacted(f'{{"token": "{text}"}}')
    redacted(text)
    assert time.process_time() - started < 10
