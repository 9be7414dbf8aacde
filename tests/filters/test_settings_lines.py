"""Settings lines: a file of configuration is told from code by the lines beside a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.redaction_policy import Level, only
from filters.settings_lines import has_settings_beside, is_setting, is_setting_value
from stages.scanning import find_spans


def values(text: str, level: Level = "balanced") -> list[str]:
    data = text.encode()
    policy = only("assigned_secret", level=level)
    return [data[span.start : span.stop].decode() for span in find_spans(data, policy=policy)]


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_any_bytes_are_looked_at(data: bytes, start: int, stop: int) -> None:
    start, stop = sorted((min(start, len(data)), min(stop, len(data))))
    is_setting(data, start, stop, b"db.password", b"=")
    is_setting_value(data[start:stop], b"=")
    has_settings_beside(data, start, stop)


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD={}",
        "export DB_PASSWORD={}",
        "db.url=x\ndb.password={}\n# comment\n",
        "db:\n  user: bob\n  password: {}\n  host: x",
        "[pypi]\npassword = {}\n",
        "- name: DB_PASSWORD\n  value: {}\n",
    ],
)
def test_a_setting_is_found(text: str) -> None:
    assert values(text.format("T1gerstore")) == ["T1gerstore"]


@pytest.mark.parametrize(
    "text",
    [
        "user.password={}",
        "const x = 1;\ndb.password={}\n",
        "{{\n  user: name,\n  password: {}\n}}",
        "password = {}",
        "f(a,\n  password={})",
    ],
)
def test_code_stays(text: str) -> None:
    assert values(text.format("Keyst0re")) == []


@pytest.mark.parametrize("text", ["PASSWORD={}", "db:\n  user: bob\n  password: {}\n"])
def test_words_alone_go_at_high(text: str) -> None:
    assert values(text.format("sommerPass")) == []
    assert values(text.format("sommerPass"), "high") == ["sommerPass"]


def test_a_type_stays_at_high() -> None:
    assert values("class A:\n    name: str\n    password: SecretBytes\n", "high") == []
