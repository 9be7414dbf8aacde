"""The language of real sentences is found; what is no prose is of no language."""

import re
from concurrent.futures import ThreadPoolExecutor

import pycld2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.natural_languages import PROSE_LANGUAGES, NaturalLanguage, _judged, has_prose, natural_language

SENTENCES = {
    "en": "The river rose all night, and by the morning nobody could cross the old bridge any more.",
    "de": "Der Fluss stieg die ganze Nacht, und am Morgen konnte niemand mehr über die alte Brücke gehen.",
    "fr": "La rivière a monté toute la nuit, et au matin plus personne ne pouvait traverser le vieux pont.",
    "es": "El río creció toda la noche y por la mañana ya nadie podía cruzar el viejo puente de piedra.",
    "pt": "O rio subiu durante toda a noite e de manhã ninguém conseguia atravessar a velha ponte.",
    "it": "Il fiume è cresciuto tutta la notte e al mattino nessuno poteva più attraversare il vecchio ponte.",
    "pl": "Rzeka wzbierała przez całą noc i rano nikt nie mógł już przejść przez stary most.",
    "vi": "Con sông dâng lên suốt đêm và đến sáng không ai có thể đi qua cây cầu cũ được nữa.",
    "ru": "Река поднималась всю ночь, и утром уже никто не мог перейти по старому мосту.",
    "el": "Το ποτάμι ανέβαινε όλη τη νύχτα και το πρωί κανείς δεν μπορούσε να περάσει την παλιά γέφυρα.",
    "he": "הנהר עלה כל הלילה ובבוקר איש לא יכול היה לעבור את הגשר הישן.",
    "ar": "ارتفع النهر طوال الليل وفي الصباح لم يعد أحد قادرا على عبور الجسر القديم.",
    "hi": "नदी पूरी रात बढ़ती रही और सुबह तक कोई भी पुराने पुल को पार नहीं कर सकता था।",
    "zh": "河水整夜上涨，到了早上，再也没有人能走过那座古老的桥了。",
    "ja": "川は一晩中増水し、朝には誰も古い橋を渡ることができなくなっていた。",
    "ko": "강물이 밤새 불어나서 아침에는 아무도 그 오래된 다리를 건널 수 없었다.",
}
CODE = (
    "def crossed(bridge):\n    if bridge.is_open and not bridge.flooded:\n        return [bridge.name]\n    return []\n"
)


@pytest.mark.parametrize("code", SENTENCES)
def test_finds_the_language_of_a_sentence(code: str) -> None:
    found = natural_language(SENTENCES[code])
    assert found.code == code
    assert found.confidence > 0.9


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\0\0", "1234 + 5678", "?!...", "\ud800", "x", "-" * 5000, "a" * 100_000]
)
def test_no_prose_is_of_no_language(text: str) -> None:
    assert natural_language(text) == NaturalLanguage("", 0.0)


def test_mixed_text_has_the_share_of_its_main_language() -> None:
    found = natural_language(SENTENCES["ru"] * 3 + "\n" + SENTENCES["en"] * 3)
    assert found.code == "ru"  # two bytes a letter
    assert 0.5 < found.confidence < 0.8


def test_language_of_the_whole_text_decides_and_not_of_its_start() -> None:
    text = SENTENCES["en"] * 3 + "\n" + f"{SENTENCES['de']}\n" * 100
    assert natural_language(text).code == "de"


@pytest.mark.parametrize(
    "no_prose",
    [
        f"```python\n{CODE * 9}```\n",
        "".join(f"\n    {line}" for line in (CODE * 6).split("\n")) + "\n",
        " https://example.org/the-quick-brown-fox/that-was-there/when-nobody-would-see-it" * 9,
        ' <div class="the side bar with all of the links" title="what you should know about this">' * 9,
    ],
    ids=["fenced", "indented", "links", "tags"],
)
def test_what_is_no_prose_does_not_decide(no_prose: str) -> None:
    text = f"{SENTENCES['fr']}\n{SENTENCES['fr']}\n{SENTENCES['fr']}\n{no_prose}"
    assert natural_language(text).code == "fr"
    assert natural_language(text).confidence > 0.97


def test_text_of_little_but_code_is_judged_with_it() -> None:
    commented = "".join(f"\n    # {SENTENCES['en']}" for _ in range(5))
    assert natural_language("Notes" + commented).code == "en"
    assert natural_language("```\n" + SENTENCES["de"] * 3 + "\n```").code == "de"


def test_cost_is_bounded_for_a_long_text() -> None:
    spanish, german = SENTENCES["es"] * 4, SENTENCES["de"] * 100
    text = spanish + german + spanish + german + spanish + german + spanish
    judged = _judged(text)
    assert 1_200 <= len(judged) <= 1_210
    assert natural_language(text).code == natural_language(judged).code == "es"


@pytest.mark.parametrize("refused", ["\0", "\x1b", "\x7f", "\x85", "\ufdd0", "\uffff", "\U0010ffff", "\ud800"])
def test_what_the_model_refuses_changes_nothing(refused: str) -> None:
    assert natural_language(SENTENCES["pl"] + refused) == natural_language(SENTENCES["pl"])


def test_all_codes_are_of_iso_639() -> None:
    tags = {tag for name, tag in pycld2.LANGUAGES if name in pycld2.DETECTED_LANGUAGES}
    assert len(tags) > 150
    withdrawn = {"iw", "jw", "mo"}
    for tag in tags - withdrawn:
        assert re.fullmatch("[a-z]{2,3}(-[A-Za-z]+)?", tag)
    assert natural_language(SENTENCES["he"]).code == "he"


@given(
    st.text(st.sampled_from("ab<>&;`=_09é漢ﷺ \t\n\r\0\x1b\x85\ud800\ufdd0\uffff\U0010ffff")) | st.text(st.characters())
)
def test_is_total_and_deterministic(text: str) -> None:
    found = natural_language(text)
    assert 0 <= found.confidence <= 1
    assert (found.code == "") == (found.confidence == 0)
    assert natural_language(text) == found


def test_threads_agree() -> None:
    texts = list(SENTENCES.values()) * 20
    with ThreadPoolExecutor(4) as threads:
        assert [found.code for found in threads.map(natural_language, texts)] == list(SENTENCES) * 20


def test_every_text_and_code_for_readers_has_prose() -> None:
    assert has_prose("text", "")
    assert has_prose("text", "Python")
    assert has_prose("code", "Markdown")
    assert not has_prose("code", "Python")
    assert not has_prose("code", "")
    assert {"reStructuredText", "AsciiDoc", "TeX", "RMarkdown"} <= PROSE_LANGUAGES
