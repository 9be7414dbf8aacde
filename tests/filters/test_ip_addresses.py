"""IP addresses: public ones go, whatever else has dots or colons stays."""

import pytest

from filters.redaction_policy import Level, only
from filters.spans import replaced
from stages.scanning import find_spans

PUBLIC = "81.2" + ".69.142"
PUBLIC_V6 = "2a02:" + "2f0:aaaa::17"


def redacted(text: str, level: Level = "balanced") -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=only("ip_address", level=level))).decode()


@pytest.mark.parametrize(
    "frame", ["{}", "http://{}:8080/x", "({})", "host {}, then", "ping {}.", "{}/32", "'{}'", "é{}", "server {}"]
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
        f"<key>CFBundleVersion</key>\n\t<string>{PUBLIC}</string>",
        f"Version:\n{PUBLIC}",
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
        "2.6.28.12 is a kernel, 21.10.1.16 a package",
        f"Version={PUBLIC}, Culture=neutral",
        f"<FileVersion>{PUBLIC}",
        f"version number is {PUBLIC}",
        f"section {PUBLIC}",
        f"ver. {PUBLIC}",
    ],
)
def test_addresses_that_name_nobody_and_versions_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("frame", ["{}", "[{}]:443", "http://[{}]/", "{}, and", "{}/64", "{}%eth0"])
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
        "::ffff:10.10.10.10 ::ffff:127.0.0.1 ::ffff:0a0a:0a0a",
    ],
)
def test_other_ipv6_and_lookalikes_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "address", [f"::ffff:{PUBLIC}", "::ffff:5102:458e", f"64:ff9b::{PUBLIC}", f"2a02:2f0::{PUBLIC}"]
)
def test_an_address_within_another_goes_with_it(address: str) -> None:
    assert redacted(f"[{address}]:80") == "[<IP_ADDRESS>]:80"


def test_low_wants_a_word_or_a_port() -> None:
    assert redacted(f"at {PUBLIC}, '{PUBLIC}'", "low") == f"at {PUBLIC}, '{PUBLIC}'"
    for frame in ("host: {}", "listen {}", "http://{}/", "{}:8080", "{}/24", "root@{}"):
        assert redacted(frame.format(PUBLIC), "low") == frame.format("<IP_ADDRESS>")


def test_numbers_like_a_versions_want_a_word_or_a_port() -> None:
    assert redacted("21.10.1.16 and 21.10.1.17:80 on server 21.10.1.18") == (
        "21.10.1.16 and <IP_ADDRESS>:80 on server <IP_ADDRESS>"
    )


def test_high_takes_networks_and_equal_numbers() -> None:
    assert redacted("81.2.69.0 20.20.20.20", "high") == "<IP_ADDRESS> <IP_ADDRESS>"
    assert redacted("192.168.1.0 8.8.8.8", "high") == "192.168.1.0 8.8.8.8"


def test_kinds_that_are_off_are_not_looked_for() -> None:
    data = f"some.one{chr(64)}company-mail.org {PUBLIC}".encode()
    assert [span.kind for span in find_spans(data, policy=only("email"))] == ["email"]
    assert find_spans(data, policy=only()) == []
