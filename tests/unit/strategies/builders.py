"""Contexts and candle frames for strategy tests."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType
from krakked_tui.market.frames import frame_of
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.settings import StrategySettings
from tests.unit.domain.builders import START, make_candle, make_pair


def make_settings(
    strategy_type: str = "trend_following", params: dict[str, object] | None = None
) -> StrategySettings:
    return StrategySettings(
        id="trend_v1", type=strategy_type, timeframes=(Timeframe.M1, Timeframe.M5), params=params or {}
    )


def bar_time(bar: int) -> datetime:
    return START + timedelta(minutes=bar)


def make_frame(closes: Mapping[str, Sequence[float]], reach: float = 1.0) -> pl.DataFrame:
    """One-minute candles by pair; each bar's high and low lie ``reach`` above and below its close."""
    return frame_of(
        make_candle(bar, close, pair=pair, high=close + reach, low=close - reach)
        for pair in sorted(closes)
        for bar, close in enumerate(closes[pair])
    )


def make_context(
    frame: pl.DataFrame,
    bar: int,
    *,
    held: Mapping[str, Timeframe] | None = None,
    timeframe: Timeframe = Timeframe.M1,
    pairs: Sequence[str] | None = None,
    worth: Mapping[str, int] | None = None,
) -> StrategyContext:
    """The moment after ``bar`` has closed."""
    names = frame["pair"].unique().to_list() if pairs is None else pairs
    return StrategyContext(
        now=bar_time(bar + 1),
        timeframe=timeframe,
        candle_time=bar_time(bar),
        frame=frame,
        pairs={name: make_pair(name) for name in names},
        held=held or {},
        worth_usd={pair: Decimal(value) for pair, value in (worth or {}).items()},
    )


def follow(
    strategy: Strategy[Any], closes: Sequence[float], reach: float = 1.0
) -> list[tuple[int, IntentType]]:
    """Evaluate bar by bar, holding what was entered."""
    frame = make_frame({"XBTUSD": closes}, reach)
    held: dict[str, Timeframe] = {}
    found = []
    for bar in range(len(closes)):
        for intent in strategy.generate_intents(make_context(frame, bar, held=held)):
            found.append((bar, intent.intent_type))
            held = {"XBTUSD": Timeframe.M1} if intent.intent_type is IntentType.ENTER else {}
    return found
