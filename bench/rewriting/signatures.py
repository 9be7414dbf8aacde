"""Bad answers that change how a public function is called."""

import random

from rewriting.answers import Case, Said, edited_answer, public_functions
from rewriting.syntax import walk

_NEW_PARAMETER = {
    "C": b"int verbose",
    "C#": b"bool verbose",
    "C++": b"bool verbose",
    "Go": b"verbose bool",
    "Java": b"boolean verbose",
    "JavaScript": b"options = {}",
    "PHP": b"$options = []",
    "Python": b"verbose=False",
    "Ruby": b"options = {}",
    "Rust": b"verbose: bool",
    "TypeScript": b"options: object",
}


def changed_signature(case: Case, draw: random.Random) -> Said | None:
    """A parameter of a public function more, less, or at another place."""
    encoded = case.rewrite.encode()
    eligible = [item for item in public_functions(case) if item.parameters]
    if not eligible:
        return None
    function = draw.choice(eligible)
    start, stop = function.parameters
    inner = encoded[start + 1 : stop - 1]
    node = next(item for item in walk(function.node) if item.start_byte == start and item.end_byte == stop)
    items = [child for child in node.named_children if "comment" not in child.type]
    own = items[1:] if items and (items[0].text or b"") in (b"self", b"cls", b"&self", b"&mut self") else items
    kind = draw.choice(("more", "less", "swapped") if len(own) > 1 else ("more", "less") if own else ("more",))
    if kind == "more":
        separator = (
            b", "
            if inner.strip() and not inner.rstrip().endswith(b",") and inner.strip() != b"void"
            else b" "
            if inner.strip()
            else b""
        )
        if inner.strip() == b"void":
            inner, separator = b"", b""
        new = inner.rstrip() + separator + _NEW_PARAMETER[case.language]
    elif kind == "less":
        gone = draw.choice(own)
        if gone.text == b"void":
            return None
        kept = [item.text or b"" for item in items if item is not gone]
        new = b", ".join(kept)
    else:
        first, second = own[0].text or b"", own[1].text or b""
        if first == second:
            return None
        new = b", ".join(
            [
                *(item.text or b"" for item in items[: items.index(own[0])]),
                second,
                first,
                *(item.text or b"" for item in own[2:]),
            ]
        )
    return edited_answer(case, [(start + 1, stop - 1, new)], draw)
