r"""Assigned secrets: a value behind a name that says it is secret, in the syntax of code, configuration or a shell.

The rule's pattern marks a name and a sign behind it, some 170 places in a megabyte of code. From there the name is read
backwards and the value forwards, each within a few hundred bytes, so the cost is a constant for each mark, about 10
microseconds, whatever the line.

A sign is `=`, `:`, `=>`, `->`, `<-`, a comparison, an operator that gives a default (`||`, `??`, `or`), a comma behind
a quoted name (`put("password", "…")`), a call (`setPassword("…")`), an element (`<password>…`), a name and value in
attributes, lines or elements of their own (`name: X` / `value: …`, `<key>X</key><string>…`), or space before a quote.

A value in quotes counts anywhere. Without quotes it counts where it ends a line that its name begins, as options,
parameters of an address (`&token=…`) and parts of a connection string (`;Password=…`), and elsewhere only where it is
random by itself: code has variables there.
"""

import re
from dataclasses import dataclass

from filters.assigned_values import (
    Place,
    element_value,
    in_quotes,
    is_expression,
    line_value,
    quoted_value,
    run_value,
    word_value,
)
from filters.redaction_policy import Level
from filters.redaction_rules import AssignedSecretLimits, assigned_secret_limits
from filters.secret_names import NameSort, name_sort
from filters.secret_values import is_random, is_secret

MAXIMUM_BYTES_BEFORE = 192
MAXIMUM_BYTES_OF_CONTEXT = 80

# What stands before `stop`, read backwards: the sign, what closes the name, the name, what opens it.
_BEFORE = re.compile(
    rb"""(?P<sign>
        [:=][ \t]{0,2}["'\\]{0,4}(?:eulav|eulaV|EULAV|tluafed|tluafeD)["'\\]{0,4}[-{,;:]?\s{0,44}:?
            (?=["'\\A-Za-z0-9_.,-])
        | >[A-Za-z]{1,12}<\s{0,44}>[A-Za-z]{1,12}/<
        | [=:][=!?:+.&|]{0,3}[ \t]{0,16}(?:(?:gnirts|etyb\]\[|etyb|rts\*?|RTSGW?L?|rahc)[ \t]{1,4})?
        | (?:>-|-<|\|\||\?\?)[ \t]{0,16}
        | ro[ \t]{1,4}
        | ,[ \t]{0,4}(?=\\?["'`][^"'`]{1,64}["'`][({\[])
        | ["'`]@?(?:\((?:gnir[tT][sS](?:eruceS)?|rtSterceS|terceS)(?:[ ]wen)?)?\([ \t]?
        | >(?=["'\\]?[A-Za-z0-9_])
        | ["']@?[ \t]{1,8}
    )(?P<close>(?:["'`\\,)]|\][0-9]{0,6}\[?){0,5})(?P<name>[A-Za-z0-9_.\-\x80-\xff]{1,64}+)(?P<open>["'`\\(\[{<]{0,4})""",
    re.VERBOSE,
)
_SPACED_NAME = re.compile(rb"[ ]([A-Za-z]{2,14})(?![A-Za-z])")


# What may stand before a name that begins its line, and, backwards, before an option's or a parameter's.
_LINE_START = re.compile(
    rb"[ \t]*(?:(?:[#;*>|+-]|//|--)[ \t]*){0,3}"
    rb"(?:(?:export|set|setx|env|ENV|ARG|local|readonly|declare|-x|-e)[ \t]+|\$env:|Environment=)?"
    rb"[\w.: \t/-]{0,24}[\"'$@]{0,2}"
)
_OPTION = re.compile(
    rb"[\w.:-]{0,24}--?(?:[\s\"'`(]|\Z)|[\"']?[ =]?(?:vne--|e-|D-|gra-dliub--|tes--|E-|vne|tropxe)(?:[\s\"'`(]|\Z)"
)
_NEXT_PARAMETER = re.compile(rb",[^,=:]{1,40}[=:]")
_PARAMETER = re.compile(rb"[\w.-]{0,16} ?[?&;]")
_REST_OF_SIGN = re.compile(rb"[=>]{0,2}[ \t]{0,24}")

_METHOD_OF_A_VALUE = re.compile(rb"\.(?!(?:equals|assign|compare|is|eq|set|value|default|contentEquals)\w*\Z)\w+\Z")
_LOOKS_UP = re.compile(rb"(?i)_*(?:get|find|fetch|read|load|lookup|split|parse|strip|remove|delete|reset|forgot)")
_MAY_BE_PROSE = re.compile(rb"(?i)pass|pwd|auth|token|secret|pin|bearer")
_HASHES = re.compile(
    rb"(?i)sha-?[1235]|md5|checksum|integrity|digest|fingerprint|hash|etag|public[ _-]?key|commit|certificate"
)
_HEX_OR_BASE64 = re.compile(rb"[0-9A-Fa-f]+|[A-Za-z0-9+/]+={0,2}")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REQUEST_TOKEN = re.compile(rb"(?i)(?:client|request)[_-]?token\Z")
# A letter, a digit and a symbol that no name or number has.
_MIXED = re.compile(rb"(?=[^A-Za-z]*[A-Za-z])(?=[^0-9]*[0-9])(?=[^@#$%^&*!?+~]*[@#$%^*!?+~])(?!.*[=:/]).{6}")
_QUOTES = (b'"', b"'", b"`")
_WORD_ENDS = (b"", b" ", b",", b";", b"\n", b"\r", b'"', b"'")
_ENDS = (b"", b" ", b"\t", b"\r", b"\n", *_QUOTES)


@dataclass(frozen=True, slots=True)
class _Named:
    """A secret's name and what stands around it.

    Attributes:
        opening: what opens the name, read backwards: quotes and brackets, the dash of an option.
        front: up to `MAXIMUM_BYTES_BEFORE` bytes before the name.
    """

    name: bytes
    sort: NameSort
    sign: bytes
    opening: bytes
    front: bytes
    limits: AssignedSecretLimits

    def promises(self, data: bytes, place: Place) -> bool:
        """Whether the value at a place is a secret, and no hash that its line speaks of."""
        value = data[slice(*place)]
        if not is_secret(self.name, self.sort, value, self.limits):
            return False
        if _UUID.fullmatch(value) and _REQUEST_TOKEN.search(self.name):
            return False
        line = self.front[self.front.rfind(b"\n") + 1 :][-MAXIMUM_BYTES_OF_CONTEXT:]
        return not (_HEX_OR_BASE64.fullmatch(value) and _HASHES.search(line))


def assigned_secret(data: bytes, stop: int, level: Level) -> Place | None:
    """The value that is assigned to the name whose sign ends at `stop`, or None."""
    named = _named(data, stop, assigned_secret_limits(level))
    if named is None or _is_prose_or_method(named):
        return None
    quotes_in_sign = named.sign.endswith(_QUOTES)
    if named.sign.endswith(b">") and named.sign.startswith((b">", b"</")):
        is_element = named.sign != b">" or b"<" in named.front[-40:]
        place = element_value(data, stop) if is_element else None
    else:
        quoted, place = quoted_value(data, stop - quotes_in_sign)
        if not quoted:
            return _bare_secret(data, stop, named)
    return place if place and named.promises(data, place) else None


def option_value(data: bytes, stop: int, level: Level) -> Place | None:
    """The value that a space divides from its option, `--password VALUE`; its first byte is the last before `stop`."""
    before = data[max(0, stop - MAXIMUM_BYTES_BEFORE) : stop - 1].split()
    name = before[-1].lstrip(b"\"'`(") if before else b""
    limits = assigned_secret_limits(level)
    sort = name_sort(name, eager=limits.salts) if name.startswith(b"-") else None
    place = word_value(data, stop - 1)
    if sort is None or place is None or is_expression(data[slice(*place)], tight=True):
        return None
    return place if is_secret(name, sort, data[slice(*place)], limits) else None


def password_literal(data: bytes, stop: int, level: Level) -> Place | None:
    """The password in or without quotes that begins with the byte before `stop`: `IDENTIFIED BY '…'`, `mysql -p…`."""
    quote = data[stop - 1 : stop]
    place = in_quotes(data, quote, stop) if quote in _QUOTES else word_value(data, stop - 1)
    if place is None or (quote not in _QUOTES and is_expression(data[slice(*place)], tight=True)):
        return None
    return place if is_secret(b"password", "password", data[slice(*place)], assigned_secret_limits(level)) else None


def _named(data: bytes, stop: int, limits: AssignedSecretLimits) -> _Named | None:
    """The name before the sign that ends at `stop`; None where it is no secret's."""
    if data[stop : stop + 1] == b":":
        return None
    before = data[max(0, stop - MAXIMUM_BYTES_BEFORE) : stop]
    match = _BEFORE.match(before[::-1])
    if match is None:
        return None
    name, front = match["name"][::-1], before[: len(before) - match.end("name")]
    if name.lower() in {b"key", b"code", b"phrase", b"token"} and (spaced := _SPACED_NAME.match(front[::-1])):
        name, front = spaced[1][::-1] + b"_" + name, front[: len(front) - spaced.end()]
    sort = name_sort(name.strip(b".-"), eager=limits.salts)
    # `"AWS::IAM::AccessKey": "…"` names a type.
    if sort is None or (match["close"] and front.endswith(b"::")):
        return None
    return _Named(name, sort, match["sign"][::-1], match["open"], front, limits)


def _is_prose_or_method(named: _Named) -> bool:
    """Whether a quote behind the name belongs to a sentence, or to a call that is given something else than the secret.

    `the password "…"`, `password.encode('…')`, `getPassword("…")`.
    """
    if not named.sign.endswith(_QUOTES):
        return False
    if b"(" not in named.sign:
        return not named.opening.startswith(b"-") and _MAY_BE_PROSE.fullmatch(named.name) is not None
    if _LOOKS_UP.match(named.name[named.name.rfind(b".") + 1 :]):
        return True
    method = _METHOD_OF_A_VALUE.search(named.name)
    return method is not None and name_sort(method[0]) is None


def _bare_secret(data: bytes, stop: int, named: _Named) -> Place | None:
    """The value without quotes behind a sign: an option's, a parameter's, a whole line, or one random by itself."""
    if b"=" not in named.sign and b":" not in named.sign:
        return None
    tight = b":" in named.sign or not (named.sign[:1].isspace() or data[stop : stop + 1].isspace())
    start = _REST_OF_SIGN.match(data, stop).end()  # type: ignore[union-attr]
    word = word_value(data, start)
    end = word[1] if word else start
    if end - start < named.limits.minimum_characters[named.sort] and data[end : end + 1] in _ENDS:
        return None
    backwards = named.front[:-64:-1]
    place = None
    if tight and (_PARAMETER.match(backwards) or _OPTION.match(backwards)):
        place = word
    elif _LINE_START.fullmatch(re.split(rb"[\r\n]", named.front)[-1]):
        place = line_value(data, start) or (word if tight and named.sign == b"=" else None)
        if place and _NEXT_PARAMETER.search(data, *place):
            place = word
        if place and data[place[1] - 1] in b",;":
            place, tight = (place[0], place[1] - 1), False
    if place and not is_expression(data[slice(*place)], tight=tight) and named.promises(data, place):
        return place
    # `login bob, password:Fake7#horse, host x`
    if word and tight and named.sort == "password" and _MIXED.match(data, *word) and data[end : end + 1] in _WORD_ENDS:
        return word if named.promises(data, word) else None
    place = run_value(data, start)
    if place and is_random(data[slice(*place)], named.limits) and named.promises(data, place):
        return place
    return None
