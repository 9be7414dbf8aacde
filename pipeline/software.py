"""Versions of all that can change a byte of an output: part of each fingerprint and of the manifest.

Python is among them: its Unicode tables decide what a letter, a space and a lower-case form are.
"""

import platform
import unicodedata
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from manifests.errors import RecipeError

_DISTRIBUTIONS = (
    "corpusmill", "datasketch", "detect-secrets", "gigatoken", "hyperscan", "license-expression", "magika",
    "msgspec", "numba", "numpy", "onnxruntime", "phonenumbers", "pyarrow", "pycld2", "ruff", "scancode-toolkit",
    "tokenizers", "tree-sitter", "tree-sitter-c", "tree-sitter-c-sharp", "tree-sitter-cpp", "tree-sitter-go",
    "tree-sitter-java", "tree-sitter-javascript", "tree-sitter-json", "tree-sitter-php", "tree-sitter-python",
    "tree-sitter-ruby", "tree-sitter-rust", "tree-sitter-typescript", "xxhash", "zstandard",
)  # fmt: skip


@cache
def software_versions() -> dict[str, str]:
    """Version by name.

    Raises:
        RecipeError: one of corpusmill's dependencies is not installed.
    """
    python = {"python": ".".join(platform.python_version_tuple()[:2]), "unicode": unicodedata.unidata_version}
    return python | {name: _version(name) for name in _DISTRIBUTIONS}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError as error:
        raise RecipeError(
            f"{name}: expected it among the installed packages, as corpusmill depends on it; found none",
            hint=f"install corpusmill's dependencies anew, or `pip install {name}`",
        ) from error
