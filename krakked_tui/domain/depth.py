"""What one pair shows besides its price: its order book and the public trades."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.orders import Side


class BookLevel(msgspec.Struct, frozen=True):
    """One price of a book (quote) and the volume offered there (base)."""

    price: Decimal
    volume: Decimal


class BookTop(msgspec.Struct, frozen=True):
    """The best levels of a book, best first on both sides.

    ``received`` is the monotonic (wall) second of its last change. A book that is not ``valid`` must not
    be relied on: its checksum was wrong, or its connection is lost; it is on its way anew.
    """

    pair: str
    bids: tuple[BookLevel, ...] = ()
    asks: tuple[BookLevel, ...] = ()
    valid: bool = False
    received: float = 0.0


class PublicTrade(msgspec.Struct, frozen=True):
    """A trade of the market; ``side`` is the taker's. Price in quote, volume in base."""

    pair: str
    time: datetime
    side: Side
    price: Decimal
    volume: Decimal
