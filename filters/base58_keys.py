"""Base58Check: private keys of Bitcoin and its kin, which end in four check bytes.

Cost: arithmetic on a number of 43 bytes and two SHA-256, 20 microseconds; the scanner offers whole words of 51 to 58
characters of the alphabet only.

Source: https://en.bitcoin.it/wiki/Base58Check_encoding, https://en.bitcoin.it/wiki/Wallet_import_format
"""

from hashlib import sha256

from filters.redaction_policy import Level

_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: digit for digit, character in enumerate(_ALPHABET)}
_CHECK_BYTES = 4


def base58check(value: bytes, _level: Level) -> bool:
    """Whether a word of base58 ends in the check bytes of what is before them; random words do once in 2**32."""
    number = 0
    for character in value:
        digit = _DIGITS.get(character)
        if digit is None:
            return False
        number = number * 58 + digit
    decoded = number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, check = decoded[:-_CHECK_BYTES], decoded[-_CHECK_BYTES:]
    return sha256(sha256(payload).digest()).digest()[:_CHECK_BYTES] == check
