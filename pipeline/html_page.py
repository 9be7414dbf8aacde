"""Pages in HTML that need nothing but themselves: their frame, and what of the data may stand in them.

No script, no font, no image, no request: the page's own policy forbids them. What stands in documents and names is
hostile: of every text only printable characters are left, and nothing of it is markup.
"""

from collections.abc import Iterable, Sequence
from html import escape

from manifests.printable import printable

_NAME_CHARACTERS = 200
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(title: str, style: str, body: Iterable[str]) -> str:
    """A whole page.

    Args:
        title: harmless already, as `harmless` makes it.
        style: the style sheet, ours alone.
        body: HTML, a line or more each.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{chr(10).join(body)}
</main>
</body>
</html>
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of values from anywhere, that scrolls by itself where the screen is too narrow."""
    names = "".join(f"<th>{harmless(name)}" for name in head)
    lines = ("<tr>" + "".join(f"<td>{harmless(value)}" for value in row) for row in rows)
    return "<div class=scroll><table>\n<tr>" + "\n".join([names, *lines]) + "\n</table></div>"


def harmless(value: str) -> str:
    """A value from the data as text between two tags, or in a quoted attribute."""
    return escape(printable(value, _NAME_CHARACTERS))
