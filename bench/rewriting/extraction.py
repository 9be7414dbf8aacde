"""Good rewrites that move a function's body into a private function, which it then calls."""

import random
import re

from rewriting.syntax import Edit, Function, edited, functions, indent_of, line_start, statements


def extracted_helper(text: str, language: str, draw: random.Random) -> str | None:
    """The body of a function in a private function of its own, which the function calls."""
    encoded = text.encode()
    eligible = [
        function
        for function in functions(encoded, language)
        if function.parameters
        and all(function.names)
        and len(statements(function)) >= 3
        and _is_plain(function, language)
    ]
    if not eligible:
        return None
    function = draw.choice(eligible)
    return edited(encoded, _extraction(encoded, function, language)).decode()


def _is_plain(function: Function, language: str) -> bool:
    """Whether a body can stand in a function of its own, called with the same names."""
    text = function.node.text or b""
    if re.search(
        rb"\byield\b|\basync\b|\bsuper\b|\barguments\b|\bgoto\b|\bdefer\b|\*args|\*\*|\.\.\.|\bthis\b|@", text
    ):
        return False
    if function.node.parent is not None and function.node.parent.type == "decorated_definition":
        return False
    parents = {"Python": ("module", "block"), "Go": ("source_file",), "JavaScript": ("program", "export_statement")}
    parents |= {"C": ("translation_unit",), "Java": ("class_body",)}
    if function.node.parent is None or function.node.parent.type not in parents.get(language, ()):
        return False
    return language != "Java" or b"<" not in text[:40]  # a type parameter has to be said again


def _extraction(encoded: bytes, function: Function, language: str) -> list[Edit]:
    name = function.text_name
    is_method = bool(function.names) and function.names[0] == "self"
    private = f"_{name.lstrip('_')}_impl" if language == "Python" else f"do{name[:1].upper()}{name[1:]}"
    if language in ("C", "JavaScript"):
        private = f"{name}_impl" if language == "C" else f"{name}Impl"
    node_start = function.node.start_byte
    head = encoded[node_start : function.body[0]]
    offset = function.name[0] - node_start
    helper_head = head[:offset] + private.encode() + head[offset + len(name.encode()) :]
    body = encoded[slice(*function.body)]
    if language == "C":
        helper_head = b"static " + helper_head.removeprefix(b"static ")
    if language == "Java":
        helper_head = re.sub(rb"^(?:@\w+\s+)*\b(public|protected|private)?\b", b"private", helper_head, count=1)
    names = ", ".join(function.names[1:] if is_method else function.names)
    call = f"{'self.' if is_method else ''}{private}({names})".encode()
    indent = indent_of(encoded, node_start)
    first = statements(function)[0]
    inner = indent_of(encoded, first.start_byte)
    gives = bool(re.search(rb"\breturn\b\s*[^\s;]", body))
    result = (b"return " if gives else b"") + call
    place = line_start(encoded, function.start)
    if language == "Python":
        is_documented = first.type == "expression_statement" and first.named_children[0].type == "string"
        if is_documented:
            body_start = line_start(encoded, statements(function)[1].start_byte)
        else:
            body_start = line_start(encoded, first.start_byte)
        helper = (
            indent
            + helper_head
            + (b"\n" if not head.endswith(b"\n") else b"")
            + encoded[body_start : function.body[1]].rstrip()
            + b"\n\n"
            + (b"" if indent else b"\n")
        )
        head_end = encoded[body_start : function.body[1]]
        return [(place, place, helper), (body_start, body_start + len(head_end), inner + result)]
    end = b"" if language == "Go" else b";"
    helper = indent + helper_head + body + b"\n\n"
    return [(place, place, helper), (*function.body, b"{\n" + inner + result + end + b"\n" + indent + b"}")]
