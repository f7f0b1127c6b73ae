"""What a strategy is and what it is given."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Generic

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.strategies.parameters import P, read_parameters
from krakked_tui.strategies.settings import StrategySettings


class StrategyContext(msgspec.Struct, frozen=True):
    """One evaluation of one strategy on one timeframe.

    ``candle_time`` is the open time of the candle that has just closed. ``frame`` holds closed
    candles of all pairs in the schema of ``market/frames.py``, by pair and then time; what is
    newer than ``candle_time`` is not looked at. ``pairs`` are the pairs to evaluate: the universe
    and whatever is held. ``held`` maps the pairs that this strategy holds to the timeframe that
    opened each position, ``worth_usd`` to what it holds of them is worth now; a pair whose price nobody
    knows has no worth.
    """

    now: datetime
    timeframe: Timeframe
    candle_time: datetime
    frame: pl.DataFrame
    pairs: Mapping[str, PairMetadata]
    held: Mapping[str, Timeframe]
    worth_usd: Mapping[str, Decimal] = {}


class Curve(msgspec.Struct, frozen=True):
    """An indicator in the scale of prices, for a chart: one value per candle, None where there is none."""

    name: str
    values: tuple[float | None, ...]


class Strategy(ABC, Generic[P]):
    """A strategy with its settings. Keeps no state between evaluations.

    Same context, same intents. Whatever it raises is the caller's to catch.
    """

    type_name: ClassVar[str]
    """What ``type`` in the settings says to get this strategy."""

    parameters_type: type[P]
    """Declaration of its parameters."""

    def __init__(self, settings: StrategySettings) -> None:
        """Read the parameters; raises ``ConfigError`` naming every wrong one."""
        self.settings = settings
        self.parameters = read_parameters(
            self.parameters_type, settings.params, f"strategies.configs.{settings.id}"
        )

    @property
    @abstractmethod
    def warmup_bars(self) -> int:
        """Closed candles a pair must have before it is evaluated, the newest included."""

    @abstractmethod
    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        """Say what the strategy wants now, ordered by pair.

        Only pairs whose newest candle is the one at ``ctx.candle_time`` may act.
        """

    def curves(self, _frame: pl.DataFrame) -> tuple[Curve, ...]:
        """Return what a chart should show of this strategy over the candles of one pair, oldest first.

        Each curve has a value per row. Display only: the first values may lack the history that
        ``generate_intents`` sees.
        """
        return ()

    def waiting(self, ctx: StrategyContext) -> dict[str, str]:
        """Say which pairs cannot be evaluated now, and why, in a few words."""
        bars = (
            ctx.frame.filter(pl.col("time") <= ctx.candle_time)
            .group_by("pair")
            .agg(pl.len(), pl.col("time").last())
        )
        known = {pair: (count, newest) for pair, count, newest in bars.iter_rows()}
        reasons: dict[str, str] = {}
        for pair in sorted(ctx.pairs):
            count, newest = known.get(pair, (0, None))
            if count < self.warmup_bars:
                reasons[pair] = f"{count} of {self.warmup_bars} candles"
            elif newest != ctx.candle_time:
                reasons[pair] = f"no candle since {newest:%Y-%m-%d %H:%M}"
        return reasons
