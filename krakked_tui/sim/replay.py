"""A market that repeats recorded minutes as if they happened now."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
import numpy as np

from krakked_tui.sim.bars import DAY_MINUTES, Bar, DayBars
from krakked_tui.sim.instruments import Grid, Instrument
from krakked_tui.sim.market import Market
from krakked_tui.sim.noise import Ints
from krakked_tui.sim.source import tape_key
from krakked_tui.sim.tape import Parts, Print, make_prints

_SUM_MAX = 2.0**62


class Recording(msgspec.Struct, frozen=True):
    """The recorded minutes of a pair that traded, by column, oldest first and at least one.

    ``minute`` is when each plays (minutes since 1970-01-01 UTC); prices are ticks, volumes lots. The
    number of trades must be enough for the prices: see ``possible``.
    """

    minute: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    trades: Ints


class Shares(msgspec.Struct, frozen=True):
    """How the trades of minutes are shared out, by column: ones and zeros say which trades there are."""

    high: Ints
    low: Ints
    last: Ints
    odd: Ints
    pairs: Ints
    each: Ints


def possible(bar: Bar) -> bool:
    """Say whether a candle's prices fit each other and its number of trades can make them."""
    if not 0 < bar.low <= min(bar.open, bar.close) or max(bar.open, bar.close) > bar.high:
        return False
    extra = (bar.high > max(bar.open, bar.close)) + (bar.low < min(bar.open, bar.close))
    return bar.trades >= (2 + extra if extra or bar.open != bar.close else 1)


class ReplayMarket(Market):
    """Recorded minutes: the price stands at the first one's open before it, at the last close after it.

    A pair without a recording stands still at its level. Every minute's trades are made up so that
    they rebuild its candle exactly. ``seed`` decides how.
    """

    def __init__(
        self, seed: int, instruments: Iterable[Instrument], recordings: Mapping[str, Recording]
    ) -> None:
        chosen = tuple(instruments)
        grids = {instrument.name: lot_grid(instrument) for instrument in chosen}
        source = _Replayed(seed, {instrument.name: instrument for instrument in chosen}, grids, recordings)
        super().__init__(seed, chosen, grids=grids, source=source)


def lot_grid(instrument: Instrument) -> Grid:
    """Return the grid of a recorded market: ticks, and volumes in lots."""
    pair = instrument.pair
    ulps = int(pair.tick_size.scaleb(pair.price_decimals))
    return Grid(pair.tick_size, pair.price_decimals, ulps, pair.volume_decimals)


class _Replayed:
    """The recordings as a market's source."""

    def __init__(
        self,
        seed: int,
        instruments: Mapping[str, Instrument],
        grids: Mapping[str, Grid],
        recordings: Mapping[str, Recording],
    ) -> None:
        self._seed = seed
        self._recordings = recordings
        self._still = {
            name: max(1, int(instrument.level / grids[name].tick)) for name, instrument in instruments.items()
        }
        self._range = lru_cache(4096)(self._find_range)

    def day(self, name: str, day: int) -> DayBars:
        """Return the minutes of a day; those that were not recorded repeat the last price."""
        recording = self._recordings.get(name)
        if recording is None:
            return _standing(day, self._still[name])
        first, last = self._range(name, day)
        before = int(recording.close[first - 1] if first else recording.open[0])
        if first == last:
            return _standing(day, before)
        part = Recording(*(getattr(recording, column)[first:last] for column in recording.__struct_fields__))
        at = part.minute - day * DAY_MINUTES
        # Every minute takes the close of the latest recorded one up to it.
        latest = np.searchsorted(at, np.arange(DAY_MINUTES), side="right") - 1
        close = np.where(latest >= 0, part.close[np.maximum(latest, 0)], before)
        opened, high, low = close.copy(), close.copy(), close.copy()
        opened[at], high[at], low[at] = part.open, part.high, part.low
        notional = _notional(part)
        sums = np.zeros(DAY_MINUTES, dtype=notional.dtype)
        volume, trades = np.zeros(DAY_MINUTES, dtype=np.int64), np.zeros(DAY_MINUTES, dtype=np.int64)
        volume[at], sums[at], trades[at] = part.volume, notional, part.trades
        return DayBars(day, opened, high, low, close, volume, sums, trades)

    def prints(self, name: str, bar: Bar) -> tuple[Print, ...]:
        """Make the trades of a minute."""
        shares = _share(_single(bar))
        each, pairs = int(shares.each[0]), int(shares.pairs[0])
        counted = int(shares.high[0] + shares.low[0] + shares.last[0] + shares.odd[0]) + 2 * pairs
        parts = Parts(
            first=bar.volume - counted * each,
            odd=each if shares.odd[0] else None,
            high=each if shares.high[0] else None,
            low=each if shares.low[0] else None,
            last=each if shares.last[0] else None,
            pairs=pairs,
            each=each,
        )
        return make_prints(tape_key(self._seed, name), bar, parts)

    def trades(self, name: str, day: int) -> int:
        """Count the trades of a day."""
        if name not in self._recordings:
            return 0
        first, last = self._range(name, day)
        return int(self._recordings[name].trades[first:last].sum())

    def traded_day(self, name: str, day: int) -> int | None:
        """Return the latest day up to ``day`` with a recorded minute."""
        if name not in self._recordings:
            return None
        _, last = self._range(name, day)
        return int(self._recordings[name].minute[last - 1]) // DAY_MINUTES if last else None

    def _find_range(self, name: str, day: int) -> tuple[int, int]:
        minutes = self._recordings[name].minute
        first, last = np.searchsorted(minutes, (day * DAY_MINUTES, (day + 1) * DAY_MINUTES))
        return int(first), int(last)


def _standing(day: int, price: int) -> DayBars:
    prices, nothing = np.full(DAY_MINUTES, price, dtype=np.int64), np.zeros(DAY_MINUTES, dtype=np.int64)
    return DayBars(day, prices, prices, prices, prices, nothing, nothing, nothing)


def _single(bar: Bar) -> Recording:
    columns = (bar.minute, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades)
    return Recording(*(np.array([value], dtype=np.int64) for value in columns))


def _share(part: Recording) -> Shares:
    """Give every trade but the first an equal share of its minute's volume.

    The first trade is at the open, the last at the close, one each at high and low where those are
    neither; the others come in pairs at mirrored prices, an odd one out is at the open.
    """
    last = (part.trades > 1).astype(np.int64)
    high = (part.high > np.maximum(part.open, part.close)).astype(np.int64)
    low = (part.low < np.minimum(part.open, part.close)).astype(np.int64)
    others = part.trades - 1 - last - high - low
    return Shares(high, low, last, others % 2, others // 2, part.volume // part.trades)


def _notional(part: Recording) -> Ints:
    """Sum up price times volume over the trades of each minute."""
    shares = _share(part)
    columns: tuple[Ints, ...] = (part.open, part.high, part.low, part.close, part.volume, shares.each)
    if float(part.high.max()) * float(part.volume.sum()) > _SUM_MAX:
        columns = tuple(column.astype(object) for column in columns)
    opened, high, low, close, volume, each = columns
    counted = shares.high + shares.low + shares.last + 2 * shares.pairs
    total: Ints = opened * (volume - counted * each) + each * (
        shares.high * high + shares.low * low + shares.last * close + shares.pairs * (high + low)
    )
    return total
