"""What strategies want in one cycle: the inputs they are given, frozen, and what is made of their answers.

Nothing here waits or touches the world: ``strategy_runner`` decides where each runs, and how long.
"""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property

import msgspec
import polars as pl

from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import indicator
from krakked_tui.engine.strategy_evaluation import AnyStrategy as AnyStrategy
from krakked_tui.engine.strategy_evaluation import Evaluated, evaluate, last_bars
from krakked_tui.market.boundaries import closed_candle_time
from krakked_tui.market.indicators import atr
from krakked_tui.strategies.base import StrategyContext
from krakked_tui.strategies.filters import choose

LOOKBACK_BARS = 20
_ENTRIES = frozenset({IntentType.ENTER, IntentType.INCREASE})
_FINGERPRINT_DIGITS = 16


class CycleInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the strategies of one cycle are given.

    ``frames`` are the recent closed candles of the timeframes that have just closed. ``pairs`` are all that a
    strategy may speak of, ``universe`` (None: all of them) those that may be entered. ``held`` and
    ``worth_usd`` are by strategy id and pair, as in ``StrategyContext``. ``quotes`` are the latest prices.
    ``volatility`` is the longest timeframe in use with its candles, ``watched`` the pairs whose average true
    range of it is wanted. ``facts`` are whatever else decisions depend on, for the fingerprint.
    """

    boundary: datetime
    now: datetime
    frames: Mapping[Timeframe, pl.DataFrame]
    pairs: Mapping[str, PairMetadata]
    universe: Collection[str] | None = None
    held: Mapping[str, Mapping[str, Timeframe]] = {}
    worth_usd: Mapping[str, Mapping[str, Decimal]] = {}
    quotes: Mapping[str, Quote] = {}
    lookback_bars: int = LOOKBACK_BARS
    volatility: tuple[Timeframe, pl.DataFrame] | None = None
    watched: frozenset[str] = frozenset()
    facts: bytes = b""


class Given(msgspec.Struct, frozen=True):
    """The contexts ``of`` a strategy, and why pairs are left out of them, by timeframe and pair."""

    of: tuple[StrategyContext, ...]
    left_out: Mapping[Timeframe, Mapping[str, str]]


class Signals(msgspec.Struct, frozen=True):
    """What the strategies said, and the fingerprint of what they said it on.

    ``failures`` tells by strategy id why one is to be disabled; ``notes`` which pairs could not be evaluated,
    and why; ``atr`` is of the watched pairs, in quote units.
    """

    intents: tuple[StrategyIntent, ...]
    failures: dict[str, str]
    fingerprint: str
    notes: tuple[str, ...] = ()
    atr: dict[str, Decimal] = {}


def compute(
    strategies: Sequence[AnyStrategy],
    frames: Mapping[Timeframe, pl.DataFrame],
    pairs: Mapping[str, PairMetadata],
    held: Mapping[str, Mapping[str, Timeframe]],
    boundary: datetime,
    now: datetime,
) -> Signals:
    """Evaluate strategies one after another where this is called, with nothing that bounds their time."""
    inputs = CycleInputs(boundary=boundary, now=now, frames=frames, pairs=pairs, held=held)
    given = contexts(strategies, inputs, {each.settings.id: each.warmup_bars for each in strategies})
    return conclude(
        inputs,
        {each.settings.id: evaluate(each, given[each.settings.id].of, time.monotonic) for each in strategies},
    )


def contexts(
    strategies: Iterable[AnyStrategy], inputs: CycleInputs, warmup: Mapping[str, int]
) -> dict[str, Given]:
    """Return what each strategy is given, by its id: a context per timeframe of its that has closed.

    Its candles are the newest of each pair, as many as its ``warmup``: what it says must not depend on what
    other strategies need.
    """
    closed = {
        timeframe: _ClosedCandles(frame, closed_candle_time(timeframe, inputs.boundary))
        for timeframe, frame in inputs.frames.items()
    }
    return {each.settings.id: _given(each, inputs, closed, warmup[each.settings.id]) for each in strategies}


def _given(
    strategy: AnyStrategy, inputs: CycleInputs, closed: Mapping[Timeframe, "_ClosedCandles"], warmup: int
) -> Given:
    settings = strategy.settings
    held = inputs.held.get(settings.id, {})
    universe = inputs.pairs if inputs.universe is None else inputs.universe
    pairs = {name: inputs.pairs[name] for name in sorted({*universe, *held}) if name in inputs.pairs}
    found: list[StrategyContext] = []
    left_out: dict[Timeframe, Mapping[str, str]] = {}
    for timeframe, candles in closed.items():
        if timeframe not in settings.timeframes:
            continue
        wanted = settings.universe_filter
        bars = candles.counts if wanted.min_history_bars else {}
        chosen = choose(wanted, pairs, inputs.quotes, bars, held)
        left_out[timeframe] = chosen.left_out
        found.append(
            StrategyContext(
                now=inputs.now,
                timeframe=timeframe,
                candle_time=candles.upto,
                frame=candles.newest(warmup),
                pairs=chosen.pairs,
                held=held,
                worth_usd=inputs.worth_usd.get(settings.id, {}),
            )
        )
    return Given(tuple(found), left_out)


class _ClosedCandles:
    """The candles of a timeframe that opened at ``upto`` or before; what is asked of them is found once."""

    def __init__(self, frame: pl.DataFrame, upto: datetime) -> None:
        self.upto = upto
        self._frame = frame.filter(pl.col("time") <= upto)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many candles each pair has."""
        return dict(self._frame.group_by("pair").len().iter_rows())

    @cached_property
    def _ages(self) -> pl.Series:
        """Which of its pair's newest each candle is, from one on."""
        return self._frame.select(pl.int_range(pl.len(), 0, -1).over("pair")).to_series()

    def newest(self, bars: int) -> pl.DataFrame:
        """Return the newest ``bars`` of each pair."""
        return self._frame.filter(self._ages <= bars)


def conclude(inputs: CycleInputs, evaluated: Mapping[str, Evaluated]) -> Signals:
    """Put together what the strategies said, by their ids, and add what is not theirs to say."""
    found = [evaluated[strategy_id] for strategy_id in sorted(evaluated)]
    return Signals(
        intents=_with_atr([intent for each in found for intent in each.intents], inputs),
        failures={name: each.failure for name, each in evaluated.items() if each.failure},
        fingerprint=_fingerprint(inputs),
        notes=tuple(note for each in found for note in each.notes),
        atr=_watched_atr(inputs),
    )


def average_true_ranges(
    frame: pl.DataFrame, pairs: Collection[str], upto: datetime, bars: int
) -> dict[str, tuple[datetime, Decimal]]:
    """Return the average true range of each pair at its newest candle that opened at ``upto`` or before.

    With it comes that candle's time. A pair with too few candles has none.
    """
    newest = (
        last_bars(frame, pairs, upto, bars + 1)
        .group_by("pair")
        .agg(pl.len(), pl.col("time").last(), atr(bars).last().alias("atr"))
        # The range of the first candle does not know the close before it.
        .filter(pl.col("len") > bars, pl.col("atr").is_finite())
    )
    return {pair: (at, indicator(value)) for pair, _count, at, value in newest.iter_rows()}


def _with_atr(intents: Sequence[StrategyIntent], inputs: CycleInputs) -> tuple[StrategyIntent, ...]:
    """Fill in the average true range of entries: one query per timeframe that has any."""
    entries: dict[Timeframe, set[str]] = {}
    for intent in intents:
        if intent.intent_type in _ENTRIES:
            entries.setdefault(intent.timeframe, set()).add(intent.pair)
    known = {
        timeframe: average_true_ranges(
            inputs.frames[timeframe],
            pairs,
            closed_candle_time(timeframe, inputs.boundary),
            inputs.lookback_bars,
        )
        for timeframe, pairs in entries.items()
    }

    def of(intent: StrategyIntent) -> Decimal | None:
        at, value = known[intent.timeframe].get(intent.pair, (None, None))
        return value if at == intent.signal_time else None

    return tuple(
        msgspec.structs.replace(intent, atr=of(intent)) if intent.intent_type in _ENTRIES else intent
        for intent in intents
    )


def _watched_atr(inputs: CycleInputs) -> dict[str, Decimal]:
    if inputs.volatility is None or not inputs.watched:
        return {}
    timeframe, frame = inputs.volatility
    upto = closed_candle_time(timeframe, inputs.now)
    found = average_true_ranges(frame, inputs.watched, upto, inputs.lookback_bars)
    return {pair: found[pair][1] for pair in sorted(found)}


def _fingerprint(inputs: CycleInputs) -> str:
    """Return what changes whenever something does that strategies and risk look at."""
    digest = hashlib.sha256(inputs.facts)
    for timeframe in sorted(inputs.frames, key=lambda t: t.minutes):
        frame = inputs.frames[timeframe]
        digest.update(timeframe.encode())
        digest.update(frame.hash_rows(seed=0).to_numpy().tobytes() if frame.height else b"")
    digest.update(msgspec.msgpack.encode(_in_order(inputs.held)))
    digest.update(msgspec.msgpack.encode((sorted(inputs.pairs), sorted(inputs.universe or ()))))
    return digest.hexdigest()[:_FINGERPRINT_DIGITS]


def _in_order(held: Mapping[str, Mapping[str, Timeframe]]) -> list[tuple[str, list[tuple[str, Timeframe]]]]:
    return [(strategy_id, sorted(pairs.items())) for strategy_id, pairs in _sorted(held.items())]


def _sorted(
    items: Iterable[tuple[str, Mapping[str, Timeframe]]],
) -> list[tuple[str, Mapping[str, Timeframe]]]:
    return sorted(items, key=lambda item: item[0])
