"""Candles, live quotes and timeframes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec


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


class Quote(msgspec.Struct, frozen=True):
    """The latest prices of a pair.

    ``time`` is the exchange's timestamp; ``received`` is the monotonic (wall) second of receipt,
    from which age and staleness are measured.
    """

    pair: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    time: datetime
    received: float
    bid_size: Decimal = Decimal(0)
    ask_size: Decimal = Decimal(0)
    volume_24h: Decimal = Decimal(0)
    vwap_24h: Decimal = Decimal(0)
    change_pct_24h: Decimal = Decimal(0)

    @property
    def mid(self) -> Decimal:
        """Middle of the spread."""
        return (self.bid + self.ask) / 2

    @property
    def price(self) -> Decimal:
        """The one rule for "the price": the last trade when it lies inside the spread, else mid."""
        return self.last if self.bid <= self.last <= self.ask else self.mid
