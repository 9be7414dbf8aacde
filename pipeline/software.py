"""Versions of every library that can change a byte of an output: part of each fingerprint and of the manifest."""

from functools import cache
from importlib.metadata import version

_DISTRIBUTIONS = (
    "corpusmill", "datasketch", "detect-secrets", "gigatoken", "hyperscan", "license-expression", "msgspec", "numba",
    "numpy", "pyarrow", "tokenizers", "xxhash", "zstandard",
)  # fmt: skip


@cache
def software_versions() -> dict[str, str]:
    """Version by distribution name."""
    return {name: version(name) for name in _DISTRIBUTIONS}
