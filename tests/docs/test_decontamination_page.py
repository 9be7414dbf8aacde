"""What the documentation says of decontamination is held against the program."""

from pathlib import Path

from filters.benchmark_parts import MINIMUM_TELLING_TOKENS, MINIMUM_TELLING_WORDS, Bounds
from pipeline.decontamination import REASONS, STAGE

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = " ".join((DOCS / "decontamination.md").read_text(encoding="utf-8").split())


def test_the_pages_have_every_reason() -> None:
    errors = (DOCS / "errors.md").read_text(encoding="utf-8")
    for reason in REASONS.values():
        assert f"| `{STAGE}` | `{reason}` |" in errors
        assert f"| `{reason}` |" in PAGE


def test_the_page_has_the_bounds() -> None:
    bounds = Bounds()
    words = {4: "four", 7: "seven"}
    for shown in (
        f"word {bounds.ngram_words}-grams",
        f"{bounds.minimum_ngram_fraction:.0%}".replace("%", " %"),
        f"at least {bounds.minimum_ngrams} ({bounds.ngram_words + bounds.minimum_ngrams - 1} words in a row)",
        f"{bounds.minimum_substring_characters} characters; {bounds.minimum_short_prompt_characters} for a prompt",
        f"windows of {bounds.window_tokens} syntax tokens",
        f"{bounds.minimum_window_fraction:.0%}".replace("%", " %"),
        f"fewer than {words[MINIMUM_TELLING_WORDS]} different words",
        f"fewer than {words[MINIMUM_TELLING_TOKENS]} different tokens",
    ):
        assert shown in PAGE, shown
