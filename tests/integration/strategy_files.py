"""Strategies of a user's own, as the files that lie beside the configuration."""

from pathlib import Path

PAIR = "XBTUSD"
"""What they buy."""
_HEAD = """
import os
import time
from decimal import Decimal
from typing import Annotated

import msgspec
import polars as pl

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.strategies.base import Strategy, StrategyContext


class {name}Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    usd: Annotated[float, msgspec.Meta(ge=1, le=1e5, description="For how much.")] = 400.0
    stop_pct: Annotated[float, msgspec.Meta(ge=1, le=99, description="How far below the stop is.")] = 20.0
    target_pct: Annotated[float, msgspec.Meta(ge=0, le=99, description="How far above the target is.")] = 0.0


class {name}(Strategy[{name}Parameters]):
    type_name = "{type_name}"
    parameters_type = {name}Parameters

    @property
    def warmup_bars(self) -> int:
        return 1

    def buy(self, ctx: StrategyContext) -> list[StrategyIntent]:
        p = self.parameters
        closes = ctx.frame.filter(pl.col("time") == ctx.candle_time, pl.col("pair") == "{pair}")["close"]
        if "{pair}" in ctx.held or closes.is_empty():
            return []
        close = Decimal(repr(closes[-1]))

        def at(percent: float) -> Decimal:
            return (close * (100 + Decimal(repr(percent))) / 100).quantize(Decimal("0.1"))
        return [
            StrategyIntent(
                strategy_id=self.settings.id, pair="{pair}", intent_type=IntentType.ENTER,
                timeframe=ctx.timeframe, signal_time=ctx.candle_time, generated_at=ctx.now,
                confidence=Decimal(1), close=close, desired_exposure_usd=Decimal(repr(p.usd)),
                stop_price=at(-p.stop_pct), take_profit_price=at(p.target_pct) if p.target_pct else None,
            )
        ]

    def generate_intents(self, ctx: StrategyContext) -> list[StrategyIntent]:
        return {wants}
"""


def source(type_name: str, wants: str = "self.buy(ctx)") -> str:
    """Return the file of a strategy that buys one pair with a stop far away, or ``wants`` something else."""
    name = "".join(word.capitalize() for word in type_name.split("_"))
    return _HEAD.format(name=name, type_name=type_name, wants=wants, pair=PAIR)


def while_there_is(path: Path, then: str = "self.buy(ctx)") -> str:
    """Return an expression: what a strategy wants while there is a file, and nothing without it."""
    return f'{then} if os.path.exists("{path}") else []'


def configured(strategy_id: str, type_name: str, settings: str = "", **params: float) -> str:
    """Return the configuration of a strategy on candles of a minute; ``settings`` are lines of TOML."""
    told = ", ".join(f"{name} = {value}" for name, value in params.items())
    return (
        f'\n[strategies.configs.{strategy_id}]\ntype = "{type_name}"\ntimeframes = ["1m"]\n'
        f"{settings}\nparams = {{ {told} }}\n"
    )
