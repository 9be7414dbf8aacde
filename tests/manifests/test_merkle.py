"""Merkle root: the known values of RFC 6962's shape, order-independence, and that every file counts."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from manifests.merkle import merkle_root

DIGEST = st.binary(max_size=8).map(lambda data: sha256(data).hexdigest())
FILES = st.dictionaries(st.text(min_size=1, max_size=8), DIGEST, max_size=9)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def test_five_files_as_the_rfc_puts_them_together() -> None:
    digests = {name: sha256(name.encode()).digest() for name in "abcde"}
    a, b, c, d, e = (sha256(b"\0" + name.encode() + b"\0" + digest).digest() for name, digest in digests.items())
    expected = node(node(node(a, b), node(c, d)), e).hex()
    assert merkle_root((name, digest.hex()) for name, digest in digests.items()) == expected


def test_no_file() -> None:
    assert merkle_root([]) == sha256(b"").hexdigest()


@given(FILES)
def test_order_does_not_matter(files: dict[str, str]) -> None:
    assert merkle_root(files.items()) == merkle_root(reversed(files.items()))


@given(FILES, st.data())
def test_every_file_counts(files: dict[str, str], data: st.DataObject) -> None:
    if not files:
        return
    path = data.draw(st.sampled_from(sorted(files)))
    root = merkle_root(files.items())
    assert merkle_root({**files, path: sha256(b"another, longer than eight").hexdigest()}.items()) != root
    assert merkle_root((name, digest) for name, digest in files.items() if name != path) != root
