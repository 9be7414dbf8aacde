"""Phone words: what says that digits are a phone number, and the countries whose people write that word.

A strong word says so by itself (phone, fax, Telefon); behind a weak one (call, office, ring) the number must stand near
and be written in groups. Words of one language are tried with the plans of the countries that speak it.
"""

import re
from functools import lru_cache

_STRONG = (
    "telephone|telefone|telefono|telefoon|telefon|teléfono|téléphone|puhelin|"
    "(?:(?:tele|smart|cell|i|home|work|mobile|customer|user|contact)[ _-]?)?phones?|mob(?:ile)?\\.? ?(?:no|number|nr)|"
    "(?:tele)?fax|mobile|mobil|cellulare|celular|handy|natel|gsm|whatsapp|wa\\.me|sms|tel|tél|tlf|ph|"
    "тел(?:ефон)?|Тел(?:ефон)?|电话|電話|手机|手機|携帯|전화|휴대폰|핸드폰"
)
_WEAK = (
    "call|contact|cell|dial|hotline|office|mob|portable|ring|text (?:me|us|him|her)|reach (?:me|us)|"
    "ll[áa]m\\w{2,6}|appelez|rufen|anruf|chiama\\w{0,3}|bel|ligue|[Зз]вон\\w{0,4}"
)
_WORD = re.compile(
    rf"(?<![A-Za-z])(?=[^\W\d_])(?:(?P<strong>(?i:{_STRONG}))|(?i:{_WEAK}))(?![A-Za-z])"
    "|(?P<camel>(?:Phone|Fax|Mobile|Tel)(?:Number|No)?(?![a-z]))"
)

# What one of the words holds, in lower case: looking for these costs a twentieth of the expression.
_LISTED_PARTS = """
tel tél phon fax mob cel natel gsm wa.me sms tlf ph handy puhelin тел зво 电 電 手 携 전 휴 핸 call contact dial hotline
office portable ring text reach lla llá whatsapp appelez ruf chiama bel ligue
"""
_PARTS = tuple(_LISTED_PARTS.split())

# Tried in this order. Default: North America and the United Kingdom, then the largest countries that write a leading 0.
_REGIONS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), tuple(regions.split()))
    for pattern, regions in (
        ("(?i)tél(?!éfono)|portable|appelez", "FR BE CH US"),
        ("(?i)teléfono|telefono|ll[áa]m|chiama|cellulare", "ES MX IT"),
        ("(?i)telefone|celular|ligue", "BR PT"),
        ("(?i)telefoon|^bel$", "NL BE"),
        ("(?i)natel", "CH"),
        ("(?i)telefon|handy|mobil(?!e)|rufen|anruf", "DE AT PL SE NO DK"),
        ("(?i)^ring$", "SE NO DK GB"),
        ("(?i)puhelin", "FI"),
        ("(?i)tlf", "DK NO ES"),
        ("(?i)^mob", "US GB IN"),
        ("[а-яА-Я]", "RU UA"),
        ("[电机]", "CN"),
        ("[電携]|手機", "JP TW"),
        ("[전휴핸]", "KR"),
    )
)
_DEFAULT_REGIONS, _ZERO_REGIONS, _CHINESE_MOBILE_REGIONS = ("US", "GB"), ("GB", "DE", "FR", "AU"), ("US", "CN")
_CHINESE_MOBILE = re.compile(rb"1[3-9]\d{9}\Z")


class PhoneWord:
    """The last word that says phone in what leads to a number.

    Attributes:
        text: the word.
        is_strong: whether it says so by itself.
        start: its place in the bytes that were looked at.
        gap: what stands between it and the number.
    """

    __slots__ = ("gap", "is_strong", "start", "text")

    def __init__(self, before: str, match: re.Match[str]) -> None:
        """Cut the gap off behind the match."""
        self.text = match[0]
        self.is_strong = bool(match["strong"] or match["camel"])
        self.start = len(before[: match.start()].encode())
        self.gap = before[match.end() :]


@lru_cache(maxsize=8_192)
def phone_word(before: bytes) -> PhoneWord | None:
    """The last word in what leads to a number that says phone."""
    text = before.decode(errors="ignore")
    lowered = text.lower()
    if not any(part in lowered for part in _PARTS):
        return None
    last = None
    for match in _WORD.finditer(text):
        last = match
    return PhoneWord(text, last) if last else None


@lru_cache(maxsize=8_192)
def regions_of(word: str, number: bytes) -> tuple[str, ...]:
    """Where a number without a country may be from, by what its word is written in, the likeliest first."""
    for pattern, regions in _REGIONS:
        if pattern.search(word) and not (regions[0] == "US" and number.startswith(b"0")):
            return regions
    if number.lstrip(b"(").startswith(b"0"):
        return _ZERO_REGIONS
    return _CHINESE_MOBILE_REGIONS if _CHINESE_MOBILE.match(number) else _DEFAULT_REGIONS
