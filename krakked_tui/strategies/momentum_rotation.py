"""Momentum rotation: now and then, hold the pairs of the universe that have risen most.

Idea: winners of the past months tend to go on winning for a while. Jegadeesh and Titman, "Returns to Buying
Winners and Selling Losers: Implications for Stock Market Efficiency", Journal of Finance 48 (1993). They
also found that it turns around later, and it is known for sudden losses after a market's turn. Nothing here
says that the rule earns money.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import msgspec
import polars as pl

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ONE
from krakked_tui.domain.precision import candle_price
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.schedule import is_due

_LEAST_SURE = Decimal("0.6")


class MomentumRotationParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be tuned."""

    lookback_bars: Annotated[
        int, msgspec.Meta(ge=1, le=700, description="Bars over which pairs are compared.")
    ] = 30
    every_bars: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Bars between two comparisons.")] = 7
    top_n: Annotated[int, msgspec.Meta(ge=1, le=100, description="How many pairs to hold.")] = 5
    keep_to: Annotated[
        int, msgspec.Meta(ge=1, le=1000, description="Sell what is held when its rank is worse than this.")
    ] = 8
    min_return_pct: Annotated[
        float, msgspec.Meta(ge=-100, le=1000, description="Hold only what has risen by more than this.")
    ] = 0.0

    def __post_init__(self) -> None:
        if self.keep_to < self.top_n:
            raise ValueError(f"keep_to is {self.keep_to}: use at least top_n, {self.top_n}")


class _Ranked(msgspec.Struct, frozen=True):
    pair: str
    rank: int
    rise_pct: float
    close: float


class MomentumRotation(Strategy[MomentumRotationParameters]):
    """Hold the strongest pairs; sell what has become weak at the next comparison.

    Pairs without a candle at the comparison, or without one a lookback ago, are not compared: what is held
    of them stays until the next one. Stops are left to risk.
    """

    type_name = "momentum_rotation"
    parameters_type = MomentumRotationParameters

    @property
    def warmup_bars(self) -> int:
        """The newest candle and the one a lookback before it."""
        return self.parameters.lookback_bars + 1

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        """Compare all pairs at every ``every_bars``-th candle; between those there is nothing to say."""
        p = self.parameters
        if not is_due(ctx.timeframe, ctx.candle_time, p.every_bars):
            return []
        ranking = self._ranking(ctx)
        strong = [one for one in ranking if one.rise_pct > p.min_return_pct]
        keeps = {one.pair for one in strong if one.pair in ctx.held and one.rank <= p.keep_to}
        places = p.top_n - len(keeps) - sum(pair not in {one.pair for one in ranking} for pair in ctx.held)
        candidates = [one for one in strong if one.rank <= p.top_n and one.pair not in ctx.held]
        wanted = [self._intent(IntentType.ENTER, one, ctx) for one in candidates[: max(0, places)]]
        wanted += [
            self._intent(IntentType.EXIT, one, ctx)
            for one in ranking
            if ctx.held.get(one.pair) is ctx.timeframe and one.pair not in keeps
        ]
        return sorted(wanted, key=lambda intent: intent.pair)

    def _ranking(self, ctx: StrategyContext) -> Sequence[_Ranked]:
        """Rank the pairs by how much they have risen, the strongest first (rank 1); equal ones by name."""
        begin = ctx.candle_time - self.parameters.lookback_bars * ctx.timeframe.length
        seen = ctx.frame.lazy().filter(
            pl.col("time") <= ctx.candle_time, pl.col("pair").is_in(list(ctx.pairs))
        )
        rows = (
            seen.group_by("pair")
            .agg(
                pl.len().alias("bars"),
                pl.col("time").last(),
                pl.col("close").last(),
                pl.col("close").filter(pl.col("time") <= begin).last().alias("before"),
            )
            .filter(
                pl.col("bars") >= self.warmup_bars, pl.col("time") == ctx.candle_time, pl.col("before") > 0
            )
            .select("pair", (100 * (pl.col("close") / pl.col("before") - 1)).alias("rise"), "close")
            .filter(pl.col("rise").is_finite())
            .sort(["rise", "pair"], descending=[True, False])
            .collect()
        )
        return [_Ranked(pair, rank, rise, close) for rank, (pair, rise, close) in enumerate(rows.rows(), 1)]

    def _intent(self, intent_type: IntentType, one: _Ranked, ctx: StrategyContext) -> StrategyIntent:
        enters = intent_type is IntentType.ENTER
        # The first is quite sure, the last that is held just sure enough.
        sure = ONE - (ONE - _LEAST_SURE) * (one.rank - 1) / self.parameters.top_n
        return StrategyIntent(
            strategy_id=self.settings.id,
            pair=one.pair,
            intent_type=intent_type,
            timeframe=ctx.timeframe,
            signal_time=ctx.candle_time,
            generated_at=ctx.now,
            confidence=sure if enters else ONE,
            close=candle_price(one.close, ctx.pairs[one.pair]),
            metadata={"rise_pct": one.rise_pct, "rank": float(one.rank)},
        )
