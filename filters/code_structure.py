"""Structure of a source file: what others can call, what it imports, which functions are stubs, how much did not parse.

For comparing two versions of a file: what must stay the same stays the same text here (`filters/code_signatures.py`).
Files with errors have the structure of what parses around them.

Pure, in this process: whoever asks about hostile text does so in an isolated child, as the parser, and a query on a
tree out of it, can take time and memory by the square of the text.

Cost: of 5 kB 0.6 to 1.3 CPU milliseconds for the parse, by language, and 0.6 to 1 for the structure, nearly half of it
the query; cutting into units 0.1. The first file of a language takes 10 more, for its grammar and queries.
Of functions taken out of real files one at a time, 99 % change what is public here; the others are one of several with
the same name and signature, as under `#ifdef`.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tree_sitter import Tree

from filters.code_captures import captures
from filters.code_declarations import Declaration, declarations
from filters.code_imports import imports
from filters.code_signatures import DECLARED, signature, type_signature
from filters.code_stubs import is_placeholder, is_stub, returns_constant
from filters.code_units import units
from filters.grammars import has_grammar, parse, parse_errors
from filters.node_texts import node_text

_SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class CodeStructure:
    """What of a source file matters to code elsewhere, and what of it is missing."""

    num_errors: int  # outermost ERROR nodes and missing tokens
    error_bytes: int  # inside the ERROR nodes, and one for every missing token
    public: Mapping[str, str]  # "Class.method" -> signature without white space; "type"; "" for what is given on
    imports: frozenset[str]  # modules, packages, headers, namespaces, in the language's own words
    stubs: frozenset[str]  # functions, private ones as well, whose body says that it is not there
    constants: frozenset[str]  # functions that return a constant and do nothing else
    placeholder_comments: int  # that stand for code that was left out


def code_structure(text: str, language: str) -> CodeStructure | None:
    """The structure of a source file.

    Returns:
        None for a language without a grammar here; nothing but errors for JSON.
    """
    return _structure(parse(_encoded(text), language), language) if has_grammar(language) else None


def top_level_units(text: str, language: str) -> list[tuple[int, int]]:
    """The units of a source file as half-open spans of characters, which join to the text (`filters/code_units.py`).

    Returns:
        One span where the file cannot be cut: no grammar, PHP, JSON, an empty text.
    """
    if not has_grammar(language):
        return [(0, len(text))]
    encoded = _encoded(text)
    return units(parse(encoded, language).root_node, encoded, language)


def structure_and_units(text: str, language: str) -> tuple[CodeStructure, list[tuple[int, int]]] | None:
    """Both of the above for one parse; None for a language without a grammar here."""
    if not has_grammar(language):
        return None
    encoded = _encoded(text)
    tree = parse(encoded, language)
    return _structure(tree, language), units(tree.root_node, encoded, language)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _structure(tree: Tree, language: str) -> CodeStructure:
    errors = parse_errors(tree)
    found = captures(tree.root_node, language)
    declared = declarations(found, language)
    return CodeStructure(
        num_errors=errors.number,
        error_bytes=errors.num_bytes,
        public=_public(declared, language),
        imports=imports(found.get("import", ()), found.get("namespace", ()), language),
        stubs=frozenset(each.name for each in declared if each.is_function and is_stub(each.node)),
        constants=frozenset(each.name for each in declared if each.is_function and returns_constant(each.node)),
        placeholder_comments=sum(is_placeholder(node_text(node)) for node in found.get("comment", ())),
    )


def _public(declared: list[Declaration], language: str) -> dict[str, str]:
    """Public names with their signatures; those of a name that comes more than once in a fixed order.

    Of a function of C that is declared and defined, the definition counts, so that its loss shows.
    """
    signatures: dict[str, set[str]] = defaultdict(set)
    for each in declared:
        if each.is_public and not each.alias_of:
            signature_of = signature if each.is_function else type_signature
            signatures[each.name].add(signature_of(each.node, language))
    for each in declared:
        if each.alias_of:
            signatures[each.name] |= signatures.get(each.alias_of, {""})
    return {
        name: _SEPARATOR.join(sorted(found - {each + DECLARED for each in found}))
        for name, found in sorted(signatures.items())
    }
