"""Stand-ins: addresses of documentation ranges, by document and order, never by value."""

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from filters.example_values import filled_in
from filters.redaction_policy import RedactionPolicy
from filters.spans import Span, SpanKind
from stages.redaction import redact
from stages.scanning import find_spans
from stages.stand_ins import StandIns

POLICY = RedactionPolicy(stand_ins=True)
NETWORKS = [ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
IPV4_STAND_INS = 762


def addresses(count: int, seed: str) -> list[str]:
    """Distinct values: an e-mail address, an IPv4 and an IPv6 address in turn."""
    templates = ("person«digits:6»«at»company-mail.org", "«ipv4»", "«ipv6»")
    return [filled_in(templates[number % 3], f"{seed}/{number}") for number in range(count)]


def redacted(values: list[str], document_id: str) -> list[str]:
    return redact("\n".join(values), policy=POLICY, document_id=document_id).text.split("\n")


def stand_in(document: StandIns, kind: SpanKind, value: bytes) -> bytes:
    return document.of(Span(0, len(value), kind, "rule"), value)


@given(st.text(max_size=40), st.text(max_size=8), st.text(max_size=8))
def test_a_value_does_not_show_in_its_stand_in(document_id: str, seed: str, other: str) -> None:
    assert redacted(addresses(9, seed), document_id) == redacted(addresses(9, "x" + other), document_id)


def test_another_document_has_other_stand_ins() -> None:
    values = addresses(3, "")
    emails, fours, sixes = zip(*(redacted(values, f"document {number}") for number in range(200)), strict=True)
    assert len(set(emails)) > 195
    assert len(set(fours)) > 150  # of 762
    assert len(set(sixes)) == 200


@given(st.lists(st.integers(0, 20), max_size=60), st.text(max_size=8))
def test_the_same_value_is_alike_and_others_differ(order: list[int], document_id: str) -> None:
    values = addresses(21, "")
    result = redacted([values[place] for place in order], document_id) if order else []
    assert len(set(result)) == len(set(order))
    for place, shown in zip(order, result, strict=True):
        assert shown == result[order.index(place)]


@given(st.text(max_size=40), st.integers(1, 40))
def test_stand_ins_are_of_documentation_ranges_and_stay(document_id: str, count: int) -> None:
    result = redacted(addresses(count, ""), document_id)
    for shown in result:
        if "@" in shown:
            assert shown.partition("@")[2] in {"example.com", "example.org", "example.net"}
        else:
            address = ip_address(shown)
            assert any(address in network for network in NETWORKS if network.version == address.version)
    assert find_spans("\n".join(result).encode(), policy=POLICY) == []


def test_stand_ins_of_ipv4_are_given_out_again_when_all_are_used_up() -> None:
    document = StandIns("document")
    given_out = [stand_in(document, "ip_address", b"value.%d" % number) for number in range(2 * IPV4_STAND_INS)]
    assert len(set(given_out)) == IPV4_STAND_INS
    assert given_out[:IPV4_STAND_INS] == given_out[IPV4_STAND_INS:]


def test_thousands_of_people_and_ipv6_addresses_differ() -> None:
    document = StandIns("document")
    assert len({stand_in(document, "email", b"%d@x" % number) for number in range(5_000)}) == 5_000
    assert len({stand_in(document, "ip_address", b"2a02::%d" % number) for number in range(5_000)}) == 5_000


def test_other_kinds_keep_their_placeholders() -> None:
    key = "ghp_" + "fake" * 9
    assert redact(f"token = '{key}'", policy=POLICY, document_id="a", syntax="code").text == "token = '<KEY>'"


def test_an_address_that_code_holds_bare_asks_for_no_bare_placeholders() -> None:
    [email] = addresses(1, "")
    text = f"mail {email}\ntoken = '{'ghp_' + 'fake' * 9}'"
    assert redact(text, policy=POLICY, document_id="a", syntax="code").text.endswith("token = '<KEY>'")
