"""Kraken's id formats, filled from the seed and a counter."""

from hashlib import blake2b

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTHS = (5, 5, 6)

ORDER = "O"
TRADE = "T"
LEDGER = "L"
DEPOSIT = "Q"
"""First letters of the ids, each with its own counter; a deposit's is its ledger row's ``refid``."""


def make_id(seed: int, letter: str, number: int) -> str:
    """Return id ``number`` of a kind, like ``OQCLML-BW3P3-BUCMWZ``; equal arguments, equal id."""
    return _spell(f"{seed} {letter} {number}", letter)


def position_id(order_id: str) -> str:
    """Return the position id that trades of an order carry; a spot trade's means nothing."""
    return _spell(order_id, TRADE)


def _spell(name: str, letter: str) -> str:
    number = int.from_bytes(blake2b(name.encode(), digest_size=12).digest())
    text = letter
    while len(text) < sum(_LENGTHS) + 1:
        number, digit = divmod(number, len(_DIGITS))
        text += _DIGITS[digit]
    return f"{text[:6]}-{text[6:11]}-{text[11:]}"
