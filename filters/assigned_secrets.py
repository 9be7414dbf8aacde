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

from filters.assigned_names import MAXIMUM_BYTES_BEFORE, QUOTES, AssignedName, assigned_name, is_prose_or_method
from filters.assigned_values import (
    Place,
    element_value,
    in_quotes,
    is_expression,
    line_value,
    next_line_value,
    phrase_value,
    quoted_value,
    run_value,
    word_value,
)
from filters.passphrases import is_passphrase
from filters.passwords import is_strong
from filters.redaction_policy import Level
from filters.redaction_rules import AssignedSecretLimits, assigned_secret_limits
from filters.secret_names import name_sort
from filters.secret_values import is_mixed, is_no_placeholder, is_random, is_secret, is_wild
from filters.settings_lines import has_capital_inside, is_in_section, is_setting, is_setting_value
from filters.word_passwords import has_leet_word, is_configured, is_joined_words, is_of_words_and_digit

MAXIMUM_BYTES_OF_CONTEXT = 80
MINIMUM_SEALED_BYTES = 100
MAXIMUM_BYTES_OF_SEALED = 8_192

# What may stand before a name that begins its line, and, backwards, before an option's or a parameter's.
_LINE_START = re.compile(
    rb"[ \t]*(?:(?:[#;*>|+-]|//|--)[ \t]*){0,3}"
    rb"(?:(?:export|set|setx|env|ENV|ARG|local|readonly|declare|-x|-e)[ \t]+|\$env:|Environment=)?"
    rb"[\w.: \t/-]{0,24}[\"'$@]{0,2}[*_]{0,3}"
)
_OPTION = re.compile(
    rb"[\w.:-]{0,24}--?(?:[\s\"'`(]|\Z)"
    rb"|[\"']?[ =]?(?:vne--|e-|D-|gra-dliub--|tes--|E-|vne|tropxe)(?:[\s\"'`(]|\Z)"
    # A header of `curl -H "x-api-secret: X"`.
    rb"|[\"'][ ]?(?:H-|redaeh--)"
)
_NEXT_PARAMETER = re.compile(rb",[^,=:]{1,40}[=:]")
_PARAMETER = re.compile(rb"[\w.-]{0,16} ?[?&;]")
_REST_OF_SIGN = re.compile(rb"[=>]{0,2}[ \t]{0,24}")

_HASHES = re.compile(
    rb"(?i)sha-?[1235]|md5|checksum|integrity|digest|fingerprint|hash|etag|public[ _-]?key|commit|certificate"
)
_HEX_OR_BASE64 = re.compile(rb"[0-9A-Fa-f]+|[A-Za-z0-9+/]+={0,2}")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REQUEST_TOKEN = re.compile(rb"(?i)(?:client|request)[_-]?token\Z")
_WORD_ENDS = (b"", b" ", b",", b";", b"\\", b")", b"\n", b"\r", b"<", b"&", b"|", *QUOTES)
_DIGIT = re.compile(rb"[0-9]")
_SEALED = b"encryptedData:"
_BINDS = re.compile(rb"(?i)(?:bind|security)[._-]?credentials\Z")
_WORDS = re.compile(rb"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
# What a line names beside a password.
_OTHER_PART = re.compile(
    rb"(?i)(?:user|usr|uid|login|account|email|host|server|database|db|dbname|port|ssid|role|\bid|name)"
    rb"[\w-]{0,10}[\"']?[ ]?[=:]|\w@[\w.]"
)
# `git@host:Repository` and `root@host:file` are places.
_BEGINS_WITH_ADDRESS = re.compile(rb"[ \t\"'0-9.)*-]{0,12}(?!(?:git|hg|svn|root)@)[^\s@\"']{1,64}@[\w.-]{1,96}:")
_FILE_OR_VERSION = re.compile(rb"[0-9][.][0-9]|[.][A-Za-z0-9]{1,5}\Z|\Av[0-9]|[(){}\[\]]")
_ENDS = (b"", b" ", b"\t", b"\r", b"\n", *QUOTES)


def assigned_secret(data: bytes, stop: int, level: Level) -> Place | None:
    """The value that is assigned to the name whose sign ends at `stop`, or None."""
    named = assigned_name(data, stop)
    if named is None or is_prose_or_method(named):
        return None
    limits = assigned_secret_limits(level)
    quotes_in_sign = named.sign.endswith(QUOTES)
    if named.sign.endswith(b">") and named.sign.startswith((b">", b"</")):
        is_element = named.sign != b">" or b"<" in named.front[-40:]
        place = element_value(data, stop) if is_element else None
    else:
        quoted, place = quoted_value(data, stop - quotes_in_sign)
        if not quoted:
            return _bare_secret(data, stop, named, limits)
        # `PASSWORD=`pwgen 16 1`` is a command.
        if place and data[place[0] - 1 : place[0]] == b"`" and b" " in data[slice(*place)]:
            return None
        if place and _stands_between_strings(data, place[0]):
            return None
    return place if place and _promises(data, place, named, limits) else None


def _stands_between_strings(data: bytes, start: int) -> bool:
    """Whether the quote before `start` closes a string, as in `print("PASSWORD=" + password + "!")`."""
    quote = start - 1
    line = data.rfind(b"\n", max(0, quote - MAXIMUM_BYTES_BEFORE), quote) + 1
    if data[quote:start] != b'"' or (not line and quote > MAXIMUM_BYTES_BEFORE):
        return False
    before = data[line:quote].replace(b'\\"', b"").replace(b'"""', b"")
    return not before.endswith(b"\\") and before.count(b'"') % 2 == 1


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
    if quote not in QUOTES and data[stop - 2 : stop - 1] in QUOTES:
        quote, stop = data[stop - 2 : stop - 1], stop - 1
    place = in_quotes(data, quote, stop) if quote in QUOTES else word_value(data, stop - 1)
    if place is None or (quote not in QUOTES and is_expression(data[slice(*place)], tight=True)):
        return None
    return place if chosen_password(data[slice(*place)], level) else None


def chosen_password(value: bytes, level: Level) -> bool:
    """Whether what stands where a command or a file has its password is one."""
    return is_secret(b"password", "password", value, assigned_secret_limits(level))


def listed_login(data: bytes, start: int, stop: int, level: Level) -> bool:
    """Whether what a colon divides from the mail address that begins a line is a password, and no path or version."""
    line = data[max(0, start - MAXIMUM_BYTES_BEFORE) : start].rpartition(b"\n")[2]
    value = data[start:stop]
    if not _BEGINS_WITH_ADDRESS.fullmatch(line) or _FILE_OR_VERSION.search(value):
        return False
    return is_strong(value) and chosen_password(value, level)


def chosen_secret(value: bytes, level: Level) -> bool:
    """Whether what stands where a call has its signing secret is one."""
    return is_secret(b"secret", "secret", value, assigned_secret_limits(level))


def _promises(
    data: bytes, place: Place, named: AssignedName, limits: AssignedSecretLimits, *, in_quotes: bool = True
) -> bool:
    """Whether the value at a place is a secret, and no hash that its line speaks of."""
    value = data[slice(*place)]
    if named.is_doubtful and not limits.salts and not is_wild(value):
        return False
    if not is_secret(named.name, named.sort, value, limits, in_quotes=in_quotes):
        return False
    if _UUID.fullmatch(value) and _REQUEST_TOKEN.search(named.name):
        return False
    if _SEALED in named.front or _is_sealed(data, place):
        return False
    line = named.front[named.front.rfind(b"\n") + 1 :][-MAXIMUM_BYTES_OF_CONTEXT:]
    return not (_HEX_OR_BASE64.fullmatch(value) and _HASHES.search(line))


def _is_sealed(data: bytes, place: Place) -> bool:
    """Whether a value is one of a SealedSecret, which only its cluster can decrypt."""
    start, stop = place
    if stop - start < MINIMUM_SEALED_BYTES or not data.startswith(b"Ag", start):
        return False
    return data.rfind(_SEALED, max(0, start - MAXIMUM_BYTES_OF_SEALED), start) >= 0


def _bare_secret(data: bytes, stop: int, named: AssignedName, limits: AssignedSecretLimits) -> Place | None:
    """The value without quotes behind a sign: an option's, a parameter's, a whole line, or one that needs neither."""
    if b"=" not in named.sign and b":" not in named.sign:
        return None
    tight = b":" in named.sign or not (named.sign[:1].isspace() or data[stop : stop + 1].isspace())
    start = _REST_OF_SIGN.match(data, stop).end()  # type: ignore[union-attr]
    word = word_value(data, start)
    end = word[1] if word else start
    if end - start < limits.minimum_characters[named.sort] and data[end : end + 1] in _ENDS:
        place = _whole_lines(data, start, named, limits)
        return place if place and _promises(data, place, named, limits) else None
    backwards = named.front[:-64:-1]
    place = None
    if tight and (named.name.startswith(b"-") or _PARAMETER.match(backwards) or _OPTION.match(backwards)):
        place = word
    elif _LINE_START.fullmatch(_line_front(named)):
        place = _line_of(data, start, word, tight=tight and named.sign == b"=")
        if place and data[place[1] - 1] in b",;":
            place, tight = (place[0], place[1] - 1), False
    if place and _is_password_of_settings(data, place, named, limits):
        return place
    if place and (
        not is_expression(data[slice(*place)], tight=tight) or _is_configured(data, place, named, limits, tight=tight)
    ):
        return place if _promises(data, place, named, limits, in_quotes=False) else None
    place = _whole_lines(data, start, named, limits)
    if place is None and word and tight and named.sort == "password":
        place = _part(data, word, named)
    if place is None and (run := run_value(data, start)) and is_random(data[slice(*run)], limits):
        place = run
    return place if place and _promises(data, place, named, limits, in_quotes=False) else None


def _is_password_of_settings(data: bytes, place: Place, named: AssignedName, limits: AssignedSecretLimits) -> bool:
    """Whether a value that may look like a variable's name is a password in a file that has no variables."""
    is_password = named.sort == "password" or _BINDS.search(named.name) is not None
    if not is_password or limits.minimum_letters_beside_digit == 0:
        return False
    value = data[slice(*place)]
    # `password: SecretStr` gives a type.
    is_wordy = named.sign == b"=" or (has_capital_inside(value) and value[:1].islower())
    if limits.sentences and is_wordy:
        is_of_words = _WORDS.fullmatch(value) is not None
    else:
        is_of_words = is_setting_value(value, named.sign)
    return (
        is_of_words
        and is_setting(data, *place, named.name, named.sign)
        and is_no_placeholder(named.name, named.sort, value, limits)
    )


def _line_front(named: AssignedName) -> bytes:
    """What stands before the name in its line."""
    return re.split(rb"[\r\n]", named.front)[-1]


def _line_of(data: bytes, start: int, word: Place | None, *, tight: bool) -> Place | None:
    """The value of a line that its name begins: all that follows, or one word where more settings do."""
    place = line_value(data, start) or (word if tight else None)
    return word if place and _NEXT_PARAMETER.search(data, *place) else place


def _whole_lines(data: bytes, start: int, named: AssignedName, limits: AssignedSecretLimits) -> Place | None:
    """A password of several words to the end of the line, or one that stands alone on the next line."""
    if named.sort != "password" or not _LINE_START.fullmatch(_line_front(named)):
        return None
    if phrase := phrase_value(data, start):
        words = limits.minimum_passphrase_words.get("password")
        value = data[slice(*phrase)]
        return phrase if words and value[-1:].isdigit() and is_passphrase(value, words) else None
    place = next_line_value(data, start) if named.sign.endswith(b":") else None
    return place if place and _DIGIT.search(data, *place) else None


def _part(data: bytes, word: Place, named: AssignedName) -> Place | None:
    """A password inside a line: beside a user's or host's name, or mixed like none of a variable.

    `user=bob password=tiger77`, `login bob, password:Fake7#horse, host x`.
    """
    value = data[slice(*word)]
    after = data[word[1] : word[1] + MAXIMUM_BYTES_OF_CONTEXT].partition(b"\n")[0]
    if after[:1] not in _WORD_ENDS or _DIGIT.search(value) is None:
        return None
    line = _line_front(named)[-MAXIMUM_BYTES_OF_CONTEXT:]
    if is_mixed(value):
        return word
    if not (_OTHER_PART.search(line) or _OTHER_PART.search(after)):
        return None
    if not is_expression(value, tight=True):
        return word
    # `f(user=name, password=user1Hash)` is a call.
    is_apart = after[:1] in _ENDS and not value.islower()
    return word if is_apart and is_of_words_and_digit(value, len(b"password")) else None


def _is_configured(
    data: bytes, place: Place, named: AssignedName, limits: AssignedSecretLimits, *, tight: bool
) -> bool:
    """Whether a value that could be a variable's name is a password of words in a file of configuration."""
    value, letters = data[slice(*place)], limits.minimum_letters_beside_digit
    if named.sort != "password" or letters == 0:
        return False
    has_dash, by_colon = b"-" in value, b":" in named.sign
    is_leet = has_leet_word(value)
    if not is_configured(named.name) and not (by_colon and has_dash and (is_leet or not value.islower())):
        return False
    if not is_of_words_and_digit(value, letters):
        words = limits.minimum_joined_words.get("password", len(value))
        return tight and is_joined_words(value, words)
    if by_colon:
        return has_dash or is_leet
    # `db_password = other_value1` is code, but for a section above it.
    return tight or has_dash or (value[:1].isupper() and b"_" in value) or is_in_section(data, *place)
