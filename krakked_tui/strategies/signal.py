"""Strategies whose signals are Polars expressions, evaluated for all pairs in one query."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ONE
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import candle_price, indicator, price_down
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.strategies.base import Curve, Strategy, StrategyContext
from krakked_tui.strategies.parameters import P
from krakked_tui.strategies.settings import StrategySettings

SIGNAL_COLUMNS = ("enter", "exit", "confidence", "stop", "take_profit")
"""What ``SignalStrategy.signals`` says of every bar."""

_PYTHON_CALLS = (".python_udf(", ".rolling_map(", ".fold(", ".reduce(")
"""How Polars writes expressions that call back into Python."""


class SignalStrategy(Strategy[P]):
    """Declare expressions over one pair's candles; the framework does the rest.

    ``indicators`` become columns that the signals may use and that the operator is shown. Live, they are
    evaluated over the last ``warmup_bars`` candles of each pair and the signal is read at the newest bar,
    so it can never see a later one; in a backtest the same expressions are evaluated once over the whole
    history (``signals``). Both say the same when ``warmup_bars`` covers every candle a value depends on;
    ``strategies/lookahead.py`` finds out whether it does. Null counts as false, and an entry whose
    confidence is null or not a number is none.
    """

    def __init__(self, settings: StrategySettings) -> None:
        super().__init__(settings)
        self._indicators = dict(self.indicators())
        if hidden := self._indicators.keys() & CANDLE_SCHEMA.keys():
            raise TypeError(
                f"{type(self).__name__}: indicators may not hide candle columns: {sorted(hidden)}"
            )
        self._drawn = dict(self.drawn())
        if unknown := self._drawn.keys() - self._indicators.keys():
            raise TypeError(f"{type(self).__name__}: no indicators, so not drawn: {sorted(unknown)}")
        self._signals = {
            "_enter": self.enter(),
            "_exit": self.exit(),
            "_confidence": self.confidence(),
            "_stop": self.stop(),
            "_take_profit": self.take_profit(),
        }
        self.calls_python = any(
            _calls_python(expression) for expression in (*self._indicators.values(), *self._signals.values())
        )
        """Whether evaluating the expressions runs Python code, not Polars alone."""

    @abstractmethod
    def indicators(self) -> Mapping[str, pl.Expr]:
        """Named columns; each may use the candle columns."""

    @abstractmethod
    def enter(self) -> pl.Expr:
        """Whether to open a position in a pair that is not held."""

    @abstractmethod
    def exit(self) -> pl.Expr:
        """Whether to close the position; a bar that says both opens nothing."""

    def confidence(self) -> pl.Expr:
        """How sure an entry is; limited to 0..1."""
        return pl.lit(1.0)

    def stop(self) -> pl.Expr:
        """Stop price of an entry; null, or not above zero, means none, and risk will refuse to size it."""
        return pl.lit(None, dtype=pl.Float64)

    def take_profit(self) -> pl.Expr:
        """Take-profit price of an entry; null means none."""
        return pl.lit(None, dtype=pl.Float64)

    def drawn(self) -> Mapping[str, str]:
        """The indicators in the scale of prices, each with the name it has in a chart."""
        return {}

    def curves(self, frame: pl.DataFrame) -> tuple[Curve, ...]:
        """Compute the indicators that are drawn, over the candles of one pair."""
        if not self._drawn:
            return ()
        values = frame.select(self._indicators[name].alias(name) for name in self._drawn)
        return tuple(
            Curve(label, tuple(value if _is_finite(value) else None for value in values[name]))
            for name, label in self._drawn.items()
        )

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Evaluate every bar of a frame of closed candles: the whole history of any number of pairs.

        Returns ``pair``, ``time``, ``close``, the indicators, and the ``SIGNAL_COLUMNS``: what holds when
        that bar has closed, so that it may act at the next bar's open at the earliest. Where a pair has
        fewer than ``warmup_bars`` candles, nothing is entered or left.
        """
        ready = pl.int_range(1, pl.len() + 1).over("pair") >= self.warmup_bars
        leaves = ready & pl.col("_exit").fill_null(value=False)
        sure = pl.col("_confidence").is_not_null() & pl.col("_confidence").is_not_nan()
        enters = ready & pl.col("_enter").fill_null(value=False) & ~leaves & sure
        return (
            self._evaluated(frame.lazy())
            .select(
                "pair", "time", "close", *self._indicators,
                enter=enters, exit=leaves, confidence=pl.col("_confidence").clip(0.0, 1.0),
                stop=_price_expression("_stop"), take_profit=_price_expression("_take_profit"),
            )
            .collect()
        )  # fmt: skip

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        """Read the signals at ``ctx.candle_time`` for every pair with enough history."""
        wanted = (self._intent(row, ctx) for row in self._newest_rows(ctx).iter_rows(named=True))
        return [intent for intent in wanted if intent]

    def _newest_rows(self, ctx: StrategyContext) -> pl.DataFrame:
        window = ctx.frame.lazy().filter(
            pl.col("time") <= ctx.candle_time, pl.col("pair").is_in(list(ctx.pairs))
        )
        window = window.filter(pl.int_range(pl.len(), 0, -1).over("pair") <= self.warmup_bars)
        return (
            self._evaluated(window)
            .with_columns(pl.len().over("pair").alias("_bars"))
            .filter(pl.col("time") == ctx.candle_time, pl.col("_bars") >= self.warmup_bars)
            .collect()
        )

    def _evaluated(self, candles: pl.LazyFrame) -> pl.LazyFrame:
        return candles.with_columns(_per_pair(self._indicators)).with_columns(_per_pair(self._signals))

    def _intent(self, row: dict[str, Any], ctx: StrategyContext) -> StrategyIntent | None:
        pair = ctx.pairs.get(row["pair"])
        if pair is None:
            return None
        if pair.canonical in ctx.held:
            leaves = row["_exit"] and ctx.held[pair.canonical] is ctx.timeframe
            return self._make(IntentType.EXIT, ONE, row, pair, ctx) if leaves else None
        confidence = row["_confidence"]
        if not row["_enter"] or row["_exit"] or confidence is None or math.isnan(confidence):
            return None
        return self._make(IntentType.ENTER, indicator(min(max(confidence, 0.0), 1.0)), row, pair, ctx)

    def _make(
        self,
        intent_type: IntentType,
        confidence: Decimal,
        row: dict[str, Any],
        pair: PairMetadata,
        ctx: StrategyContext,
    ) -> StrategyIntent:
        enters = intent_type is IntentType.ENTER
        return StrategyIntent(
            strategy_id=self.settings.id,
            pair=pair.canonical,
            intent_type=intent_type,
            timeframe=ctx.timeframe,
            signal_time=ctx.candle_time,
            generated_at=ctx.now,
            confidence=confidence,
            close=candle_price(row["close"], pair),
            stop_price=_price(row["_stop"], pair) if enters else None,
            take_profit_price=_price(row["_take_profit"], pair) if enters else None,
            metadata={name: row[name] for name in self._indicators if _is_finite(row[name])},
        )


def _calls_python(expression: pl.Expr) -> bool:
    if any(call in str(expression) for call in _PYTHON_CALLS):
        return True
    try:
        expression.meta.serialize()
    except pl.exceptions.ComputeError:
        return True  # a function cannot be written down
    return False


def _price_expression(column: str) -> pl.Expr:
    price = pl.col(column).cast(pl.Float64)
    return pl.when(price.is_finite() & (price > 0)).then(price)


def _per_pair(expressions: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    return [expression.over("pair").alias(name) for name, expression in expressions.items()]


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _price(value: float | None, pair: PairMetadata) -> Decimal | None:
    if value is None or not math.isfinite(value):
        return None
    price = price_down(indicator(value), pair)
    return price if price > 0 else None
