"""Secret values: length, density and words decide, by level and by the sort of the name."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.example_values import filled_in
from filters.redaction_policy import Level
from filters.redaction_rules import assigned_secret_limits
from filters.secret_names import NameSort
from filters.secret_values import is_mixed, is_random, is_secret, is_wild
from filters.spans import PLACEHOLDERS

LEVELS: tuple[Level, ...] = ("low", "balanced", "high")
SORTS: tuple[NameSort, ...] = ("password", "secret", "key")


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("spec", ["alnum:24", "hex:32", "base64:40", "symbols:32", "uuid"])
def test_a_random_value_is_a_secret_at_every_level(sort: NameSort, spec: str) -> None:
    for level in LEVELS:
        for seed in "abcdef":
            value = filled_in(f"«{spec}»", seed).encode()
            assert is_secret(b"name", sort, value, assigned_secret_limits(level)), (level, value)


@pytest.mark.parametrize(
    ("sort", "value", "least"),
    [
        ("password", "hunter2", "balanced"),
        ("password", "Fake-Horse7!battery", "balanced"),
        ("password", "admin123", "balanced"),
        ("password", "zxcvbn", "balanced"),
        ("password", "sunshine", "high"),
        ("password", "password1", "high"),
        ("password", "8361947", "balanced"),
        ("password", "12345678", "off"),
        ("password", "20200102", "off"),
        ("password", "blue cat 99", "balanced"),
        ("password", "wkfe pwqm rnvz jzuv", "balanced"),
        ("password", "Enter your password 2", "off"),
        ("password", "tiger123456", "balanced"),
        ("password", "password123", "high"),
        ("password", "p4ssw0rd", "high"),
        ("password", "123 456", "high"),
        ("secret", "this is the jwt secret 7659", "balanced"),
        ("password", "blue-sky-88", "balanced"),
        ("secret", "Blue-Sky-88", "balanced"),
        ("secret", "blue-sky-88", "high"),
        ("password", "correct horse battery staple", "balanced"),
        ("secret", "supersecret2020", "balanced"),
        ("secret", "development", "high"),
        ("key", "k3yb04rdc4t", "balanced"),
        ("key", "todo-list-v3", "off"),
        ("key", "12345678", "off"),
        ("password", "1234", "off"),
        ("password", "", "off"),
        ("password", "!#$%&'*+-.^_`|~", "off"),
        ("password", "${DB_PASSWORD}", "off"),
        ("password", "%d.%d.%d-rc1", "off"),
    ],
)
def test_the_least_level_of_a_value(sort: NameSort, value: str, least: Level) -> None:
    taken = [level for level in LEVELS if is_secret(b"name", sort, value.encode(), assigned_secret_limits(level))]
    assert taken == (list(LEVELS[LEVELS.index(least) :]) if least != "off" else [])


@pytest.mark.parametrize("placeholder", PLACEHOLDERS.values())
def test_a_placeholder_is_no_secret(placeholder: bytes) -> None:
    for sort in SORTS:
        assert not is_secret(b"name", sort, placeholder, assigned_secret_limits("high"))


def test_a_level_takes_what_the_one_below_it_takes() -> None:
    for lower, higher in pairwise(LEVELS):
        low, high = assigned_secret_limits(lower), assigned_secret_limits(higher)
        for sort in SORTS:
            assert low.minimum_characters[sort] >= high.minimum_characters[sort]
            assert low.minimum_bits[sort] >= high.minimum_bits[sort]
        assert low.minimum_bare_characters >= high.minimum_bare_characters


@given(st.binary(max_size=500), st.sampled_from(SORTS), st.sampled_from(LEVELS))
def test_any_bytes_are_judged(value: bytes, sort: NameSort, level: Level) -> None:
    limits = assigned_secret_limits(level)
    assert isinstance(is_secret(b"name", sort, value, limits), bool)
    assert isinstance(is_random(value, limits), bool)


@pytest.mark.parametrize("value", ["ihqSb1Gg", "Prl23Db#@", "a1!b2c", "Fake7#horse"])
def test_a_mixed_value_is_no_variable(value: str) -> None:
    assert is_mixed(value.encode())


@pytest.mark.parametrize("value", ["password2", "base64String", "UPPER_2", "a=b1!x", "http://a1!", "abc", "tiger77"])
def test_a_variable_is_not_mixed(value: str) -> None:
    assert not is_mixed(value.encode())


def test_salts_are_wild() -> None:
    assert is_wild(filled_in("«symbols:60»!@#", "a").encode())
    assert not is_wild(filled_in("«base64:60»==", "a").encode())
