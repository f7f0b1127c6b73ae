"""In which order intents are decided."""

from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ZERO

Turn = tuple[object, ...]
"""Sorts first what is decided first."""

_RANKS = {
    IntentType.EXIT: 0,
    IntentType.REDUCE: 1,
    IntentType.ENTER: 2,
    IntentType.INCREASE: 2,
    IntentType.HOLD: 3,
}


def turn(intent: StrategyIntent) -> Turn:
    """Order intents by all that an action depends on, so that equal keys mean equal actions."""
    return (
        _RANKS[intent.intent_type],
        -intent.confidence,
        intent.strategy_id,
        intent.pair,
        intent.timeframe.minutes,
        intent.intent_type,
        intent.signal_time,
        intent.stop_price is None,
        intent.stop_price or ZERO,
        intent.desired_exposure_usd is None,
        intent.desired_exposure_usd or ZERO,
        intent.take_profit_price is None,
        intent.take_profit_price or ZERO,
        intent.atr is None,
        intent.atr or ZERO,
        intent.close,
    )
