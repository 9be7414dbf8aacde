"""UTF-8 that was read as Latin-1 or Windows-1252 is told from accents and typography."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.mojibake import _MOJIBAKE, mojibake_fraction
from manifests.document import Document


def fraction_of(text: str) -> float:
    return mojibake_fraction(Document(id="", text=text, kind="text", source=""))


# As browsers do it: the five bytes that Windows-1252 leaves out stay control characters.
WINDOWS_1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}


def misread(text: str, encoding: str = "latin-1") -> str:
    wrong = text.encode().decode("latin-1")
    return wrong.translate(WINDOWS_1252) if encoding == "cp1252" else wrong


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("plain ASCII", 0),
        ("\u00c3\u00a9", 1),  # e acute
        ("ab\u00c3\u00a9cd", 2 / 6),
        ("It\u00e2\u20ac\u2122s", 3 / 6),  # a quote, by Windows-1252
        ("It\u00e2\u0080\u0099s", 3 / 6),  # the same, by Latin-1
        ("5\u00c2\u00a0km", 2 / 5),  # a no-break space
        ("\u00ef\u00bb\u00bfabc", 3 / 6),
        ("\u00f0\u0178\u02dc\u20ac", 1),
        ("\u00c3", 0),  # cut short
        ("\u00c3 \u00a9", 0),
        ("\ud800\u00c3\u00a9\udfff", 0.5),
    ],
)
def test_mojibake_fraction(text: str, expected: float) -> None:
    assert fraction_of(text) == pytest.approx(expected)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "text",
    [
        "déjà vu à l’école — ça coûte 5 €",
        "Größe, Straße, „Übung“",
        "não há coração",
        "žluťoučký kůň",
        "Зимой вечером",
        "Καλημέρα κόσμε",
        "漢字とかな",
        "한국어 문장",
        "😀😎",
    ],
)
def test_what_was_misread_is_found(text: str, encoding: str) -> None:
    wrong = misread(text, encoding)
    assert fraction_of(wrong) == pytest.approx(1 - sum(map(str.isascii, wrong)) / len(wrong))
    assert fraction_of(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "« le café\u00a0», « à\u00a0« deux »",
        "„Viel Spaß“, sagte er – und ging. STRASSE, MUẞ“",
        "CAFÉ» CAFÉ” CAFÉ’s É… Ü– Ö—",
        "10 Å², 3 ×½, Ø±0.1 mm, 5 µm ±2 °C",
        "AÇÃO, NÃO, ÓRGÃO; MÃE",
        "Điều này là của tôi, Việt Nam",
        "ÅÄÖ åäö Åland",
        "¿Qué? ¡ÁNGEL! Nº 1ª",
        "Ð Ñ Þ ð þ ß",
        "文字“引用”——省略……",
    ],
)
def test_accents_and_typography_are_not_taken_for_it(text: str) -> None:
    assert fraction_of(text) == 0


@given(st.text(st.sampled_from("ab \n\u00c3\u00a9\u00e2\u20ac\u2122\u00d0\u0178\u00f0\u4e2d\ud800\u00ef\u00bb\u00bf")))
def test_equals_a_search_of_the_whole_text(text: str) -> None:
    expected = sum(map(len, _MOJIBAKE.findall(text))) / len(text) if text else 0.0
    assert fraction_of(text) == expected


@given(st.text(st.characters(min_codepoint=0xC0, max_codepoint=0xFF), min_size=1))
def test_latin_letters_misread_are_found_wholly(text: str) -> None:
    assert fraction_of(misread(text)) == 1
