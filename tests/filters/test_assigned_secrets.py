"""Assigned secrets: whatever the text, a place answers, soon, and replaced text holds no more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.assigned_secrets import assigned_secret, option_value, password_literal
from filters.example_values import example
from filters.redaction_policy import Level, only
from filters.redaction_rules import rules
from filters.spans import replaced
from stages.scanning import find_spans

LEVELS: tuple[Level, ...] = ("low", "balanced", "high")
PLACES = (assigned_secret, option_value, password_literal)
FOUND = [template for rule in rules() if rule.kind == "assigned_secret" for template in rule.found]
PIECES = st.sampled_from(
    ["password", "api_key", "secret", "=", ":", " ", "\n", '"', "'", "\\", "->", "<", ">", "(", ")", "{", "$", "value",
     "--", ",", "hunter2", "Fake-Horse7!", "k3y9Xw2Lq8Zr5Tb1", "é", "密码", "&quot;", "</", "%", "or ", "#"]
)  # fmt: skip


@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from(LEVELS))
def test_any_bytes_are_looked_at(data: bytes, stop: int, level: Level) -> None:
    for place in PLACES:
        found = place(data, min(stop, len(data)), level)
        assert found is None or 0 <= found[0] < found[1] <= len(data)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=24).map("".join), st.sampled_from(LEVELS))
def test_what_is_replaced_is_valid_and_stays_replaced(text: str, level: Level) -> None:
    policy = only("assigned_secret", level=level)
    once = replaced(text.encode(), find_spans(text.encode(), policy=policy))
    once.decode()
    assert replaced(once, find_spans(once, policy=policy)) == once


@pytest.mark.parametrize("template", FOUND)
def test_an_example_is_replaced_once(template: str) -> None:
    policy = only("assigned_secret", level="high")
    data = example(template).text.encode()
    once = replaced(data, find_spans(data, policy=policy))
    assert b"<SECRET>" in once
    assert find_spans(once, policy=policy) == []


@pytest.mark.parametrize(
    ("template", "least"),
    [
        ('api_key = "⟦assigned_secret|«alnum:32»⟧"', "low"),
        ('password = "⟦assigned_secret|hunter2⟧"', "balanced"),
        ('password = "⟦assigned_secret|sunshine⟧"', "high"),
        ('password_salt = "⟦assigned_secret|«alnum:16»⟧"', "high"),
        ('password = "⟦assigned_secret|836194⟧"', "balanced"),
        ('password = "⟦assigned_secret|blue cat 99⟧"', "balanced"),
    ],
)
def test_the_least_level_of_a_finding(template: str, least: Level) -> None:
    wanted = example(template)
    for level in LEVELS:
        found = find_spans(wanted.text.encode(), policy=only("assigned_secret", level=level))
        labels = list(wanted.labels) if LEVELS.index(level) >= LEVELS.index(least) else []
        assert [(span.start, span.stop, span.kind) for span in found] == labels


@pytest.mark.parametrize(
    "line",
    [
        b"password=", b'"password": "', b"password ", b"name: password\n", b"password value: ", b"password=((((",
        b"password = b(b(b(", b"password=&quot;", b'password="${${${${" ', b"<password>", b"--password ", b"mysql -p ",
        b'password = "\\"', b"api_key", b'password="%2F%2F|a|b|" ', b'variable "password" {\n a_b_c = x\n',
        b"user=a password=a1,", b"password:\n    a1", b"password: a b c ", b'password, "', b"password is a1 ",
        b"password (for x) a1", b"ID/PW: a/1", b"insert into a (password) values (", b"(pw", b"redis-cli -a ",
        b'PASSWORD="a-b_c.', b"DB_PASSWORD=a1_", b'password{"a1', b"password: AgB",
        b'password = "' + 380 * b"aB" + b'" ', b"password=" + 380 * b"a1b" + b"\n",
    ],
)  # fmt: skip
def test_a_hostile_line_takes_linear_time(line: bytes) -> None:
    data = line * (50_000 // len(line))
    assert len(find_spans(data, policy=only("assigned_secret", level="high"))) <= len(data) // len(line) + 1


def test_marks_before_one_value_find_it_once() -> None:
    wanted = example('{"api_secret_token": "⟦assigned_secret|«alnum:40»⟧"}')
    found = find_spans(wanted.text.encode(), policy=only("assigned_secret"))
    assert [(span.start, span.stop, span.kind) for span in found] == list(wanted.labels)
