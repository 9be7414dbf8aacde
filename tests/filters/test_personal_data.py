"""E-mail and IP addresses: what goes, and the many things that only look like one."""

import pytest

from filters.candidates import find_spans
from filters.redaction_policy import only
from filters.spans import replaced

PERSONAL = only("email", "ip_address")
AT = "@"
SOMEONE = "some.one" + AT + "company-mail.org"
PUBLIC = "81.2" + ".69.142"
PUBLIC_V6 = "2a02:" + "2f0:aaaa::17"


def redacted(text: str) -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=PERSONAL)).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A. Person <{}>", "A. Person <<EMAIL>>"),
        ("mailto:{}?subject=x", "mailto:<EMAIL>?subject=x"),
        ("write to {}.", "write to <EMAIL>."),
        ("'{}','{}'", "'<EMAIL>','<EMAIL>'"),
        (r"a = '\n{}'", r"a = '\n<EMAIL>'"),
        (r"\u003c{}\u003e", r"\u003c<EMAIL>\u003e"),
        ("scp {}:/srv/x .", "scp <EMAIL>:/srv/x ."),
        ("{}(office)", "<EMAIL>(office)"),
    ],
)
def test_an_address_goes_and_its_surroundings_stay(text: str, expected: str) -> None:
    assert redacted(text.replace("{}", SOMEONE)) == expected.replace("{}", SOMEONE)


@pytest.mark.parametrize(
    "address",
    [
        "a+tag" + AT + "b-c.co.uk",
        "x_1" + AT + "mail.dev",
        "12345+name" + AT + "users.noreply.github.com",
        "me" + AT + "laptop.local",
        "jürgen" + AT + "müller.de",
        "UPPER" + AT + "CASE.COM",
    ],
)
def test_forms_of_addresses(address: str) -> None:
    assert redacted(f"<{address}>") == "<<EMAIL>>"


@pytest.mark.parametrize(
    "text",
    [
        "@property\ndef x(self): ...",
        "z = x@y.T + a @ b",
        "w = query@key.transpose(0, 1)",
        "w = query@key.mT.reshape(2)",
        "background: url(foo@2x.png)",
        "@scope/pkg@1.2.3",
        "actions/checkout@v4.1.7",
        "git" + AT + "github.com:owner/repo.git",
        "ssh://deploy" + AT + "host.company.org/repo",
        "https://user:pass" + AT + "host.company.org/",
        "%s" + AT + "company.org",
        "${user}" + AT + "company.org and $user" + AT + "company.org",
        "someone" + AT + "example.com someone" + AT + "mail.example.org x" + AT + "y.test x" + AT + "host.invalid",
        "root" + AT + "localhost",
        "getty@tty1.service",
        "a" * 65 + AT + "company.org",
    ],
)
def test_what_is_no_persons_address_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "frame", ["{}", "http://{}:8080/x", "({})", "host {}, then", "ping {}.", "{}/32", "'{}'", "é{}"]
)
def test_public_addresses_go(frame: str) -> None:
    assert redacted(frame.format(PUBLIC)) == frame.format("<IP_ADDRESS>")


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1 10.11.12.13 172.16.254.1 192.168.100.17 169.254.169.254 224.0.0.251 255.255.255.128 100.64.10.20",
        "192.0.2.17 198.51.100.23 203.0.113.99 0.0.0.0 240.10.20.30 198.18.10.20",
        "8.8.8.8 1.1.1.1 208.67.222.222 149.112.112.112",
        "1.2.3.4 4.7.20.1 17.0.0.0 20.20.20.20 81.2.69.0",
        f"version {PUBLIC}",
        f'"version": "{PUBLIC}"',
        f"v{PUBLIC}",
        f"pkg=={PUBLIC}",
        f"pkg >= {PUBLIC}",
        f"pkg-{PUBLIC}.tar.gz",
        f"Browser/{PUBLIC}",
        f"{PUBLIC}-beta",
        f"{PUBLIC}.5",
        f"1.{PUBLIC}",
        f"{PUBLIC}.jar",
        "81.256.69.142",
        "81.02.69.142",
        "1.3.6.1.4.1.311.21",
    ],
)
def test_addresses_that_name_nobody_and_versions_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("frame", ["{}", "[{}]:443", "http://[{}]/", "{}, and", "{}/64"])
def test_global_ipv6_addresses_go(frame: str) -> None:
    assert redacted(frame.format(PUBLIC_V6)) == frame.format("<IP_ADDRESS>")


@pytest.mark.parametrize(
    "text",
    [
        "::1 fe80::1 fc00::1 ff02::1 2001:db8::1 3fff::1",
        "2001:4860:4860::8888 2606:4700:4700::1111",
        "2021:11:20 10:20:30",
        "std::vector<int>::iterator and 2abc::def::x",
        "sha256:" + "2a3f" * 16,
    ],
)
def test_other_ipv6_and_lookalikes_stay(text: str) -> None:
    assert redacted(text) == text


def test_kinds_that_are_off_are_not_looked_for() -> None:
    data = f"{SOMEONE} {PUBLIC}".encode()
    assert [span.kind for span in find_spans(data, policy=only("email"))] == ["email"]
    assert find_spans(data, policy=only()) == []
