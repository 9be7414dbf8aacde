"""What a replacement must not break in a text: nothing, a parser of source code, or tags.

Told by kind and linguist's name alone. Prose has no parser, markup one for which `<EMAIL>` is a tag. An unknown name is
code, which is the careful answer: a word that is no identifier is put into strings and comments only.
"""

from typing import Literal

from filters.natural_languages import PROSE_LANGUAGES
from manifests.document import Kind

Syntax = Literal["prose", "code", "markup"]

_TABLES = frozenset({"CSV", "TSV", "CODEOWNERS", "License", "Public Key", "E-mail", "IRC log"})
_MARKUP = frozenset(
    {
        "Ant Build System", "ASP.NET", "Astro", "Classic ASP", "COLLADA", "ColdFusion", "DocBook", "Eagle", "EJS",
        "FreeMarker", "Genshi", "Handlebars", "JSX", "Java Server Pages", "Jinja", "Kit", "LabVIEW", "Latte", "Liquid",
        "Marko", "Maven POM", "MDX", "Mustache", "MSBuild", "RPC", "Riot", "SVG", "Smarty", "StringTemplate", "Svelte",
        "TSX", "Twig", "Vue", "Web Ontology Language", "XAML", "XC", "XPages", "XProc", "XSLT",
    }
)  # fmt: skip
_MARKUP_FAMILIES = ("HTML", "XML")


def syntax_of(kind: Kind, language: str) -> Syntax:
    """The syntax of a document.

    Args:
        language: as GitHub linguist names it; empty where unknown. A text is prose, whatever its language.
    """
    if kind == "text":
        return "prose"
    if language in _MARKUP or language.startswith(_MARKUP_FAMILIES):
        return "markup"
    return "prose" if language in PROSE_LANGUAGES or language in _TABLES else "code"
