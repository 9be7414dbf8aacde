"""Private keys: whole blocks in every shape, nothing where only the header stands."""

import pytest

from filters.candidates import find_spans
from filters.redaction_policy import only
from filters.spans import Span, replaced

KEYS = only("private_key")
BEGIN, END = "-----BEGIN {}PRIVATE KEY-----", "-----END {}PRIVATE KEY-----"
FAKE = ["FAKEfake" * 8, "0FAKEfake1+/fake" * 4, "FAKE=="]


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
