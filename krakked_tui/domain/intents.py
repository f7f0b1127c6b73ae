"""What strategies want, before risk has had its say."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.candles import Timeframe


class IntentType(StrEnum):
    """What a strategy wants to do with a pair."""

    ENTER = "enter"
    EXIT = "exit"
    INCREASE = "increase"
    REDUCE = "reduce"
    HOLD = "hold"


class StrategyIntent(msgspec.Struct, frozen=True):
    """One wish of one strategy. ``desired_exposure_usd`` None means: let risk size it.

    ``signal_time`` is the open time of the closed candle that gave the signal; ``confidence`` is
    in 0..1; ``metadata`` holds the indicator values shown to the operator. ``atr`` is the average true
    range of that candle over ``risk.volatility_lookback_bars``, in quote units, None when it has none: the
    runner fills it in, whatever the strategy said.
    """

    strategy_id: str
    pair: str
    intent_type: IntentType
    timeframe: Timeframe
    signal_time: datetime
    generated_at: datetime
    confidence: Decimal
    close: Decimal
    desired_exposure_usd: Decimal | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    metadata: dict[str, float] = {}
    atr: Decimal | None = None

    @property
    def side(self) -> str:
        """Long or flat: Krakked never shorts."""
        return "flat" if self.intent_type is IntentType.EXIT else "long"
