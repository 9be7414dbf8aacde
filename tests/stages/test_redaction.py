"""Redaction: clean after one call, lines where they were, counts and nothing else kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.redaction_policy import LEVELS, Level, RedactionPolicy, only
from filters.spans import BARE_PLACEHOLDERS, PLACEHOLDERS, ZERO
from filters.text_syntax import Syntax
from stages.redaction import nothing_left, redact
from stages.scanning import find_spans

ALL = RedactionPolicy()
EMAIL = "some.one" + "@" + "company-mail.org"
IPV4 = "81.2" + ".69.142"
AWS = "AKIA" + "FAKE" * 4
KEY_BLOCK = "\n".join(["-----BEGIN " + "RSA PRIVATE KEY-----", "FAKEfake" * 8, "-----END " + "RSA PRIVATE KEY-----"])
PLANTED = (
    EMAIL,
    IPV4,
    "2a02:" + "2f0:aaaa::17",
    AWS,
    KEY_BLOCK,
    KEY_BLOCK.replace("\n", "\\n"),
    "https://someone:" + "fake@host.fake",
    "ghp_" + "fake" * 9,
    "ibm_key: " + "fake" * 11,
    "//registry.fake/:_authToken=npm_" + "fake" * 9,
    "eyJhbGciOiJub25lIn0" + ".eyJmYWtlIjoxfQ" + ".fakefake",
)
glue = st.text(st.sampled_from(" \t\r\n\"'<>:=@./-_aZ09é漢\\"), max_size=4)
syntaxes: st.SearchStrategy[Syntax] = st.sampled_from(["prose", "code", "markup"])
policies = st.sampled_from([ALL, RedactionPolicy(stand_ins=True)])
SPELLINGS = (PLACEHOLDERS, BARE_PLACEHOLDERS)
planted = st.lists(st.one_of(st.sampled_from(PLANTED), glue), max_size=10).map("".join)


def test_each_kind_has_its_placeholder_and_its_count() -> None:
    result = redact(f"mail {EMAIL} from {IPV4}\nwith {AWS}\n  {KEY_BLOCK}\nend\n", policy=ALL)
    assert result.text == "mail <EMAIL> from <IP_ADDRESS>\nwith <KEY>\n  <PRIVATE_KEY>\n\n\nend\n"
    assert result.counts == {
        "email/address": 1,
        "ip_address/ipv4": 1,
        "private_key/pem_block": 1,
        "secret/aws": 1,
    }


def test_a_text_without_findings_is_the_same_object() -> None:
    text = "def f(x):\n    return x @ x.T  # 127.0.0.1\n"
    result = redact(text, policy=ALL)
    assert result.text is text
    assert result.counts == {}


@settings(max_examples=300, deadline=None)
@given(planted, syntaxes, policies)
def test_a_redacted_text_has_no_findings(text: str, syntax: Syntax, policy: RedactionPolicy) -> None:
    once = redact(text, policy=policy, syntax=syntax)
    assert find_spans(once.text.encode(), policy=policy) == []
    twice = redact(once.text, policy=policy, syntax=syntax)
    assert twice.text is once.text


@settings(max_examples=300, deadline=None)
@given(planted, syntaxes, policies)
def test_the_number_of_lines_stays(text: str, syntax: Syntax, policy: RedactionPolicy) -> None:
    assert redact(text, policy=policy, syntax=syntax).text.count("\n") == text.count("\n")


@settings(max_examples=300, deadline=None)
@given(planted, syntaxes)
def test_a_document_has_one_spelling(text: str, syntax: Syntax) -> None:
    result = redact(text, policy=ALL, syntax=syntax).text
    typed, bare = ({kind for kind, word in words.items() if word.decode() in result} for words in SPELLINGS)
    assert not (typed and bare)
    assert not (syntax == "markup" and typed)
    assert not (syntax == "prose" and bare)


def test_a_later_scan_can_make_the_whole_document_bare() -> None:
    # `<EMAIL>` ends the word that hid the key, which stands outside of the string.
    text = f"x = '{EMAIL}'\n'{EMAIL}_key':" + "fakeFA12345" * 4
    redacted = redact(text, policy=ALL, syntax="code").text
    assert redacted.startswith("x = 'REDACTED_EMAIL'\n'REDACTED_EMAIL_key':")


@pytest.mark.parametrize("level", LEVELS[1:])
def test_no_spelling_is_found_again(level: Level) -> None:
    policy = RedactionPolicy(levels=(level,) * len(ALL.levels))
    for word in (*SPELLINGS[0].values(), *SPELLINGS[1].values(), ZERO):
        value = word.decode()
        for line in (
            f"password={value}",
            f"password = '{value}'",
            f'{{"api_key": "{value}"}}',
            f"https://user:{value}@company.org/path",
            f"postgres://{value}:{value}@db.company.org",
            f"Authorization: Bearer {value}",
            f"card number: {value}, phone: {value}, IBAN {value}",
            f"export SECRET_TOKEN={value}",
            f"<password>{value}</password>",
        ):
            assert redact(line, policy=policy, syntax="code").text == line


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert redact(text, policy=ALL).text.count("\n") == text.count("\n")


def test_a_secret_uncovered_by_a_replacement_goes_too() -> None:
    text = EMAIL + "_key:" + "fakeFA12345" * 4
    assert len(find_spans(text.encode(), policy=ALL)) == 1
    assert redact(text, policy=ALL).text == "<EMAIL>_key:<KEY>"


def test_a_chain_that_uncovers_one_link_a_pass_loses_its_line() -> None:
    text = "  a\n  " + ("_secret_key=" + "fab01fac" * 6) * 12 + "\nb"
    result = redact(text, policy=ALL)
    assert result.text == "  a\n  <KEY>\nb"
    assert result.counts == {"secret/ibm_cos_hmac": 5}


def test_only_the_kinds_asked_for_go() -> None:
    assert redact(f"{EMAIL} {AWS}", policy=only("email")).text == f"<EMAIL> {AWS}"


@pytest.mark.parametrize(("text", "nothing"), [(EMAIL, True), (f" {EMAIL}\n\t{AWS}\n", True), (f"x {EMAIL}", False)])
def test_a_text_of_nothing_but_findings_has_nothing_left(text: str, nothing: bool) -> None:
    assert nothing_left(redact(text, policy=ALL).text) is nothing


@pytest.mark.parametrize("unit", ["a@", "1.", "eyJ", "sk-", "://a:b@", "ibm_key ", "-----BEGIN " + "PRIVATE KEY-----"])
def test_hostile_repetition_is_taken(unit: str) -> None:
    text = unit * (60_000 // len(unit)) + AWS
    assert AWS not in redact(text, policy=ALL).text


def test_one_value_is_alike_wherever_it_stands() -> None:
    password = "tr0ub4dorX9q"
    text = f"DB_PASSWORD={password}\nDB_URL=postgres://app:{password}@db.corp.io/app\n"
    assert redact(text, policy=ALL).text == "DB_PASSWORD=<SECRET>\nDB_URL=postgres://app:<SECRET>@db.corp.io/app\n"
