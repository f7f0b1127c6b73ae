"""Strategies of a user's own, from the body of their ``generate_intents``, and candles to run them on."""

from datetime import datetime, timedelta

from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.signals import CycleInputs
from krakked_tui.market.frames import frame_of
from krakked_tui.strategies.base import StrategyContext
from krakked_tui.strategies.loaded import LoadedStrategy, Origin, load_class, module_name
from krakked_tui.strategies.practice import practice_candles, practice_pairs
from krakked_tui.strategies.settings import StrategySettings

SOURCE = """
import os, signal, sys, time
from decimal import Decimal
import msgspec
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.strategies.base import Strategy

class Parameters(msgspec.Struct, frozen=True):
    pass

class Mine(Strategy[Parameters]):
    type_name = "mine"
    parameters_type = Parameters
    warmup_bars = 30

    def buy(self, ctx, pair="XBTUSD", **kwargs):
        given = dict(
            strategy_id=self.settings.id, pair=pair, intent_type=IntentType.ENTER, timeframe=ctx.timeframe,
            signal_time=ctx.candle_time, generated_at=ctx.now, confidence=Decimal(1), close=Decimal(5),
        )
        return StrategyIntent(**{**given, **kwargs})

    def generate_intents(self, ctx):
        BODY
"""
FRAME = practice_candles(Timeframe.H1, 60)
NEWEST: datetime = FRAME["time"].to_list()[-1]
BOUNDARY = NEWEST + timedelta(hours=1)
PAIRS = practice_pairs()


def own(strategy_id: str, body: str, kind: str = "file") -> LoadedStrategy:
    """A strategy whose source is the user's; of another ``kind`` than file it is no code of his."""
    name = module_name(strategy_id)
    source = SOURCE.replace("BODY", body.replace("\n", "\n        "))
    origin = Origin("file", name, "Mine", f"/nowhere/{strategy_id}.py", source)
    settings = StrategySettings(
        id=strategy_id, type="mine", timeframes=(Timeframe.H1,), tag=f"t{strategy_id[-2:]}"
    )
    made = load_class(origin)(settings)
    return LoadedStrategy(made, origin if kind == "file" else Origin("built-in", name, "Mine"))


def ours(strategy_id: str, body: str) -> LoadedStrategy:
    """The same, taken for our own code: it runs in a thread."""
    return own(strategy_id, body, kind="built-in")


def make_context(bars: int = 60) -> StrategyContext:
    """The newest candles of all practice pairs."""
    frame = FRAME.group_by("pair", maintain_order=True).tail(bars) if bars else frame_of(())
    return StrategyContext(
        now=BOUNDARY, timeframe=Timeframe.H1, candle_time=NEWEST, frame=frame, pairs=PAIRS, held={}
    )


def make_inputs(**changes: object) -> CycleInputs:
    """The inputs of a cycle on those candles."""
    given: dict[str, object] = {
        "boundary": BOUNDARY, "now": BOUNDARY, "frames": {Timeframe.H1: FRAME}, "pairs": PAIRS,
    }  # fmt: skip
    return CycleInputs(**{**given, **changes})  # type: ignore[arg-type]
