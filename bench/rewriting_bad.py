"""Bad answers made by code from good ones: what models do wrong, one mistake in each.

Each function takes a case and gives the model's whole answer, or None where the file has no place for the mistake. A
mistake is made in a good rewrite of the file, not in the file itself, so that it never is the only difference.
"""

import random
import re
from collections.abc import Callable
from typing import NamedTuple

from rewriting_syntax import (
    Edit,
    Function,
    code_places,
    edited,
    functions,
    indent_of,
    is_no_worse,
    line_start,
    statements,
)
from tree_sitter import Node

from filters.copyrights import copyright_lines
from filters.example_values import filled_in
from filters.licence_evidence import header_evidence
from filters.model_answers import fence_for
from filters.source_kinds import COMMENT, source_kinds


class Case(NamedTuple):
    """A file and a good rewrite of it.

    Attributes:
        others: other files, of this language and of others: (text, language).
    """

    original: str
    rewrite: str
    language: str
    others: list[tuple[str, str]]


class Said(NamedTuple):
    """What the model says."""

    text: str
    finish_reason: str = "stop"


Mistake = Callable[[Case, random.Random], Said | None]

_LABELS = {"C#": "csharp", "C++": "cpp"}
_BEFORE = (
    "Here is the rewritten code:\n\n",
    "Sure! I've cleaned up the code and added documentation where it was missing.\n\n",
    "### Improved version\n\n",
    "Let me look at this file first. It defines several functions that could be clearer.\n\n",
)
_AFTER = (
    "\nI renamed the variables and added comments. Let me know if you need anything else!",
    "\n**Changes made:**\n- Improved naming\n- Added docstrings\n",
    "\nNote that I have not changed the behaviour of the code.",
)
_PACKAGES = {
    "C": ("#include <glib.h>", "#include <curl/curl.h>", "#include <json-c/json.h>"),
    "C#": ("using Newtonsoft.Json;", "using Serilog;", "using AutoMapper;"),
    "C++": ("#include <boost/algorithm/string.hpp>", "#include <fmt/core.h>", "#include <nlohmann/json.hpp>"),
    "Go": ('import "github.com/pkg/errors"', 'import log "github.com/sirupsen/logrus"', 'import "go.uber.org/zap"'),
    "Java": ("import com.google.common.collect.ImmutableList;", "import lombok.Data;", "import org.slf4j.Logger;"),
    "JavaScript": ("import _ from 'lodash';", "const axios = require('axios');", "import moment from 'moment';"),
    "PHP": ("use GuzzleHttp\\Client;", "use Monolog\\Logger;", "use Ramsey\\Uuid\\Uuid;"),
    "Python": ("import requests", "import numpy as np", "from pydantic import BaseModel", "from tqdm import tqdm"),
    "Ruby": ("require 'nokogiri'", "require 'httparty'", "require 'concurrent-ruby'"),
    "Rust": ("use anyhow::Result;", "use serde::{Deserialize, Serialize};", "use rand::Rng;"),
    "TypeScript": ("import axios from 'axios';", "import * as _ from 'lodash';", "import { z } from 'zod';"),
}
_IMPORT_WORDS = {
    "import",
    "from",
    "use",
    "using",
    "require",
    "include",
    "const",
    "as",
    "_",
    "log",
    "np",
    "z",
    "h",
    "Result",
    "Logger",
    "Client",
}
_STUBS = {
    "C": ("{\n%s    /* TODO: implement */\n%s}",),
    "C#": ("{\n%s    throw new NotImplementedException();\n%s}",),
    "C++": ("{\n%s    // TODO: implement\n%s}",),
    "Go": ('{\n%s\tpanic("not implemented")\n%s}',),
    "Java": ("{\n%s    throw new UnsupportedOperationException();\n%s}", "{\n%s    // TODO: implement this\n%s}"),
    "JavaScript": ("{\n%s    // ... existing code ...\n%s}", '{\n%s    throw new Error("Not implemented");\n%s}'),
    "PHP": (
        "{\n%s    // rest of the code remains the same\n%s}",
        "{\n%s    throw new \\Exception('Not implemented');\n%s}",
    ),
    "Python": ("pass", "...", "raise NotImplementedError", "# ... rest of the code unchanged ...\npass"),
    "Ruby": ("raise NotImplementedError", "# ... existing code ..."),
    "Rust": ("{\n%s    todo!()\n%s}", "{\n%s    unimplemented!()\n%s}"),
    "TypeScript": (
        "{\n%s    // ... rest of the implementation ...\n%s}",
        '{\n%s    throw new Error("Not implemented");\n%s}',
    ),
}
_LINE_SIGN = {"Python": "#", "Ruby": "#"}
_LEFT_OUT = ("... rest of the code remains the same ...", "... existing code ...", "(rest of the file unchanged)")
_SECRETS = (
    ("api_key", "«say:sk»«say:_live_»«alnum:28»"), ("aws_access_key_id", "«say:AK»«say:IA»«upper:16»"),
    ("github_token", "«say:gh»«say:p_»«alnum:36»"), ("slack_token", "«say:xo»«say:xb-»«digits:12»-«digits:12»-«alnum:24»"),
    ("contact", "jane.«lower:7»«at»«lower:9».com"), ("database_url", "postgres://app:«symbols:14»«at»db.«lower:8».com/app"),
)  # fmt: skip


def answered(code: str, language: str, draw: random.Random) -> str:
    """Code as a model that keeps to its prompt gives it."""
    fence = fence_for(code)
    label = draw.choice((_LABELS.get(language, language.lower()), _LABELS.get(language, language.lower()), ""))
    end = "" if code.endswith("\n") else "\n"
    return f"{fence}{label}\n{code}{end}{fence}" + draw.choice(("", "\n"))


def truncated(case: Case, draw: random.Random) -> Said | None:
    """Cut off: by the limit on tokens, by a server that says otherwise, or by a model that stops early and neatly."""
    share = draw.uniform(0.3, 0.95)
    kind = draw.randrange(3)
    if kind < 2:
        answer = answered(case.rewrite, case.language, draw)
        return Said(answer[: int(share * len(answer))], ("length", "stop")[kind])
    lines = case.rewrite.splitlines(keepends=True)
    return Said(answered("".join(lines[: max(1, int(share * len(lines)))]), case.language, draw))


def prose(case: Case, draw: random.Random) -> Said | None:
    """Words before or after the code, or nothing but words."""
    answer = answered(case.rewrite, case.language, draw).rstrip("\n") + "\n"
    kind = draw.randrange(4)
    if kind == 3:
        return Said(
            draw.choice(
                (case.rewrite, "I'm sorry, but I can't help with rewriting this file.", "The code is fine as it is.")
            )
        )
    return Said((draw.choice(_BEFORE) if kind != 1 else "") + answer + (draw.choice(_AFTER) if kind else ""))


def second_block(case: Case, draw: random.Random) -> Said | None:
    """The code in two parts, or an example of its use behind it."""
    answer = answered(case.rewrite, case.language, draw).rstrip("\n")
    if draw.random() < 0.5:
        return Said(f"{answer}\n\n```\nusage: {draw.choice(('make run', 'npm start', 'pytest'))}\n```\n")
    lines = case.rewrite.splitlines(keepends=True)
    half = len(lines) // 2
    return Said("\n\n".join(answered("".join(part), case.language, draw) for part in (lines[:half], lines[half:])))


def dropped_function(case: Case, draw: random.Random) -> Said | None:
    """A public function left out, with its comments."""
    function = _public(case, draw)
    if function is None:
        return None
    return _said(case, [(function.start, function.stop, b"")], draw)


def renamed_function(case: Case, draw: random.Random) -> Said | None:
    """A public function by a better name, everywhere in the file."""
    function = _public(case, draw)
    if function is None:
        return None
    old = function.text_name
    new = draw.choice((f"{old}_data", f"do_{old}", f"{old}V2")) if "_" in old or old.islower() else f"{old}Data"
    if case.language == "Go":
        new = f"{old}Data"
    return Said(answered(re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, case.rewrite), case.language, draw))


def changed_signature(case: Case, draw: random.Random) -> Said | None:
    """A parameter of a public function more, less, or at another place."""
    encoded = case.rewrite.encode()
    eligible = [item for item in _all_public(case) if item.parameters]
    if not eligible:
        return None
    function = draw.choice(eligible)
    assert function.parameters is not None
    start, stop = function.parameters
    inner = encoded[start + 1 : stop - 1]
    node = next(item for item in _below(function.node) if item.start_byte == start and item.end_byte == stop)
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
    return _said(case, [(start + 1, stop - 1, new)], draw)


def stub_body(case: Case, draw: random.Random) -> Said | None:
    """The body of a function left out, or a stretch of the file replaced by a comment that says so."""
    encoded = case.rewrite.encode()
    eligible = [
        item
        for item in functions(encoded, case.language)
        if len(statements(item)) >= 2 or item.body[1] - item.body[0] > 120
    ]
    if not eligible:
        return None
    function = draw.choice(eligible)
    indent = indent_of(encoded, function.node.start_byte).decode()
    stub = draw.choice(_STUBS[case.language])
    start, stop = function.body
    if case.language in ("Python", "Ruby"):
        first = statements(function)[0] if statements(function) else None
        if first is None or first.start_point[0] == function.node.start_point[0]:
            return None
        inner = indent_of(encoded, first.start_byte).decode()
        is_documented = first.type == "expression_statement" and first.named_children[0].type == "string"
        if is_documented and len(statements(function)) > 1 and draw.random() < 0.5:
            start = statements(function)[1].start_byte
        text = f"\n{inner}".join(stub.splitlines()) + ("\n" + indent if encoded[stop - 1 : stop] == b"\n" else "")
        return _said(case, [(start, stop, text.encode())], draw)
    if len(statements(function)) >= 4 and draw.random() < 0.3:
        inside = statements(function)
        comment = f"// {draw.choice(_LEFT_OUT)}" if case.language != "C" else f"/* {draw.choice(_LEFT_OUT)} */"
        return _said(case, [(inside[1].start_byte, inside[-1].end_byte, comment.encode())], draw)
    return _said(case, [(start, stop, (stub % (indent, indent)).encode())], draw)


def new_import(case: Case, draw: random.Random) -> Said | None:
    """A package that the original does not know, where imports stand."""
    line = draw.choice(_PACKAGES[case.language])
    if any(word in case.original for word in re.findall(r"[\w.-]+", line) if word not in _IMPORT_WORDS):
        return None
    encoded = case.rewrite.encode()
    place = _place_for_import(encoded, case.language)
    return _said(case, [(place, place, line.encode() + b"\n")], draw)


def removed_header(case: Case, draw: random.Random) -> Said | None:
    """The comment with licence or copyright gone, or put in other words, or a line of it gone."""
    lines = copyright_lines(case.original[:2000])
    tag = header_evidence(case.original[:2000])
    head = _head_comment(case.rewrite, case.language)
    if head is None or not (lines or tag):
        return None
    comment = case.rewrite[:head]
    if "opyright" not in comment and "SPDX" not in comment and "(c)" not in comment.lower():
        return None
    kind = draw.randrange(3)
    if kind == 0:
        new = ""
    elif kind == 1:
        sign = _LINE_SIGN.get(case.language, "//")
        new = f"{sign} Licensed under the project's licence.\n"
        new = f"/* {new[3:-1]} */\n" if case.language == "C" else new
    else:
        gone = [
            line
            for line in comment.splitlines(keepends=True)
            if not re.search(r"copyright|spdx-|\(c\)", line, re.IGNORECASE)
        ]
        new = "".join(gone)
    answer = new + case.rewrite[head:]
    if case.language == "PHP" and not answer.lstrip().startswith("<?"):
        answer = "<?php\n" + answer
    if not is_no_worse(answer, case.original, case.language):
        return None
    return Said(answered(answer, case.language, draw))


def inserted_key(case: Case, draw: random.Random) -> Said | None:
    """A secret or an address that the model remembers, in a constant or a comment; made up, of no use to anybody."""
    name, template = draw.choice(_SECRETS)
    value = filled_in(template, str(draw.random()))
    encoded = case.rewrite.encode()
    found = functions(encoded, case.language)
    place = line_start(encoded, draw.choice(found).start) if found else len(encoded)
    indent = indent_of(encoded, place).decode()
    sign = _LINE_SIGN.get(case.language, "//")
    line = f'{indent}{sign} {name} = "{value}"\n'
    if case.language == "Python" and not indent:
        line = f'{name.upper()} = "{value}"\n\n\n'
    return _said(case, [(place, place, line.encode())], draw)


def repeated_block(case: Case, draw: random.Random) -> Said | None:
    """A stretch of the file again right behind itself, a function a second time, or a loop of a few lines to the end."""
    encoded = case.rewrite.encode()
    kind = draw.randrange(3)
    found = [item for item in functions(encoded, case.language) if item.stop - item.start > 200]
    if kind == 0 and found:
        function = draw.choice(found)
        again = b"\n\n" + indent_of(encoded, function.node.start_byte) + encoded[function.start : function.stop]
        return _said(case, [(function.stop, function.stop, again)], draw)
    inside = [item for item in (statements(function) for function in found) if len(item) >= 2]
    if not inside:
        return None
    block = draw.choice(inside)
    size = min(len(block), draw.randint(1, 4))
    first = draw.randrange(len(block) - size + 1)
    start, stop = block[first].start_byte, block[first + size - 1].end_byte
    times = 1 if kind < 2 else draw.randint(8, 40)
    while stop - start < 120 and kind < 2:
        times, stop_before = times + 1, stop
        if times * (stop_before - start) >= 120:
            break
    again = (b"\n" + indent_of(encoded, start) + encoded[start:stop]) * times
    return _said(case, [(stop, stop, again)], draw)


def other_language(case: Case, draw: random.Random) -> Said | None:
    """A program in another language, labelled as what it is, as what was asked for, or not at all."""
    others = [item for item in case.others if not _alike(item[1], case.language)]
    near = sorted(others, key=lambda item: abs(len(item[0]) - len(case.original)))[:8]
    if not near:
        return None
    text, language = draw.choice(near)
    label = draw.choice((language, case.language, "")).lower()
    label = {"c#": "csharp", "c++": "cpp"}.get(label, label)
    return Said(f"{fence_for(text)}{label}\n{text}\n{fence_for(text)}\n")


def other_program(case: Case, draw: random.Random) -> Said | None:
    """A program in the same language that has nothing to do with the original."""
    others = [item for item in case.others if item[1] == case.language and item[0] != case.original]
    near = sorted(others, key=lambda item: abs(len(item[0]) - len(case.original)))[:8]
    return Said(answered(draw.choice(near)[0], case.language, draw)) if near else None


def syntax_error(case: Case, draw: random.Random) -> Said | None:
    """A bracket, a quote or a colon too few or too many, or a line in a wrong column."""
    encoded = case.rewrite.encode()
    for _ in range(20):
        kind = draw.randrange(4)
        places = code_places(case.rewrite, case.language, "(){}[]:" if case.language == "Python" else "(){}[];")
        if not places:
            return None
        place = draw.choice(places)
        changed = encoded
        if kind == 0:
            changed = encoded[:place] + encoded[place + 1 :]
        elif kind == 1:
            changed = encoded[:place] + encoded[place : place + 1] + encoded[place:]
        elif kind == 2 and case.language == "Python":
            start = line_start(encoded, place)
            changed = encoded[:start] + b"   " + encoded[start:]
        else:
            quotes = [found.start() for found in re.finditer(rb"[\"']", encoded)]
            changed = encoded[: (at := draw.choice(quotes))] + encoded[at + 1 :] if quotes else encoded
        if changed != encoded and not is_no_worse(changed.decode(errors="replace"), case.original, case.language):
            return Said(answered(changed.decode(), case.language, draw))
    return None


BAD: dict[str, Mistake] = {
    "truncation": truncated,
    "prose": prose,
    "second block": second_block,
    "dropped public function": dropped_function,
    "renamed public function": renamed_function,
    "changed signature": changed_signature,
    "stub body": stub_body,
    "new import": new_import,
    "licence header removed": removed_header,
    "key inserted": inserted_key,
    "repeated block": repeated_block,
    "other language": other_language,
    "other program": other_program,
    "syntax error": syntax_error,
}

_NEW_PARAMETER = {
    "C": b"int verbose", "C#": b"bool verbose", "C++": b"bool verbose", "Go": b"verbose bool", "Java": b"boolean verbose",
    "JavaScript": b"options = {}", "PHP": b"$options = []", "Python": b"verbose=False", "Ruby": b"options = {}",
    "Rust": b"verbose: bool", "TypeScript": b"options: object",
}  # fmt: skip


def _said(case: Case, edits: list[Edit], draw: random.Random) -> Said | None:
    """The answer with edits, where what remains parses: no other gate shall have it easy."""
    changed = edited(case.rewrite.encode(), edits)
    if not is_no_worse(changed.decode(), case.original, case.language):
        return None
    return Said(answered(changed.decode(), case.language, draw))


def _all_public(case: Case) -> list[Function]:
    """Public functions of the rewrite whose name stands once as one, so that a second one does not take their place."""
    found = [item for item in functions(case.rewrite.encode(), case.language) if item.is_public]
    names = [item.text_name for item in found]
    return [item for item in found if names.count(item.text_name) == 1]


def _public(case: Case, draw: random.Random) -> Function | None:
    found = [
        item
        for item in _all_public(case)
        if not re.search(r"^(?:constructor|initialize|main|__\w+__)$", item.text_name)
    ]
    return draw.choice(found) if found else None


def _below(node: Node) -> list[Node]:
    found = [node]
    for item in found:
        found.extend(item.children)
    return found


def _place_for_import(encoded: bytes, language: str) -> int:
    pattern = {
        "C": rb"^#include", "C#": rb"^using \w", "C++": rb"^#include", "Go": rb"^import\b", "Java": rb"^import\b",
        "JavaScript": rb"^(?:import\b|(?:const|var) \w+ = require)", "PHP": rb"^use \w|^(?:abstract |final )?class\b",
        "Python": rb"^(?:import|from)\b", "Ruby": rb"^require\b", "Rust": rb"^use\b", "TypeScript": rb"^import\b",
    }[language]  # fmt: skip
    found = re.search(pattern, encoded, re.MULTILINE)
    if found:
        return found.start()
    package = re.search(rb"^(?:package|namespace|<\?php)[^\n]*\n", encoded, re.MULTILINE)
    return package.end() if package else 0


def _head_comment(text: str, language: str) -> int | None:
    """Characters of the comments that a text begins with; None where it begins with code."""
    kinds = source_kinds(text, language)
    encoded = text.encode()
    stop = 0
    for index in range(len(encoded)):
        if kinds[index] != COMMENT and encoded[index] > 0x20:
            break
        stop = index + 1
    head = encoded[:stop].decode(errors="ignore")
    return len(head) if head.strip() else None


def _alike(first: str, second: str) -> bool:
    families = ({"C", "C++"}, {"JavaScript", "TypeScript"})
    return first == second or any({first, second} <= family for family in families)
