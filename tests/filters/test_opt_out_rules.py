"""Rules of requests: in which order they count, and by which keys they are looked up."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from filters.opt_out_rules import exact_keys, lookup_keys, rules_of
from manifests.opt_outs import Request


def request(by: str, value: str, **changes: Any) -> Request:
    fields = {"ticket": "T-1", "date": "2026-07-31", "by": by, "value": value, "reason": "asked"}
    return Request(**fields | changes)


def test_equal_things_are_found_by_equal_keys() -> None:
    assert exact_keys(request("repository", "Owner/Name")) == [("repository", "owner/name")]
    assert exact_keys(request("owner", "Owner")) == [("owner", "owner")]
    assert exact_keys(request("swhid", "swh:1:cnt:" + "a" * 40)) == [("blob", "a" * 40)]
    assert exact_keys(request("path", "Owner/Name:a/B.c")) == [("file", "owner/name\0a/B.c")]
    assert exact_keys(request("path", "Owner/Name:pages/[id].py")) == [("file", "owner/name\0pages/[id].py")]
    assert exact_keys(request("path", "Owner/Name:a/*")) == []
    assert exact_keys(request("url", "https://github.com/O/N/blob/main/A.c")) == [
        ("url", "github.com/O/N/blob/main/A.c"),
        ("file", "o/n\0A.c"),
    ]
    assert exact_keys(request("url", "https://github.com/O/N")) == [("url", "github.com/O/N"), ("repository", "o/n")]


def test_every_request_but_a_glob_of_any_repository_can_be_looked_up() -> None:
    assert lookup_keys(request("document", "c" * 32)) == [("id", "c" * 32)]
    assert lookup_keys(request("path", "Owner/Name:a/B.c")) == [("repository", "owner/name")]
    assert lookup_keys(request("path", "Owner/Name:a/*")) == [("repository", "owner/name")]
    assert lookup_keys(request("path", "**/id_rsa")) == []
    assert lookup_keys(request("url", "https://github.com/O/N/tree/main/src")) == [
        ("url", "github.com/O/N/tree/main/src"),
        ("repository", "o/n"),
    ]


def test_the_broader_scope_counts_first_then_the_kind_then_the_date() -> None:
    later = request("repository", "a/b", date="2026-08-01")
    requests = [request("path", "**/x", scope="place"), request("owner", "a"), later, request("repository", "c/d")]
    assert rules_of(requests).requests == (requests[3], later, requests[1], requests[0])


KINDS = st.sampled_from([("repository", "a/b"), ("owner", "a"), ("path", "**/x"), ("path", "a/b:*"), ("ticket", "T-2")])
REQUESTS = st.builds(
    lambda kind, ticket, scope: request(*kind, ticket=ticket, scope=scope),
    KINDS,
    st.sampled_from(["T-1", "T-3"]),
    st.sampled_from(["content", "place"]),
)


@given(st.lists(REQUESTS, max_size=6, unique=True), st.randoms(use_true_random=False))
def test_rules_do_not_depend_on_the_order_of_requests(requests: list[Request], random: Any) -> None:
    shuffled = random.sample(requests, len(requests))
    assert rules_of(requests) == rules_of(shuffled)
    assert all(one.by != "ticket" for one in rules_of(requests).requests)
