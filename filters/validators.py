"""Validators: the functions that a rule of `redaction_rules.toml` may name.

A place looks around a marked place and says what goes; a value test looks at a value that a pattern cut out. Both are
given the level of their kind.
"""

from collections.abc import Callable

from filters.email_addresses import email_address
from filters.ibans import iban
from filters.ip_addresses import ipv4_address, ipv6_address
from filters.payment_cards import payment_card
from filters.phone_numbers import bare_phone_number, international_phone_number, national_phone_number
from filters.private_keys import pem_block, putty_block
from filters.redaction_policy import Level
from filters.value_tests import anything, token
from filters.written_out_addresses import written_out_address

Place = Callable[[bytes, int, Level], tuple[int, int] | None]
"""(data, the byte behind the mark, level): start and stop of what goes, or None."""

ValueTest = Callable[[bytes, Level], bool]
"""(value, level): whether it goes."""

PLACES: dict[str, Place] = {
    "bare_phone_number": bare_phone_number,
    "email_address": email_address,
    "iban": iban,
    "international_phone_number": international_phone_number,
    "ipv4_address": ipv4_address,
    "ipv6_address": ipv6_address,
    "national_phone_number": national_phone_number,
    "payment_card": payment_card,
    "pem_block": pem_block,
    "putty_block": putty_block,
    "written_out_address": written_out_address,
}
VALUE_TESTS: dict[str, ValueTest] = {"anything": anything, "token": token}
