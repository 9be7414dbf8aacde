"""Assigned values: where the value behind a sign of assignment begins and ends, in quotes, in an element or bare.

Reads at most `MAXIMUM_BYTES_AHEAD` behind the sign. A value of more than `MAXIMUM_VALUE_BYTES` is cut one byte behind
that, so that whoever judges it sees that it is too long.
"""

import re

from filters.letter_pairs import word_letters

MAXIMUM_BYTES_AHEAD = 640
MAXIMUM_VALUE_BYTES = 400

WILD_SYMBOLS = 6
"""So many different symbols make a bare value with brackets more than code."""

MINIMUM_DIGITS_OF_NO_VARIABLE = 2

# What makes a string a secret, or its bytes: `[]byte("…")`, `SecureString("…")`, `base64.b64decode("…")`.
_CALL = rb"(?:" + b"|".join((
    rb"(?:new )?(?:\[\]byte|bytes?|(?:[a-z.]{0,12}\.)?Secure[Ss]tring|SecretStr|SecretBytes|Secret|Some|Ok|String)",
    rb"str|to_string|QString(?:Literal)?|QLatin1String|L|T|_T|TEXT|CFSTR|N?SString|(?:std::)?(?:make_pair|string)|var|String::from",
    rb"text|secret|password|Buffer\.from|[\w:.]{0,24}[Bb](?:ase)?64[\w.:]{0,16}|(?:bytes|bytearray)\.fromhex",
    rb"(?:binascii\.)?unhexlify|[\w.:]{0,24}\.(?:fromString|unsafePlainText|plainText|valueOf)",
)) + rb")\([ ]?"  # fmt: skip

# Between sign and quote: the rest of the sign, a new line (with the dash of a list) or a type with its `=`, an opening
# bracket, calls, a string prefix or a YAML tag.
_AHEAD = re.compile(
    rb"[=>]{0,2}[ \t]{0,24}"
    rb"(?:\r?\n[ \t]{1,40}(?:-[ ])?|[A-Za-z_&*'][\w.<>\[\]?&*'|: ]{0,40}?[ \t]{0,4}=(?![=>])\s{0,40})?"
    rb"(?:[\[({][ \t]?(?=[\"'`bB]))?(?:" + _CALL + rb"){0,2}"
    rb"(?:[@$NLuUbBrRfF]{1,2}(?=[\"'`])|!!?[A-Za-z]{1,8}[ ])?"
    rb"(?P<quote>\\{0,3}(?:\"\"\"|\x27\x27\x27|[\"'`])|&quot;|&#34;)"
)
_QUOTED = {
    quote: re.compile(rb"((?:[^\\\r\n" + quote + rb"]|\\[^\r\n]){1,401}+)" + quote) for quote in (b'"', b"'", b"`")
}
_ENTITY = re.compile(rb"([^\s&]{1,401}+)(?:&quot;|&#34;)")
_ELEMENT = re.compile(rb"\s{0,40}(?:<!\[CDATA\[)?([^<>\s]{1,401}?)(?:\]\]>)?\s{0,40}</")
_LINE = re.compile(rb"([^\s\"'`]{1,401}+)[ \t]{0,40}(?:(?:[#;]|//|--|\\)[^\r\n]{0,80}|<br ?/?>)?(?:[\r\n]|\Z)")
_PHRASE = re.compile(rb"([\w'@#$!-]{1,16}(?: [\w'@#$!-]{1,16}){1,9})[ \t]{0,40}(?:[\r\n]|\Z)")
_NEXT_LINE = re.compile(rb"\r?\n[ \t]{1,40}([^\s\"'`#:{}\[\](),;-][^\s\"'`:{}\[\](),;]{1,64})[ \t]{0,8}(?:[\r\n]|\Z)")
_WORD = re.compile(rb"([^\s\"'`<>,;&|(){}\[\]\\]{1,401}+)")
_RUN = re.compile(rb"([A-Za-z0-9_+/=.~-]{1,401}+)(?![\w(\[])")

_VARIABLE = re.compile(rb"[A-Za-z_$&*!][\w$]*(?:(?:[.:/-]|->)+\w+)*[:?]?")
_QUALIFIED = re.compile(rb"[A-Za-z_$&*!][\w$]*(?:(?:\.|->|::?)[A-Za-z_]\w*)+")
_CALLED = re.compile(rb"[A-Za-z_]\w*\([^()]*\)")
_BRACKET = re.compile(rb"[()\[\]{}]")
_SYMBOL = re.compile(rb"[^\w\s]")
_DIGIT = re.compile(rb"[0-9]")

Place = tuple[int, int]


def quoted_value(data: bytes, stop: int) -> tuple[bool, Place | None]:
    """Whether a quote opens behind the sign that ends at `stop`, and the value in it if it closes on its line."""
    ceiling = min(len(data), stop + MAXIMUM_BYTES_AHEAD)
    ahead = _AHEAD.match(data, stop, ceiling)
    return (True, in_quotes(data, ahead["quote"], ahead.end())) if ahead else (False, None)


def in_quotes(data: bytes, quote: bytes, start: int) -> Place | None:
    """What stands between an opening quote that ends at `start` and the next that closes it."""
    ceiling = min(len(data), start + MAXIMUM_BYTES_AHEAD)
    if quote.startswith(b"\\"):
        # An escaped quote closes at the next one that is escaped as often.
        end = data.find(quote, start, ceiling)
        return (start, end) if end > start and b"\n" not in data[start:end] else None
    match = (_ENTITY if quote.startswith(b"&") else _QUOTED[quote[-1:]]).match(data, start, ceiling)
    return match.span(1) if match else None


def element_value(data: bytes, start: int) -> Place | None:
    """The one word between `start` and the next closing tag."""
    return _place(_ELEMENT, data, start)


def line_value(data: bytes, start: int) -> Place | None:
    """What stands alone from `start` to the end of the line, but for a comment."""
    return _place(_LINE, data, start)


def phrase_value(data: bytes, start: int) -> Place | None:
    """Two or more words that stand alone from `start` to the end of the line."""
    return _place(_PHRASE, data, start)


def next_line_value(data: bytes, start: int) -> Place | None:
    """The one word of the next line, if `start` ends a line."""
    return _place(_NEXT_LINE, data, start)


def word_value(data: bytes, start: int) -> Place | None:
    """The characters from `start` that no bracket, quote, space or separator of parameters ends."""
    return _place(_WORD, data, start)


def run_value(data: bytes, start: int) -> Place | None:
    """The run of token characters from `start`, if no call or subscript follows it."""
    return _place(_RUN, data, start)


def is_expression(value: bytes, *, tight: bool) -> bool:
    """Whether a value without quotes may be code; brackets in it want a value too wild to be code.

    Args:
        tight: whether it stands in `name=value` or `name: value`, where digits tell it from a variable.
    """
    if not _VARIABLE.fullmatch(value):
        few = len(set(_SYMBOL.findall(value))) < WILD_SYMBOLS
        return _BRACKET.search(value) is not None and (
            few or _CALLED.search(value) is not None or word_letters(value) > 0.4 * len(value)
        )
    wordy = word_letters(value) * 2 >= len(value)
    if _QUALIFIED.fullmatch(value):
        return True
    if tight:
        return wordy and not value[-1:].isdigit()
    return len(_DIGIT.findall(value)) < MINIMUM_DIGITS_OF_NO_VARIABLE or (wordy and b"_" in value)


def _place(pattern: re.Pattern[bytes], data: bytes, start: int) -> Place | None:
    match = pattern.match(data, start, start + MAXIMUM_BYTES_AHEAD)
    return match.span(1) if match else None
