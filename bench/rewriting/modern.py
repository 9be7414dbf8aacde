"""Good rewrites that replace what is deprecated or unsafe by what stands for it today."""

import random

from rewriting.syntax import replaced_in_code

# Deprecated or unsafe spellings, and what stands for them today; only such as have the same meaning everywhere.
_MODERN = {
    "C": (("\\bNULL == (\\w+)", "\\1 == NULL"), ("\\bsizeof (\\w+)\\b", "sizeof(\\1)"), ("\\(void\\*\\)", "(void *)")),
    "C#": (
        ("\\bString\\.Empty\\b", '""'),
        ("\\bString\\.(Format|IsNullOrEmpty|Join)\\b", "string.\\1"),
        ("\\b(\\w+) == null\\b", "\\1 is null"),
        ("\\b(\\w+) != null\\b", "\\1 is not null"),
    ),
    "C++": (("\\bNULL\\b", "nullptr"), ("> >", ">>"), ("\\bvirtual (~\\w+\\(\\)) *\\{\\}", "virtual \\1 = default;")),
    "Go": (
        ("\\bioutil\\.ReadAll\\(", "io.ReadAll("),
        ("= make\\(\\[\\](\\w+), 0\\)", "= []\\1{}"),
        ("\\b(\\w+) \\+= 1\\b", "\\1++"),
    ),
    "Java": (
        ("\\bnew (ArrayList|HashMap|HashSet|LinkedList|TreeMap)<[\\w, ]+>\\(", "new \\1<>("),
        ("\\bnew (Integer|Long|Double)\\(", "\\1.valueOf("),
        ("\\.size\\(\\) == 0", ".isEmpty()"),
    ),
    "JavaScript": (
        ("\\bvar (\\w+) = require\\(", "const \\1 = require("),
        (" == (null|undefined)\\b", " === \\1"),
        ("\\bfunction \\(\\) \\{", "() => {"),
        ("\\bvar\\b", "let"),
    ),
    "PHP": (("\\barray\\(\\)", "[]"), ("\\bis_null\\((\\$\\w+)\\)", "\\1 === null"), ("\\belse if\\b", "elseif")),
    "Python": (
        ("\\bassertEquals\\b", "assertEqual"),
        ("\\bsuper\\(\\w+, self\\)\\.", "super()."),
        ("\\bexcept:", "except Exception:"),
        ("^class (\\w+)\\(object\\):", "class \\1:"),
        ("\\.iteritems\\(\\)", ".items()"),
        ("\\bxrange\\(", "range("),
        ("\\blogger\\.warn\\(", "logger.warning("),
        ("\\b(\\w+) == None\\b", "\\1 is None"),
        ("\\bset\\(\\[\\]\\)", "set()"),
        ("\\bdict\\(\\)", "{}"),
        ("\\blist\\(\\)", "[]"),
        ("\\b(\\w+) != None\\b", "\\1 is not None"),
    ),
    "Ruby": (("(?<!:):(\\w+) => ", "\\1: "), ("\\.collect\\b", ".map"), ("\\bFile\\.exists\\?", "File.exist?")),
    "Rust": (
        ("\\btry!\\((\\w+)\\)", "\\1?"),
        ("\\breturn (\\w+);\\n(\\s*\\})", "\\1\\n\\2"),
        ("\\.to_string\\(\\)", ".to_owned()"),
    ),
    "TypeScript": (("\\bvar\\b", "let"), (" == (null|undefined)\\b", " === \\1"), ("\\bArray<(\\w+)>", "\\1[]")),
}


def modernized(text: str, language: str, _draw: random.Random) -> str | None:
    """Old spellings replaced by today's."""
    changed = text
    for pattern, replacement in _MODERN[language]:
        changed = replaced_in_code(changed, language, pattern, replacement)
    return changed if changed != text else None
