"""Fictional phone numbers: what regulators set aside for films and manuals, and what people make up.

Source: NANPA (555-0100 to 555-0199), Ofcom "Numbers for drama use", ACMA "Phone numbers for use in TV shows, films and
creative works", Bundesnetzagentur "Drama Numbers", ARCEP decision 2018-0881, PTS "Telefonnummer för användning i böcker
och filmer".
"""

import re

# On country code and national number, without the national prefix.
_SET_ASIDE = re.compile(
    r"""(?x)
    1\d{3}55501\d\d | 1\d{3}5551212 | 1(?:800|\d{3})5555555
    | 44(?: 11[3-8]4960\d{3} | 1[2-6]14960\d{3} | 1914980\d{3} | 2079460\d{3} | 2896496\d{3} | 2920180\d{3}
          | 1632960\d{3} | 7700900\d{3} | 8081570\d{3} | 9098790\d{3} | 3069990\d{3} )
    | 61(?: [2378](?:5550|7010)\d{4} | 49157\d{4} | 491570\d{3} | 18009751\d\d | 1800160401 | 1300975\d{3} )
    | 49(?: 3023125\d{3} | 6990009\d{3} | 4066969\d{3} | 2214710\d{3} | 8999998\d{3} | 17139200\d\d | 176040690\d\d )
    | 33(?: 19900\d{4} | 26191\d{4} | 35301\d{4} | 46571\d{4} | 53649\d{4} | 63998\d{4} )
    | 46(?: 3139006\d\d | 4062804\d\d | 8465004\d\d | 9803192\d\d | 7017406\d\d )
    | 353(?: 209133\d{3} )
    """
)
_RUN = re.compile(r"1234567|2345678|9876543|7654321|(\d)\1{5}|(\d\d\d)\2\2|(\d\d)\3\3\3")


def is_made_up(digits: str) -> bool:
    """Whether a number, country code first and digits only, is set aside or an obvious run."""
    return bool(_SET_ASIDE.fullmatch(digits) or _RUN.search(digits))
