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
_MAGNITUDE_MAX = 40
"""Powers of ten beyond which a number is none of a book; written out it could fill the memory."""
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

    def __init__(self, *, best_last: bool) -> None:
        self.prices: list[Decimal] = []
        self.quantities: list[Decimal] = []
        self.price_digits: list[str] = []
        self.digits: list[str] = []
        self.checked: bytes | None = None
        """The digits of the best levels, None when they may have changed since."""
        self.best = slice(None, -CHECKED_LEVELS - 1, -1) if best_last else slice(CHECKED_LEVELS)
        self._best_last = best_last

    def apply(self, levels: Iterable[LevelRow], precision: Precision | None) -> bool:
        """Set or delete levels; False at one that is no number."""
        prices = self.prices
        # Where the point is in a number that has all its digits.
        point = slice(-precision.qty - 1, -precision.qty) if precision is not None else None
        for level in levels:
            price, qty = level.price, level.qty
            if not (price.is_finite() and qty.is_finite()):
                return False
            at = bisect_left(prices, price)
            if (len(prices) - at if self._best_last else at) <= CHECKED_LEVELS:
                self.checked = None
            known = at < len(prices) and prices[at] == price
            if qty:
                text = str(qty)
                if "E" not in text and (point is None or text[point] == "."):
                    text = text.replace(".", "").lstrip("0")
                elif _is_outlandish(qty):
                    return False
                else:
                    text = _digits(qty, precision.qty if precision else None)
                if known:
                    self.quantities[at] = qty
                    self.digits[at] = self.price_digits[at] + text
                elif not self._insert(at, level, text, precision):
                    return False
            elif known:
                del prices[at], self.quantities[at], self.price_digits[at], self.digits[at]
        return True

    def _insert(self, at: int, level: LevelRow, qty: str, precision: Precision | None) -> bool:
        if _is_outlandish(level.price):
            return False
        price = _digits(level.price, precision.price if precision else None)
        self.prices.insert(at, level.price)
        self.quantities.insert(at, level.qty)
        self.price_digits.insert(at, price)
        self.digits.insert(at, price + qty)
        return True

    def cut(self, part: slice) -> None:
        """Delete some levels."""
        del self.prices[part], self.quantities[part], self.price_digits[part], self.digits[part]


class Book:
    """The book of one pair. Feed it every message of its subscription, from the snapshot on."""

    def __init__(self, symbol: str, depth: int, precision: Precision | None = None) -> None:
        """``symbol`` is the WebSocket v2 name; ``depth`` the one subscribed to."""
        self.symbol = symbol
        self.depth = depth
        self.valid = False
        """Whether it is what the exchange has: a snapshot came, and every checksum since was right."""
        self._told = self._precision = precision
        self._bids = _Side(best_last=True)
        self._asks = _Side(best_last=False)
        self._asks_checksum = self._checksum = 0

    def apply(self, row: BookRow, *, snapshot: bool) -> bool:
        """Take in one message; return whether the book is right afterwards.

        Once wrong, it stays so until the next snapshot: subscribe anew.
        """
        if not snapshot:
            self.valid = self.valid and self._take(row) and self.checksum() == row.checksum
        else:
            self._precision = self._told
            self.valid = self._start(row)
            if not self.valid and self._precision is not None:
                # The pair's decimals may have changed since we were told: take numbers as written.
                self._precision = None
                self.valid = self._start(row)
        return self.valid

    def _start(self, row: BookRow) -> bool:
        self._bids, self._asks = _Side(best_last=True), _Side(best_last=False)
        return self._take(row) and self.checksum() == row.checksum

    def drop(self) -> bool:
        """Note that it is not kept up any more; return whether it was right until now."""
        was_valid, self.valid = self.valid, False
        return was_valid

    def checksum(self) -> int:
        """Return Kraken's checksum of the best ten levels of each side."""
        asks, bids = self._asks, self._bids
        if asks.checked is None:
            asks.checked = "".join(asks.digits[asks.best]).encode()
            self._asks_checksum = crc32(asks.checked)
        elif bids.checked is not None:
            return self._checksum
        if bids.checked is None:
            bids.checked = "".join(bids.digits[bids.best]).encode()
        self._checksum = crc32(bids.checked, self._asks_checksum)
        return self._checksum

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
        if row.asks:
            if not asks.apply(row.asks, self._precision):
                return False
            if len(asks.prices) > depth:
                asks.cut(slice(depth, None))
        if row.bids:
            if not bids.apply(row.bids, self._precision):
                return False
            if len(bids.prices) > depth:
                bids.cut(slice(len(bids.prices) - depth))
        return True


def _is_outlandish(value: Decimal) -> bool:
    return not -_MAGNITUDE_MAX <= value.adjusted() <= _MAGNITUDE_MAX


def _digits(value: Decimal, decimals: int | None) -> str:
    """Return a number's digits without point and leading zeros, trailing ones kept or filled up."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if decimals is not None:
        whole, _, fraction = text.partition(".")
        if not fraction[decimals:].strip("0"):
            fraction = fraction[:decimals].ljust(decimals, "0")
        text = whole + fraction
    return text.replace(".", "").lstrip("0")
