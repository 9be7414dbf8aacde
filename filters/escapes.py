r"""Escapes: a value in a string literal may stand right behind one, `"Call\n+49 …"`, whose letter is no text."""

_ESCAPES = frozenset({rb"\n", rb"\r", rb"\t", rb"\f", rb"\v", rb"\"", rb"\'"})


def lead(data: bytes, start: int, length: int) -> bytes:
    """At most `length` bytes before a place; an escape at their end reads as a space."""
    before = data[max(0, start - length) : start]
    return before[:-2] + b" " if before[-2:] in _ESCAPES else before
