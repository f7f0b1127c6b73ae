"""Strategies run on frozen candles, and what they raise stays a value."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.signals import compute
from krakked_tui.market.frames import frame_of
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.registry import build_strategies
from krakked_tui.strategies.trend_following import TrendFollowing, TrendFollowingParameters
from tests.scenarios.stage import STRATEGY

T0 = datetime(2026, 1, 5, 1, tzinfo=UTC)


class Broken(TrendFollowing):
    """A strategy with a bug."""

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        raise ZeroDivisionError("of course")


def _frames(bars: int) -> Mapping[Timeframe, pl.DataFrame]:
    start = T0 - timedelta(minutes=bars)
    candles = [
        Candle("XBTUSD", Timeframe.M1, start + timedelta(minutes=n), p, p + 1, p - 1, p, 1, p, 1)
        for n in range(bars)
        for p in [50_000.0 + n * n]
    ]
    return {Timeframe.M1: frame_of(candles)}


def _compute(strategy: Strategy[TrendFollowingParameters], pair: PairMetadata, bars: int = 60) -> object:
    return compute([strategy], _frames(bars), {"XBTUSD": pair}, {}, T0, T0)


def test_what_a_strategy_raises_is_a_failure_under_its_id(xbtusd: PairMetadata) -> None:
    signals = compute([Broken(STRATEGY)], _frames(60), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert signals.failures == {"trend_following_v1": "ZeroDivisionError: of course"}
    assert signals.intents == ()


def test_a_broken_strategy_does_not_silence_the_others(xbtusd: PairMetadata) -> None:
    settings = msgspec.structs.replace(STRATEGY, params={"enter_on": "above"})
    (good,) = build_strategies([settings])
    signals = compute([Broken(STRATEGY), good], _frames(60), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert [intent.pair for intent in signals.intents] == ["XBTUSD"]


def test_pairs_that_cannot_be_evaluated_are_named(xbtusd: PairMetadata) -> None:
    (strategy,) = build_strategies([STRATEGY])
    signals = compute([strategy], _frames(10), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert signals.notes == ("trend_following_v1 1m XBTUSD: 10 of 51 candles",)


def test_the_fingerprint_tells_candles_apart(xbtusd: PairMetadata) -> None:
    (strategy,) = build_strategies([STRATEGY])
    assert _compute(strategy, xbtusd) == _compute(strategy, xbtusd)
    one = compute([strategy], _frames(60), {"XBTUSD": xbtusd}, {}, T0, T0)
    other = compute([strategy], _frames(59), {"XBTUSD": xbtusd}, {}, T0, T0)
    assert one.fingerprint != other.fingerprint
