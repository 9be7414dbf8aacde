import pytest

from filters.profiles_text import TEXT_PROFILES
from filters.signals import resolve
from manifests.document import Document

GOOD = """\
The mill stands by the river, and it has stood there for two hundred years.
Its wheel is as high as a house, and the water that turns it comes from the hills in the north.
In the spring, when snow melts, nobody can sleep in the rooms next to it. In August the same wheel hardly moves at all.
People of the village still have their corn ground there: a loaf from the town baker tastes of nothing, they say.
Whoever asks the miller about that gets a long answer.
"""


def first_failed(name: str, text: str) -> str:
    document = Document(id="", text=text, kind="text", source="")
    for signal, rule in TEXT_PROFILES[name].items():
        value = resolve(signal)(document)
        below = rule.minimum is not None and value < rule.minimum
        if below or (rule.maximum is not None and value > rule.maximum):
            return signal
    return ""


@pytest.mark.parametrize("name", TEXT_PROFILES)
def test_every_rule_names_a_signal_and_holds_a_limit(name: str) -> None:
    for signal, rule in TEXT_PROFILES[name].items():
        resolve(signal)
        assert rule.minimum is not None or rule.maximum is not None
        assert not rule.languages


def test_no_profile_deletes_text_on_programming() -> None:
    named = {signal for profile in TEXT_PROFILES.values() for signal in profile}
    assert not named & {"c4_num_curly_brackets", "javascript_line_fraction"}


@pytest.mark.parametrize("name", [name for name in TEXT_PROFILES if name not in ("books", "math")])
def test_good_prose_passes(name: str) -> None:
    assert first_failed(name, GOOD) == ""


@pytest.mark.parametrize(
    ("name", "text", "signal"),
    [
        ("gopher-text", "Too short to say a thing.", "gopher_num_words"),
        ("gopher-text", GOOD.replace(" ", " # "), "hash_word_ratio"),
        ("gopher-text", GOOD * 3, "duplicate_line_fraction"),
        ("c4-text", "Three words here", "c4_num_sentences"),
        ("fineweb-text", GOOD.replace(".", ""), "ended_line_fraction"),
        ("dolma-text", GOOD.replace("\n", " ") * 2, "duplicate_5_gram_character_fraction"),
        ("books", GOOD, "gopher_num_words"),
        ("math", GOOD, "gopher_num_words"),
        ("prose", GOOD + "\ufffd" * 9, "replacement_character_fraction"),
    ],
)
def test_bad_text_fails(name: str, text: str, signal: str) -> None:
    assert first_failed(name, text) == signal


def test_gopher_has_the_table_of_the_paper() -> None:
    limits = {signal: (rule.minimum, rule.maximum) for signal, rule in TEXT_PROFILES["gopher-text"].items()}
    assert limits["gopher_num_words"] == (50, 100_000)
    assert limits["gopher_mean_word_characters"] == (3, 10)
    assert limits["gopher_letter_word_fraction"] == (0.8, None)
    assert limits["duplicate_line_fraction"] == limits["duplicate_paragraph_fraction"] == (None, 0.3)
    assert [limits[f"top_{size}_gram_character_fraction"][1] for size in (2, 3, 4)] == [0.2, 0.18, 0.16]
    duplicate = [limits[f"duplicate_{size}_gram_character_fraction"][1] for size in range(5, 11)]
    assert duplicate == [0.15, 0.14, 0.13, 0.12, 0.11, 0.1]
