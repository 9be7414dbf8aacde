"""Validators: the functions that a rule of `redaction_rules.toml` may name.

A place looks around a marked place and says what goes; a value test looks at a value that a pattern cut out. Both are
given the level of their kind.
"""

from collections.abc import Callable

from filters.assigned_secrets import assigned_secret, option_value, password_literal
from filters.personal_data import email_address, ipv4_address, ipv6_address
from filters.private_keys import pem_block, putty_block
from filters.redaction_policy import Level
from filters.value_tests import anything, token

Place = Callable[[bytes, int, Level], tuple[int, int] | None]
"""(data, the byte behind the mark, level): start and stop of what goes, or None."""

ValueTest = Callable[[bytes, Level], bool]
"""(value, level): whether it goes."""

PLACES: dict[str, Place] = {
    "assigned_secret": assigned_secret,
    "option_value": option_value,
    "password_literal": password_literal,
    "email_address": email_address,
    "ipv4_address": ipv4_address,
    "ipv6_address": ipv6_address,
    "pem_block": pem_block,
    "putty_block": putty_block,
}
VALUE_TESTS: dict[str, ValueTest] = {"anything": anything, "token": token}
