"""Does a strategy know the future? Its signals on histories that end at every bar, or go on otherwise.

A signal at a bar must be the same when the whole history is known, when nothing after that bar exists yet,
when what comes after it is something else, and, as live, when only the last ``warmup_bars`` candles are
known. Every bar where it is not is a leak: what a backtest would earn there cannot be earned. What a
strategy does with candles is what is checked; what else it reads is beyond this.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.signal import SIGNAL_COLUMNS, SignalStrategy

LEAKS_MAX = 100
"""Leaks that are told; of more, only their number is."""

EQUAL_WITHIN = 1e-9
"""Values that differ by less than this share are equal: sums of floats are not exact."""

_TOGETHER = 25
"""Bars whose histories are evaluated in one query."""

_SPOILED = 1000.0
"""What the next candle is multiplied by in another future, and all after it divided by."""

_WITHOUT = {
    "whole": "when the candles after it are there",
    "cut": "when no candle after it exists yet",
    "spoiled": "when the candles after it are others",
    "window": "when only the last warmup_bars candles are known, as live: warmup_bars is too short",
    "again": "when it is asked once more",
}
"""How a history differs from the one it is compared with. Of several that differ, the first is told."""


class Leak(msgspec.Struct, frozen=True):
    """A bar at which something said ``whole`` with all candles, but ``part`` with fewer or others."""

    pair: str
    time: datetime
    what: str
    whole: str
    part: str
    how: str

    def __str__(self) -> str:
        return (
            f"{self.pair} {self.time:%Y-%m-%d %H:%M}: {self.what} is {self.whole}, but {self.part}"
            f" {_WITHOUT[self.how]}"
        )


class Report(msgspec.Struct, frozen=True):
    """What a check found on ``bars`` bars; ``more`` leaks are not listed.

    Without ``entries`` and ``exits`` it was hardly put to the test.
    """

    bars: int
    entries: int
    exits: int
    leaks: tuple[Leak, ...] = ()
    more: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.leaks


def check(
    strategy: Strategy[Any],
    history: pl.DataFrame,
    timeframe: Timeframe,
    pairs: Mapping[str, PairMetadata],
    bars: int = 200,
) -> Report:
    """Look for leaks at the last ``bars`` times of a history of closed candles, by pair and then time.

    The history should be longer than ``bars`` and ``warmup_bars`` together. Whatever the strategy raises
    is the caller's to catch.
    """
    times = history["time"].unique().sort().tail(bars).to_list()
    if isinstance(strategy, SignalStrategy) and (
        type(strategy).generate_intents is SignalStrategy.generate_intents
    ):
        return _Signals(strategy, history).check(times)
    return _Intents(strategy, history, timeframe, pairs).check(times)


class _Signals:
    """Checks expressions, many histories in one query."""

    def __init__(self, strategy: SignalStrategy[Any], history: pl.DataFrame) -> None:
        self._strategy = strategy
        self._history = history
        whole = strategy.signals(history)
        self._columns = [name for name in whole.columns if name not in ("pair", "time", "close")]
        self._columns.sort(key=lambda name: name not in SIGNAL_COLUMNS)
        self._scales = {name: _scale(whole[name]) for name in self._columns}
        ready = pl.int_range(1, pl.len() + 1).over("pair") >= strategy.warmup_bars
        self._whole = whole.filter(ready)

    def check(self, times: Sequence[datetime]) -> Report:
        looked = self._whole.filter(pl.col("time").is_in(times))
        leaks = [
            leak
            for first in range(0, len(times), _TOGETHER)
            for leak in self._leaks(looked, times[first : first + _TOGETHER])
        ]
        return _report(len(times), int(looked["enter"].sum()), int(looked["exit"].sum()), leaks)

    def _leaks(self, looked: pl.DataFrame, times: Sequence[datetime]) -> Iterator[Leak]:
        parts: list[pl.DataFrame] = []
        for at in times:
            for how, part in _parts(self._history, at, self._strategy.warmup_bars):
                # Each history is a pair of its own to the expressions.
                name = pl.concat_str("pair", pl.lit(f"\n{how}\n{at.isoformat()}"))
                parts.append(part.with_columns(pair=name))
        found = self._strategy.signals(pl.concat(parts)).with_columns(
            pl.col("pair").str.split_exact("\n", 2).struct.rename_fields(["of", "how", "at"]).alias("key")
        )
        found = found.unnest("key").filter(pl.col("at") == pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%:z"))
        by_key = {(row["of"], row["time"], row["how"]): row for row in found.iter_rows(named=True)}
        for row in looked.filter(pl.col("time").is_in(times)).iter_rows(named=True):
            yield from self._compare(row, by_key)

    def _compare(
        self, whole: Mapping[str, Any], parts: Mapping[tuple[str, datetime, str], Mapping[str, Any]]
    ) -> Iterator[Leak]:
        pair, time = whole["pair"], whole["time"]
        for name in self._columns:
            for how in ("cut", "spoiled", "window"):
                part = parts[pair, time, how]
                if not _same(whole[name], part[name], self._scales[name]):
                    yield Leak(pair, time, name, _shown(whole[name]), _shown(part[name]), how)
                    break


class _Intents:
    """Checks what a strategy wants, holding nothing and holding everything."""

    def __init__(
        self,
        strategy: Strategy[Any],
        history: pl.DataFrame,
        timeframe: Timeframe,
        pairs: Mapping[str, PairMetadata],
    ) -> None:
        self._strategy = strategy
        self._history = history
        self._timeframe = timeframe
        self._pairs = pairs

    def check(self, times: Sequence[datetime]) -> Report:
        leaks: list[Leak] = []
        entries = exits = 0
        for at in times:
            for held in ((), tuple(sorted(self._pairs))):
                whole = self._wanted(self._history, at, held)
                entries += sum(intent.intent_type in _ENTRIES for intent in whole.values())
                exits += sum(intent.intent_type in _EXITS for intent in whole.values())
                leaks += self._leaks(whole, at, held)
        return _report(len(times), entries, exits, leaks)

    def _leaks(
        self, whole: Mapping[str, StrategyIntent], at: datetime, held: Sequence[str]
    ) -> Iterator[Leak]:
        told: set[str] = set()
        again = [("again", self._history)]
        for how, part in (*again, *_parts(self._history, at, self._strategy.warmup_bars)):
            wanted = self._wanted(part, at, held)
            for pair in sorted((whole.keys() | wanted.keys()) - told):
                before, after = whole.get(pair), wanted.get(pair)
                if not _same_intent(before, after):
                    told.add(pair)
                    yield Leak(pair, at, "the wish", _wish(before), _wish(after), how)

    def _wanted(self, frame: pl.DataFrame, at: datetime, held: Sequence[str]) -> dict[str, StrategyIntent]:
        context = StrategyContext(
            now=at + self._timeframe.length,
            timeframe=self._timeframe,
            candle_time=at,
            frame=frame,
            pairs=self._pairs,
            held=dict.fromkeys(held, self._timeframe),
            worth_usd=dict.fromkeys(held, Decimal(100)),
        )
        return {intent.pair: intent for intent in self._strategy.generate_intents(context)}


_ENTRIES = (IntentType.ENTER, IntentType.INCREASE)
_EXITS = (IntentType.EXIT, IntentType.REDUCE)


def _parts(history: pl.DataFrame, at: datetime, warmup_bars: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the histories that must say the same at ``at``."""
    later = pl.col("time") > at
    cut = history.filter(~later)
    yield "cut", cut
    next_one = later & (pl.col("time") == pl.col("time").filter(later).min().over("pair"))
    factor = pl.when(next_one).then(_SPOILED).when(later).then(1 / _SPOILED).otherwise(1.0)
    values = ("open", "high", "low", "close", "volume", "vwap")
    yield "spoiled", history.with_columns(pl.col(values) * factor)
    yield "window", cut.filter(pl.int_range(pl.len(), 0, -1).over("pair") <= warmup_bars)


def _report(bars: int, entries: int, exits: int, leaks: Sequence[Leak]) -> Report:
    return Report(bars, entries, exits, tuple(islice(leaks, LEAKS_MAX)), max(0, len(leaks) - LEAKS_MAX))


def _scale(values: pl.Series) -> float:
    """Return how large the numbers of a column are; 0 for what is none."""
    if not values.dtype.is_numeric():
        return 0.0
    sizes = values.cast(pl.Float64).abs()
    median = sizes.filter(sizes.is_finite()).median()
    return median if isinstance(median, float) else 0.0


def _same(one: object, other: object, scale: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        if not (math.isfinite(one) and math.isfinite(other)):
            return repr(one) == repr(other)
        return math.isclose(one, other, rel_tol=EQUAL_WITHIN, abs_tol=scale * EQUAL_WITHIN)
    return one == other


def _same_intent(one: StrategyIntent | None, other: StrategyIntent | None) -> bool:
    if one is None or other is None:
        return one is other
    numbers = zip(_numbers(one), _numbers(other), strict=False)
    return (
        one.intent_type is other.intent_type
        and len(_numbers(one)) == len(_numbers(other))
        and all(_same(a, b, 0.0) for a, b in numbers)
    )


def _numbers(intent: StrategyIntent) -> tuple[float | None, ...]:
    prices = (intent.confidence, intent.desired_exposure_usd, intent.stop_price, intent.take_profit_price)
    return (
        *(None if price is None else float(price) for price in prices),
        *(value for _, value in sorted(intent.metadata.items())),
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def _wish(intent: StrategyIntent | None) -> str:
    if intent is None:
        return "nothing"
    numbers = ", ".join(_shown(number) for number in _numbers(intent) if number is not None)
    return f"{intent.intent_type} ({numbers})"
