"""The page needs nothing but itself, is well-formed, and shows hostile texts as texts."""

from pathlib import Path

import msgspec
import pytest
from browser import browser
from html_pages import Page
from hypothesis import example, given, settings
from hypothesis import strategies as st

from manifests.printable import printable
from manifests.release import Manifest
from manifests.release_rewriting import (
    ReleaseRewriting,
    RewritingModel,
    RewritingPrompt,
    RewritingSampling,
    RewrittenLanguage,
)
from manifests.storage import Storage
from pipeline.rewriting_page import SHOWN_LINES, Sample, rewriting_page
from pipeline.rewriting_summary import card_rewriting, rewriting_sections

HOSTILE = '"><script>alert(1)</script><img src=https://x.example/>\x1b[31m\u202e|`@[a](b)'


def language(**changed: object) -> RewrittenLanguage:
    numbers = msgspec.structs.asdict(RewrittenLanguage.nothing()) | {
        "surveyed": {"fine": 5, "smelly": 3, "broken": 2, "hopeless": 1, "unmeasured": 0},
        "chosen": 4,
        "rewritten": 2,
        "overruled": {"equal_rewrite": 1},
        "answers": {"repair": {"accepted": 2, "parse": 3}, "style": {"imports": 1, "accepted": 1}},
        "original_bytes": 1000,
        "rewritten_bytes": 900,
        "errors_before": 7,
        "findings_before": 20,
        "findings_after": 3,
        "prompt_tokens": 4000,
        "completion_tokens": 1500,
        "released_documents": 1,
        "released_bytes": 450,
    }
    return RewrittenLanguage(**(numbers | changed))  # type: ignore[arg-type]


def rewriting(**languages: RewrittenLanguage) -> ReleaseRewriting:
    return ReleaseRewriting(
        model=RewritingModel(name="Coder-1B", revision="main", licence="Apache-2.0", dtype="auto"),
        sampling=RewritingSampling(temperature=0.2, top_p=0.7, seed=0),
        prompts=[RewritingPrompt(mode=mode, version=1, sha256="ab" * 32) for mode in ("repair", "style")],
        limit="share",
        languages=languages,
    )


@pytest.fixture(scope="module")
def manifest(small_release: Path) -> Manifest:
    return Manifest.read(Storage(str(small_release)))


def with_(manifest: Manifest, told: ReleaseRewriting) -> Manifest:
    return msgspec.structs.replace(manifest, rewriting=told)


def sample(**changed: str) -> Sample:
    return Sample(
        **({"doc_id": "0" * 32, "language": "Go", "modes": "repair", "original": "a\n", "text": "b\n"} | changed)
    )


def test_the_page_is_well_formed_and_asks_nobody_for_anything(manifest: Manifest) -> None:
    found = Page(rewriting_page(with_(manifest, rewriting(Go=language())), [sample()]))
    assert not {"script", "img", "iframe", "object", "form", "a"}.intersection(found.tags)
    assert found.addresses == ["data:,"]
    assert "url(" not in rewriting_page(with_(manifest, rewriting()), [])


def test_every_table_has_as_many_cells_as_its_head(manifest: Manifest) -> None:
    many = {f"L{n}": language(chosen=n) for n in range(12)}
    sections = rewriting_sections(with_(manifest, rewriting(**many)))
    for table in (part.splitlines() for part in sections if part.startswith("|")):
        assert len({line.count("|") for line in table}) == 1
    assert any("| others |" in part for part in sections)


def test_hostile_texts_and_names_stay_texts(manifest: Manifest) -> None:
    forged = msgspec.structs.replace(manifest, name=HOSTILE, version=HOSTILE)
    told = rewriting(**{HOSTILE: language(overruled={HOSTILE: 1}, answers={"repair": {HOSTILE: 1}})})
    told = msgspec.structs.replace(told, model=RewritingModel(name=HOSTILE, revision="1", licence="MIT", dtype="auto"))
    page = rewriting_page(with_(forged, told), [Sample(*[HOSTILE] * 5)])
    assert not {"script", "img", "a"}.intersection(Page(page).tags)
    assert page.replace("\n", "").isprintable()
    for part in (*rewriting_sections(with_(forged, told)), card_rewriting(with_(forged, told))):
        assert part.replace("\n", "").isprintable()
        assert "<script" not in part


@given(st.text(max_size=40), st.text(max_size=40))
@example("\x1f", "\ud7fc")  # each of them is shown as the mark for what cannot be
@settings(max_examples=15)
def test_any_two_texts_are_shown(manifest: Manifest, original: str, text: str) -> None:
    original, text = (value.encode(errors="ignore").decode() for value in (original, text))
    page = rewriting_page(with_(manifest, rewriting(Go=language())), [sample(original=original, text=text)])
    found = Page(page)
    assert page == rewriting_page(with_(manifest, rewriting(Go=language())), [sample(original=original, text=text)])
    assert {"del", "ins"}.intersection(found.tags) or printable(original).split() == printable(text).split()


def test_long_texts_are_cut(manifest: Manifest) -> None:
    long = "".join(f"{number} {'x' * 500}\n" for number in range(500))
    page = rewriting_page(with_(manifest, rewriting(Go=language())), [sample(original=long, text=long * 400)])
    assert len(page) < 60_000
    assert "[…]" in page
    assert f">{SHOWN_LINES}<" in page
    assert f">{SHOWN_LINES + 2}<" not in page


def test_the_figures_are_those_of_the_manifest(manifest: Manifest) -> None:
    told = rewriting(Go=language(), Python=language(chosen=10, rewritten=1))
    rows = {row[0].strip(): row for row in Page(rewriting_page(with_(manifest, told), [])).cells if len(row) == 13}
    assert [cell.strip() for cell in rows["all"][:10]] == ["all", "22", "10", "6", "4", "2", "0", "14", "3", "21.4%"]
    assert list(rows)[1:3] == ["Python", "Go"]  # most documents first
    text = "\n".join(rewriting_sections(with_(manifest, told)))
    assert "Coder-1B, revision main, licence Apache-2.0" in text
    assert "| repair | parse | 6 | 3 | 3 |" in text
    assert "| all | 2,000 → 1,800 | 14 → 0 | 40 → 6 | 8,000 | 3,000 |" in text


@pytest.mark.servers
def test_a_browser_shows_it_on_a_desk_and_on_a_phone(manifest: Manifest, tmp_path: Path) -> None:
    wide = sample(original=f"int a;\n{'x' * 5_000} = {HOSTILE};\n", text=f"int a = 1;\n\t{'y ' * 3_000}{HOSTILE}\n")
    told = rewriting(**{f"{name}{'n' * 60}": language() for name in ("C", "Go", "Zig")})
    page = tmp_path / "rewriting.html"
    page.write_text(rewriting_page(with_(manifest, told), [wide, sample()]))
    with browser(tmp_path / "profile") as shown:
        for width in (1280, 390):
            shown.open(page, width=width)
            assert shown.value("document.documentElement.scrollWidth") <= width
            assert shown.value("document.querySelectorAll('section').length") == 2
            assert shown.value("document.scripts.length + document.images.length") == 0
            columns = shown.value("getComputedStyle(document.querySelector('.diff .ins')).display")
            assert columns == "table-cell" if width > 720 else columns != "none"
            asked = [event["request"]["url"] for event in shown.told_of("Network.requestWillBeSent")]
            assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
            assert shown.told_of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
