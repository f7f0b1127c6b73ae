"""In which order intents are decided."""

from datetime import timedelta

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.risk.turns import turn
from tests.unit.domain.builders import START
from tests.unit.risk.builders import make_intent

ENTER, EXIT, REDUCE = IntentType.ENTER, IntentType.EXIT, IntentType.REDUCE


def test_sales_first_then_the_surest_then_by_strategy_then_by_pair() -> None:
    wanted = [
        make_intent("XBTUSD", EXIT, confidence="0.1"),
        make_intent("XBTUSD", REDUCE, confidence="1"),
        make_intent("XBTUSD", confidence="0.9"),
        make_intent("XBTUSD", confidence="0.8", strategy_id="other"),
        make_intent("ETHUSD", confidence="0.8"),
        make_intent("XBTUSD", IntentType.INCREASE, confidence="0.8", timeframe=Timeframe.M1),
        make_intent("XBTUSD", confidence="0.8", timeframe=Timeframe.M5),
        make_intent("XBTUSD", IntentType.HOLD, confidence="1"),
    ]
    backwards = list(reversed(wanted))
    assert sorted(backwards, key=turn) == wanted


@pytest.mark.parametrize(
    "other",
    [
        make_intent(stop="60"),
        make_intent(stop=None),
        make_intent(exposure="100"),
        make_intent(exposure="0"),
        make_intent(target="200"),
        make_intent(atr="3"),
        make_intent(close="101"),
        make_intent(timeframe=Timeframe.M5),
        make_intent(signal_time=START + timedelta(minutes=1)),
        make_intent(intent_type=IntentType.INCREASE),
    ],
)
def test_intents_that_differ_in_anything_differ_in_their_turn(other: StrategyIntent) -> None:
    assert turn(other) != turn(make_intent())
    assert sorted([other, make_intent()], key=turn) == sorted([make_intent(), other], key=turn)
