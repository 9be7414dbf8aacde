"""Draws charts: Vega-Lite specifications on standard input, SVG on standard output, both as a JSON list.

A program of its own, started by `report_charts`: the library holds an engine of JavaScript, whose threads and memory
no process may have that forks afterwards. It may ask nobody for anything, and ends with the process that asked for it,
whose number is its argument.
"""

import json
import sys

from manifests.isolation import die_with_parent


def draw() -> None:
    """Draw all of it; costs 0.7 CPU seconds and 30 ms a chart."""
    import vl_convert  # noqa: PLC0415 - an engine of JavaScript, for this process alone

    charts = [vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[]) for spec in json.load(sys.stdin)]
    json.dump(charts, sys.stdout)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    draw()
