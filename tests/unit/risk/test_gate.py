"""From intents to actions."""

from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.plans import ActionType, Verdict
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import START
from tests.unit.risk.builders import (
    SETTINGS,
    check_of,
    make_context,
    make_holding,
    make_intent,
    make_state,
    money,
)

ENTER, EXIT, INCREASE, HOLD = IntentType.ENTER, IntentType.EXIT, IntentType.INCREASE, IntentType.HOLD
STATES = [make_state(pair) for pair in ("XBTUSD", "ETHUSD", "SOLUSD", "ADAUSD")]


def test_an_accepted_entry_explains_itself() -> None:
    (action,) = evaluate([make_intent(stop="80")], make_context(), SETTINGS)
    assert action.action_type is ActionType.OPEN
    assert (action.target_base_size, action.current_base_size, action.target_notional_usd) == money(5, 0, 500)
    assert action.stop_price == 80
    assert (action.timeframe, action.blocked) == (Timeframe.M1, False)
    assert action.reason == "trend buys 5 XBT for at most $500.00; 1.00 % of equity is lost at the stop, 80"
    assert {check.verdict for check in action.checks} == {Verdict.OK}


def test_a_cut_entry_names_what_cut_it() -> None:
    (action,) = evaluate([make_intent(stop="90")], make_context(), SETTINGS)
    assert action.target_base_size == 5
    assert action.clamped_by == ("max_per_asset_pct",)
    assert action.reason.endswith("0.50 % of equity is lost at the stop, 90; cut by max_per_asset_pct")
    assert check_of(action, "max_per_asset_pct").verdict is Verdict.CLAMPED


def test_a_blocked_entry_names_every_reason() -> None:
    context = make_context(kill_switch=KillSwitch(active=True, reason="drill"), blocked_reason="drift")
    (action,) = evaluate([make_intent(confidence="0.1")], context, SETTINGS)
    assert (action.action_type, action.blocked) == (ActionType.NONE, True)
    assert action.target_base_size == 0
    assert action.blocked_reasons == (
        "the kill switch is on (drill)",
        "drift",
        "its confidence is 0.1, below min_signal_confidence, 0.6",
    )
    assert action.reason == f"no enter: {'; '.join(action.blocked_reasons)}"
    assert check_of(action, "max_risk_per_trade_pct").verdict is Verdict.OK


def test_exits_come_first_then_entries_by_confidence_strategy_and_pair() -> None:
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


def test_each_entry_leaves_less_cash_to_the_next() -> None:
    intents = [make_intent(pair, stop="80") for pair in ("XBTUSD", "ETHUSD", "SOLUSD")]
    states = [make_state(pair, fee_pct="1") for pair in ("XBTUSD", "ETHUSD", "SOLUSD")]
    actions = evaluate(intents, make_context(*states, cash="707"), SETTINGS)
    assert [a.pair for a in actions] == ["ETHUSD", "SOLUSD", "XBTUSD"]
    assert tuple(a.target_base_size for a in actions) == money(5, 2, 0)
    assert actions[1].clamped_by == ("cash",)
    assert check_of(actions[2], "cash").verdict is Verdict.BLOCKED


def test_each_entry_leaves_fewer_places_to_the_next() -> None:
    intents = [make_intent(pair) for pair in ("XBTUSD", "ETHUSD", "SOLUSD")]
    actions = evaluate(intents, make_context(*STATES), RiskSettings(max_open_positions=2))
    assert [a.blocked for a in actions] == [False, False, True]
    assert actions[2].blocked_reasons == ("the account uses 2 of max_open_positions, 2",)
    actions = evaluate(intents, make_context(*STATES, max_positions=1), SETTINGS)
    assert [a.blocked for a in actions] == [False, True, True]


def test_of_two_strategies_that_want_one_pair_the_surer_wins() -> None:
    intents = [make_intent(confidence="0.7"), make_intent(strategy_id="other", confidence="0.9")]
    first, second = evaluate(intents, make_context(), SETTINGS)
    assert (first.strategy_id, first.action_type) == ("other", ActionType.OPEN)
    assert second.blocked_reasons == ("a buy of XBTUSD for other is open or planned already",)


def test_an_exit_frees_neither_cash_nor_a_place_for_this_plan() -> None:
    context = make_context(*STATES, holdings={"XBTUSD": make_holding()}, cash="0")
    intents = [make_intent("XBTUSD", EXIT), make_intent("XBTUSD"), make_intent("ETHUSD")]
    leaving, same, other = evaluate(intents, context, RiskSettings(max_open_positions=1))
    assert leaving.action_type is ActionType.CLOSE
    assert same.blocked
    assert other.blocked
    assert same.pair == "ETHUSD" or "XBTUSD is being sold by this plan" in same.blocked_reasons


def test_a_pair_is_sold_once_per_plan() -> None:
    context = make_context(holdings={"XBTUSD": make_holding()})
    intents = [make_intent(intent_type=EXIT, timeframe=t) for t in (Timeframe.M5, Timeframe.M1)]
    first, second = evaluate(intents, context, SETTINGS)
    assert (first.action_type, first.timeframe) == (ActionType.CLOSE, Timeframe.M1)
    assert (second.action_type, second.reason) == (
        ActionType.NONE,
        "XBTUSD is being sold by this plan already",
    )


def test_somebody_elses_exit_does_not_stop_the_holders() -> None:
    context = make_context(holdings={"XBTUSD": make_holding()})
    intents = [make_intent(intent_type=EXIT, strategy_id="other"), make_intent(intent_type=EXIT)]
    actions = evaluate(intents, context, SETTINGS)
    assert [a.action_type for a in actions] == [ActionType.NONE, ActionType.CLOSE]


def test_an_increase_adds_to_what_is_held() -> None:
    context = make_context(holdings={"XBTUSD": make_holding("1", "100")})
    (action,) = evaluate([make_intent(intent_type=INCREASE)], context, SETTINGS)
    assert action.action_type is ActionType.INCREASE
    assert (action.current_base_size, action.target_base_size) == money(1, 2)


def test_a_wish_to_hold_changes_nothing() -> None:
    context = make_context(holdings={"XBTUSD": make_holding()})
    (action,) = evaluate([make_intent(intent_type=HOLD)], context, SETTINGS)
    assert (action.action_type, action.blocked, action.reason) == (
        ActionType.NONE,
        False,
        "trend keeps XBTUSD as it is",
    )


@pytest.mark.parametrize(
    ("pair", "strategy_id", "stranger"), [("QQQUSD", "trend", "QQQUSD"), ("XBTUSD", "rogue", "rogue")]
)
def test_strangers_are_refused(pair: str, strategy_id: str, stranger: str) -> None:
    (action,) = evaluate([make_intent(pair, strategy_id=strategy_id)], make_context(), SETTINGS)
    assert action.blocked_reasons == (f"{stranger} is not known here",)


@pytest.mark.parametrize(
    "twins",
    [
        [make_intent(stop="80"), make_intent(stop="60")],
        [make_intent(stop="80"), make_intent(stop=None)],
        [make_intent(exposure="100"), make_intent(exposure="300")],
        [make_intent(exposure="0"), make_intent()],
        [make_intent(timeframe=Timeframe.M5), make_intent(timeframe=Timeframe.M1)],
        [make_intent(signal_time=START), make_intent(signal_time=START + Timeframe.M1.length)],
        [make_intent(), make_intent(intent_type=INCREASE)],
    ],
)
def test_intents_that_differ_in_anything_have_one_order(twins: list[StrategyIntent]) -> None:
    assert evaluate(twins, make_context(), SETTINGS) == evaluate(twins[::-1], make_context(), SETTINGS)


def test_no_intents_no_actions() -> None:
    assert evaluate([], make_context(), SETTINGS) == ()


def test_the_sum_of_a_plan_is_paid_at_the_worst_price() -> None:
    states = [make_state(pair, spread="2", fee_pct="0.4") for pair in ("XBTUSD", "ETHUSD")]
    context = make_context(*states, cash="900", slippage_bps="200")
    actions = evaluate(
        [make_intent("XBTUSD"), make_intent("ETHUSD")],
        context,
        RiskSettings(max_per_asset_pct=Decimal(100), max_risk_per_trade_pct=Decimal(4)),
    )
    worst = Decimal(102) * Decimal("1.004")
    assert sum(a.target_base_size for a in actions) * worst <= 900
    assert sum(a.target_base_size for a in actions) * worst > Decimal("899.9")
