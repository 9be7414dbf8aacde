"""Stand-ins: addresses of documentation ranges, which a document has in place of the real ones it named.

A stand-in follows from the document's id and from how many other values came before it in that document, never from the
value: it says nothing about it, and the same address in two documents has two stand-ins. What stands for an address
looks like one, so a model learns what addresses look like and a config file stays valid.

    e-mail   user<N>@example.com, .org, .net; N from 1 to 100,000 for the first, then one more for each
    IPv4     192.0.2.1-254, 198.51.100.1-254, 203.0.113.1-254: 762
    IPv6     2001:db8:<a>:<b>::<n>, a and b of the document, n from 1

Distinct values have distinct stand-ins until the 762 of IPv4 are used up: then they are given out again from the first.
A document may hold such an address of its own, which stays and can be equal to a stand-in.

Source: RFC 2606 (example domains), RFC 5737 (IPv4), RFC 3849 (IPv6).
"""

from hashlib import sha256

from filters.spans import Span

_DOMAINS = (b"example.com", b"example.org", b"example.net")
_NETWORKS = (b"192.0.2", b"198.51.100", b"203.0.113")
_HOSTS = 254
_FIRST_USERS = 100_000


class StandIns:
    """The stand-ins of one document, given out in the order of first use."""

    def __init__(self, document_id: str) -> None:
        digest = sha256(b"stand-ins\0" + document_id.encode("utf-8", "surrogatepass")).digest()
        self._user = int.from_bytes(digest[:4]) % _FIRST_USERS
        self._domain = digest[4]
        self._host = int.from_bytes(digest[5:9])
        self._network = digest[9:13].hex()
        self._given: dict[bytes, dict[bytes, bytes]] = {b"@": {}, b".": {}, b":": {}}

    def of(self, span: Span, value: bytes) -> bytes:
        """What stands for an address, the same for every place where the document has it."""
        form = b"@" if span.kind == "email" else b":" if b":" in value else b"."
        given = self._given[form]
        if (known := given.get(value)) is None:
            known = given[value] = self._new(form, len(given))
        return known

    def _new(self, form: bytes, number: int) -> bytes:
        if form == b"@":
            domain = _DOMAINS[(self._domain + number) % len(_DOMAINS)]
            return b"user%d@%s" % (1 + self._user + number, domain)
        if form == b":":
            first, second = (f"{int(group, 16):x}" for group in (self._network[:4], self._network[4:]))
            return f"2001:db8:{first}:{second}::{number + 1:x}".encode()
        network, host = divmod((self._host + number) % (len(_NETWORKS) * _HOSTS), _HOSTS)
        return b"%s.%d" % (_NETWORKS[network], host + 1)
