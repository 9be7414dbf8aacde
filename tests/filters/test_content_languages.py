import pytest

from filters.content_languages import _EXTENSIONS, content_language
from filters.programming_languages import languages_table

PYTHON = """\
import argparse
from pathlib import Path


def total(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        return sum(int(line) for line in file if line.strip())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    print(total(parser.parse_args().path))
"""
CPP = """\
#include <iostream>
#include <vector>

template <typename T>
T sum(const std::vector<T>& values) {
    T total{};
    for (const auto& value : values) total += value;
    return total;
}

int main() {
    std::cout << sum(std::vector<int>{1, 2, 3}) << std::endl;
    return 0;
}
"""
PROSE = "The harbour lay still in the first light, and nobody spoke of the night before. " * 8


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (PYTHON, "Python"),
        (CPP, "C++"),
        ("#!/bin/sh\n", "Shell"),
        ('<?xml version="1.0"?>\n', "XML"),
        (PROSE, ""),
        ("", ""),
        ("x", ""),
        ("\x00\ud800", ""),
    ],
)
def test_language_of_a_text(text: str, language: str) -> None:
    assert content_language(text) == language
    assert content_language(text) == language


def test_labels_lead_to_extensions_of_the_table() -> None:
    assert set(_EXTENSIONS.values()) <= languages_table().extensions.keys()


def test_labels_are_those_of_the_classifier() -> None:
    from magika.types import ContentTypeLabel

    assert _EXTENSIONS.keys() <= {str(label) for label in ContentTypeLabel}
