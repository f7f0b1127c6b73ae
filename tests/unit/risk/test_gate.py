"""From intents to actions."""

from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.plans import ActionType
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import START
from tests.unit.risk.builders import (
    SETTINGS,
    facts,
    make_context,
    make_holding,
    make_intent,
    make_state,
    make_strategy,
)

ENTER, EXIT, INCREASE, HOLD = IntentType.ENTER, IntentType.EXIT, IntentType.INCREASE, IntentType.HOLD
STATES = [make_state(pair) for pair in ("XBTUSD", "ETHUSD", "SOLUSD", "ADAUSD")]


def test_sales_come_first_then_entries_by_confidence_strategy_and_pair() -> None:
    intents = [
        make_intent("ADAUSD", confidence="0.7"),
        make_intent("SOLUSD", confidence="0.9"),
        make_intent("ETHUSD", confidence="0.7", strategy_id="other"),
        make_intent("ETHUSD", HOLD, confidence="1"),
        make_intent("XBTUSD", EXIT, confidence="0.1"),
    ]
    context = make_context(*STATES, holdings={"XBTUSD": make_holding()})
    order = [(a.pair, a.strategy_id, a.action_type) for a in evaluate(intents, context, SETTINGS)]
    assert order == [
        ("XBTUSD", "trend", ActionType.CLOSE),
        ("SOLUSD", "trend", ActionType.OPEN),
        ("ETHUSD", "other", ActionType.OPEN),
        ("ADAUSD", "trend", ActionType.OPEN),
        ("ETHUSD", "trend", ActionType.NONE),
    ]


def test_an_exit_frees_neither_cash_nor_a_place_for_this_plan() -> None:
    context = make_context(*STATES, holdings={"XBTUSD": make_holding()}, cash="0")
    intents = [make_intent("XBTUSD", EXIT), make_intent("ETHUSD")]
    leaving, other = evaluate(intents, context, RiskSettings(max_open_positions=1))
    assert leaving.action_type is ActionType.CLOSE
    assert other.blocked_reasons == (
        "the account uses 1 of max_open_positions, 1",
        "$0.00 leaves no room below cash, $0.00",
    )


def test_what_a_plan_sells_it_does_not_buy() -> None:
    context = make_context(*STATES, holdings={"XBTUSD": make_holding()})
    intents = [make_intent(strategy_id="other"), make_intent(intent_type=EXIT)]
    sold, none = evaluate(intents, context, SETTINGS)
    assert sold.action_type is ActionType.CLOSE
    assert none.blocked_reasons[0] == "this plan sells XBTUSD, so it buys nothing of it"


def test_an_exit_that_comes_to_nothing_does_not_stop_an_entry() -> None:
    intents = [make_intent(strategy_id="other"), make_intent(intent_type=EXIT)]
    none, bought = evaluate(intents, make_context(*STATES), SETTINGS)
    assert (none.action_type, bought.action_type) == (ActionType.NONE, ActionType.OPEN)


def test_a_wish_to_hold_changes_nothing() -> None:
    context = make_context(holdings={"XBTUSD": make_holding()})
    (action,) = evaluate([make_intent(intent_type=HOLD)], context, SETTINGS)
    assert (action.action_type, action.blocked, action.reason) == (
        ActionType.NONE,
        False,
        "trend keeps XBTUSD as it is",
    )


@pytest.mark.parametrize(
    "twins",
    [
        [make_intent(stop="80"), make_intent(stop="60")],
        [make_intent(exposure="100"), make_intent(exposure="300")],
        [make_intent(timeframe=Timeframe.M5), make_intent(timeframe=Timeframe.M1)],
        [make_intent(signal_time=START), make_intent(signal_time=START + Timeframe.M1.length)],
        [make_intent(), make_intent(intent_type=INCREASE)],
        [make_intent(intent_type=HOLD), make_intent(intent_type=HOLD, confidence="7")],
        [make_intent(intent_type=HOLD, stop="NaN"), make_intent(intent_type=HOLD, confidence="NaN")],
    ],
)
def test_the_order_of_intents_does_not_matter(twins: list[StrategyIntent]) -> None:
    assert evaluate(twins, make_context(), SETTINGS) == evaluate(twins[::-1], make_context(), SETTINGS)


@pytest.mark.parametrize(
    ("intent", "reason"),
    [
        (make_intent(confidence="NaN"), "its confidence is NaN"),
        (make_intent(stop="Infinity"), "its stop_price is Infinity"),
        (make_intent(exposure="NaN"), "its desired_exposure_usd is NaN"),
        (make_intent(target="NaN"), "its take_profit_price is NaN"),
        (make_intent(atr="NaN"), "its atr is NaN"),
        (make_intent(close="NaN"), "its close is NaN"),
        (make_intent(confidence="1.01"), "its confidence is 1.01, not 0 to 1"),
        (make_intent(confidence="-0.01"), "its confidence is -0.01, not 0 to 1"),
    ],
)
def test_an_entry_whose_numbers_are_none_is_refused(intent: StrategyIntent, reason: str) -> None:
    context = make_context(strategies={"trend": make_strategy(min_confidence="0")})
    (action,) = evaluate([intent], context, SETTINGS)
    assert (action.action_type, action.blocked_reasons) == (ActionType.NONE, (reason,))


@pytest.mark.parametrize("name", ["confidence", "close", "exposure", "stop", "atr"])
def test_an_exit_is_an_exit_whatever_else_it_says(name: str) -> None:
    context = make_context(holdings={"XBTUSD": make_holding()})
    for intent_type in (EXIT, IntentType.REDUCE):
        intent = make_intent(intent_type=intent_type, **{name: "NaN"})  # type: ignore[arg-type]
        (action,) = evaluate([intent], context, SETTINGS)
        assert facts(action.action_type, action.target_base_size) == (ActionType.CLOSE, 0)


def test_confidence_of_one_and_of_none_is_sound() -> None:
    context = make_context(strategies={"trend": make_strategy(min_confidence="0")})
    for confidence in ("0", "1"):
        (action,) = evaluate([make_intent(confidence=confidence)], context, SETTINGS)
        assert action.action_type is ActionType.OPEN


def test_the_kill_switch_stops_what_is_bought_and_nothing_that_is_sold() -> None:
    context = make_context(
        *STATES,
        holdings={"XBTUSD": make_holding()},
        kill_switch=KillSwitch(active=True, reason="drill"),
        blocked_reason="drift",
    )
    sold, none = evaluate([make_intent("ETHUSD"), make_intent(intent_type=EXIT)], context, SETTINGS)
    assert sold.action_type is ActionType.CLOSE
    assert none.blocked_reasons == ("the kill switch is on (drill)", "drift")


def test_no_intents_no_actions() -> None:
    assert evaluate([], make_context(), SETTINGS) == ()


def test_the_sum_of_a_plan_is_paid_at_the_worst_price() -> None:
    states = [make_state(pair, spread="1", fee_pct="0.4") for pair in ("XBTUSD", "ETHUSD")]
    context = make_context(*states, cash="900", slippage_bps="200")
    actions = evaluate(
        [make_intent("XBTUSD"), make_intent("ETHUSD")],
        context,
        RiskSettings(max_per_asset_pct=Decimal(100), max_risk_per_trade_pct=Decimal(4)),
    )
    worst = Decimal(102) * Decimal("1.004")
    assert sum(a.target_base_size for a in actions) * worst <= 900
    assert sum(a.target_base_size for a in actions) * worst > Decimal("899.9")
