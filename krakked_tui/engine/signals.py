"""Running strategies on frozen candles, in a worker thread, with their failures as values."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.boundaries import closed_candle_time
from krakked_tui.strategies.base import Strategy, StrategyContext

AnyStrategy = Strategy[Any]


class Signals(msgspec.Struct, frozen=True):
    """What the strategies said, and the fingerprint of the candles they said it on.

    ``notes`` says which pairs could not be evaluated, and why.
    """

    intents: tuple[StrategyIntent, ...]
    failures: dict[str, str]
    fingerprint: str
    notes: tuple[str, ...] = ()


def compute(
    strategies: Sequence[AnyStrategy],
    frames: Mapping[Timeframe, pl.DataFrame],
    pairs: Mapping[str, PairMetadata],
    held: Mapping[str, Mapping[str, Timeframe]],
    boundary: datetime,
    now: datetime,
) -> Signals:
    """Evaluate every strategy on every one of its timeframes in ``frames``.

    An exception in a strategy becomes an entry in ``failures`` under its id: a strategy is user
    code, and whatever it raises must not reach the engine.
    """
    intents: list[StrategyIntent] = []
    failures: dict[str, str] = {}
    notes: list[str] = []
    for strategy in strategies:
        for timeframe, frame in frames.items():
            if timeframe not in strategy.settings.timeframes:
                continue
            context = StrategyContext(
                now=now,
                timeframe=timeframe,
                candle_time=closed_candle_time(timeframe, boundary),
                frame=frame,
                pairs=pairs,
                held=held.get(strategy.settings.id, {}),
            )
            try:
                intents += strategy.generate_intents(context)
                notes += _waiting(strategy, context)
            except Exception as error:  # noqa: BLE001 - user code; the failure is reported, not hidden
                failures[strategy.settings.id] = f"{type(error).__name__}: {error}"
    return Signals(tuple(intents), failures, _fingerprint(frames), tuple(notes))


def _waiting(strategy: AnyStrategy, context: StrategyContext) -> list[str]:
    waiting = strategy.waiting(context)
    where = f"{strategy.settings.id} {context.timeframe}"
    return [f"{where} {pair}: {why}" for pair, why in waiting.items()]


def _fingerprint(frames: Mapping[Timeframe, pl.DataFrame]) -> str:
    digest = hashlib.sha256()
    for timeframe in sorted(frames, key=lambda t: t.minutes):
        frame = frames[timeframe]
        digest.update(timeframe.encode())
        digest.update(frame.hash_rows(seed=0).to_numpy().tobytes() if frame.height else b"")
    return digest.hexdigest()[:16]
