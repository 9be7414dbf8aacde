"""Numbers in a row: digits that somebody typed in their order, repeated, or took from a calendar.

`12345678`, `4321`, `7777`, `121212`, `2020`, `20200102`: whoever makes up a password for a manual writes these.

Cost: one regular expression.
"""

import re

_COUNTED = re.compile(
    rb"01234|12345|23456|34567|45678|56789|67890|98765|87654|76543|65432|54321|([0-9])\1{3}"
    # Two or three digits over and over, and short ones in a row.
    rb"|\A([0-9]{1,3})\2+\Z|\A(?:0?1|012|0?123|0?1234|12|23|234|321|4321|10|100|1000)\Z"
    # A year, or a date that begins with one.
    rb"|\A(?:19|20)[0-9]{2}(?:(?:0[1-9]|1[0-2])[0-3][0-9].*)?\Z"
)


def is_counted(value: bytes) -> bool:
    """Whether the digits of a value are no choice of their own."""
    return _COUNTED.search(value) is not None
