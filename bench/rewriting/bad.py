"""Bad answers made by code from good ones: what models do wrong, one mistake in each.

Each function takes a case and gives the model's whole answer, or None where the file has no place for the mistake. A
mistake is made in a good rewrite of the file, not in the file itself, so that it never is the only difference.
"""

import random
import re
from collections.abc import Callable

from rewriting.answers import (
    Case,
    Said,
    answered,
    edited_answer,
    other_language,
    other_program,
    prose,
    public_functions,
    second_block,
    truncated,
)
from rewriting.headers import removed_header
from rewriting.signatures import changed_signature
from rewriting.syntax import (
    Function,
    code_places,
    functions,
    indent_of,
    is_no_worse,
    line_start,
    statements,
)

from filters.example_values import filled_in

Mistake = Callable[[Case, random.Random], Said | None]

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
_REPEATED_BYTES = 120  # a little more than the 100 characters of the bound
_LINE_SIGN = {"Python": "#", "Ruby": "#"}
_LEFT_OUT = ("... rest of the code remains the same ...", "... existing code ...", "(rest of the file unchanged)")
_SECRETS = (
    ("api_key", "«say:sk»«say:_live_»«alnum:28»"),
    ("aws_access_key_id", "«say:AK»«say:IA»«upper:16»"),
    ("github_token", "«say:gh»«say:p_»«alnum:36»"),
    ("slack_token", "«say:xo»«say:xb-»«digits:12»-«digits:12»-«alnum:24»"),
    ("contact", "jane.«lower:7»«at»«lower:9».com"),
    ("database_url", "postgres://app:«symbols:14»«at»db.«lower:8».com/app"),
)


def dropped_function(case: Case, draw: random.Random) -> Said | None:
    """A public function left out, with its comments."""
    function = _public(case, draw)
    if function is None:
        return None
    return edited_answer(case, [(function.start, function.stop, b"")], draw)


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
        return edited_answer(case, [(start, stop, text.encode())], draw)
    if len(statements(function)) >= 4 and draw.random() < 0.3:
        inside = statements(function)
        comment = f"// {draw.choice(_LEFT_OUT)}" if case.language != "C" else f"/* {draw.choice(_LEFT_OUT)} */"
        return edited_answer(case, [(inside[1].start_byte, inside[-1].end_byte, comment.encode())], draw)
    return edited_answer(case, [(start, stop, (stub % (indent, indent)).encode())], draw)


def new_import(case: Case, draw: random.Random) -> Said | None:
    """A package that the original does not know, where imports stand."""
    line = draw.choice(_PACKAGES[case.language])
    if any(word in case.original for word in re.findall(r"[\w.-]+", line) if word not in _IMPORT_WORDS):
        return None
    encoded = case.rewrite.encode()
    place = _place_for_import(encoded, case.language)
    return edited_answer(case, [(place, place, line.encode() + b"\n")], draw)


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
    return edited_answer(case, [(place, place, line.encode())], draw)


def repeated_block(case: Case, draw: random.Random) -> Said | None:
    """A stretch of the file again right behind itself, a function a second time, or a loop of a few lines."""
    encoded = case.rewrite.encode()
    kind = draw.randrange(3)
    found = [item for item in functions(encoded, case.language) if item.stop - item.start > 200]
    if kind == 0 and found:
        function = draw.choice(found)
        again = b"\n\n" + indent_of(encoded, function.node.start_byte) + encoded[function.start : function.stop]
        return edited_answer(case, [(function.stop, function.stop, again)], draw)
    inside = [item for item in (statements(function) for function in found) if len(item) >= 2]
    if not inside:
        return None
    block = draw.choice(inside)
    size = min(len(block), draw.randint(1, 4))
    first = draw.randrange(len(block) - size + 1)
    start, stop = block[first].start_byte, block[first + size - 1].end_byte
    times = -(-_REPEATED_BYTES // (stop - start)) if kind < 2 else draw.randint(8, 40)
    again = (b"\n" + indent_of(encoded, start) + encoded[start:stop]) * times
    return edited_answer(case, [(stop, stop, again)], draw)


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


def _public(case: Case, draw: random.Random) -> Function | None:
    found = [
        item
        for item in public_functions(case)
        if not re.search(r"^(?:constructor|initialize|main|__\w+__)$", item.text_name)
    ]
    return draw.choice(found) if found else None


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
