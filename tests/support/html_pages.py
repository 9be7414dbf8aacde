"""A page of HTML as a browser would find it, to hold against what it should be."""

from html.parser import HTMLParser

_OPTIONAL = {"td", "th", "tr", "meta", "link", "col", "wbr"}  # whose end tags HTML5 lets go, or does not have


class Page(HTMLParser):
    """What a browser would find: tags in balance, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.sections: list[str] = []
        self.text = ""
        self.cells: list[list[str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)
        self.sections += [value or "" for name, value in attrs if tag == "section" and name == "id"]
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in _OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _OPTIONAL:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cells and self.cells[-1]:
            self.cells[-1][-1] += data
