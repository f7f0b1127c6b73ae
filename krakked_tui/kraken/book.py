"""One pair's order book, kept up by the book channel and proven by Kraken's checksum.

A message's levels are applied in their order (a price may come several times), then each side is
cut to the subscribed depth: levels pushed out are never sent as deletions. The checksum covers the
best ten levels of each side: asks from the lowest, then bids from the highest, each as the digits of
price and quantity without point and leading zeros; CRC-32 of all of them together.
"""

from bisect import bisect_left
from collections.abc import Iterable
from decimal import Decimal
from zlib import crc32

import msgspec

from krakked_tui.kraken.frames import BookRow, LevelRow

CHECKED_LEVELS = 10
_BEST_ASKS = slice(CHECKED_LEVELS)
_BEST_BIDS = slice(None, -CHECKED_LEVELS - 1, -1)
DEPTHS = (10, 25, 100, 500, 1000)
"""Depths Kraken serves."""


class Level(msgspec.Struct, frozen=True, gc=False):
    """All that is bid or asked at one price."""

    price: Decimal
    qty: Decimal


class Precision(msgspec.Struct, frozen=True):
    """A pair's decimals.

    Needed only for numbers that lost trailing zeros on their way: Kraken writes them all.
    """

    price: int
    qty: int


class _Side:
    """Levels of one side in ascending order of price, as parallel lists, with their digits."""

    def __init__(self, best: slice) -> None:
        self.prices: list[Decimal] = []
        self.quantities: list[Decimal] = []
        self.price_digits: list[str] = []
        self.digits: list[str] = []
        self._best = best
        self._checked: bytes | None = None

    def apply(self, levels: Iterable[LevelRow], precision: Precision | None) -> bool:
        """Set or delete levels; False at one that is no number."""
        prices, quantities, digits = self.prices, self.quantities, self.digits
        for level in levels:
            price, qty = level.price, level.qty
            if not (price.is_finite() and qty.is_finite()):
                return False
            at = bisect_left(prices, price)
            known = at < len(prices) and prices[at] == price
            if not qty:
                if known:
                    self.cut(slice(at, at + 1))
                continue
            if not known:
                prices.insert(at, price)
                quantities.insert(at, qty)
                self.price_digits.insert(at, _digits(price, precision.price if precision else None))
                digits.insert(at, "")
            text = str(qty)
            if precision is None and "E" not in text:
                text = text.replace(".", "").lstrip("0")
            else:
                text = _digits(qty, precision.qty if precision else None)
            quantities[at] = qty
            digits[at] = self.price_digits[at] + text
        self._checked = None
        return True

    def cut(self, part: slice) -> None:
        """Delete some levels."""
        del self.prices[part], self.quantities[part], self.price_digits[part], self.digits[part]

    def checked(self) -> bytes:
        """Return the digits of the best levels."""
        if self._checked is None:
            self._checked = "".join(self.digits[self._best]).encode()
        return self._checked


class Book:
    """The book of one pair. Feed it every message of its subscription, from the snapshot on."""

    def __init__(self, symbol: str, depth: int, precision: Precision | None = None) -> None:
        """``symbol`` is the WebSocket v2 name; ``depth`` the one subscribed to."""
        self.symbol = symbol
        self.depth = depth
        self.valid = False
        """Whether it is what the exchange has: a snapshot came, and every checksum since was right."""
        self._precision = precision
        self._bids = _Side(_BEST_BIDS)
        self._asks = _Side(_BEST_ASKS)

    def apply(self, row: BookRow, *, snapshot: bool) -> bool:
        """Take in one message; return whether the book is right afterwards.

        Once wrong, it stays so until the next snapshot: subscribe anew.
        """
        if snapshot:
            self._bids, self._asks = _Side(_BEST_BIDS), _Side(_BEST_ASKS)
        elif not self.valid:
            return False
        self.valid = self._take(row) and self.checksum() == row.checksum
        return self.valid

    def checksum(self) -> int:
        """Return Kraken's checksum of the best ten levels of each side."""
        return crc32(self._bids.checked(), crc32(self._asks.checked()))

    def bids(self, count: int | None = None) -> list[Level]:
        """Return the highest bids, best first, all of them by default."""
        pairs = zip(reversed(self._bids.prices), reversed(self._bids.quantities), strict=True)
        return [Level(price, qty) for (price, qty), _ in zip(pairs, range(count or self.depth), strict=False)]

    def asks(self, count: int | None = None) -> list[Level]:
        """Return the lowest asks, best first, all of them by default."""
        end = count or self.depth
        pairs = zip(self._asks.prices[:end], self._asks.quantities[:end], strict=True)
        return [Level(price, qty) for price, qty in pairs]

    def _take(self, row: BookRow) -> bool:
        """Apply the levels; False when one of them is no number."""
        asks, bids, depth = self._asks, self._bids, self.depth
        if row.asks and not asks.apply(row.asks, self._precision):
            return False
        if row.bids and not bids.apply(row.bids, self._precision):
            return False
        if len(asks.prices) > depth:
            asks.cut(slice(depth, None))
        if len(bids.prices) > depth:
            bids.cut(slice(len(bids.prices) - depth))
        return True


def _digits(value: Decimal, decimals: int | None) -> str:
    """Return a number's digits without point and leading zeros, trailing ones kept or filled up."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if decimals is not None:
        whole, _, fraction = text.partition(".")
        text = whole + fraction.ljust(decimals, "0")
    return text.replace(".", "").lstrip("0")
