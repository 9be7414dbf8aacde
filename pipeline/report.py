"""`report.html`: one page on a run and its release, for whoever has to answer for it; needs nothing but itself.

The same work folder gives the same bytes; two runs of one recipe differ in the section on throughput alone. It lies in
the work folder, not in the release: it has timings, and samples of documents whose duplicates went.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from manifests.inputs import is_remote
from manifests.storage import Storage
from pipeline.html_page import harmless, page
from pipeline.report_content import languages_section, licences_section, mixture_section
from pipeline.report_duplicates import duplicates_section
from pipeline.report_funnel import facts, funnel_section, rejections_section, removals_section, warnings_section
from pipeline.report_parts import Section, lines_of
from pipeline.report_signals import signals_section
from pipeline.report_style import STYLE
from pipeline.report_throughput import throughput_section
from pipeline.report_treatment import decontamination_section, redactions_section, rewriting_section
from pipeline.reported import Reported, of_run, reported
from pipeline.units import Mill

REPORT = "report.html"
_SECTIONS = (
    warnings_section,
    funnel_section,
    removals_section,
    rejections_section,
    mixture_section,
    licences_section,
    languages_section,
    signals_section,
    duplicates_section,
    redactions_section,
    rewriting_section,
    decontamination_section,
    throughput_section,
)


def report_page(told: Reported) -> str:
    """The page.

    Raises:
        UnitError: the charts could not be drawn.
        RecipeError: units of several recipes stand side by side in the work folder.
        IntegrityError: what lies there is not what was written.
    """
    sections = [section for make in _SECTIONS if (section := make(told)) is not None]
    title = f"Report on {harmless(told.title)}"
    return page(title, STYLE, [*_head(told, title, sections), *lines_of(sections)])


def write_report_of_run(mill: Mill) -> str:
    """Put the report into the work folder; returns its full name."""
    mill.work.write(REPORT, report_page(of_run(mill)).encode())
    return mill.work.path(REPORT)


def write_report(folder: str, output: str | None) -> str:
    """Report on a work folder or a release; returns the full name of the page.

    Args:
        output: where to; None is the work folder, or for a release, which is never changed, the current folder.

    Raises:
        RecipeError: the folder is none of both.
    """
    told = reported(folder)
    if output is None and told.mill is not None:
        return write_report_of_run(told.mill)
    output = output or REPORT
    data = report_page(told).encode()
    if is_remote(output):
        into, _, name = output.rpartition("/")
        Storage(into).write(name, data)
    else:
        Path(output).write_bytes(data)
    return output


def _head(told: Reported, title: str, sections: Sequence[Section]) -> Iterator[str]:
    yield f"<h1>{title}</h1>"
    yield "<dl class=facts>"
    for name, value in facts(told):
        yield f"<div><dt>{harmless(name)}</dt><dd>{harmless(value)}</dd></div>"
    yield "</dl>\n<nav>"
    yield from (f'<a href="#{section.name}">{section.title}</a>' for section in sections)
    yield "</nav>"
