"""Word passwords: what people make of words to be secret, with a digit in them or three words in a row.

`zebra_crossing9`, `Dash8oard_Dave`, `mosqu1to-net`, `Elch7Wald`, `tulpe-im-mai` are; `user_password2`, `utf8-decoder`,
`oauth2_client`, `step-12`, `prod-db-credentials` are identifiers.

Cost: a handful of regular expressions and a set look-up for each word of at most a few hundred bytes.
"""

import re
from collections.abc import Iterable

from filters.letter_pairs import WORD_BITS, pair_bits
from filters.redaction_rules import AssignedSecretLimits
from filters.secret_names import NameSort

_CONFIGURED = re.compile(
    rb"[A-Z][A-Z0-9_]*|(?:[A-Za-z0-9]+_)+(?i:passw(?:or)?d|pass|pwd|passphrase)"
    rb"|(?:[a-z0-9-]+\.){2,6}[a-z-]*(?:passw(?:or)?d|pass|pwd)"
)
_SIGNS = re.compile(
    rb"(?i)jwt|sign(?:ing|ature)?_?(?:key|secret)|hmac|(?:session|cookie)_?secret|secret_?key\Z|\A_?secret\Z"
)
_JOINED = re.compile(rb"[A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)*")
_WORD = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BESIDE_DIGIT = re.compile(rb"[A-Za-z]{3}[0-9]|[0-9][A-Za-z]{3}")
_IN_LETTERS = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z]++(?<=[a-z])(?:[0134578][a-z]++)+")
# Digits that stand for the letters they look like: `c4mel`, `Dash8oard`.
_LEET = bytes.maketrans(b"0134578", b"oieastb")
_DASHED_WORDS = re.compile(rb"[a-z]{2,16}(?:-[a-z]{2,16}){1,6}(?:-[0-9]{1,4})?")
_OF_A_REQUEST = re.compile(rb"token|cookie|session|header|name|user|identif|authent|author|certif")
_DIGIT = re.compile(rb"[0-9]")
_LETTERS_ALONE = re.compile(rb"[a-z]+")
_MINIMUM_LEET_LETTERS = 5
_MINIMUM_OWN_LETTERS = 4

# Words whose digits are theirs, and `to` between two words: `str2int`.
_TECHNICAL = re.compile(
    rb"(?i)(?<![a-z])(?:utf|ucs|base|md|sha|oauth|ipv|win|amd|arm|x|s|i|l|k|p|h|v|mp|py|python|php|perl|ruby|java"
    rb"|html|css|http|ssl|tls|web|log|int|uint|float|bool|str|string|aes|des|rsa|dsa|ec|ed|crc|blake|ripemd|pbkdf|argon"
    rb"|bcrypt|scrypt|pkcs|ntlm|tcp|udp|rfc|iso|latin|cp|koi|vec|mat|dim|level|layer|conv|block|stage|phase|step|item"
    rb"|node|column|col|row|line|page|part|group|version|ver|rev|release|es|ecma|angular|vue|react|bootstrap|jquery|lz"
    rb"|bz|gz|unicode|big|gb|euc)[0-9]+"
    rb"|(?<![a-z])[a-z][0-9]+(?![0-9]|[a-z]{3})|[a-z]2[a-z]|[a-z]4j|e2e|k8s|i18n|l10n|a11y"
)
# Of identifiers, of interfaces and of what runs on servers: no password is made with these.
_OF_IDENTIFIERS = frozenset(
    b"""
    account action admin alias api app arg args attr attribute auth aws azure backend blog box btn bucket button
    callback cert certificate check class client cluster code col column commit conf config configuration connection
    container content cred credential credentials creds ctrl data database db default dev development docker dummy
    element email enc encryption end endpoint entry env example fake field file filter flag forgot form frontend func
    function gateway gcp generated get group handler hash header helper host id identifier image index info input
    instance issuer item jwt key keys kube kubernetes label length line list local login managed manager message method
    mode model module my mysql name namespace never new node none not null num number oauth object old opt option
    options page param parameter parser part pass passphrase passwd password passwords passwort path permission
    placeholder plugin policy postgres postgresql prefix private prod production profile prop property provider proxy
    public pull pwd query redis ref reference registry release reset resource result role root route row rule runner
    runtime sa sample schema script secret secrets secured select server service session set sign signing size spec src
    ssh ssl staging state status step store stored str string suffix system tab table target temp template test
    testing text title tls tmp token tokens txt type uid unit upload uri url use user username users val valid validator
    value var variable vault verify version view web webhook widget window wrong your
    """.split()
)
# What may stand beside words of one's own.
_MAY_STAND = frozenset(b"my secret test new old not fake".split())


def is_word_password(
    name: bytes, sort: NameSort, value: bytes, limits: AssignedSecretLimits, *, in_quotes: bool = True
) -> bool:
    """Whether a value of words is the password or signing secret that its name promises.

    Args:
        in_quotes: whether it stands in quotes; without them the name must be one of configuration.
    """
    words = limits.minimum_joined_words.get(sort, len(value))
    if sort == "password":
        if not in_quotes and not is_configured(name):
            return False
        letters = limits.minimum_letters_beside_digit
        return (letters > 0 and is_of_words_and_digit(value, letters)) or (
            not in_quotes and is_joined_words(value, words)
        )
    if not in_quotes or not _SIGNS.search(name):
        return False
    least = limits.minimum_letters_in_a_run.get(sort)
    return (least is not None and is_run_of_words(value, least)) or is_joined_words(value, words)


def is_configured(name: bytes) -> bool:
    """Whether a password's name is one of configuration: `DB_PASSWORD`, `db_password`, `spring.mail.password`."""
    return _CONFIGURED.fullmatch(name) is not None


def is_of_words_and_digit(value: bytes, minimum_letters: int) -> bool:
    """Whether a value is made of words with a digit that touches them, and no identifier with a number.

    Args:
        minimum_letters: of all its words together.
    """
    if not _DIGIT.search(value) or not _JOINED.fullmatch(value) or _TECHNICAL.search(value):
        return False
    if not _BESIDE_DIGIT.search(value) and not has_leet_word(value):
        return False
    words = _WORD.findall(value)
    return sum(map(len, words)) >= minimum_letters and are_own_words(words)


def has_leet_word(value: bytes) -> bool:
    """Whether digits inside a word stand for the letters they look like: `c4mel`."""
    if not _DIGIT.search(value) or _TECHNICAL.search(value):
        return False
    return any(
        len(word) >= _MINIMUM_LEET_LETTERS and pair_bits(word.translate(_LEET)) <= WORD_BITS
        for word in _IN_LETTERS.findall(value)
    )


def is_joined_words(value: bytes, minimum_words: int) -> bool:
    """Whether words with dashes between them are a choice of one's own, and no resource's name: `tulpe-im-mai`."""
    if not _DASHED_WORDS.fullmatch(value):
        return False
    words = _LETTERS_ALONE.findall(value)
    return len(words) >= minimum_words and are_own_words(words)


def is_run_of_words(value: bytes, minimum_letters: int) -> bool:
    """Whether small letters alone are so many that they are several words: `captainjacksparrowsails`."""
    return (
        len(value) >= minimum_letters
        and _LETTERS_ALONE.fullmatch(value) is not None
        and _OF_A_REQUEST.search(value) is None
    )


def are_own_words(words: Iterable[bytes]) -> bool:
    """Whether a word is somebody's own, and none but a few of an identifier stand beside it."""
    words = [word.lower() for word in words]
    own = [word for word in words if word not in _OF_IDENTIFIERS]
    foreign = set(words) - set(own) - _MAY_STAND
    return not foreign and any(len(word) >= _MINIMUM_OWN_LETTERS for word in own)


def is_technical(value: bytes) -> bool:
    """Whether a digit of a value belongs to a word of engineering: `base64`, `utf8`, `str2int`."""
    return _TECHNICAL.search(value) is not None
