import pytest

from filters.grammars import GRAMMARS, grammar, has_grammar, parse, parse_errors


@pytest.mark.parametrize("language", GRAMMARS)
def test_every_language_has_its_grammar(language: str) -> None:
    assert has_grammar(language)
    assert grammar(language) is grammar(language)


def test_other_languages_have_none() -> None:
    assert not has_grammar("Fortran")
    with pytest.raises(KeyError, match="Fortran"):
        parse(b"", "Fortran")


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", (0, 0)),
        ("int a;", (0, 0)),
        ("int f(void) { return 1 }", (1, 1)),  # a missing semicolon
        ("int a; @@ int b;", (1, 2)),
        ("int a; @@ int b; @@@ int c;", (2, 5)),
    ],
)
def test_errors_are_counted_with_their_bytes(text: str, errors: tuple[int, int]) -> None:
    assert parse_errors(parse(text.encode(), "C")) == errors
