from hypothesis import given
from hypothesis import strategies as st

from filters.squeezed_text import squeezed


@given(st.text(st.sampled_from("ab \t\n\r\u00a0\u3000é\\n")))
def test_white_space_and_escapes_are_gone(text: str) -> None:
    expected, rest = "", text
    while rest:
        size = 2 if rest[0] == "\\" and rest[1:2] == "n" else 1
        expected += "" if rest[0] in " \t\n\r\u00a0\u3000\\" else rest[0]
        rest = rest[size:]
    assert squeezed(text.encode()) == expected.encode()
