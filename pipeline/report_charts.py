"""Charts of the report: Vega-Lite specifications as plain dictionaries, drawn to SVG by a process of its own.

Every place is given in pixels, and colours are those of the page's style sheet, so that neither the fonts of a machine
nor light and dark change a byte. A chart is as wide as a phone's screen; on a desk several stand side by side.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from manifests.errors import UnitError
from manifests.printable import printable
from pipeline.report_histograms import Histogram, Spread

Spec = dict[str, Any]

PROGRAM = Path(__file__).with_name("report_drawing.py")
_SECONDS = 300
_WIDTH, _HEIGHT = 356, 150
_PADDING = {"left": 40, "top": 8, "right": 12, "bottom": 22}
_LABEL_CHARACTERS = 22
_ROW = 22
_AXIS = {
    "labelColor": "var(--quiet)", "labelFontSize": 11, "labelLimit": 0, "labelOverlap": False, "labelFlush": False,
    "domainColor": "var(--line)", "gridColor": "var(--line)", "tickColor": "var(--line)", "tickSize": 4, "title": None,
}  # fmt: skip
_SHORT, _PLAIN = ({"labelExpr": f"format(datum.value, '{form}')"} for form in ("~s", "~g"))
_CONFIG = {"font": "inherit", "view": {"stroke": None}, "axis": _AXIS, "aria": False}
_TAG = re.compile(r"<[^>]*>")
_SHAPE = re.compile(r"</?(?:svg|g|path|line|text|rect)\b(?!.*(?:\burl\(|\bhref=|\son\w+=))", re.IGNORECASE | re.DOTALL)


class Chart(NamedTuple):
    """A chart on its way to the page; `label` says in a few words what it shows, for who cannot see it."""

    spec: Spec
    label: str


def drawn(charts: Sequence[Chart]) -> list[str]:
    """An `svg` element for each chart, as wide as its place allows.

    Raises:
        UnitError: the library is not there, or gave up.
    """
    if not charts:
        return []
    told = json.dumps([chart.spec for chart in charts])
    command = [sys.executable, "-P", str(PROGRAM), str(os.getpid())]
    try:
        ended = subprocess.run(command, input=told, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
        pictures = json.loads(ended.stdout)
    except (json.JSONDecodeError, subprocess.TimeoutExpired) as error:
        why = ended.stderr.strip().splitlines() if isinstance(error, json.JSONDecodeError) else [str(error)]
        raise UnitError(
            f"charts: expected {len(charts)} pictures, got none: {(why or ['no message'])[-1]}",
            hint="is vl-convert-python installed? `corpusmill report` draws them again",
        ) from error
    return [_inline(picture, chart.label) for picture, chart in zip(pictures, charts, strict=True)]


def _inline(picture: str, label: str) -> str:
    """The picture without a size of its own. Its texts are anybody's: nothing but shapes and texts may be in it."""
    _, _, rest = picture.partition("viewBox=")
    inlined = f'<svg role="img" aria-label="{label}" viewBox={rest}'
    found = next((tag for tag in _TAG.findall(inlined) if not _SHAPE.match(tag)), None)
    if found:
        raise UnitError(f"charts: expected shapes and texts alone, got {found!r}", hint="report this as a bug")
    return inlined


def histogram(spread: Spread, counts: Histogram) -> Spec:
    """Numbers of documents on a logarithmic axis by value; what the bounds reject in another colour."""
    low, high = float(counts.edges[0]), float(counts.edges[-1])
    rows = []
    for left, right, passed, failed in zip(counts.edges, counts.edges[1:], counts.inside, counts.outside, strict=False):
        for bottom, top, colour in ((0, passed, "var(--bar)"), (passed, passed + failed, "var(--out)")):
            if top > bottom:
                rows.append({"a": float(left), "b": float(right), "c": int(bottom), "d": int(top), "colour": colour})
    scale = {"type": "linear" if spread.linear else "symlog", "domain": [low, high], "nice": False}
    most = max([1, *(int(n) for n in counts.inside + counts.outside)])
    x = {
        "scale": scale,
        "axis": {"values": _ticks(low, high, linear=spread.linear), "grid": False}
        | (_PLAIN if spread.linear else _SHORT),
    }
    y = {
        "scale": {"type": "symlog", "domain": [0, most], "nice": False},
        "axis": {"values": _powers(most, 4), "domain": False, "ticks": False} | _SHORT,
    }
    bars = {
        "data": {"values": rows},
        "mark": {"type": "rect"},
        "encoding": {
            "x": {"field": "a", "type": "quantitative"} | x,
            "x2": {"field": "b"},
            "y": {"field": "c", "type": "quantitative"} | y,
            "y2": {"field": "d"},
            "color": {"field": "colour", "type": "nominal", "scale": None},
        },
    }
    limits = {
        "data": {"values": [{"a": limit} for limit in spread.limits]},
        "mark": {"type": "rule", "color": "var(--text)", "strokeDash": [3, 2], "strokeWidth": 1.25},
        "encoding": {"x": {"field": "a", "type": "quantitative"} | x},
    }
    return _chart([bars, limits] if spread.limits else [bars])


def columns(amounts: Mapping[str, int]) -> Spec:
    """A column for each name, in their order, numbers on a logarithmic axis."""
    most = max([1, *amounts.values()])
    rows = [{"name": name, "n": number} for name, number in amounts.items()]
    bars = {
        "data": {"values": rows},
        "mark": {"type": "bar", "color": "var(--bar)", "width": {"band": 0.8}},
        "encoding": {
            "x": {"field": "name", "type": "ordinal", "sort": None, "axis": {"labelAngle": 0, "ticks": False}},
            "y": {
                "field": "n",
                "type": "quantitative",
                "scale": {"type": "symlog", "domain": [0, most], "nice": False},
                "axis": {"values": _powers(most, 4), "domain": False, "ticks": False} | _SHORT,
            },
        },
    }
    return _chart([bars])


def rows_of_bars(amounts: Sequence[tuple[str, float]], marks: Sequence[float] = ()) -> Spec:
    """A bar to the right for each name; with `marks`, a line across each bar where it should end.

    Args:
        amounts: names, which may be anybody's and need not differ, and lengths.
    """
    most = max([*(amount for _, amount in amounts), *marks, 1e-9])
    names = {str(place): printable(name, _LABEL_CHARACTERS) for place, (name, _) in enumerate(amounts)}
    y = {
        "field": "place",
        "type": "ordinal",
        "sort": None,
        "axis": {"labelExpr": f"({json.dumps(names)})[datum.value]", "domain": False, "ticks": False},
    }
    x = {
        "type": "quantitative",
        "scale": {"domain": [0, most], "nice": False},
        "axis": {"values": _ticks(0, most, linear=True)[:4], "ticks": False} | _SHORT,
    }
    of = [{"place": str(place), "n": amount} for place, (_, amount) in enumerate(amounts)]
    bars = {
        "data": {"values": of},
        "mark": {"type": "bar", "color": "var(--bar)", "height": {"band": 0.6}},
        "encoding": {"x": {"field": "n"} | x, "y": y},
    }
    ticks = {
        "data": {"values": [{"place": str(place), "n": mark} for place, mark in enumerate(marks)]},
        "mark": {"type": "tick", "color": "var(--text)", "thickness": 2, "size": 18},
        "encoding": {"x": {"field": "n"} | x, "y": y},
    }
    return _chart([bars, ticks] if marks else [bars], left=140, height=_ROW * len(amounts) + 30)


def _chart(layers: list[Spec], *, left: int = _PADDING["left"], height: int = _HEIGHT) -> Spec:
    return {
        "width": _WIDTH - left - _PADDING["right"],
        "height": height - _PADDING["top"] - _PADDING["bottom"],
        "padding": _PADDING | {"left": left},
        "autosize": {"type": "none"},
        "background": None,
        "config": _CONFIG,
        "layer": layers,
    }


def _ticks(low: float, high: float, *, linear: bool) -> list[float]:
    """A few round values between two others."""
    if linear:
        step = 10 ** np.floor(np.log10(max(high - low, 1e-9) / 2))
        step *= next(times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= 5)
        return [float(f"{value:.9g}") for value in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]
    above, below = _powers(high, 4) if high >= 1 else [], [-value for value in _powers(-low, 2)] if low <= -1 else []
    return [*reversed(below), *([0.0] if low <= 0 <= high else []), *above]


def _powers(most: float, number: int) -> list[float]:
    """Powers of ten up to a value, so many at most; the lowest is 1."""
    exponents = range(int(np.floor(np.log10(max(most, 1)))) + 1)
    return [10.0**exponent for exponent in exponents[:: -(-len(exponents) // number)]]
