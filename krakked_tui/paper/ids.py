"""Ids in Kraken's form, filled from the account's name, a counter and the time.

The name carries the account's own tag, so that two accounts never share an id; the time keeps an
account whose counters were set back (an older copy of its books) from giving an id twice.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Final

ORDER: Final = "O"
TRADE: Final = "T"
LEDGER: Final = "L"
DEPOSIT: Final = "Q"
"""First letters of the ids, each with its own counter; a deposit's is its ledger row's ``refid``."""

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTH: Final = 16


def make_id(account_id: str, letter: str, number: int, at: datetime) -> str:
    """Return id ``number`` of a kind, like ``OQCLML-BW3P3-BUCMWZ``; equal arguments, equal id."""
    seed = f"{account_id} {letter} {number} {at.isoformat()}"
    left = int.from_bytes(blake2b(seed.encode(), digest_size=12).digest())
    text = letter
    while len(text) <= _LENGTH:
        left, digit = divmod(left, len(_DIGITS))
        text += _DIGITS[digit]
    return f"{text[:6]}-{text[6:11]}-{text[11:]}"
