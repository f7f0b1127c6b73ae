"""A whole made-up market: any candle, trade or quote of any pair at any time, each computed when asked.

Caches are bounded and never change an answer. Times are microseconds, minutes or days since
1970-01-01 UTC, prices ticks and volumes units of the pair's grid.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from krakked_tui.sim.bars import DAY_MINUTES, Bar, DayBars, merge
from krakked_tui.sim.instruments import Grid, Instrument, grid_of
from krakked_tui.sim.minutes import day_bars, draws
from krakked_tui.sim.tape import MINUTE_MICROS, Print, Tape, make_tape

_HOUR = 60
_CACHED_DAYS = 3
_CACHED_HOURS = 35
_CACHED_DAY_BARS = 800
_CACHED_TAPES = 4
_CACHED_SPANS = 24
"""Cache sizes per pair: days of minutes, days of hours, days, minutes of trades, odd spans."""


class Quote(NamedTuple):
    """Best bid and ask and the last price, in ticks; the last one is always one of the two."""

    bid: int
    ask: int
    last: int


class Market:
    """The made-up market of a seed. Equal seeds and instruments give equal markets, in any process."""

    def __init__(self, seed: int, instruments: Iterable[Instrument]) -> None:
        self.seed = seed
        self.instruments = {instrument.name: instrument for instrument in instruments}
        self.grids: dict[str, Grid] = {
            name: grid_of(instrument) for name, instrument in self.instruments.items()
        }
        pairs = max(32, len(self.instruments))
        self._day = lru_cache(_CACHED_DAYS * pairs)(self._make_day)
        self._hours = lru_cache(_CACHED_HOURS * pairs)(self._make_hours)
        self._day_bar = lru_cache(_CACHED_DAY_BARS * pairs)(self._make_day_bar)
        self._tape = lru_cache(_CACHED_TAPES * pairs)(self._make_tape)
        self._span = lru_cache(_CACHED_SPANS * pairs)(self._make_span)

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
        """Return the latest trade at or before an instant."""
        minute, offset = divmod(at, MINUTE_MICROS)
        while not (count := self.tape(name, minute).count(offset)):
            # A day's first minute always trades, so this ends within a day.
            minute, offset = minute - 1, MINUTE_MICROS
        return self.tape(name, minute).prints[count - 1]

    def quote(self, name: str, at: int) -> Quote:
        """Return bid, ask and last price at an instant: the last trade hit one side of the spread."""
        minute, offset = divmod(at, MINUTE_MICROS)
        tape = self.tape(name, minute)
        spread = self.instruments[name].spread_ticks
        if count := tape.count(offset):
            last, bought = tape.prints[count - 1].price, tape.prints[count - 1].buy
        else:
            previous = self.minute(name, minute - 1)
            last, bought = previous.close, previous.close >= previous.open
        if bought and last > spread:
            return Quote(last - spread, last, last)
        return Quote(last, last + spread, last)

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

    def _make_day(self, name: str, day: int) -> DayBars:
        return day_bars(self.seed, self.instruments[name], self.grids[name], day)

    def _make_hours(self, name: str, day: int) -> tuple[Bar, ...]:
        return tuple(self._day(name, day).fold(_HOUR))

    def _make_day_bar(self, name: str, day: int) -> Bar:
        return merge(self._hours(name, day))

    def _make_tape(self, name: str, minute: int) -> Tape:
        return make_tape(self.seed, name, self.minute(name, minute), draws(self.seed, name, minute, 1))

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
