"""Profiles for code and data files: the limits of StarCoder2, StarCoder and OpenCoder, on our signals.

A rule that a source has for some languages only has no limits of its own and `languages={...}`. Languages have
linguist's names. A rule without any limit stands where a source drops by chance: the value is stored, nothing goes.
"""

from collections.abc import Iterable, Mapping

from filters.rules import Limits, Profile, Rule

_OFF = Limits()


def _only(languages: Iterable[str], *, minimum: float | None = None, maximum: float | None = None) -> Rule:
    """A rule for some languages and no others."""
    return Rule(languages=dict.fromkeys(languages, Limits(minimum, maximum)))


def _except(rule: Rule, languages: Iterable[str], limits: Limits = _OFF) -> Rule:
    """A rule with other limits, or none, for some languages."""
    return Rule(rule.minimum, rule.maximum, {**rule.languages, **dict.fromkeys(languages, limits)})


# StarCoder2, arXiv 2402.19173, section 3.2 and the code of bigcode-project/the-stack-v2.

_LONG_LINES = ("HTML", "JSON", "Markdown", "Roff", "Roff Manpage", "SMT", "TeX", "Text", "XML")
_FEW_LETTERS = ("Motorola 68K Assembly", "WebAssembly")
_SHORT_FILES = ("DOT", "Graphviz (DOT)", "JSON", "OWL", "Text", "Web Ontology Language", "YAML")

_STARCODER2: Profile = {
    "num_lines": _except(Rule(maximum=100_000), _SHORT_FILES, Limits(maximum=512)),
    "mean_line_characters": _except(Rule(maximum=100), _LONG_LINES),
    "longest_line_characters": _except(Rule(maximum=1_000), _LONG_LINES, Limits(maximum=100_000)),
    "alphabetic_fraction": _except(Rule(minimum=0.25), _FEW_LETTERS),
    "alphanumeric_fraction": _only(_FEW_LETTERS, minimum=0.25),
    "longest_encoded_run_characters": Rule(maximum=1_024),
    "encoded_fraction": Rule(maximum=0.5),
    "is_generated": Rule(maximum=0),
    "has_generated_phrase": Rule(maximum=0),
    "html_text_characters": _only(["HTML"], minimum=100),
    "html_text_fraction": _only(["HTML"], minimum=0.2),
    "has_documentation_name": _only(["Text"], minimum=1),
}

# SantaCoder, arXiv 2301.03988, and StarCoder, arXiv 2305.06161, with the code of bigcode-dataset: what The Stack v1
# went through. Its limits by file extension came from looking at samples; the common ones stand for them. Its limits
# on characters a token need the tokenizer and are left out. Files that are XML by name keep their prolog.

_XML = ("Ant Build System", "Maven POM", "SVG", "XML", "XML Property List", "XSLT")

_STACK_V1: Profile = {
    "mean_line_characters": _except(Rule(maximum=100), _LONG_LINES),
    "longest_line_characters": _except(Rule(maximum=1_000), _LONG_LINES),
    "alphabetic_fraction": _except(Rule(minimum=0.25), _FEW_LETTERS),
    "comment_fraction": _only(["Java", "JavaScript", "Python"], minimum=0.01, maximum=0.8),
    "has_xml_prolog": _except(Rule(maximum=0), _XML),
    "html_text_characters": _only(["HTML"], minimum=100),
    "html_text_fraction": _only(["HTML"], minimum=0.2),
}

# OpenCoder, arXiv 2411.04905, appendix on heuristic rules, and the tables of opc_data_filtering: one for code in
# general, with what Python, C, C++, C#, Go, Java, JavaScript, HTML, Shell and SQL have of their own, and one for data.
# Left out: that Python and JavaScript must parse (`parse_error_fraction`: some milliseconds a file); any HTML parses.
# Deviations: the rules on n-grams and lines are held against Gopher's signals. Their words are cut as a tokenizer does,
# marks are words, case counts, and repeats alone count; OpenCoder takes lower-cased words without marks, lines of code
# without comments, and all occurrences. The limits on the top 2-, 3- and 4-gram so drop 6, 9 and 13 % of 1,500 files
# here and about 3.5, 4.3 and 5.3 % there.

_GENERAL: Profile = {
    "num_bytes": Rule(maximum=3_000_000),
    "num_lines": Rule(minimum=10, maximum=100_000),
    "num_code_words": Rule(minimum=30),
    "num_characters": Rule(minimum=50),
    "mean_code_word_characters": Rule(minimum=2, maximum=10),
    "longest_line_characters": Rule(maximum=1_000),
    "mean_line_characters": Rule(minimum=5, maximum=100),
    "visible_alphabetic_fraction": Rule(minimum=0.5),
    "digit_fraction": Rule(maximum=0.2),
    "whitespace_fraction": Rule(maximum=0.5),
    "replacement_character_fraction": Rule(maximum=0.01),
    "duplicate_line_fraction": Rule(maximum=0.7),
    "top_2_gram_character_fraction": Rule(maximum=0.2),
    "top_3_gram_character_fraction": Rule(maximum=0.18),
    "top_4_gram_character_fraction": Rule(maximum=0.16),
    "duplicate_5_gram_character_fraction": Rule(maximum=0.8),
    "duplicate_6_gram_character_fraction": Rule(maximum=0.7),
    "duplicate_7_gram_character_fraction": Rule(maximum=0.7),
    "duplicate_8_gram_character_fraction": Rule(maximum=0.7),
    "duplicate_9_gram_character_fraction": Rule(maximum=0.7),
    "duplicate_10_gram_character_fraction": Rule(maximum=0.6),
    "longest_encoded_run_characters": Rule(maximum=1_024),
    "encoded_fraction": Rule(maximum=0.5),
    "hexadecimal_number_fraction": Rule(maximum=0.4),
    "long_string_word_fraction": Rule(maximum=0.4),
    "comment_fraction": Rule(maximum=0.8),
    "has_generated_word": Rule(maximum=0),
    "has_xml_prolog": Rule(maximum=0),
}

_PROGRAMS = ("C", "C#", "C++", "Go", "Java", "JavaScript", "Python")
_NGRAMS = tuple(f"duplicate_{words}_gram_character_fraction" for words in (5, 6, 7, 8, 9))

_OPENCODER: Profile = {
    **_GENERAL,
    **{name: _except(_GENERAL[name], ["HTML"], Limits(maximum=0.6)) for name in _NGRAMS},
    "digit_fraction": _except(_GENERAL["digit_fraction"], ["SQL"], Limits(maximum=0.3)),
    "has_xml_prolog": _except(_GENERAL["has_xml_prolog"], _XML),
    "comment_fraction": _except(_GENERAL["comment_fraction"], ["HTML"]),
    "long_string_word_fraction": _except(_GENERAL["long_string_word_fraction"], ["HTML"]),
    "long_string_line_fraction": _except(Rule(maximum=0.2), ["HTML", "Shell"]),
    "string_fraction": _except(Rule(maximum=0.6), ["HTML", "Shell"]),
    "prompt_comment_line_fraction": _except(Rule(maximum=0.01), ["HTML"]),
    "assert_line_fraction": _except(Rule(maximum=0.4), ["Go", "HTML", "Shell"]),
    "function_line_fraction": _only(_PROGRAMS, maximum=0.2),
    "print_line_fraction": _only(_PROGRAMS, maximum=0.4),
    "no_logic_line_fraction": _only(_PROGRAMS, maximum=0.5),  # four of five are dropped there, by chance
    "num_variable_lines": _only(["Go", "Java", "JavaScript", "Python"], minimum=1),  # never fires for C# there either
    "import_line_fraction": _only(["Python"], maximum=0.3),
    "pass_line_fraction": _only(["Python"], maximum=0.05),
    "one_line_function_fraction": _only(["Python"], maximum=0.1),
    "preprocessor_line_fraction": _only(["C", "C++"], maximum=0.8),
    "num_main_functions": _only(["C", "C++"], maximum=1),
    "is_go_test": Rule(),  # four of five are dropped there, by chance
    "html_text_characters": _only(["HTML"], minimum=100),
    "html_text_fraction": _only(["HTML"], minimum=0.2),
}

_DATA: Profile = {
    **_GENERAL,
    "num_characters": Rule(minimum=50, maximum=5_000),
    "unique_word_fraction": Rule(minimum=0.4),
}

CODE_PROFILES: Mapping[str, Profile] = {
    "starcoder2-code": _STARCODER2,
    "stack-v1-code": _STACK_V1,
    "opencoder-code": _OPENCODER,
    "opencoder-data": _DATA,
}
"""By the name that a recipe uses."""
