"""Private keys: whole blocks in every shape, nothing where only the header stands."""

import ast
import base64
import time
from hashlib import sha512

import pytest

from filters.key_blocks import without_key
from filters.redaction_policy import only
from filters.spans import Span, replaced
from stages.scanning import find_spans

KEYS = only("private_key")
BEGIN, END = "-----BEGIN {}PRIVATE KEY-----", "-----END {}PRIVATE KEY-----"
FAKE = ["FAKEfake" * 8, "0FAKEfake1+/fake" * 4, "FAKE=="]


def drawn_line(number: int) -> str:
    return base64.b64encode(sha512(b"fake%d" % number).digest()).decode()[:64]


def redacted(text: str) -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=KEYS)).decode()


def block(label: str = "", separator: str = "\n") -> str:
    return separator.join([BEGIN.format(label), *FAKE, END.format(label)])


@pytest.mark.parametrize("label", ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "SSH2 ENCRYPTED "])
def test_a_whole_block_goes(label: str) -> None:
    assert redacted(f"before\n{block(label)}\nafter\n") == "before\n<PRIVATE_KEY>\n\n\n\n\nafter\n"


def test_crlf_stays() -> None:
    assert redacted(block(separator="\r\n") + "\r\nx") == "<PRIVATE_KEY>" + "\r\n" * 5 + "x"


def test_a_pgp_block_goes() -> None:
    marker = "PGP PRIVATE KEY BLOCK-----"
    text = "\n".join([f"-----BEGIN {marker}", "Version: none", "", *FAKE, f"-----END {marker}"])
    assert redacted(text) == "<PRIVATE_KEY>" + "\n" * 6


def test_a_legacy_header_goes_with_its_block() -> None:
    head = [BEGIN.format("RSA "), "Proc-Type: 4,ENCRYPTED", "DEK-Info: DES-CBC,00", "", *FAKE, END.format("RSA ")]
    assert redacted("\n".join(head)) == "<PRIVATE_KEY>" + "\n" * 7


def test_a_block_on_one_line_with_escapes_goes() -> None:
    assert redacted('{"key": "' + block(separator="\\n") + '"}') == '{"key": "<PRIVATE_KEY>\\n\\n\\n\\n"}'


def test_indentation_and_comment_signs_stay() -> None:
    assert redacted("  # " + block(separator="\n  # ")) == "  # <PRIVATE_KEY>" + "\n  # " * 4


def test_string_literals_still_close() -> None:
    text = '    "' + block(separator='\\n" +\n    "') + '"'
    assert redacted(text) == '    "<PRIVATE_KEY>\\n" +\n' + '    "\\n" +\n' * 3 + '    ""'


def test_a_block_without_end_goes_to_its_last_line() -> None:
    text = "\n".join([BEGIN.format("RSA "), *FAKE, "", "and now the prose goes on"])
    assert redacted(text) == "<PRIVATE_KEY>\n\n\n\n\nand now the prose goes on"


def test_a_putty_file_goes() -> None:
    head = ["PuTTY-User-Key-File-2: ssh-rsa", "Encryption: none", "Comment: fake", "Public-Lines: 1", FAKE[0]]
    text = "\n".join([*head, "Private-Lines: 2", FAKE[0], FAKE[1], "Private-MAC: " + "00" * 20, "after"])
    assert redacted(text) == "<PRIVATE_KEY>" + "\n" * 9 + "after"


@pytest.mark.parametrize(
    "text",
    [
        'if line.startswith("' + BEGIN.format("RSA ") + '"):\n    return parse(line)\n',
        'begin = "' + BEGIN.format("") + '"\nend = "' + END.format("") + '"\n',
        BEGIN.format("RSA ") + "\n...\n" + END.format("RSA "),
        "-----BEGIN CERTIFICATE-----\n" + FAKE[0] + "\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\n" + FAKE[0] + "\n-----END PUBLIC KEY-----",
        "PuTTY-User-Key-File-2: ssh-rsa is the first line of a key file",
    ],
)
def test_what_holds_no_key_stays(text: str) -> None:
    assert redacted(text) == text


def test_two_blocks_are_two_findings() -> None:
    text = block() + "\n" + block("RSA ")
    found = find_spans(text.encode(), policy=KEYS)
    assert found == [
        Span(0, len(block()), "private_key", "pem_block"),
        Span(len(block()) + 1, len(text), "private_key", "pem_block"),
    ]


LINES = [
    BEGIN.format("RSA "),
    *(drawn_line(number) for number in range(5)),
    drawn_line(7)[:11] + "=",
    END.format("RSA "),
]
PYTHON = {
    "added": ["key = ''", *(f"key += '{line}\\n'" for line in LINES), "use(key)"],
    "spaced": ["key = (", *(f'    b"{line}\\n"' for line in LINES), ")", "use(key)"],
    "listed": ["key = [", *(f"    b'{line}'," for line in LINES), "]", "use(key)"],
    "joined": ["key = (", *(f"    '{line}' +" for line in LINES[:-1]), f"    '{LINES[-1]}')"],
    "long_name": ["thePrivateKeyOfTheServer = ''", *(f"thePrivateKeyOfTheServer += '{line}'" for line in LINES)],
    "called": ["out = Builder()", *(f"theOutputOfEverything.append('{line}')" for line in LINES), "use(out)"],
    "escaped": ['key = "' + "\\n".join(LINES) + '"', "use(key)"],
    "triple": ['key = """' + "\n".join(LINES) + '"""', "use(key)"],
    "continued": ["key = \\", *(f"    '{line}' \\" for line in LINES[:-1]), f"    '{LINES[-1]}'"],
}


def assert_no_piece_is_left(text: str) -> None:
    for line in LINES[1:-1]:
        assert not any(line[place : place + 16] in text for place in range(max(1, len(line) - 15)))


@pytest.mark.parametrize("name", PYTHON)
def test_a_program_still_parses(name: str) -> None:
    text = "\n".join(PYTHON[name]) + "\n"
    ast.parse(text)
    clean = redacted(text)
    assert "PRIVATE_KEY>" in clean
    ast.parse(clean)
    assert_no_piece_is_left(clean)
    assert clean.count("\n") == text.count("\n")
    assert clean.endswith(text.splitlines()[-1] + "\n") or not text.endswith("use(key)\n")


@pytest.mark.parametrize(
    "around",
    [
        "{}<br>",
        'std::string("{}\\n") +',
        "{}",
        "> {}",
        "* {}",
        '  + "{}\\r\\n"',
        "{}\\",
        '"{}",',
        "// {}",
        "<td>{}</td>",
    ],
)
def test_what_is_around_each_line_stays(around: str) -> None:
    clean = redacted("\n".join(around.format(line) for line in LINES) + "\nafter")
    first, *rest = clean.split("\n")
    assert first == around.format("<PRIVATE_KEY>")
    assert rest == [*[around.format("")] * (len(LINES) - 1), "after"]


def test_line_numbers_stay() -> None:
    clean = redacted("\n".join(f"{number:3}  {line}" for number, line in enumerate(LINES, start=5)))
    assert clean == "\n".join(["  5  <PRIVATE_KEY>", *(f"{number:3}  " for number in range(6, 5 + len(LINES)))])


@pytest.mark.parametrize(
    "key", ["tvX_fake-FAKE_0123456789-aA+/=", "AGE-SECRET-KEY-1FAKE-+/x", "a-b_c-d", BEGIN.format("") + " x " + FAKE[0]]
)
def test_a_key_that_is_one_value_leaves_nothing(key: str) -> None:
    assert replaced(f'"{key}"'.encode(), [Span(1, len(key) + 1, "private_key", "any")]) == b'"<PRIVATE_KEY>"'


def test_a_large_block_is_read_in_linear_time() -> None:
    data = ("x" * 15 + "," + "\\n" * 3 + " ab ").encode() * 60_000
    started = time.process_time()
    without_key(data)
    assert time.process_time() - started < 10
