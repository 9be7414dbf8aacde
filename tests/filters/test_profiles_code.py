import pytest

from filters.profiles_code import CODE_PROFILES
from filters.rules import Limits, Rule
from filters.signals import modules, resolve
from manifests.document import Document

PROGRAM = "# Adds numbers.\n" + "".join(f"def add_{name}(first, second):\n    return first + second\n" for name in "ab")


def rejections(profile: str, document: Document) -> set[str]:
    found = set()
    for name, rule in CODE_PROFILES[profile].items():
        limits, value = rule.limits(document.language), resolve(name)(document)
        below = limits.minimum is not None and value < limits.minimum
        if below or (limits.maximum is not None and value > limits.maximum):
            found.add(name)
    return found


def document(text: str, language: str, path: str = "/a") -> Document:
    return Document(id="", text=text, kind="code", source="", language=language, path=path)


def rules() -> list[tuple[str, Rule]]:
    return [(name, rule) for profile in CODE_PROFILES.values() for name, rule in profile.items()]


def test_every_rule_names_a_signal() -> None:
    assert {name for name, _ in rules()} <= modules().keys()


def test_no_minimum_is_above_its_maximum() -> None:
    for _, rule in rules():
        for limits in (Limits(rule.minimum, rule.maximum), *rule.languages.values()):
            assert limits.minimum is None or limits.maximum is None or limits.minimum <= limits.maximum


@pytest.mark.parametrize(
    ("text", "language", "path", "expected"),
    [
        (PROGRAM, "Python", "/a.py", set()),
        ("x = '" + "xyz " * 248 + "'\n" + "y = 1\n" * 20, "Python", "/a.py", set()),
        ("x = '" + "xyz " * 250 + "'\n" + "y = 1\n" * 20, "Python", "/a.py", {"longest_line_characters"}),
        ("xyz " * 251, "Markdown", "/a.md", set()),
        ("xyz " * 25_001, "Markdown", "/a.md", {"longest_line_characters"}),
        ("a word\n" * 512, "YAML", "/a.yml", set()),
        ("a word\n" * 513, "YAML", "/a.yml", {"num_lines"}),
        ("a word\n" * 513, "Python", "/a.py", set()),
        ("1 + 2\n", "Python", "/a.py", {"alphabetic_fraction"}),
        ("12 + 2\n", "WebAssembly", "/a.wat", set()),
        ("---+ 2\n", "WebAssembly", "/a.wat", {"alphanumeric_fraction"}),
        ("A" * 65 + "\n--- b", "Python", "/a.py", {"encoded_fraction"}),
        ("# Auto-generated\n" + PROGRAM, "Python", "/a.py", {"has_generated_phrase"}),
        ("a" * 98 + "\n", "HTML", "/a.html", {"encoded_fraction", "html_text_characters"}),
        ("a few words\n" * 9 + "<p>\n", "HTML", "/a.html", set()),
        ("a few words\n" * 9 + "<p " + "b c " * 150 + ">\n", "HTML", "/a.html", {"html_text_fraction"}),
        ("a few words\n", "Text", "/a/words.txt", {"has_documentation_name"}),
        ("a few words\n", "Text", "/a/README.txt", set()),
    ],
)
def test_starcoder2_code(text: str, language: str, path: str, expected: set[str]) -> None:
    assert rejections("starcoder2-code", document(text, language, path)) == expected


@pytest.mark.parametrize(
    ("language", "expected"), [("Python", {"comment_fraction"}), ("Ruby", set()), ("JavaScript", {"comment_fraction"})]
)
def test_stack_v1_wants_comments_in_three_languages(language: str, expected: set[str]) -> None:
    assert rejections("stack-v1-code", document("value = first + second\n", language)) == expected


def test_stack_v1_drops_xml_under_other_names() -> None:
    prolog = "<?xml version='1.0'?><a/>"
    assert rejections("stack-v1-code", document(prolog, "XML")) == set()
    assert rejections("stack-v1-code", document(prolog, "Ruby")) == {"has_xml_prolog"}


def test_opencoder_binds_its_language_rules_to_their_languages() -> None:
    stub = "import a\n" * 12
    assert "import_line_fraction" in rejections("opencoder-code", document(stub, "Python"))
    assert "import_line_fraction" not in rejections("opencoder-code", document(stub, "JavaScript"))
    digits = "select 1234567 from a where b = 1;\n" * 20
    assert "digit_fraction" in rejections("opencoder-code", document(digits, "Ruby"))
    assert "digit_fraction" not in rejections("opencoder-code", document(digits, "SQL"))


def test_opencoder_stores_the_mark_of_go_tests_and_drops_none() -> None:
    assert CODE_PROFILES["opencoder-code"]["is_go_test"] == Rule()


def test_opencoder_wants_short_data() -> None:
    assert "num_characters" in rejections("opencoder-data", document("key: value\n" * 500, "YAML"))
    assert "num_characters" not in rejections("opencoder-code", document("key: value\n" * 500, "YAML"))
