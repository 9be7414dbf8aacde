"""The report: every section is there, in order, its numbers are those of the run, and it needs nothing but itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from browser import browser
from html_pages import Page

from manifests.errors import RecipeError, UnitError
from manifests.record import write_record
from manifests.release import DocumentClass, Manifest
from manifests.release_inputs import ReleaseBenchmark
from manifests.release_lineage import ReleaseOptOuts, ReleaseParent, ReleaseRemovals, ReleaseSelection
from pipeline.pass_9_release import release_folder
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.report import report_page, write_report, write_report_of_run
from pipeline.report_charts import PROGRAM, Chart, columns, drawn, rows_of_bars
from pipeline.report_parts import SHOWN_ROWS, table
from pipeline.reported import Reported, of_run, reported
from pipeline.runner import open_mill, reopen_mill
from pipeline.units import Mill

pytestmark = pytest.mark.servers

SECTIONS = [
    "warnings", "funnel", "rejections", "mixture", "licences", "languages", "signals", "duplicates", "redactions",
    "rewriting", "decontamination", "throughput",
]  # fmt: skip
HOSTILE = '"><script>alert(1)</script> href="url(x)" <img src=https://x.example/>\x1b[31m\u202e|`@[a](b)'

BENCHMARK = ReleaseBenchmark(
    name="b", format="jsonl", sha256="", problems=1, unmatchable_problems=0, ngrams=1, suppressed_ngrams=0, windows=0,
    suppressed_windows=0, rejected={}, tasks={},
)  # fmt: skip

HEEDED = ReleaseOptOuts(requests=12, as_of="2026-11-01", suppressed=3, near_copies="remove")


@pytest.fixture(scope="module")
def mill(finished_work: Path) -> Mill:
    return reopen_mill(str(finished_work))


@pytest.fixture(scope="module")
def written(mill: Mill) -> str:
    return report_page(of_run(mill))


@pytest.fixture(scope="module")
def manifest(mill: Mill) -> Manifest:
    return Manifest.read(release_folder(mill.recipe))


def cells(found: Page, first: str) -> list[str]:
    """The first row that begins so."""
    return next([cell.strip() for cell in row] for row in found.cells if row and row[0].strip() == first)


def section(written: str, name: str) -> str:
    return written.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def test_every_section_is_there_in_order(written: str) -> None:
    found = Page(written)
    assert found.sections == SECTIONS
    assert [address for address in found.addresses if address != "data:,"] == [f"#{name}" for name in SECTIONS]
    assert not {"script", "img", "iframe", "object", "form", "image", "use"}.intersection(found.tags)
    assert "url(" not in written
    assert found.tags.count("svg") >= 6


def test_its_numbers_are_those_of_the_manifest(written: str, manifest: Manifest, mill: Mill) -> None:
    found = Page(written)
    ledgers = of_run(mill).ledgers
    ingest, pack = cells(found, "1 ingest: read and measured"), cells(found, "7 settle, 8 pack: the release")
    assert ingest[1:3] == [f"{ledgers['ingest'].read.documents:,}", f"{ledgers['ingest'].kept.documents:,}"]
    assert ingest[-2].startswith("about ")
    tokens = sum(manifest.mixture.reached_tokens.values())
    assert pack[-2] == f"{tokens:,}"
    for key, tally in ledgers["clean"].rejected.items():
        stage, _, reason = key.partition("/")
        row = next(r for r in found.cells if [c.strip() for c in r[:2]] == [reason, stage])
        assert row[3].strip() == f"{tally.documents:,}"
    assert cells(found, "code")[4] == f"{manifest.mixture.reached_tokens['code']:,}"
    assert f"<dd>{tokens:,}</dd>" in written


def test_two_runs_differ_in_the_section_on_throughput_alone(written: str, finished_recipe: Path) -> None:
    mill = open_mill(load_recipe(finished_recipe))
    for step in steps_of(mill.recipe):
        for record in mill.records(step):
            assert record is not None
            slower = {name: 3 * amount for name, amount in record.measured.items()}
            write_record(mill.work, msgspec.structs.replace(record, measured=slower))
    other = report_page(reported(str(finished_recipe.parent / "work")))
    assert section(other, "throughput") != section(written, "throughput")
    assert other.replace(section(other, "throughput"), "") == written.replace(section(written, "throughput"), "")


def test_nothing_of_the_engine_of_javascript_is_in_this_process(written: str) -> None:
    assert "<svg" in written
    assert not {"vl_convert", "pipeline.report_drawing"}.intersection(sys.modules)


def test_of_a_release_it_shows_what_the_manifest_knows(small_release: Path, tmp_path: Path) -> None:
    assert write_report(str(small_release), str(tmp_path / "page.html")) == str(tmp_path / "page.html")
    written = (tmp_path / "page.html").read_text()
    assert Page(written).sections == SECTIONS
    for name in SECTIONS:
        is_elsewhere = "corpusmill report WORK" in section(written, name)
        assert is_elsewhere == (name in {"licences", "signals", "duplicates", "throughput"})
    assert "exact_duplicate" in section(written, "duplicates")


def test_it_lies_in_the_work_folder_and_is_the_same_wherever_that_lies(finished_recipe: Path, written: str) -> None:
    work = finished_recipe.parent / "work"
    assert write_report(str(work), None) == str(work / "report.html")
    assert (work / "report.html").read_text() == written


def test_a_folder_of_neither_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a work folder"):
        write_report(str(tmp_path), None)


def test_a_run_without_a_release_is_told_as_far_as_it_came(finished_recipe: Path) -> None:
    shutil.rmtree(finished_recipe.parent / "releases")
    mill = open_mill(load_recipe(finished_recipe))
    found = Page(Path(write_report_of_run(mill)).read_text())
    assert found.sections == SECTIONS
    assert "has not made its release" in found.text
    assert cells(found, "1 ingest: read and measured")[1] == f"{of_run(mill).ledgers['ingest'].read.documents:,}"


def test_what_was_taken_out_since_stands_behind_the_funnel(manifest: Manifest) -> None:
    removed = ReleaseRemovals(documents=1_234, num_bytes=5, tokens=6, rewrites=0, held_out=1, requests=2)
    parent = ReleaseParent(name="tiny", version="0.1.0", digest="ab" * 32)
    chosen = ReleaseSelection(where="language = 'Rust' <b>", documents=0, num_bytes=0, held_out=0)
    since = msgspec.structs.replace(manifest, removals=removed, parent=parent, opt_outs=HEEDED, selection=chosen)
    written = report_page(Reported(since, None))
    assert Page(written).sections == [*SECTIONS[:2], "removals", *SECTIONS[2:]]
    assert "1,234" in section(written, "removals")
    for words in ("tiny 0.1.0", "heeded 12 requests, the last of 2026-11-01", "language = &#x27;Rust&#x27; &lt;b&gt;"):
        assert words in section(written, "removals")


def test_warnings_are_plain_or_none(manifest: Manifest, mill: Mill, written: str) -> None:
    assert "No benchmark was looked for" in section(written, "warnings")
    assert "secret" in section(written, "warnings")  # the recipe turns these rules off
    counts = manifest.duplicate_counts | {"unresolved": 7}
    licences = manifest.licence_counts | {"undecided_texts": 1}
    skewed = msgspec.structs.replace(manifest.mixture, shares={"code": 0.1, "text": 0.9})
    many = [f"stack/{number}: {HOSTILE}" for number in range(30)]
    told = msgspec.structs.replace(
        manifest, duplicate_counts=counts, licence_counts=licences, mixture=skewed, failed_units=many
    )
    said = section(report_page(Reported(told, None)), "warnings")
    for words in ("7 documents may be duplicates", "1 licence text took", "10.000% were asked for", "10 units more"):
        assert words in said
    calm = msgspec.structs.replace(
        manifest,
        recipe=manifest.recipe | {"redaction": {}},
        benchmarks=[BENCHMARK],
        documents=[],
        opt_outs=HEEDED,
        licence_counts={},
        mixture=msgspec.structs.replace(manifest.mixture, shares={}),
    )
    assert "<p>None.</p>" in section(report_page(Reported(calm, None)), "warnings")


def test_hostile_names_stay_texts(manifest: Manifest) -> None:
    row = DocumentClass(*[HOSTILE] * 5, documents=1, num_bytes=2, tokens=3)
    domain = msgspec.structs.replace(manifest.mixture.domains[0], name=HOSTILE)
    forged = msgspec.structs.replace(
        manifest,
        name=HOSTILE,
        version=HOSTILE,
        documents=[row, *manifest.documents],
        licence_words={HOSTILE: HOSTILE},
        failed_units=[HOSTILE],
        redactions={HOSTILE: {f"{HOSTILE}/{HOSTILE}": 1}},
        redacted_documents={HOSTILE: 1},
        mixture=msgspec.structs.replace(manifest.mixture, domains=[domain]),
        recipe=manifest.recipe | {"redaction": {"sensitivity": {HOSTILE: "off"}}},
    )
    written = report_page(Reported(forged, None))
    found = Page(written)
    assert not {"script", "img"}.intersection(found.tags)
    assert written.replace("\n", "").isprintable()
    assert {address[0] for address in found.addresses if address != "data:,"} == {"#"}


def test_long_tables_are_folded_and_bounded() -> None:
    folded = Page(table(("name", "number"), [(f"row {number}", number) for number in range(5_000)]))
    assert {"details", "summary"} <= set(folded.tags)
    assert len(folded.cells) < 500
    assert "4,588 not shown" in folded.text
    assert "details" not in Page(table(("name",), [("x",)] * SHOWN_ROWS)).tags


def test_charts_are_the_same_at_every_drawing_and_as_wide_as_their_place() -> None:
    charts = [
        Chart(columns({"2": 3, "3–4": 0}), "sizes"),
        Chart(rows_of_bars([(HOSTILE, 2), ('href="x" url(y) on=', 1)], [1, 1]), "b"),
    ]
    pictures = drawn(charts)
    assert pictures == drawn(charts)
    for picture in pictures:
        assert picture.startswith('<svg role="img" aria-label=')
        assert not re.search(r" id=|<script|xlink|<svg[^>]* width=|NaN", picture)
        assert not {"script", "img"}.intersection(Page(picture).tags)
    assert "alert(1)" in Page(pictures[1]).text
    assert 'href="x" url(y)' in Page(pictures[1]).text
    assert drawn([]) == []


def test_a_drawing_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnitError, match="expected 1 pictures, got none"):
        drawn([Chart(columns({"2": 3}), "sizes")])


def test_nothing_is_drawn_for_a_process_that_is_gone() -> None:
    done = subprocess.run([sys.executable, "-P", PROGRAM, "1"], input=b"[]", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.servers
def test_a_browser_shows_every_section_on_a_desk_and_on_a_phone(
    written: str, rewritten_recipe: Path, tmp_path: Path
) -> None:
    mill = open_mill(load_recipe(rewritten_recipe))
    for number, told in enumerate((written, report_page(of_run(mill)))):
        where = tmp_path / f"report-{number}.html"
        where.write_text(told)
        with browser(tmp_path / f"profile-{number}") as shown:
            for width in (1280, 390):
                shown.open(where, width=width)
                assert shown.value("document.documentElement.scrollWidth") <= width
                heights = shown.value("[...document.querySelectorAll('section')].map(s => s.offsetHeight)")
                assert len(heights) == len(SECTIONS)
                assert min(heights) > 60
                wide = shown.value("Math.max(...[...document.querySelectorAll('svg')].map(s => s.clientWidth))")
                assert 200 < wide < width
                asked = [event["request"]["url"] for event in shown.told_of("Network.requestWillBeSent")]
                assert [url for url in asked if not url.startswith("data:")] == [where.as_uri()]
                assert shown.told_of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
