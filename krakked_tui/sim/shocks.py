"""Price shocks: from an instant on, everything about a pair is so many ticks higher or lower.

A shock is itself a trade, one microsecond after its instant, at the new price. So the candle it
falls into reaches from the old price to the new one, minutes without trades after it repeat the new
price, and whoever was caught up with the instant still gets to see it happen.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from krakked_tui.sim.bars import DAY_MINUTES, Bar, DayBars
from krakked_tui.sim.noise import Ints
from krakked_tui.sim.tape import MINUTE_MICROS, Print

_SUM_MAX = 2.0**62


class Shock(NamedTuple):
    """One shock: its trade's instant (micros since 1970), its ticks, and all ticks up to and with it."""

    at: int
    ticks: int
    total: int


class Shocks:
    """The shocks of one pair, oldest first. Sums stay at or below ``highest`` ticks."""

    def __init__(self, highest: int) -> None:
        self._highest = highest
        self._shocks: list[Shock] = []

    def add(self, at: int, ticks: int) -> None:
        """Add a shock; several at the same instant are one."""
        moves = {shock.at: shock.ticks for shock in self._shocks}
        moves[at + 1] = moves.get(at + 1, 0) + ticks
        self._shocks = []
        total = 0
        for instant, move in sorted(moves.items()):
            raised = min(total + move, self._highest)
            self._shocks.append(Shock(instant, raised - total, raised))
            total = raised

    def starts(self, at: int) -> bool:
        """Say whether a shock strikes at this instant, its trade a microsecond away."""
        index = bisect_left(self._shocks, at + 1, key=_at)
        return index < len(self._shocks) and self._shocks[index].at == at + 1

    def before(self, at: int) -> int:
        """Return the ticks added to the price of a trade of the raw market at an instant."""
        index = bisect_right(self._shocks, at, key=_at)
        return self._shocks[index - 1].total if index else 0

    def between(self, first: int, last: int) -> list[Shock]:
        """Return the shocks whose trades fall from one instant up to, but not on, another."""
        return self._shocks[
            bisect_left(self._shocks, first, key=_at) : bisect_left(self._shocks, last, key=_at)
        ]

    def latest_day(self, day: int) -> int | None:
        """Return the latest day up to ``day`` with a shock."""
        index = bisect_left(self._shocks, (day + 1) * DAY_MINUTES * MINUTE_MICROS, key=_at)
        return self._shocks[index - 1].at // (DAY_MINUTES * MINUTE_MICROS) if index else None

    def touches(self, day: int) -> bool:
        """Say whether a day is not as it would be without shocks."""
        return bool(self._shocks) and self._shocks[0].at < (day + 1) * DAY_MINUTES * MINUTE_MICROS

    def prints(self, minute: int, raw: tuple[Print, ...], before: int, volume: int) -> tuple[Print, ...]:
        """Return the trades of a minute, those of the shocks among them.

        ``before`` is the raw market's last price before the minute, ``volume`` that of a shock's trade.
        """
        start = minute * MINUTE_MICROS
        pending = self.between(start, start + MINUTE_MICROS)
        if not pending:
            return _moved(raw, self.before(start))
        found: list[Print] = []
        index = 0
        moved = self.before(start - 1)
        for shock in pending:
            offset = shock.at - start
            end = bisect_left(raw, offset, index, key=_offset)
            found += _moved(raw[index:end], moved)
            before = raw[end - 1].price if end else before
            moved, index = shock.total, end
            found.append(Print(offset, max(1, before + moved), volume, shock.ticks > 0, market=True))
        found += _moved(raw[index:], moved)
        return tuple(found)


def shocked_day(raw: DayBars, shocks: Shocks, rebuild: Callable[[int], Bar]) -> DayBars:
    """Return a day's minutes with its pair's shocks; ``rebuild`` makes one minute from its trades."""
    first = raw.day * DAY_MINUTES
    moved, struck = _moves(raw.day, shocks)
    low, high = raw.low + moved, raw.high + moved
    # A raised price can be too much for 64 bits.
    exact = raw.notional.astype(object) if _huge(high, raw.volume) else raw.notional
    columns = {
        "open": np.maximum(raw.open + moved, 1),
        "high": np.maximum(high, 1),
        "low": np.maximum(low, 1),
        "close": np.maximum(raw.close + moved, 1),
        "volume": raw.volume.copy(),
        "notional": np.where(high <= 1, raw.volume, exact + moved * raw.volume.astype(exact.dtype)),
        "trades": raw.trades.copy(),
    }
    cut = np.flatnonzero((raw.trades > 0) & (low < 1) & (high > 1)).tolist()
    for index in sorted({*cut, *struck}):
        bar = rebuild(first + index)
        for name, column in columns.items():
            column[index] = getattr(bar, name)
    return DayBars(raw.day, **columns)


def _huge(high: Ints, volume: Ints) -> bool:
    """Say whether a day's price-volume sum may exceed 64 bits."""
    return float(high.max()) * float(volume.sum()) > _SUM_MAX


def _moves(day: int, shocks: Shocks) -> tuple[Ints, list[int]]:
    """Ticks added to each whole minute of a day, and the minutes that shocks fall into."""
    start = day * DAY_MINUTES * MINUTE_MICROS
    moved = np.full(DAY_MINUTES, shocks.before(start - 1), dtype=np.int64)
    struck = []
    for shock in shocks.between(start, start + DAY_MINUTES * MINUTE_MICROS):
        index = (shock.at - start) // MINUTE_MICROS
        struck.append(index)
        moved[index + 1 :] = shock.total
    return moved, struck


def _moved(prints: tuple[Print, ...], ticks: int) -> tuple[Print, ...]:
    if not ticks:
        return prints
    return tuple(trade._replace(price=max(1, trade.price + ticks)) for trade in prints)


def _at(shock: Shock) -> int:
    return shock.at


def _offset(trade: Print) -> int:
    return trade.offset
