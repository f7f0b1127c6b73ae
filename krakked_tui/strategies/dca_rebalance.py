"""Scheduled accumulation: buy for a fixed amount now and then, towards target weights.

Idea: buying for the same amount at fixed times leaves nothing to decide. Constantinides, "A Note on the
Suboptimality of Dollar-Cost Averaging as an Investment Policy", Journal of Financial and Quantitative
Analysis 14 (1979), shows that it is not the best of plans; it is a plan. What has grown too large may be cut
back to its weight: Perold and Sharpe, "Dynamic Strategies for Asset Allocation", Financial Analysts Journal
44 (1988). Nothing here says that it earns money.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import msgspec
import polars as pl

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import HUNDRED, ONE, ZERO
from krakked_tui.domain.precision import candle_price, indicator
from krakked_tui.strategies.base import Strategy, StrategyContext
from krakked_tui.strategies.schedule import is_due

_TARGET = r"[A-Za-z0-9./]{2,24} *: *[0-9]{1,3}(\.[0-9]{1,4})?"
_TARGETS = rf"^ *{_TARGET}( *, *{_TARGET}){{0,31}} *\Z"


class DcaRebalanceParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be tuned."""

    targets: Annotated[
        str,
        msgspec.Meta(
            pattern=_TARGETS,
            description="Pairs with their weights; what counts is how these compare.",
            extra_json_schema={"allowed": 'a text such as "XBTUSD: 60, ETHUSD: 40"'},
        ),
    ] = "XBTUSD: 60, ETHUSD: 40"
    amount_usd: Annotated[float, msgspec.Meta(ge=1, le=1_000_000, description="What is spent each time.")] = (
        50.0
    )
    every_bars: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Bars between two purchases.")] = 7
    most_usd: Annotated[
        float,
        msgspec.Meta(ge=1, le=1e9, description="Nothing more is bought when all of it is worth this much."),
    ] = 1000.0
    band_pct: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=100,
            description="Sell what is above its weight by more than so many percent of the whole, down to"
            " its weight, and what has no weight any more; 0: never sell.",
        ),
    ] = 0.0

    def __post_init__(self) -> None:
        names = [name for name, _ in _parsed(self.targets)]
        if len({*names}) < len(names):
            raise ValueError(f"targets is {self.targets!r}: name each pair once")
        if not any(weight for _, weight in _parsed(self.targets)):
            raise ValueError(f"targets is {self.targets!r}: use a weight above 0")


class DcaRebalance(Strategy[DcaRebalanceParameters]):
    """Put each amount into the pair that is furthest below its weight.

    A purchase is one order, so that small weights do not end in orders too small for the exchange. Pairs
    that cannot be traded now are passed over. While the worth of anything held is unknown, nothing is done.
    The stop is left to risk: ``stop_atr_multiple`` should be wide, or set-backs end the accumulation.
    """

    type_name = "dca_rebalance"
    parameters_type = DcaRebalanceParameters

    @property
    def warmup_bars(self) -> int:
        """The newest candle says what a pair costs."""
        return 1

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        """Buy, and cut back what is too large, at every ``every_bars``-th candle."""
        if not is_due(ctx.timeframe, ctx.candle_time, self.parameters.every_bars):
            return []
        if any(pair not in ctx.worth_usd for pair in ctx.held):
            return []
        closes = self._closes(ctx)
        weights = self._weights(ctx)
        worth = {pair: ctx.worth_usd.get(pair, ZERO) for pair in weights.keys() | ctx.held.keys()}
        wanted = [
            *self._reductions(weights, worth, closes, ctx),
            *self._purchase(weights, worth, closes, ctx),
        ]
        return sorted(wanted, key=lambda intent: intent.pair)

    def _weights(self, ctx: StrategyContext) -> dict[str, Decimal]:
        """Return the weight of each target, adding up to one, by the pair's canonical name."""
        names = {name: pair.canonical for pair in ctx.pairs.values() for name in _names(pair.canonical, ctx)}
        given = {names.get(name.upper(), name): weight for name, weight in _parsed(self.parameters.targets)}
        total = sum(given.values(), ZERO)
        return {pair: weight / total for pair, weight in given.items()}

    def _closes(self, ctx: StrategyContext) -> Mapping[str, float]:
        newest = ctx.frame.filter(pl.col("time") == ctx.candle_time, pl.col("close") > 0)
        return {pair: close for pair, close in newest.select("pair", "close").rows() if pair in ctx.pairs}

    def _amount(self, worth: Mapping[str, Decimal]) -> Decimal:
        """Return how much may be bought for now; nothing when it is zero or less."""
        p = self.parameters
        return min(indicator(p.amount_usd), indicator(p.most_usd) - sum(worth.values(), ZERO))

    def _purchase(
        self,
        weights: Mapping[str, Decimal],
        worth: Mapping[str, Decimal],
        closes: Mapping[str, float],
        ctx: StrategyContext,
    ) -> list[StrategyIntent]:
        total, amount = sum(worth.values(), ZERO), self._amount(worth)
        missing = {
            pair: weight * (total + amount) - worth[pair]
            for pair, weight in weights.items()
            if pair in closes and ctx.held.get(pair, ctx.timeframe) is ctx.timeframe
        }
        if amount <= ZERO or not missing:
            return []
        pair = max(missing, key=lambda name: (missing[name], -list(weights).index(name)))
        if missing[pair] <= ZERO:
            return []
        intent_type = IntentType.INCREASE if pair in ctx.held else IntentType.ENTER
        return [self._intent(intent_type, pair, worth[pair] + amount, closes, ctx)]

    def _reductions(
        self,
        weights: Mapping[str, Decimal],
        worth: Mapping[str, Decimal],
        closes: Mapping[str, float],
        ctx: StrategyContext,
    ) -> list[StrategyIntent]:
        band = indicator(self.parameters.band_pct) / HUNDRED
        # Of what there will be: else a pair could be too large and too small at once.
        total = sum(worth.values(), ZERO) + max(ZERO, self._amount(worth))
        found: list[StrategyIntent] = []
        for pair in sorted(ctx.held):
            weight = weights.get(pair, ZERO)
            mine = pair in closes and ctx.held[pair] is ctx.timeframe
            if not band or not mine or (weight and worth[pair] <= (weight + band) * total):
                continue
            intent_type = IntentType.REDUCE if weight else IntentType.EXIT
            found.append(self._intent(intent_type, pair, weight * total, closes, ctx))
        return found

    def _intent(
        self,
        intent_type: IntentType,
        pair: str,
        exposure: Decimal,
        closes: Mapping[str, float],
        ctx: StrategyContext,
    ) -> StrategyIntent:
        return StrategyIntent(
            strategy_id=self.settings.id,
            pair=pair,
            intent_type=intent_type,
            timeframe=ctx.timeframe,
            signal_time=ctx.candle_time,
            generated_at=ctx.now,
            confidence=ONE,
            close=candle_price(closes[pair], ctx.pairs[pair]),
            desired_exposure_usd=None if intent_type is IntentType.EXIT else exposure,
            metadata={"worth_usd": float(ctx.worth_usd.get(pair, ZERO)), "target_usd": float(exposure)},
        )


def _parsed(targets: str) -> list[tuple[str, Decimal]]:
    """Return the pairs as they were written, with their weights."""
    parts = (re.split(r" *: *", part.strip()) for part in targets.split(","))
    return [(name, Decimal(weight)) for name, weight in parts]


def _names(canonical: str, ctx: StrategyContext) -> tuple[str, ...]:
    pair = ctx.pairs[canonical]
    return canonical.upper(), pair.ws_symbol.upper(), pair.rest_symbol.upper()
