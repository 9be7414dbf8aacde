"""Example values: tokens, cards and keys made up at run time, so that no file of ours looks like a leak.

An example is a template. `«alnum:36»` stands for 36 letters and digits; `⟦secret|…⟧` around a part says that it must be
found, as this kind. Values come from sha256 of a seed, the spec and its place: the same on every machine, random to
every detector. `«alnum:36#a»` names its value, so that it can stand twice.

    alnum, letters, lower (a-z 0-9), upper (A-Z 0-9), hex, HEX, digits, base64 (+/), base64url (-_), base58,
    base32: length
    symbols: letters, digits and !@#$%^&*; uuid; at (the sign of an address); say:WORDS (the words themselves,
    for a known prefix that a scanner of repositories would trip over, split in two)
    pem:LINES, lines of 64 base64 characters; base64of:TEXT, base64urlof:TEXT without padding; jwt
    card:PREFIX:LENGTH ends in a Luhn digit; card4:PREFIX:LENGTH:SEPARATOR is the same in groups, as printed on a card
    iban:COUNTRY:PARTS has its check digits; a part is a count of digits, or letters that stand as they are, with plus
    signs between parts (GB:WEST+14); iban4 is the same in groups of four
    ipv4, ipv6: a public address; wif: a private key of Bitcoin, with its check bytes
"""

import base64
import re
import string
from dataclasses import dataclass
from hashlib import sha256

_PLACE = re.compile(r"«([^«»]+)»")
_LABEL = re.compile(r"⟦(\w+)\|([^⟦⟧]*)⟧")
_ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "digits": string.digits,
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base32": string.ascii_uppercase + "234567",
    "symbols": string.ascii_letters + string.digits + "!@#$%^&*",
}
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what must be found in it.

    Attributes:
        labels: (start, stop, kind), offsets in UTF-8 bytes of the text, in order.
    """

    text: str
    labels: tuple[tuple[int, int, str], ...]


def example(template: str, seed: str = "") -> Example:
    """The example that a template describes; raises ValueError for an unknown spec."""
    text, labels, position = "", [], 0
    filled = filled_in(template, seed)
    for match in _LABEL.finditer(filled):
        text += filled[position : match.start()]
        start = len(text.encode())
        text += match[2]
        labels.append((start, len(text.encode()), match[1]))
        position = match.end()
    return Example(text + filled[position:], tuple(labels))


def filled_in(template: str, seed: str = "") -> str:
    """The template with a value for each of its places."""
    number = 0

    def value(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        spec, _, name = match[1].partition("#")
        return _value(spec, f"{seed}/{spec}/{name or number}")

    return _PLACE.sub(value, template)


def _value(spec: str, seed: str) -> str:
    name, _, rest = spec.partition(":")
    if name in _ALPHABETS:
        return _characters(_ALPHABETS[name], int(rest), seed)
    match name:
        case "at":
            return "@"
        case "say":
            return rest
        case "pem":
            return "\n".join(_characters(_ALPHABETS["base64"], 64, f"{seed}/{line}") for line in range(int(rest)))
        case "base64of":
            return base64.b64encode(rest.encode()).decode()
        case "base64urlof":
            return _base64url(rest)
        case "card" | "card4":
            return _card(rest.split(":"), seed)
        case "iban" | "iban4":
            number = _iban(rest, seed)
            return " ".join(re.findall(r".{1,4}", number)) if name == "iban4" else number
    if name in _WITHOUT_LENGTH:
        return _WITHOUT_LENGTH[name](seed)
    raise ValueError(f"unknown value {spec!r} in an example")


def _uuid(seed: str) -> str:
    digits = _characters(_ALPHABETS["hex"], 32, seed)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _jwt(seed: str) -> str:
    parts = ('{"alg":"HS256","typ":"JWT"}', '{"sub":"' + _characters(string.digits, 10, seed) + '"}')
    return ".".join([*map(_base64url, parts), _characters(_ALPHABETS["base64url"], 43, seed)])


def _ipv4(seed: str) -> str:
    numbers = sha256(seed.encode()).digest()
    return f"{60 + numbers[0] % 30}.{128 + numbers[1] % 100}.{130 + numbers[2] % 100}.{101 + numbers[3] % 100}"


def _ipv6(seed: str) -> str:
    return "2a02:" + ":".join(_characters("123456789abcdef", 4, f"{seed}/{group}") for group in range(7))


def _wif(seed: str) -> str:
    return _base58check(b"\x80" + sha256(seed.encode()).digest() + b"\x01")


_WITHOUT_LENGTH = {"uuid": _uuid, "jwt": _jwt, "ipv4": _ipv4, "ipv6": _ipv6, "wif": _wif}


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _card(parts: list[str], seed: str) -> str:
    """PREFIX, LENGTH and, for a grouped one, what stands between its groups."""
    prefix, length, *separator = parts
    number = _with_luhn_digit(prefix + _characters(string.digits, int(length) - len(prefix) - 1, seed))
    groups = r"....|.+" if len(number) > 15 else r"^....|......|.+"
    return separator[0].join(re.findall(groups, number)) if separator else number


def _iban(spec: str, seed: str) -> str:
    country, _, parts = spec.partition(":")
    number = "".join(
        _characters(string.digits, int(part), seed) if part.isdigit() else part for part in parts.split("+")
    )
    folded = "".join(str(int(character, 36)) for character in number + country + "00")
    return f"{country}{98 - int(folded) % 97:02}{number}"


def _characters(alphabet: str, length: int, seed: str) -> str:
    """Random characters; of eight or more, at least one of each class that the alphabet has."""
    characters: list[str] = []
    block = 0
    while len(characters) < length:
        characters += [alphabet[byte % len(alphabet)] for byte in sha256(f"{seed}/{block}".encode()).digest()]
        block += 1
    characters = characters[:length]
    if length >= 8:
        for place, members in enumerate(_CLASSES):
            some = [character for character in members if character in alphabet]
            if some and not set(some) & set(characters):
                characters[2 * place + 1] = some[len(seed) % len(some)]
    return "".join(characters)


def _with_luhn_digit(number: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return number + str(-total % 10)


def _base58check(payload: bytes) -> str:
    number = int.from_bytes(payload + sha256(sha256(payload).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABETS["base58"][digit] + text
    return text
