"""Client order ids: 18 characters that tell ours from foreign, and whose strategy it was.

``k``, the profile's instance id (3), the strategy's tag (3), eleven base-36 characters that are
unique for the instance. They survive at the exchange when our database is lost.
"""

import hashlib

import msgspec

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUFFIX_LENGTH = 11
_LENGTH = 1 + 3 + 3 + _SUFFIX_LENGTH
SUFFIX_LIMIT = 36**_SUFFIX_LENGTH


class ClientId(msgspec.Struct, frozen=True):
    """A parsed client order id."""

    instance: str
    tag: str
    number: int


def make(instance: str, tag: str, number: int) -> str:
    """Return the id for the instance's order ``number`` (below 36**11)."""
    assert len(instance) == len(tag) == 3, (instance, tag)
    assert 0 <= number < SUFFIX_LIMIT, number
    digits = []
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return f"k{instance}{tag}{''.join(reversed(digits))}"


def parse(text: str | None) -> ClientId | None:
    """Return the parts of an id in our scheme, None for any other text."""
    if text is None or len(text) != _LENGTH or text[0] != "k" or any(c not in _DIGITS for c in text):
        return None
    return ClientId(instance=text[1:4], tag=text[4:7], number=int(text[7:], 36))


def local_id(cl_ord_id: str) -> str:
    """Return the UUID-shaped local id that belongs to a client id (name-based, so reproducible)."""
    h = hashlib.sha256(cl_ord_id.encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-8{h[13:16]}-a{h[17:20]}-{h[20:32]}"
