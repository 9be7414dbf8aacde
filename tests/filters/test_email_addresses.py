"""E-mail addresses: what goes, plain, encoded and written out, and the many things that only look like one."""

import pytest

from filters.redaction_policy import only
from filters.spans import replaced
from stages.scanning import find_spans

AT = "@"
SOMEONE = "some.one" + AT + "company-mail.org"


def redacted(text: str) -> str:
    data = text.encode()
    return replaced(data, find_spans(data, policy=only("email"))).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A. Person <{}>", "A. Person <<EMAIL>>"),
        ("mailto:{}?subject=x", "mailto:<EMAIL>?subject=x"),
        ("write to {}.", "write to <EMAIL>."),
        ("'{}','{}'", "'<EMAIL>','<EMAIL>'"),
        (r"a = '\n{}'", r"a = '\n<EMAIL>'"),
        (r"\u003c{}\u003e", r"\u003c<EMAIL>\u003e"),
        ("@{}", "@<EMAIL>"),
        ("they use ssh, ask {}", "they use ssh, ask <EMAIL>"),
        ("scp {}:/srv/x .", "scp <EMAIL>:/srv/x ."),
        ("scp is old, ask {}", "scp is old, ask <EMAIL>"),
        ("?to=%3C{}%3E&x", "?to=%3C<EMAIL>%3E&x"),
        ("mailto://{}", "mailto://<EMAIL>"),
        ("https://host.org/?q={}", "https://host.org/?q=<EMAIL>"),
        ("{}.Then", "<EMAIL>.Then"),
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
        "a.b" + AT + "123.com",
        "a.b" + AT + "81.69.142.dyn.provider.net",
        "иван.петров" + AT + "почта.рф",
        "用户" + AT + "例子.中国",
        "user" + AT + "xn--e1aybc.xn--p1ai",
        "name" + AT + "उदाहरण.भारत",
        "e\u0301va" + AT + "company-mail.org",
        "some.one%40company-mail.org",
        "some.one\\u0040company-mail.org",
        "some.one&#64;company-mail.org",
        "some.one&#x40;company-mail.org",
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
        "ssh -i k.pem -p 22 deploy" + AT + "host.company.org uptime",
        "scp someone" + AT + "company-mail.org:/srv/x .",
        "rsync -avz -e 'ssh -p 22' a someone" + AT + "company-mail.org:b",
        "https://user:pass" + AT + "host.company.org/",
        "%s" + AT + "company.org",
        "${user}" + AT + "company.org and $user" + AT + "company.org",
        "someone" + AT + "example.com someone" + AT + "mail.example.org x" + AT + "y.test x" + AT + "host.invalid",
        "root" + AT + "localhost",
        "getty@tty1.service",
        "a" * 65 + AT + "company.org",
        "a" * 65 + "%40company.org",
        "user" + AT + "domain.com, foo" + AT + "bar.com, you" + AT + "yourdomain.com, a" + AT + "b.c",
        "name%40example.com",
        "h = self@self.weight + a" + AT + "b.mT",
        "x" + AT + "y.to(device)",
        "pkg" + AT + "1.2.dev",
        "x" + AT + "host.nosuchname",
        "$user%40company.org",
    ],
)
def test_what_is_no_persons_address_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_sentence_without_spaces_is_not_part_of_an_address() -> None:
    assert redacted("联系我们" + SOMEONE + "谢谢") == "联系我们<EMAIL>谢谢"
    assert redacted("邮箱123456" + AT + "company-mail.cn。") == "邮箱<EMAIL>。"


@pytest.mark.parametrize(
    "address",
    [
        "some.one (at) company-mail (dot) org",
        "some.one[at]company-mail.org",
        "some.one {at} company-mail.org",
        "someone at company-mail dot org",
        "someone AT mail DOT company DOT org",
        "some dot one at company-mail dot org",
        "some.one [@] company-mail [.] org",
    ],
)
def test_written_out_addresses_go(address: str) -> None:
    assert redacted(f"write to <{address}>, please") == "write to <<EMAIL>>, please"


@pytest.mark.parametrize(
    "text",
    [
        "look at company dot com",
        "we met at dot matrix printers",
        "rows[at] = table.name",
        "x (at) y.nosuchname",
        "someone (at) example (dot) com",
        "call f (at) g.get(x)",
    ],
)
def test_other_uses_of_the_word_at_stay(text: str) -> None:
    assert redacted(text) == text


def test_written_out_addresses_stay_at_the_low_level() -> None:
    assert find_spans(b"some.one (at) company-mail (dot) org", policy=only("email", level="low")) == []
