"""Credentials: every plugin finds its own, takes the whole token, and agrees with detect-secrets unhardened."""

import importlib
import pkgutil

import detect_secrets.plugins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.credentials import LINE_BYTES, plugin_named, region, secret_spans
from filters.redaction_rules import rules
from filters.spans import merged

# Assembled here, so that no scanner takes this file for a leak; all plainly fake.
TOKENS = {
    "artifactory": "AKC" + "fakeFAKE00" * 2,
    "aws": "AKIA" + "FAKE" * 4,
    "azure_storage_key": "fake" * 21 + "FA==",
    "basic_auth": "fake-password",
    "cloudant": "fa01b2c3" * 8,
    "discord": "M" + "fake" * 6 + ".fakeFA." + "fak" * 9,
    "github_token": "ghp_" + "fake" * 9,
    "gitlab_token": "glpat-" + "fake" * 5,
    "ibm_cloud_iam": "fakeFA12345" * 4,
    "ibm_cos_hmac": "fa01b2c3" * 6,
    "jwt": "eyJhbGciOiJub25lIn0" + ".eyJmYWtlIjoxfQ" + ".fakefake",
    "mailchimp": "fake" * 8 + "-us1",
    "npm": "npm_" + "fake" * 9,
    "openai": "sk-" + "fake" * 5 + "T3Blbk" + "FJ" + "fake" * 5,
    "pypi_token": "pypi-" + "AgEIcHlwaS5vcmc" + "fake" * 20,
    "sendgrid": "SG." + "fake" * 5 + "fa." + "fake" * 10 + "fak",
    "slack": "xoxb" + "-1234-5678-" + "fake" * 3,
    "softlayer": "fa01b2c3" * 8,
    "square_oauth": "sq0csp-" + "fake" * 10 + "fak",
    "stripe": "sk_live_" + "fake" * 6,
    "telegram_token": "12345678" + ":" + "fake" * 8 + "fak",
    "twilio": "SK" + "fa01b2c3" * 4,
}
CONTEXTS = {
    "azure_storage_key": "AccountKey={}",
    "basic_auth": "https://someone:{}@host.fake/x",
    "cloudant": "cloudant_key = '{}'",
    "ibm_cloud_iam": "ibm_cloud_api_key: {}",
    "ibm_cos_hmac": "cos_secret_access_key = {}",
    "npm": "//registry.fake/:_authToken={}",
    "softlayer": "softlayer_api_key={}",
}
PLUGINS = [rule.plugin for rule in rules() if rule.plugin]
BY_NAME = {name: plugin_named(name) for name in PLUGINS}
names = st.sampled_from(PLUGINS)


def line_with(name: str) -> str:
    return CONTEXTS.get(name, 'token = "{}"').format(TOKENS[name])


def found(name: str, text: str) -> list[str]:
    data = text.encode()
    return [data[span.start : span.stop].decode() for span in merged(secret_spans(BY_NAME[name], data, 0, len(data)))]


def test_the_plugins_are_all_structured_ones_that_detect_secrets_has() -> None:
    base = importlib.import_module("detect_secrets.plugins.base").RegexBasedDetector
    structured = set()
    for module in pkgutil.iter_modules(detect_secrets.plugins.__path__):
        members = vars(importlib.import_module(f"detect_secrets.plugins.{module.name}")).values()
        if any(isinstance(item, type) and issubclass(item, base) and item is not base for item in members):
            structured.add(module.name)
    replaced = {"basic_auth", "ip_public", "private_key", "telegram_token"}
    assert structured - replaced == set(PLUGINS)


@pytest.mark.parametrize("name", PLUGINS)
def test_each_plugin_finds_the_whole_token_and_nothing_else(name: str) -> None:
    assert found(name, line_with(name)) == [TOKENS[name]]


@pytest.mark.parametrize("name", PLUGINS)
def test_a_token_after_characters_of_many_bytes_is_cut_out_exactly(name: str) -> None:
    assert found(name, "é漢字😀 " + line_with(name)) == [TOKENS[name]]


@pytest.mark.parametrize("name", ["github_token", "stripe", "openai", "aws"])
def test_a_token_longer_than_the_pattern_leaves_no_end_behind(name: str) -> None:
    assert found(name, f'"{TOKENS[name]}FAKEFAKE"') == [TOKENS[name] + "FAKEFAKE"]


def test_the_aws_secret_is_found_by_its_name() -> None:
    assert found("aws", 'aws_secret_key = "' + "fakeFAKE00" * 4 + '"') == ["fakeFAKE00" * 4]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("artifactory", "<KEY>"),
        ("aws", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("github_token", "ghp_" + "x" * 36),
        ("slack", "xoxb" + "-1234-your"),
        ("twilio", "AC" + "fa01b2c3" * 4),
    ],
)
def test_a_placeholder_or_an_account_number_is_no_secret(name: str, text: str) -> None:
    assert found(name, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha512-" + "abcdEFGH" * 11 + "==",
        "@property",
        "version 1.2.3.4",
        "eyJub3QgYSB0b2tlbg.notjson",
        "https://host.fake:8080/@scope/pkg@1.2.3",
        "key = value; password = os.environ['PASSWORD']",
    ],
)
def test_no_plugin_takes_identifiers_and_hashes(text: str) -> None:
    assert [name for name in PLUGINS if found(name, text)] == []


pieces = st.one_of(
    names.map(line_with),
    names.map(TOKENS.__getitem__),
    st.sampled_from(
        [
            " ",
            "   ",
            "=",
            ":",
            ":=",
            "=>",
            "::",
            '"',
            "'",
            "key",
            "ibm_key",
            "sl_key",
            "cl-pass",
            "eyJ",
            ".",
            "sk-",
            "-",
            "x",
        ]
    ),
    st.text(max_size=5),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=8).map("".join))
def test_hardened_patterns_find_what_the_originals_find(line: str) -> None:
    for plugin in BY_NAME.values():
        hardened = [value for value in plugin.detector.analyze_string(line) if value]
        assert hardened == [value for value in plugin.original.analyze_string(line) if value]


def test_a_short_line_is_its_own_region() -> None:
    data = b"first\nsecond line\nthird"
    assert region(data, data.index(b"line")) == (6, 17, 18)
    assert region(data, len(data)) == (18, 23, 24)


@given(st.integers(1, 30_000))
def test_a_long_line_is_seen_in_windows_cut_between_characters(stop: int) -> None:
    data = "é".encode() * 15_000
    start, end, settled = region(data, stop)
    assert start < stop <= end
    assert end - start <= LINE_BYTES
    assert settled >= stop
    data[start:end].decode()
