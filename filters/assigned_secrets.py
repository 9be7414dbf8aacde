r"""Assigned secrets: a value behind a name that says it is secret, in the syntax of code, configuration or a shell.

The rule's pattern marks a name and a sign behind it, a hundred places in a megabyte. From there the name is read
backwards and the value forwards, each within a few hundred bytes, so the cost is a constant for each mark, 10 to 40
microseconds, whatever the line.

A sign is `=`, `:`, `=>`, `->`, `<-`, a comparison, an operator that gives a default (`||`, `??`, `or`), a comma behind a
quoted name (`put("password", "…")`), a call (`setPassword("…")`), an element (`<password>…`), a name and value in
attributes, lines or elements of their own (`name: X` / `value: …`, `<key>X</key><string>…`), or space before a quote.

A value in quotes counts anywhere. Without quotes it counts where it ends a line that its name begins, as options,
parameters of an address (`&token=…`) and parts of a connection string (`;Password=…`), and elsewhere only where it is
random by itself: code has variables there.
"""

import re

from filters.letter_pairs import word_letters
from filters.redaction_policy import Level
from filters.redaction_rules import AssignedSecretLimits, assigned_secret_limits
from filters.secret_names import NameSort, name_sort
from filters.secret_values import is_random, is_secret

MAXIMUM_BYTES_BEFORE = 192
MAXIMUM_BYTES_BEHIND = 640
MAXIMUM_BYTES_OF_CONTEXT = 80

# What stands before `stop`, read backwards: the sign, what closes the name, the name, what opens it.
_BEFORE = re.compile(
    rb"""(?P<sign>
        [:=][ \t]{0,2}["'\\]{0,4}(?:eulav|eulaV|EULAV|tluafed|tluafeD)["'\\]{0,4}[-{,;:]?\s{0,44}[:]?(?=["'\\A-Za-z0-9_.,-])
        | >[A-Za-z]{1,12}<\s{0,44}>[A-Za-z]{1,12}/<
        | [=:][=!?:+.&|]{0,3}[ \t]{0,16}(?:(?:gnirts|etyb\]\[|etyb|rts\*?|RTSGW?L?|rahc)[ \t]{1,4})?
        | (?:>-|-<|\|\||\?\?)[ \t]{0,16}
        | ro[ \t]{1,4}
        | ,[ \t]{0,4}(?=\\?["'`][^"'`]{1,64}["'`][({\[])
        | ["'`]@?\([ \t]?
        | >(?=["'\\]?[A-Za-z0-9_])
        | ["']@?[ \t]{1,8}
    )(?P<close>(?:["'`\\,)]|\][0-9]{0,6}\[?){0,5})(?P<name>[A-Za-z0-9_.\-\x80-\xff]{1,64}+)(?P<open>["'`\\(\[{<]{0,4})""",
    re.VERBOSE,
)
_SPACED_NAME = re.compile(rb"[ ]([A-Za-z]{2,14})(?![A-Za-z])")

# Between sign and quote: the rest of the sign, a type and its `=`, what makes a string a secret, a string prefix.
_CALL = (
    rb"(?:new )?(?:\[\]byte|bytes?|(?:[a-z.]{0,12}\.)?Secure[Ss]tring|SecretStr|SecretBytes|Secret|Some|Just|Ok|String|str|to_string"
    rb"|QString(?:Literal)?|QLatin1String|L|T|_T|TEXT|CFSTR|N?SString|Buffer\.from|[\w:.]{0,24}[Bb](?:ase)?64[\w.:]{0,16}"
    rb"|(?:bytes|bytearray)\.fromhex|(?:binascii\.)?unhexlify|[\w.:]{0,24}\.(?:fromString|unsafePlainText|plainText|valueOf)"
    rb"|(?:std::)?(?:make_pair|string)|var|text|secret|password)\([ ]?"
)
_AHEAD = re.compile(
    rb"(?:[=>]{0,2}[ \t]{0,24})(?:\r?\n[ \t]{1,40}|(?P<type>[A-Za-z_&*'][\w.<>\[\]?&*'|: ]{0,40}?[ \t]{0,4}=(?![=>])\s{0,40}))?"
    rb"(?:[\[({][ \t]?(?=[\"'`bB]))?(?:" + _CALL + rb"){0,2}"
    rb"(?:[@$NLuUbBrRfF]{1,2}(?=[\"'`])|!!?[A-Za-z]{1,8}[ ])?(?P<quote>\\{0,3}(?:\"\"\"|'''|[\"'`])|&quot;|&#34;)?"
)
_QUOTED = {
    quote: re.compile(rb"((?:[^\\\r\n" + quote + rb"]|\\[^\r\n]){1,400}+)" + quote) for quote in (b'"', b"'", b"`")
}
_ENTITY = re.compile(rb"([^\s&]{1,400}?)(?:&quot;|&#34;)")
_ELEMENT = re.compile(rb"\s{0,40}(?:<!\[CDATA\[)?([^<>\s]{1,400}+)(?:\]\]>)?\s{0,40}</")
_LINE = re.compile(
    rb"[ \t]{0,16}([^\s\"'`]{1,400}+)[ \t]{0,40}(?:(?:[#;]|//|--|\\)[^\r\n]{0,80}|<br ?/?>|)(?:[\r\n]|\Z)"
)
_WORD = re.compile(rb"([^\s\"'`<>,;&|(){}\[\]\\]{1,400}+)")
_BARE = re.compile(rb"[ \t]{0,4}([A-Za-z0-9_+/=.~-]{1,400}+)(?![\w(\[])")

# What may stand before a name that begins its line, and before an option's or a parameter's; matched backwards.
_LINE_START = re.compile(
    rb"[ \t]*(?:(?:[#;*>|+-]|//|--)[ \t]*){0,3}(?:(?:export|set|setx|env|ENV|ARG|local|readonly|declare|-x|-e)[ \t]+|\$env:|Environment=)?[\w.: \t/-]{0,24}[\"'$@]{0,2}"
)
_OPTION = re.compile(
    rb"[\w.:-]{0,24}--?(?:[\s\"'`(]|\Z)|[\"']?[ =]?(?:vne--|e-|D-|gra-dliub--|tes--|E-|vne|tropxe)(?:[\s\"'`(]|\Z)"
)
_PARAMETER = re.compile(rb"[\w.-]{0,16} ?[?&;]")
_HASHES = re.compile(
    rb"(?i)sha-?[1235]|md5|checksum|integrity|digest|fingerprint|hash|etag|public[ _-]?key|commit|certificate"
)
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REQUEST_TOKEN = re.compile(rb"(?i)(?:client|request)[_-]?token\Z")
_HEX_OR_BASE64 = re.compile(rb"[0-9A-Fa-f]+|[A-Za-z0-9+/]+={0,2}")
_VARIABLE = re.compile(rb"[A-Za-z_$&*!][\w$]*(?:(?:[.:/-]|->)+\w+)*[:?]?")
_QUALIFIED = re.compile(rb"[A-Za-z_$&*!][\w$]*(?:(?:\.|->|::?)[A-Za-z_]\w*)+")
_BRACKET = re.compile(rb"[()\[\]{}]")
_SYMBOL = re.compile(rb"[^\w\s]")
_DIGIT = re.compile(rb"[0-9]")
WILD_SYMBOLS = 6
MINIMUM_DIGITS_OF_NO_VARIABLE = 2
_METHOD_OF_A_VALUE = re.compile(rb"\.(?!(?:equals|assign|compare|is|eq|set|value|default|contentEquals)\w*\Z)\w+\Z")
_MAY_STAND_BEFORE_SPACE = re.compile(rb"pass|pwd|auth|token|secret|pin|bearer", re.IGNORECASE)
_ENDS = (b"", b" ", b"\t", b"\r", b"\n", b'"', b"'", b"`")


def assigned_secret(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The value that is assigned to the name whose sign ends at `stop`, or None."""
    if data[stop : stop + 1] == b":":
        return None
    floor = max(0, stop - MAXIMUM_BYTES_BEFORE)
    before = data[floor:stop]
    match = _BEFORE.match(before[::-1])
    if match is None:
        return None
    name, front = match["name"][::-1], before[: len(before) - match.end("name")]
    if name.lower() in {b"key", b"code", b"phrase", b"token"} and (spaced := _SPACED_NAME.match(front[::-1])):
        name, front = spaced[1][::-1] + b"_" + name, front[: len(front) - spaced.end()]
    limits = assigned_secret_limits(level)
    sort = name_sort(name.strip(b".-"), eager=limits.salts)
    if sort is None or (match["close"] and front.endswith(b"::")):
        return None
    sign = match["sign"][::-1]
    if sign.endswith((b'"', b"'", b"`")):
        stop -= 1
        if (
            b"(" in sign
            and b"." in name
            and _METHOD_OF_A_VALUE.search(name)
            and not name_sort(name[name.rfind(b".") :])
        ):
            return None
        if b"(" not in sign and not match["open"].startswith(b"-") and _MAY_STAND_BEFORE_SPACE.fullmatch(name):
            return None
    if sign == b">":
        place = _element(data, stop) if front.endswith((b"<", b'"', b":")) or b"<" in front[-40:] else None
        return place if place and _goes(data, place, name, sort, front, limits) else None
    if sign.endswith(b">") and sign.startswith(b"</"):
        place = _element(data, stop)
        return place if place and _goes(data, place, name, sort, front, limits) else None
    return _assigned(data, stop, name, sort, front, sign, limits)


def _assigned(
    data: bytes, stop: int, name: bytes, sort: NameSort, front: bytes, sign: bytes, limits: AssignedSecretLimits
) -> tuple[int, int] | None:
    """The value behind a sign, in quotes or bare."""
    ceiling = min(len(data), stop + MAXIMUM_BYTES_BEHIND)
    ahead = _AHEAD.match(data, stop, ceiling)
    if ahead is None:
        return None
    if ahead["quote"]:
        place = _quoted(data, ahead["quote"], ahead.end(), ceiling)
        return place if place and _goes(data, place, name, sort, front, limits) else None
    return _bare(data, stop, ceiling, name, sort, front, sign, limits)


def _bare(
    data: bytes,
    stop: int,
    ceiling: int,
    name: bytes,
    sort: NameSort,
    front: bytes,
    sign: bytes,
    limits: AssignedSecretLimits,
) -> tuple[int, int] | None:
    """The value without quotes behind a sign: as an option, a parameter or a whole line, or random by itself."""
    if b"=" not in sign and b":" not in sign:
        return None
    tight = b":" in sign or not (sign[:1].isspace() or data[stop : stop + 1].isspace())
    while data[stop : stop + 1] in (b"=", b">", b" ", b"\t"):
        stop += 1
    word = _WORD.match(data, stop, ceiling)
    end = word.end() if word else stop
    if end - stop < limits.minimum_characters[sort] and data[end : end + 1] in _ENDS:
        return None
    backwards = front[:-64:-1]
    place = word.span(1) if word and tight and (_PARAMETER.match(backwards) or _OPTION.match(backwards)) else None
    if place is None and _LINE_START.fullmatch(front[front.rfind(b"\n") + 1 :].rpartition(b"\r")[2]):
        line = _LINE.match(data, stop, ceiling) or (
            _WORD.match(data, stop, ceiling) if tight and sign == b"=" else None
        )
        place = line.span(1) if line else None
        if place and data[place[1] - 1 : place[1]] in {b",", b";"}:
            place, tight = (place[0], place[1] - 1), False
    if place and not _is_expression(data[slice(*place)], tight=tight) and _goes(data, place, name, sort, front, limits):
        return place
    if bare := _BARE.match(data, stop, ceiling):
        place = bare.span(1)
        if is_random(data[slice(*place)], limits) and _goes(data, place, name, sort, front, limits):
            return place
    return None


def _is_expression(value: bytes, *, tight: bool) -> bool:
    """Whether a value without quotes may be code; brackets in it want a value too wild to be code.

    Args:
        tight: whether it stands in `name=value`, where digits tell it from a variable.
    """
    if _VARIABLE.fullmatch(value):
        wordy = word_letters(value) * 2 >= len(value)
        if _QUALIFIED.fullmatch(value):
            return True
        digits = len(_DIGIT.findall(value))
        if tight:
            return wordy and not value[-1:].isdigit()
        return digits < MINIMUM_DIGITS_OF_NO_VARIABLE or (wordy and b"_" in value)
    if not _BRACKET.search(value):
        return False
    return len(set(_SYMBOL.findall(value))) < WILD_SYMBOLS or word_letters(value) > 0.4 * len(value)


def option_value(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The value that a space divides from its option, `--password VALUE`; its first byte is the last before `stop`."""
    before = data[max(0, stop - MAXIMUM_BYTES_BEFORE) : stop - 1].split()
    name = before[-1].lstrip(b"\"'`(") if before else b""
    limits = assigned_secret_limits(level)
    sort = name_sort(name, eager=limits.salts) if name.startswith(b"-") else None
    word = _WORD.match(data, stop - 1, stop + MAXIMUM_BYTES_BEHIND)
    if sort is None or word is None or _is_expression(word[1], tight=True):
        return None
    return word.span(1) if is_secret(name, sort, word[1], limits) else None


def password_literal(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The password in or without quotes that begins with the byte before `stop`: `IDENTIFIED BY '…'`, `mysql -p…`."""
    limits = assigned_secret_limits(level)
    ceiling = min(len(data), stop + MAXIMUM_BYTES_BEHIND)
    quote = data[stop - 1 : stop]
    if quote in _QUOTED:
        place = _quoted(data, quote, stop, ceiling)
    else:
        word = _WORD.match(data, stop - 1, ceiling)
        place = word.span(1) if word and not _is_expression(word[1], tight=True) else None
    return place if place and is_secret(b"password", "password", data[place[0] : place[1]], limits) else None


def _quoted(data: bytes, quote: bytes, start: int, ceiling: int) -> tuple[int, int] | None:
    if quote.startswith(b"&"):
        match = _ENTITY.match(data, start, ceiling)
        return match.span(1) if match else None
    if quote.startswith(b"\\"):
        # An escaped quote closes at the next one that is escaped as often.
        end = data.find(quote, start, ceiling)
        return (start, end) if end > start and b"\n" not in data[start:end] else None
    match = _QUOTED[quote[-1:]].match(data, start, ceiling)
    return match.span(1) if match else None


def _element(data: bytes, start: int) -> tuple[int, int] | None:
    match = _ELEMENT.match(data, start, start + MAXIMUM_BYTES_BEHIND)
    return match.span(1) if match else None


def _goes(
    data: bytes, place: tuple[int, int], name: bytes, sort: NameSort, front: bytes, limits: AssignedSecretLimits
) -> bool:
    """Whether the value at a place is a secret, and no hash that its line speaks of."""
    value = data[place[0] : place[1]]
    if not is_secret(name, sort, value, limits):
        return False
    if _UUID.fullmatch(value) and _REQUEST_TOKEN.search(name):
        return False
    line = front[front.rfind(b"\n") + 1 :]
    return not (_HEX_OR_BASE64.fullmatch(value) and _HASHES.search(line[-MAXIMUM_BYTES_OF_CONTEXT:]))
