"""Modules that come with a language: what a rewrite may import though its original did not.

Lists, read once from `standard_libraries.toml`, which names their sources. They are fixed, so that every release of
Python decides alike; a module that a language has removed is not in them.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_SAME = {"TSX": "JavaScript", "TypeScript": "JavaScript"}


def is_standard(language: str, module: str) -> bool:
    """Whether a module, in the words of `filters.code_structure.CodeStructure.imports`, comes with its language.

    Headers count in angle brackets and in quotes, those of C for C++ as well; built-in modules of Node.js with or
    without `node:`; of PHP only the global namespace, where all built-in classes are.

    Returns:
        False for a language without a list here, and for an empty name.
    """
    language = _SAME.get(language, language)
    known = _names().get(language, frozenset())
    match language:
        case "C" | "C++":
            header = module[1:-1] if module[:1] in {"<", '"'} else module
            return header in known or (language == "C++" and header in _names()["C"])
        case "JavaScript":
            return module in known or module.removeprefix("node:") in known
        case "C#":
            return any(module == name or module.startswith(name + ".") for name in known)
        case "Python":
            return module.partition(".")[0] in known
        case _:
            return module in known


@cache
def _names() -> Mapping[str, frozenset[str]]:
    data = tomllib.loads(files("filters").joinpath("standard_libraries.toml").read_text(encoding="utf-8"))
    return {language: frozenset(names.split()) for language, names in data.items()}
