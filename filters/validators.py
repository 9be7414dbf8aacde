"""Validators: the functions that a rule of `redaction_rules.toml` may name.

A place looks around a marked place and says what goes, a walk does so for all marked places of a text; a value test
looks at a value that a pattern cut out; a test in place looks at what stands around it too. All are given the level of
their kind.
"""

from collections.abc import Callable, Iterable, Iterator

from filters.assigned_secrets import (
    assigned_secret,
    chosen_password,
    chosen_secret,
    listed_login,
    option_value,
    password_literal,
)
from filters.authorization import basic_credentials, header_token
from filters.aws_keys import aws_secret, aws_secret_near_id
from filters.base58_keys import base58check
from filters.connection_strings import command_password, connection_password, netrc_password, oracle_password
from filters.email_addresses import email_address, encoded_email_address
from filters.encoded_private_keys import encoded_private_key
from filters.ibans import iban
from filters.inserted_passwords import inserted_passwords
from filters.ip_addresses import ipv4_address, ipv6_address
from filters.json_web_keys import jwk_member
from filters.named_secrets import named_secret, named_token, provider_secret, value_on_next_line
from filters.passwords import password
from filters.payment_cards import payment_card
from filters.phone_numbers import bare_phone_number, international_phone_number, national_phone_number
from filters.private_keys import pem_block, putty_block
from filters.redaction_policy import Level
from filters.spoken_passwords import spoken_password
from filters.url_credentials import url_password, url_password_parameter, url_secret_parameter, url_token
from filters.value_tests import alphanumeric_token, dense_token, hexadecimal, mixed_token, random, token
from filters.written_out_addresses import written_out_address

Place = Callable[[bytes, int, Level], tuple[int, int] | None]
"""(data, the byte behind the mark, level): start and stop of what goes, or None."""

Walk = Callable[[bytes, Iterable[int], Level], Iterator[tuple[int, int]]]
"""(data, the bytes behind the marks in order, level): every start and stop of what goes."""

ValueTest = Callable[[bytes, Level], bool]
"""(value, level): whether it goes."""

TestInPlace = Callable[[bytes, int, int, Level], bool]
"""(data, start, stop, level): whether the value data[start:stop] goes, by what stands around it too."""

PLACES: dict[str, Place] = {
    "bare_phone_number": bare_phone_number,
    "aws_secret_near_id": aws_secret_near_id,
    "command_password": command_password,
    "connection_password": connection_password,
    "assigned_secret": assigned_secret,
    "option_value": option_value,
    "password_literal": password_literal,
    "email_address": email_address,
    "encoded_email_address": encoded_email_address,
    "encoded_private_key": encoded_private_key,
    "iban": iban,
    "international_phone_number": international_phone_number,
    "ipv4_address": ipv4_address,
    "ipv6_address": ipv6_address,
    "jwk_member": jwk_member,
    "national_phone_number": national_phone_number,
    "payment_card": payment_card,
    "pem_block": pem_block,
    "provider_secret": provider_secret,
    "putty_block": putty_block,
    "written_out_address": written_out_address,
    "spoken_password": spoken_password,
    "netrc_password": netrc_password,
    "oracle_password": oracle_password,
    "url_password": url_password,
    "url_password_parameter": url_password_parameter,
    "url_secret_parameter": url_secret_parameter,
    "url_token": url_token,
    "value_on_next_line": value_on_next_line,
}
WALKS: dict[str, Walk] = {"inserted_passwords": inserted_passwords}
VALUE_TESTS: dict[str, ValueTest] = {
    "alphanumeric_token": alphanumeric_token,
    "base58check": base58check,
    "basic_credentials": basic_credentials,
    "chosen_password": chosen_password,
    "chosen_secret": chosen_secret,
    "dense_token": dense_token,
    "header_token": header_token,
    "hexadecimal": hexadecimal,
    "mixed_token": mixed_token,
    "password": password,
    "random": random,
    "token": token,
}
TESTS_IN_PLACE: dict[str, TestInPlace] = {
    "aws_secret": aws_secret,
    "listed_login": listed_login,
    "named_secret": named_secret,
    "named_token": named_token,
}
