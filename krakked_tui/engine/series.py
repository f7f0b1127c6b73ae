"""The candles of one pair and timeframe as a chart shows them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl
from msgspec.structs import replace

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.market.frames import supersedes


class Series:
    """The newest ``keep`` closed candles of a pair and timeframe, and the running one.

    ``trouble`` says why candles may be missing, empty otherwise.
    """

    def __init__(self, pair: str, timeframe: Timeframe, keep: int) -> None:
        self.pair = pair
        self.timeframe = timeframe
        self.running: Candle | None = None
        self.trouble = ""
        self._keep = keep
        self._by_time: dict[datetime, Candle] = {}
        self._closed: tuple[Candle, ...] | None = ()

    @property
    def closed(self) -> tuple[Candle, ...]:
        """Closed candles, oldest first: the same object for as long as they are the same."""
        if self._closed is None:
            times = sorted(self._by_time)
            for time in times[: -self._keep]:
                del self._by_time[time]
            self._closed = tuple(self._by_time[time] for time in times[-self._keep :])
        return self._closed

    def add(self, candles: Iterable[Candle], now: datetime) -> None:
        """Take in candles from the store or the exchange; one that has not ended at ``now`` is running."""
        for candle in candles:
            if candle.end > now:
                self.run(candle)
            elif (known := self._by_time.get(candle.time)) is None or (
                known != candle and supersedes(candle, known)
            ):
                self._by_time[candle.time] = candle
                self._closed = None

    def run(self, candle: Candle) -> None:
        """Take in the latest state of the running candle. The one before it is closed."""
        before = self.running
        if before is None or candle.time >= before.time:
            self.running = candle
        if before is not None and candle.time > before.time:
            self._keep_ended(before)

    def trade_at(self, quote: Quote) -> None:
        """Let the running candle follow a price: what it was asked for last does not know it yet."""
        time, price = self.timeframe.floor(quote.time), float(quote.last)
        known = self.running
        if known is None or time > known.time:
            self.run(Candle(self.pair, self.timeframe, time, price, price, price, price, 0.0, price, 0))
        elif time == known.time and price != known.close:
            high, low = max(known.high, price), min(known.low, price)
            self.running = replace(known, close=price, high=high, low=low)

    def end(self, now: datetime) -> None:
        """Close the running candle when its time is over."""
        if self.running is not None and self.running.end <= now:
            self._keep_ended(self.running)
            self.running = None

    def _keep_ended(self, candle: Candle) -> None:
        """Show a candle that has ended until the final one comes."""
        if candle.time not in self._by_time:
            self._by_time[candle.time] = candle
            self._closed = None


def candles_of(frame: pl.DataFrame, pair: str, timeframe: Timeframe) -> list[Candle]:
    """Return the candles of one pair in a candle frame, as values."""
    rows = frame.filter(pl.col("pair") == pair).iter_rows()
    return [Candle(name, timeframe, *values) for name, *values in rows]


def aggregate(candles: Sequence[Candle], timeframe: Timeframe) -> list[Candle]:
    """Put candles of a shorter timeframe, oldest first, together to longer ones.

    One whose beginning lies before the first candle is left out.
    """
    longer: dict[datetime, list[Candle]] = {}
    for candle in candles:
        if (time := timeframe.floor(candle.time)) >= candles[0].time:
            longer.setdefault(time, []).append(candle)
    return [_joined(parts, time, timeframe) for time, parts in longer.items()]


def _joined(parts: Sequence[Candle], time: datetime, timeframe: Timeframe) -> Candle:
    volume = sum(part.volume for part in parts)
    turnover = sum(part.vwap * part.volume for part in parts)
    return Candle(
        parts[0].pair, timeframe, time, parts[0].open, max(part.high for part in parts),
        min(part.low for part in parts), parts[-1].close, volume,
        turnover / volume if volume else parts[-1].close, sum(part.trades for part in parts),
    )  # fmt: skip
