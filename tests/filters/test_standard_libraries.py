import sys
import tomllib
from importlib.resources import files

import pytest

from filters.standard_libraries import is_standard


@pytest.mark.parametrize(
    ("language", "module"),
    [
        ("Python", "os.path"),
        ("Python", "__future__"),
        ("Java", "java.util.concurrent"),
        ("Java", "javax.swing"),
        ("C", "<stdio.h>"),
        ("C", '"string.h"'),
        ("C", "<sys/socket.h>"),
        ("C++", "<vector>"),
        ("C++", "<stdint.h>"),
        ("C#", "System"),
        ("C#", "System.Collections.Generic"),
        ("Go", "net/http"),
        ("Go", "math/rand/v2"),
        ("Rust", "std"),
        ("JavaScript", "fs"),
        ("JavaScript", "node:fs/promises"),
        ("JavaScript", "node:test"),
        ("TypeScript", "path"),
        ("TSX", "node:url"),
        ("Ruby", "net/http"),
        ("PHP", "\\"),
    ],
)
def test_comes_with_the_language(language: str, module: str) -> None:
    assert is_standard(language, module)


@pytest.mark.parametrize(
    ("language", "module"),
    [
        ("Python", "numpy"),
        ("Python", "imp"),  # removed by Python 3.12
        ("Python", ".os"),
        ("Python", ""),
        ("Java", "javax.servlet"),
        ("Java", "java"),
        ("C", "<vector>"),
        ("C", "<windows.h>"),
        ("C++", "<boost/any.hpp>"),
        ("C#", "SystemX"),
        ("C#", "Newtonsoft.Json"),
        ("Go", "github.com/a/b"),
        ("Go", "internal/abi"),
        ("Rust", "serde"),
        ("Rust", "crate::std"),
        ("JavaScript", "test"),  # only as node:test
        ("JavaScript", "./fs"),
        ("Ruby", "rails"),
        ("PHP", "Symfony"),
        ("JSON", "std"),
        ("Fortran", "std"),
    ],
)
def test_comes_from_elsewhere(language: str, module: str) -> None:
    assert not is_standard(language, module)


def test_python_has_what_this_python_has() -> None:
    listed = tomllib.loads(files("filters").joinpath("standard_libraries.toml").read_text(encoding="utf-8"))["Python"]
    assert set(listed.split()) <= set(sys.stdlib_module_names)


def test_lists_have_no_doubles() -> None:
    data = tomllib.loads(files("filters").joinpath("standard_libraries.toml").read_text(encoding="utf-8"))
    for names in data.values():
        assert len(names.split()) == len(set(names.split()))
