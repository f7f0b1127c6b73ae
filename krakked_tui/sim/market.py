"""A whole market: any candle, trade or quote of any pair at any time, each computed when asked.

Caches are bounded and never change an answer. Times are microseconds, minutes or days since
1970-01-01 UTC, prices ticks and volumes units of the pair's grid.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from krakked_tui.sim.bars import DAY_MINUTES, Bar, DayBars, merge
from krakked_tui.sim.instruments import Grid, Instrument, grid_of
from krakked_tui.sim.numbering import DayCounts
from krakked_tui.sim.shocks import Shocks, shocked_day
from krakked_tui.sim.source import MadeUp, Source
from krakked_tui.sim.tape import MINUTE_MICROS, Print, Tape

_HOUR = 60
_CACHED_DAYS = 3
_CACHED_HOURS = 35
_CACHED_DAY_BARS = 800
_CACHED_TAPES = 4
_CACHED_SPANS = 24
"""Cache sizes per pair: days of minutes, days of hours, days, minutes of trades, odd spans."""

_HIGHEST_SHOCK = 1000
"""Shocks raise a price by at most so many times the pair's level."""


BEAT_MICROS = 6_000_000
"""How often something happens in the book of a pair that does not trade."""


class Quote(NamedTuple):
    """Best bid and ask and the last price, in ticks; the last one is always one of the two.

    ``beat`` counts what happened in the book since the minute began: trades, and the time itself.
    """

    bid: int
    ask: int
    last: int
    beat: int = 0


class Market:
    """The made-up market of a seed. Equal seeds and instruments give equal markets, in any process.

    ``source`` and ``grids`` replace what is made up by something else of the same form. ``revision``
    counts the shifts: what was worked out about the time ahead is void when it changes.
    """

    def __init__(
        self,
        seed: int,
        instruments: Iterable[Instrument],
        *,
        grids: dict[str, Grid] | None = None,
        source: Source | None = None,
    ) -> None:
        self.seed = seed
        self.instruments = {instrument.name: instrument for instrument in instruments}
        self.grids = grids or {name: grid_of(instrument) for name, instrument in self.instruments.items()}
        self._source = source or MadeUp(seed, self.instruments, self.grids)
        self.revision = 0
        self._shocks: dict[str, Shocks] = {}
        self._counts = DayCounts(self._trades_of_day)
        pairs = max(32, len(self.instruments))
        self._raw_day = lru_cache(_CACHED_DAYS * pairs)(self._source.day)
        self._day = lru_cache(_CACHED_DAYS * pairs)(self._make_day)
        self._hours = lru_cache(_CACHED_HOURS * pairs)(self._make_hours)
        self._day_bar = lru_cache(_CACHED_DAY_BARS * pairs)(self._make_day_bar)
        self._tape = lru_cache(_CACHED_TAPES * pairs)(self._make_tape)
        self._span = lru_cache(_CACHED_SPANS * pairs)(self._make_span)

    def shift(self, name: str, at: int, ticks: int) -> None:
        """From an instant on, make everything about a pair ``ticks`` higher (lower when negative).

        The quote jumps at ``at``; a trade at the new price follows a microsecond later, and all
        after it are moved. Prices stay at one tick or above, and a pair is never raised by more than a
        thousand times its level. What was before ``at`` does not change, so ``at`` must not lie before
        anything already shown. Shocks add up, in whatever order they are given.
        """
        if name not in self._shocks:
            highest = int(_HIGHEST_SHOCK * self.instruments[name].level / self.grids[name].tick)
            self._shocks[name] = Shocks(highest)
        self._shocks[name].add(at, ticks)
        self.revision += 1
        self._counts.clear()
        for cache in (self._day, self._hours, self._day_bar, self._tape, self._span):
            cache.cache_clear()

    def minute(self, name: str, minute: int) -> Bar:
        """Return a complete one-minute candle."""
        day, index = divmod(minute, DAY_MINUTES)
        return self._day(name, day).minute(index)

    def tape(self, name: str, minute: int) -> Tape:
        """Return the trades of a minute."""
        return self._tape(name, minute)

    def span(self, name: str, first: int, last: int) -> Bar:
        """Return the candle over minutes ``first`` to ``last - 1``, all complete."""
        return self._span(name, first, last)

    def bars(self, name: str, interval: int, first: int, last: int) -> list[Bar]:
        """Return the complete candles of ``interval`` minutes from ``first`` to ``last``, multiples of it.

        ``interval`` divides an hour or is a number of whole hours.
        """
        if interval >= _HOUR:
            return [self.span(name, start, start + interval) for start in range(first, last, interval)]
        found: list[Bar] = []
        for day, start, end in _by_day(first, last):
            found += self._day(name, day).fold(interval, start, end)
        return found

    def running(self, name: str, interval: int, at: int) -> Bar:
        """Return the candle that contains the instant ``at``, as it stands then."""
        minute, offset = divmod(at, MINUTE_MICROS)
        first = minute - minute % interval
        now = self.tape(name, minute).bar(offset, self.minute(name, minute - 1).close)
        return merge((self.span(name, first, minute), now)) if first < minute else now

    def rolling(self, name: str, at: int) -> Bar:
        """Return the candle over the last 24 hours, to the minute."""
        minute = at // MINUTE_MICROS
        return merge((self.span(name, minute - DAY_MINUTES + 1, minute), self.running(name, 1, at)))

    def last_print(self, name: str, at: int) -> Print:
        """Return the latest trade at or before an instant; one of no volume when there was none."""
        minute, offset = divmod(at, MINUTE_MICROS)
        if not (count := self.tape(name, minute).count(offset)):
            found = self._traded_before(name, minute)
            if found is None:
                return Print(0, self.minute(name, minute).close, 0, buy=True, market=True)
            minute, count = found, 0
        return self.tape(name, minute).prints[count - 1]

    def quote(self, name: str, at: int) -> Quote:
        """Return bid, ask and last price at an instant: the last trade hit one side of the spread."""
        if name in self._shocks and self._shocks[name].starts(at):
            at += 1
        minute, offset = divmod(at, MINUTE_MICROS)
        tape = self.tape(name, minute)
        count = tape.count(offset)
        quote = self.quote_after(name, tape.prints[count - 1]) if count else self.opening_quote(name, minute)
        return quote._replace(beat=count + offset // BEAT_MICROS)

    def quote_after(self, name: str, trade: Print) -> Quote:
        """Return the quote a trade leaves behind, until the next trade or minute."""
        return self._quote(name, trade.price, bought=trade.buy)

    def opening_quote(self, name: str, minute: int) -> Quote:
        """Return the quote with which a minute opens."""
        previous = self.minute(name, minute - 1)
        return self._quote(name, previous.close, bought=previous.close >= previous.open)

    def trade_count(self, name: str, at: int, anchor: int) -> int:
        """Return how many trades a pair had from the start of day ``anchor`` up to and including ``at``.

        Before the anchor it counts down: the number of a trade is the count at its own instant.
        """
        minute, offset = divmod(at, MINUTE_MICROS)
        return self.trades_before(name, minute, anchor) + self.tape(name, minute).count(offset)

    def trades_before(self, name: str, minute: int, anchor: int) -> int:
        """Return how many trades a pair had from the start of day ``anchor`` to that of a minute."""
        day, index = divmod(minute, DAY_MINUTES)
        in_day = int(self._day(name, day).trades[:index].sum()) if index else 0
        return self._counts.before(name, day, anchor) + in_day

    def traded_minutes(self, name: str, first: int, last: int) -> Iterator[int]:
        """Yield the minutes from ``first`` to ``last - 1`` that have trades, in order."""
        for day, start, end in _by_day(first, last):
            base = day * DAY_MINUTES + start
            for index in np.flatnonzero(self._day(name, day).trades[start:end]).tolist():
                yield base + index

    def traded_minutes_back(self, name: str, last: int, first: int) -> Iterator[int]:
        """Yield the minutes from ``last`` down to ``first`` that have trades."""
        for day in range(last // DAY_MINUTES, first // DAY_MINUTES - 1, -1):
            base = day * DAY_MINUTES
            traded = np.flatnonzero(self._day(name, day).trades[max(first - base, 0) : last - base + 1])
            yield from (base + max(first - base, 0) + traded[::-1]).tolist()

    def prints(self, name: str, after: int, until: int, low: int, high: int) -> Iterator[tuple[int, Print]]:
        """Yield (instant, trade) for trades after one instant and until another, priced beyond the limits.

        Beyond is below ``low`` or above ``high``; time spent within them costs next to nothing.
        """
        first, last = after // MINUTE_MICROS, until // MINUTE_MICROS + 1
        for day, start, end in _by_day(first, last):
            for hour in range(start // _HOUR, (end - 1) // _HOUR + 1):
                if _within(self._hours(name, day)[hour], low, high):
                    continue
                for index in range(max(start, hour * _HOUR), min(end, (hour + 1) * _HOUR)):
                    minute = day * DAY_MINUTES + index
                    if not _within(self.minute(name, minute), low, high):
                        yield from self._prints_beyond(name, minute, after, until, low, high)

    def _prints_beyond(
        self, name: str, minute: int, after: int, until: int, low: int, high: int
    ) -> Iterator[tuple[int, Print]]:
        start = minute * MINUTE_MICROS
        for trade in self.tape(name, minute).prints:
            if after < start + trade.offset <= until and not low <= trade.price <= high:
                yield start + trade.offset, trade

    def _quote(self, name: str, last: int, *, bought: bool) -> Quote:
        spread = self.instruments[name].spread_ticks
        if bought and last > spread:
            return Quote(last - spread, last, last)
        return Quote(last, last + spread, last)

    def _traded_before(self, name: str, minute: int) -> int | None:
        """The latest minute before another that has trades."""
        day, index = divmod(minute, DAY_MINUTES)
        while True:
            traded = np.flatnonzero(self._day(name, day).trades[:index])
            if len(traded):
                return day * DAY_MINUTES + int(traded[-1])
            earlier = self._traded_day(name, day - 1)
            if earlier is None:
                return None
            day, index = earlier, DAY_MINUTES

    def _traded_day(self, name: str, day: int) -> int | None:
        found = self._source.traded_day(name, day)
        shocked = self._shocks[name].latest_day(day) if name in self._shocks else None
        return max((candidate for candidate in (found, shocked) if candidate is not None), default=None)

    def _trades_of_day(self, name: str, day: int) -> int:
        start = day * DAY_MINUTES * MINUTE_MICROS
        shocks = self._shocks.get(name)
        struck = shocks.between(start, start + DAY_MINUTES * MINUTE_MICROS) if shocks else ()
        return self._source.trades(name, day) + len(struck)

    def _make_day(self, name: str, day: int) -> DayBars:
        raw, shocks = self._raw_day(name, day), self._shocks.get(name)
        if shocks is None or not shocks.touches(day):
            return raw
        return shocked_day(raw, shocks, lambda minute: self._rebuilt(name, minute))

    def _rebuilt(self, name: str, minute: int) -> Bar:
        """A minute's candle from its trades; it has some."""
        return self._make_tape(name, minute).bar(MINUTE_MICROS, 0)

    def _make_hours(self, name: str, day: int) -> tuple[Bar, ...]:
        return tuple(self._day(name, day).fold(_HOUR))

    def _make_day_bar(self, name: str, day: int) -> Bar:
        return merge(self._hours(name, day))

    def _make_tape(self, name: str, minute: int) -> Tape:
        bar = self._raw_minute(name, minute)
        prints = self._source.prints(name, bar) if bar.trades else ()
        shocks = self._shocks.get(name)
        if shocks is not None:
            before = self._raw_minute(name, minute - 1).close
            instrument, grid = self.instruments[name], self.grids[name]
            volume = int(instrument.daily_volume.scaleb(grid.volume_decimals)) // instrument.daily_trades
            prints = shocks.prints(minute, prints, before, max(1, volume))
        return Tape(minute, prints)

    def _raw_minute(self, name: str, minute: int) -> Bar:
        day, index = divmod(minute, DAY_MINUTES)
        return self._raw_day(name, day).minute(index)

    def _make_span(self, name: str, first: int, last: int) -> Bar:
        parts: list[Bar] = []
        for day, start, end in _by_day(first, last):
            if end - start == DAY_MINUTES:
                parts.append(self._day_bar(name, day))
            else:
                parts += self._part_of_day(name, day, start, end)
        return merge(parts)

    def _part_of_day(self, name: str, day: int, start: int, end: int) -> list[Bar]:
        """Whole hours from the hours kept, the minutes before and after them folded."""
        first_hour, last_hour = -(-start // _HOUR), end // _HOUR
        if first_hour >= last_hour:
            return self._day(name, day).fold(end - start, start, end)
        parts = list(self._hours(name, day)[first_hour:last_hour])
        if start < first_hour * _HOUR:
            parts = self._day(name, day).fold(first_hour * _HOUR - start, start, first_hour * _HOUR) + parts
        if last_hour * _HOUR < end:
            parts += self._day(name, day).fold(end - last_hour * _HOUR, last_hour * _HOUR, end)
        return parts


def _within(bar: Bar, low: int, high: int) -> bool:
    return low <= bar.low and bar.high <= high


def _by_day(first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Cut minutes ``first`` to ``last - 1`` at midnights: (day, first minute of day, last + 1)."""
    for day in range(first // DAY_MINUTES, (last - 1) // DAY_MINUTES + 1):
        start = day * DAY_MINUTES
        yield day, max(first - start, 0), min(last - start, DAY_MINUTES)
