"""Candidates: the scan misses nothing that every plugin on every line would find, whatever surrounds it."""

import io
import multiprocessing
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.credentials import LINE_BYTES, plugin_named, secret_spans
from filters.example_values import example
from filters.redaction_policy import RedactionPolicy, is_on, only
from filters.redaction_rules import rules
from filters.spans import Span, merged
from filters.token_spans import token_rule, token_spans
from filters.validators import TESTS_IN_PLACE, VALUE_TESTS
from stages.scanning import find_spans, kept_scanner

SECRETS = only("secret")
ALL = RedactionPolicy()
SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2] / "../shared"))

FAKES = {
    "artifactory": "AKC" + "fakeFAKE00" * 2,
    "aws": "AKIA" + "FAKE" * 4,
    "azure_storage_key": "AccountKey=" + "fake" * 21 + "FA==",
    "basic_auth": "https://someone:fake@host.fake",
    "cloudant": "cloudant_key = '" + "fa01b2c3" * 8 + "'",
    "discord": "M" + "fake" * 6 + ".fakeFA." + "fak" * 9,
    "github_token": "ghp_" + "fake" * 9,
    "gitlab_token": "glpat-" + "fake" * 5,
    "ibm_cloud_iam": "IBM_API_KEY: " + "fakeFA12345" * 4,
    "ibm_cos_hmac": "cos_secret_access_key = " + "fa01b2c3" * 6,
    "jwt": "eyJhbGciOiJub25lIn0" + ".eyJmYWtlIjoxfQ" + ".fakefake",
    "mailchimp": "fake" * 8 + "-us1",
    "npm": "//registry.fake/:_authToken=npm_" + "fake" * 9,
    "openai": "sk-" + "fake" * 5 + "T3Blbk" + "FJ" + "fake" * 5,
    "pypi_token": "pypi-" + "AgEIcHlwaS5vcmc" + "fake" * 20,
    "sendgrid": "SG." + "fake" * 5 + "fa." + "fake" * 10 + "fak",
    "slack": "XOXB" + "-1234-5678-" + "fake" * 3,
    "softlayer": "SL_KEY=" + "fa01b2c3" * 8,
    "square_oauth": "sq0csp-" + "fake" * 10 + "fak",
    "stripe": "rk_live_" + "fake" * 6,
    "telegram_token": "12345678" + ":" + "fake" * 8 + "fak",
    "twilio": "SK" + "fake" * 8,
}


PLUGINS = [rule.plugin for rule in rules() if rule.plugin]
TOKENS = [
    token_rule(rule, "balanced")
    for rule in rules()
    if rule.kind == "secret" and rule.validator in {**VALUE_TESTS, **TESTS_IN_PLACE} and is_on(rule.level, "balanced")
]
EXAMPLES = [example(template).text for tool in TOKENS for template in tool.rule.found]


def every_plugin_on_every_line(data: bytes) -> list[Span]:
    found: list[Span] = []
    for start, stop in lines_of(data):
        for plugin in map(plugin_named, PLUGINS):
            found.extend(secret_spans(plugin, data, start, stop))
    return merged(found)


def every_rule_on_every_line(data: bytes) -> list[Span]:
    found = every_plugin_on_every_line(data)
    for start, stop in lines_of(data):
        for tool in TOKENS:
            found.extend(token_spans(tool, data, start, stop))
    return merged(found)


def lines_of(data: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    for line in data.split(b"\n"):
        if len(line) <= LINE_BYTES:
            yield start, start + len(line)
        start += len(line) + 1


def cover(found: list[Span], wanted: list[Span]) -> bool:
    return all(any(span.start <= one.start and one.stop <= span.stop for span in found) for one in wanted)


def rows(limit: int) -> Iterator[bytes]:
    shards = sorted((SHARED / "data/stack_v2").glob("*.jsonl.zst"))
    if not shards:
        pytest.skip(f"shared data absent: {SHARED}")
    with shards[0].open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        contents = (msgspec.json.decode(line)["content"].encode() for line in io.BufferedReader(stream))
        # Half of them with a URL and an `@`, or the comparison would hold for want of findings.
        likely = (data for data in contents if b"key" in data or b"eyJ" in data)
        yield from islice(likely, limit // 2)
        yield from islice(contents, limit // 2)


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugins_token_is_seen(name: str) -> None:
    data = FAKES[name].encode()
    wanted = list(secret_spans(plugin_named(name), data, 0, len(data)))
    assert wanted
    assert cover(find_spans(data, policy=SECRETS), wanted)


around = st.text(st.sampled_from(" \t\r\n\x1c\x85\u00a0\u3000é漢=:\"'.,;()<>/-_aZ0"), max_size=6)
tokens = st.one_of(st.sampled_from(sorted(FAKES.values())), st.sampled_from(EXAMPLES))
texts = st.lists(st.one_of(tokens, around), max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_the_scan_finds_what_every_rule_on_every_line_finds(text: str) -> None:
    data = text.encode()
    assert cover(find_spans(data, policy=SECRETS), every_rule_on_every_line(data))


def test_real_files_give_what_every_plugin_on_every_line_gives() -> None:
    for number, data in enumerate(rows(300)):
        short = b"\n".join(line for line in data[:20_000].split(b"\n") if len(line) <= LINE_BYTES)
        # Real files hold hardly a token: one is put at the end of each.
        token = list(FAKES.values())[number % len(FAKES)]
        short = short.decode(errors="ignore").encode() + b"\n" + token.encode()
        assert cover(find_spans(short, policy=SECRETS), every_plugin_on_every_line(short))


@pytest.mark.parametrize("name", sorted(set(PLUGINS) - {"npm"}))
def test_a_token_anywhere_in_a_long_line_is_found(name: str) -> None:
    for place in (0, 1, 2_040, 4_090, 10_000):
        data = ("," * place + " " + FAKES[name] + " " + "é," * 5_000).encode()
        [found] = find_spans(data, policy=SECRETS)
        assert place <= found.start <= found.stop <= place + 2 + len(FAKES[name])


def test_many_tokens_in_a_long_line_are_all_found() -> None:
    data = (" ".join([FAKES["aws"]] * 3_000)).encode()
    assert len(find_spans(data, policy=SECRETS)) == 3_000


def test_an_empty_text_has_nothing() -> None:
    assert find_spans(b"", policy=ALL) == []


def test_the_database_is_built_once() -> None:
    assert kept_scanner(ALL) is kept_scanner(RedactionPolicy())


def test_a_forked_child_scans_with_what_it_inherited() -> None:
    kept_scanner(ALL)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        [[span]] = pool.map(_in_child, [FAKES["aws"].encode()])
    assert span == Span(0, len(FAKES["aws"]), "secret", "aws")


def _in_child(data: bytes) -> list[Span]:
    return find_spans(data, policy=ALL)
