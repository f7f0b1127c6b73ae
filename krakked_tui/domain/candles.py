"""Candles, live quotes and timeframes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from krakked_tui.domain.money import ZERO


class Timeframe(StrEnum):
    """A candle interval."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return _MINUTES[self]

    @property
    def length(self) -> timedelta:
        """Length as a duration."""
        return timedelta(minutes=self.minutes)

    def floor(self, at: datetime) -> datetime:
        """Return the open time of the candle that contains ``at`` (epoch-aligned, as Kraken cuts)."""
        return at - (at - _EPOCH) % self.length


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = {
    Timeframe.M1: 1,
    Timeframe.M5: 5,
    Timeframe.M15: 15,
    Timeframe.M30: 30,
    Timeframe.H1: 60,
    Timeframe.H4: 240,
    Timeframe.H12: 720,
    Timeframe.D1: 1440,
    Timeframe.W1: 10080,
}


class Candle(msgspec.Struct, frozen=True):
    """One candle. ``time`` is its open time (UTC). Prices are floats: indicators, never money."""

    pair: str
    timeframe: Timeframe
    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float
    trades: int

    @property
    def end(self) -> datetime:
        """First instant that no longer belongs to the candle."""
        return self.time + self.timeframe.length


class MarketFigures(Protocol):
    """What comes with prices: sizes at the best bid and ask, and figures over 24 hours."""

    @property
    def bid_size(self) -> Decimal:
        """Volume at the best bid, in base."""

    @property
    def ask_size(self) -> Decimal:
        """Volume at the best ask, in base."""

    @property
    def volume_24h(self) -> Decimal:
        """Volume traded in 24 hours, in base."""

    @property
    def vwap_24h(self) -> Decimal:
        """Volume-weighted price of 24 hours."""

    @property
    def change_pct_24h(self) -> Decimal:
        """Change over 24 hours in percent."""


class KnownFigures(msgspec.Struct, frozen=True):
    """Figures that are at hand; zero where they are not."""

    bid_size: Decimal = ZERO
    ask_size: Decimal = ZERO
    volume_24h: Decimal = ZERO
    vwap_24h: Decimal = ZERO
    change_pct_24h: Decimal = ZERO


class Quote(msgspec.Struct, frozen=True):
    """The latest prices of a pair.

    ``time`` is the exchange's timestamp; ``received`` is the monotonic (wall) second of receipt,
    from which age and staleness are measured. ``figures`` may be worked out only when they are read.
    """

    pair: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    time: datetime
    received: float
    figures: MarketFigures = KnownFigures()

    @property
    def mid(self) -> Decimal:
        """Middle of the spread."""
        return (self.bid + self.ask) / 2

    @property
    def price(self) -> Decimal:
        """The one rule for "the price": the last trade when it lies inside the spread, else mid."""
        return self.last if self.bid <= self.last <= self.ask else self.mid
