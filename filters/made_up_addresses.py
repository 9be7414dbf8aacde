"""Made-up addresses: what manuals write where a reader's own goes, and domains that nobody can own.

An address of a made-up domain alone may be somebody's, so both its parts must be of the lists.
"""

# Source: RFC 2606 and RFC 6761; example.TLD is set aside by many registries.
_RESERVED_TOP_LEVEL = frozenset({b"example", b"invalid", b"test", b"localhost"})
_LOCALS = frozenset(
    b"""
    user username user1 user2 name yourname your.name your-name your_name firstname.lastname first.last you your me
    my myname myemail youremail your-email your_email your.email email e-mail mail someone somebody someuser anyone
    nobody foo bar baz foobar test tester testuser test1 test2 example sample dummy fake abc xyz aaa a b c x y z
    """.split()
)
_DOMAINS = frozenset(
    b"""
    domain.com domain.org domain.net domain.tld yourdomain.com your-domain.com your.domain.com yourdomain.org
    mydomain.com mydomain.org somedomain.com somewhere.com somewhere.org anywhere.com company.com yourcompany.com
    your-company.com mycompany.com your.company.com email.com youremail.com mail.com host.com hostname.com site.com
    yoursite.com server.com provider.com foo.com foo.org foo.net bar.com bar.org baz.com foobar.com foo.bar foo.de
    test.com test.org test.net test.de test.test tests.com xyz.com abc.com address.com b.c b.com b.co b.cc c.com
    c.de x.com y.com a.com aa.com aaa.com place.com website.com myhost.com organization.org acme.com
    """.split()
)


def names_nobody(local: bytes, domain: bytes) -> bool:
    """Whether an address is reserved or one that manuals make up: `user@domain.com`."""
    domain = domain.lower()
    labels = domain.rsplit(b".", 2)
    if labels[-1] in _RESERVED_TOP_LEVEL or (labels[-2:-1] == [b"example"] and len(labels[-1]) <= 4):
        return True
    return domain in _DOMAINS and local.lower() in _LOCALS
