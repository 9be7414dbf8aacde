"""Assigned names: the secret's name that a sign of assignment stands behind, read backwards from the sign.

Reads at most `MAXIMUM_BYTES_BEFORE`. What shows that a quote behind the name belongs to a sentence or to another call
is told here too: `the password "…"`, `getPassword("…")`.
"""

import re
from dataclasses import dataclass

from filters.secret_names import NameSort, name_sort

MAXIMUM_BYTES_BEFORE = 192
MAXIMUM_NAME_BYTES = 64
QUOTES = (b'"', b"'", b"`")

# What stands before `stop`, read backwards: the sign, what closes the name, the name, what opens it.
_BEFORE = re.compile(
    rb"""(?P<sign>
        [:=][ \t]{0,2}["'\\]{0,4}(?:eulav|eulaV|EULAV|tluafed|tluafeD)["'\\]{0,4}
            (?:
                # The default of a variable in Terraform, with its type and description before it.
                \s{1,40}(?:[^\n={}]{1,60}=[ \t]{0,12}[a-z_]{4,12}\s{1,40}){0,2}\{[ \t]{0,4}(?=")
                | [-{,;:]?\s{0,44}:?(?=["'\\A-Za-z0-9_.,-])
            )
        | >[A-Za-z]{1,12}<\s{0,44}>[A-Za-z]{1,12}/<
        | [=:][=!?:+.&|]{0,3}[ \t]{0,16}
            (?:(?:gnirt[sS]|etyb\]\[|etyb|rts\*?|RTSGW?L?|rahc)[ \t]{1,4}(?:[sS][aA][ \t]{1,4})?)?
        | (?:>-|-<|\|\||\?\?)[ \t]{0,16}
        | ro[ \t]{1,4}
        | ,[ \t]{0,24}(?=\\?["'`][^"'`]{1,64}["'`][ \t]?[({\[])
        | ,[ \t]{0,4}(?=[A-Za-z_.>-]{1,40}:?[({])
        | ["'`]\{(?=[A-Za-z0-9_]{1,64}[ :*&])
        | ["'`]@?(?:\((?:gnir[tT][sS](?:eruceS)?|rtSterceS|terceS)(?:[ ]wen)?)?\([ \t]?
        | >(?=["'\\]?[A-Za-z0-9_])
        | ["']@?[ \t]{1,8}
    )(?P<close>(?:["'`\\,)]|\][0-9]{0,6}\[?){0,5})(?P<name>[A-Za-z0-9_.\-\x80-\xff]{1,64}+)(?P<open>["'`\\(\[{<]{0,4})""",
    re.VERBOSE,
)
_SPACED_NAME = re.compile(rb"[ ]([A-Za-z]{2,14})(?![A-Za-z])")


# `<user>bob</user> <password>X`: the tag is the name, though another tag closes before it.
_TAG_BEFORE = re.compile(rb"(?P<sign>>)(?P<close>)(?P<name>[A-Za-z0-9_.:-]{1,64}+)(?P<open><)")

_METHOD_OF_A_VALUE = re.compile(rb"\.(?!(?:equals|assign|compare|is|eq|set|value|default|contentEquals)\w*\Z)\w+\Z")
_LOOKS_UP = re.compile(rb"(?i)_*(?:get|find|fetch|read|load|lookup|split|parse|strip|remove|delete|reset|forgot)")
_MAY_BE_PROSE = re.compile(rb"(?i)pass|pwd|auth|token|secret|pin|bearer")
# `strcmp(password, "…")`, `assertEquals(password, "…")`, and Erlang's `{password, "…"}`.
_COMPARES = re.compile(rb"(?i)(?:cmp|equals?|eql?|same)(?:_?i|ignorecase)?[ ]?\(\Z")

# `{name: API_TOKEN, value: "…"}`
_BESIDE_ITS_NAME = re.compile(rb"\A,\s{0,44}[\"']?(?i:value)[\"']?[ \t]{0,2}:")
_NAME_BEFORE = re.compile(rb"(?i)(?:name|key)[\"']?[ ]{0,2}:[ ]{0,4}\Z")


@dataclass(frozen=True, slots=True)
class AssignedName:
    """A secret's name and what stands around it.

    Attributes:
        is_doubtful: whether only an eager reader takes it for a secret's: salts, PINs, licence keys.
        opening: what opens the name, read backwards: quotes and brackets, the dash of an option.
        front: up to `MAXIMUM_BYTES_BEFORE` bytes before the name.
    """

    name: bytes
    sort: NameSort
    is_doubtful: bool
    sign: bytes
    opening: bytes
    front: bytes


def assigned_name(data: bytes, stop: int) -> AssignedName | None:
    """The name before the sign that ends at `stop`; None where it is no secret's."""
    if data[stop : stop + 1] == b":":
        return None
    before = data[max(0, stop - MAXIMUM_BYTES_BEFORE) : stop]
    match = _BEFORE.match(before[::-1])
    found = match and _named(match, before)
    if found is None and before.endswith(b">") and (match := _TAG_BEFORE.match(before[::-1])):
        return _named(match, before)
    return found


def _named(match: re.Match[bytes], before: bytes) -> AssignedName | None:
    name, front = match["name"][::-1], before[: len(before) - match.end("name")]
    if name.lower() in {b"key", b"code", b"phrase", b"token"} and (spaced := _SPACED_NAME.match(front[::-1])):
        name, front = spaced[1][::-1] + b"_" + name, front[: len(front) - spaced.end()]
    bare = name.strip(b".-")
    sort = name_sort(bare, eager=True)
    # `"AWS::IAM::AccessKey": "…"` names a type.
    if sort is None or (match["close"] and front.endswith(b"::")):
        return None
    is_doubtful = name_sort(bare) is None
    sign = b"," * (b"," in match["close"]) + match["sign"][::-1]
    return AssignedName(name, sort, is_doubtful, sign, match["open"], front)


def is_prose_or_method(named: AssignedName) -> bool:
    """Whether a quote behind the name belongs to a sentence, or to a call that is given something else than the secret.

    `the password "…"`, `password.encode('…')`, `getPassword("…")`, `print(password, "…")`.
    """
    if _BESIDE_ITS_NAME.search(named.sign) and _NAME_BEFORE.search(named.front[-MAXIMUM_NAME_BYTES:]):
        return False
    if named.sign.startswith(b",") and not named.opening.startswith(QUOTES):
        return not (named.front.endswith((b"{", b"{:")) or _COMPARES.search(named.front[-MAXIMUM_NAME_BYTES:]))
    if not named.sign.endswith(QUOTES):
        return False
    if named.sign.startswith(b"{"):
        # Lists are initialized with braces, and so are values of a type: `Password{"…"}`.
        return named.name[:1].isupper()
    if b"(" not in named.sign:
        return not named.opening.startswith(b"-") and _MAY_BE_PROSE.fullmatch(named.name) is not None
    if _LOOKS_UP.match(named.name[named.name.rfind(b".") + 1 :]):
        return True
    method = _METHOD_OF_A_VALUE.search(named.name)
    return method is not None and name_sort(method[0]) is None
