"""Entries and increases."""

from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.plans import NET, ActionShare, ActionType, RiskAdjustedAction, Verdict
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.risk.context import MANUAL, RiskContext
from krakked_tui.risk.entries import enter
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import ProtectionSettings, RiskSettings
from krakked_tui.risk.turns import turn
from tests.unit.domain.builders import START
from tests.unit.risk.builders import (
    SETTINGS,
    check_of,
    facts,
    make_context,
    make_holding,
    make_intent,
    make_share,
    make_state,
    make_strategy,
    money,
)

INCREASE = IntentType.INCREASE
NAMES = ("XBTUSD", "ETHUSD", "SOLUSD", "ADAUSD")
STATES = [make_state(pair) for pair in NAMES]


def enter_all(
    intents: list[StrategyIntent], context: RiskContext | None = None, settings: RiskSettings = SETTINGS
) -> list[RiskAdjustedAction]:
    context = context or make_context(*STATES)
    return list(enter(sorted(intents, key=turn), context, settings, Room.at_start(context, settings)))


def test_an_accepted_entry_explains_itself() -> None:
    (action,) = enter_all([make_intent(stop="80")])
    assert action.action_type is ActionType.OPEN
    assert (action.target_base_size, action.current_base_size, action.target_notional_usd) == money(5, 0, 500)
    assert facts(action.stop_price, action.timeframe, action.blocked) == (80, Timeframe.M1, False)
    assert action.reason == "trend buys 5 XBT for at most $500.00; 1.00 % of equity is lost at the stop, 80"
    assert {check.verdict for check in action.checks} == {Verdict.OK}
    assert len({check.limit for check in action.checks}) == len(action.checks)


def test_an_entry_says_how_it_is_left_between_candles() -> None:
    strategy = make_strategy(target_r="2", trailing="5", holding_minutes=90)
    context = make_context(strategies={"trend": strategy})
    (action,) = enter_all([make_intent(stop="80")], context)
    assert action.shares == (
        ActionShare(
            strategy_id="trend",
            size=Decimal(5),
            timeframe=Timeframe.M1,
            signal_time=START,
            stop_price=Decimal(80),
            take_profit_price=Decimal(140),
            trailing_stop_pct=Decimal(5),
            max_holding_minutes=90,
        ),
    )


def test_a_cut_entry_names_what_cut_it() -> None:
    (action,) = enter_all([make_intent(stop="90")])
    assert action.target_base_size == 5
    assert action.clamped_by == ("max_per_asset_pct",)
    assert action.reason.endswith("0.50 % of equity is lost at the stop, 90; cut by max_per_asset_pct")
    assert check_of(action, "max_per_asset_pct").verdict is Verdict.CLAMPED


def test_a_blocked_entry_names_every_reason() -> None:
    context = make_context(kill_switch=KillSwitch(active=True, reason="drill"), blocked_reason="drift")
    (action,) = enter_all([make_intent(confidence="0.1")], context)
    assert (action.action_type, action.blocked) == (ActionType.NONE, True)
    assert action.target_base_size == 0
    assert action.blocked_reasons == (
        "the kill switch is on (drill)",
        "drift",
        "its confidence is 0.1, below min_signal_confidence, 0.6",
    )
    assert action.reason == f"no enter: {'; '.join(action.blocked_reasons)}"
    assert check_of(action, "max_risk_per_trade_pct").verdict is Verdict.OK


def test_each_entry_leaves_less_cash_to_the_next() -> None:
    states = [make_state(pair, fee_pct="1") for pair in NAMES[:3]]
    actions = enter_all(
        [make_intent(pair, stop="80") for pair in NAMES[:3]], make_context(*states, cash="707")
    )
    assert [a.pair for a in actions] == ["ETHUSD", "SOLUSD", "XBTUSD"]
    assert tuple(a.target_base_size for a in actions) == money(5, 2, 0)
    assert actions[1].clamped_by == ("cash",)
    assert check_of(actions[2], "cash").verdict is Verdict.BLOCKED


def test_each_entry_leaves_fewer_places_to_the_next() -> None:
    intents = [make_intent(pair) for pair in NAMES[:3]]
    actions = enter_all(intents, settings=RiskSettings(max_open_positions=2))
    assert [a.blocked for a in actions] == [False, False, True]
    assert actions[2].blocked_reasons == ("the account uses 2 of max_open_positions, 2",)
    one = make_context(*STATES, strategies={"trend": make_strategy(max_positions=1)})
    assert [a.blocked for a in enter_all(intents, one)] == [False, True, True]


def test_each_entry_leaves_less_risk_to_the_next() -> None:
    # Each may lose 100; held without a stop are 40.
    context = make_context(*STATES, holdings={"ADAUSD": make_holding(make_share("0.4", MANUAL))})
    settings = RiskSettings(max_portfolio_risk_pct=Decimal("2.5"))
    actions = enter_all([make_intent(pair, stop="80") for pair in NAMES[:3]], context, settings)
    assert tuple(a.target_base_size for a in actions) == money(5, 5, "0.5")
    assert actions[2].clamped_by == ("max_portfolio_risk_pct",)


def test_each_entry_leaves_less_of_its_strategys_budget() -> None:
    settings = RiskSettings(max_per_strategy_pct={"trend": Decimal(6)})
    intents = [make_intent(pair, stop="80", strategy_id="trend") for pair in NAMES[:2]]
    intents.append(make_intent("SOLUSD", stop="80", strategy_id="other", confidence="0.7"))
    actions = enter_all(intents, settings=settings)
    assert tuple(a.target_base_size for a in actions) == money(5, 1, 5)
    assert actions[1].clamped_by == ("max_per_strategy_pct.trend",)


def test_each_entry_is_one_of_the_days() -> None:
    context = make_context(*STATES, entries_today=8)
    settings = RiskSettings(protections=ProtectionSettings(max_entries_per_day=10))
    actions = enter_all([make_intent(pair) for pair in NAMES[:3]], context, settings)
    assert [a.blocked for a in actions] == [False, False, True]
    assert actions[2].blocked_reasons == ("this UTC day has used 10 of max_entries_per_day, 10",)


def test_a_held_pair_is_not_entered_again_by_its_holder_but_by_others() -> None:
    context = make_context(holdings={"XBTUSD": make_holding(make_share("1", stop="50"))})
    held, entered = enter_all([make_intent(), make_intent(strategy_id="other", stop="80")], context)[::-1]
    assert (held.action_type, held.strategy_id) == (ActionType.INCREASE, "other")
    assert (entered.action_type, entered.blocked, entered.reason) == (
        ActionType.NONE,
        False,
        "trend holds XBTUSD already",
    )
    # 50 of the pair's 100 are at risk already.
    assert (held.current_base_size, held.target_base_size) == money(1, "3.5")


def test_an_increase_adds_to_what_is_held() -> None:
    context = make_context(holdings={"XBTUSD": make_holding(make_share("1", stop="50"))})
    (action,) = enter_all([make_intent(intent_type=INCREASE)], context)
    assert action.action_type is ActionType.INCREASE
    assert (action.current_base_size, action.target_base_size) == money(1, 2)
    assert action.reason.endswith("1.00 % of equity is lost at the stop, 50")


@pytest.mark.parametrize(
    ("pair", "strategy_id", "stranger"), [("QQQUSD", "trend", "QQQUSD"), ("XBTUSD", "rogue", "rogue")]
)
def test_strangers_are_refused(pair: str, strategy_id: str, stranger: str) -> None:
    (action,) = enter_all([make_intent(pair, strategy_id=strategy_id)])
    assert action.blocked_reasons == (f"{stranger} is not known here",)


def test_strategies_that_agree_do_not_multiply_the_risk() -> None:
    intents = [make_intent(stop="80"), make_intent(strategy_id="other", stop="60")]
    (action,) = enter_all(intents)
    # By themselves 5 and 2.5; each half of it, which loses 50 and 50.
    assert (action.strategy_id, action.action_type, action.target_base_size) == (
        NET,
        ActionType.OPEN,
        Decimal("3.75"),
    )
    assert [facts(share.strategy_id, share.size, share.stop_price) for share in action.shares] == [
        ("other", Decimal("1.25"), 60),
        ("trend", Decimal("2.5"), 80),
    ]
    assert action.stop_price is None
    assert check_of(action, "max_risk_per_trade_pct").would_be == 1
    assert action.reason == (
        "other and trend agree on 3.75 XBT for at most $375.00, their mean by weight and confidence:"
        " other 1.25 (by itself 2.5, weight 1, confidence 0.8),"
        " trend 2.5 (by itself 5, weight 1, confidence 0.8);"
        " 1.00 % of equity is lost at their stops, 60 and 80"
    )


def test_weight_and_confidence_say_whose_part_is_larger() -> None:
    context = make_context(
        strategies={"trend": make_strategy(weight="3"), "other": make_strategy(weight="1")}
    )
    intents = [
        make_intent(stop="80", confidence="0.6"),
        make_intent(strategy_id="other", stop="80", confidence="0.9"),
    ]
    (action,) = enter_all(intents, context)
    # Voices 1.8 and 0.9 of 2.7.
    assert [share.size for share in action.shares] == [Decimal("1.6666"), Decimal("3.3333")]
    assert action.target_base_size == Decimal("4.9999")


def test_only_those_that_may_enter_take_part() -> None:
    intents = [make_intent(stop="80"), make_intent(strategy_id="other", confidence="0.1")]
    none, action = enter_all(intents)
    assert (none.strategy_id, none.blocked) == ("other", True)
    assert facts(action.strategy_id, action.target_base_size) == ("trend", 5)


def test_a_strategy_buys_once() -> None:
    intents = [make_intent(timeframe=t, stop="80") for t in (Timeframe.M5, Timeframe.M1)]
    none, action = enter_all(intents)
    assert (none.timeframe, none.reason) == (Timeframe.M5, "trend buys XBTUSD in this plan already")
    assert facts(action.timeframe, action.target_base_size) == (Timeframe.M1, 5)


def test_a_blocked_wish_leaves_its_strategys_next_one_its_turn() -> None:
    intents = [make_intent(stop="101", confidence="0.9"), make_intent(stop="80", confidence="0.7")]
    none, action = enter_all(intents)
    assert facts(none.blocked, action.target_base_size) == (True, 5)


def test_a_pairs_turn_is_that_of_its_surest_entry_that_may_be_made() -> None:
    """A blocked wish for a pair, however sure, gives nobody else's wish for it precedence."""
    intents = [
        make_intent("XBTUSD", confidence="0.95", stop="101"),
        make_intent("XBTUSD", confidence="0.7", strategy_id="other"),
        make_intent("ETHUSD", confidence="0.8", strategy_id="third"),
    ]
    actions = enter_all(intents, settings=RiskSettings(max_open_positions=1))
    assert [(a.pair, a.strategy_id, a.action_type) for a in actions] == [
        ("XBTUSD", "trend", ActionType.NONE),
        ("ETHUSD", "third", ActionType.OPEN),
        ("XBTUSD", "other", ActionType.NONE),
    ]


@pytest.mark.parametrize(("rival", "first"), [("0.8", "XBTUSD"), ("0.86", "ETHUSD")])
def test_the_surest_of_those_that_are_left_says_when(rival: str, first: str) -> None:
    intents = [
        make_intent("XBTUSD", confidence="0.95", stop="101"),
        make_intent("XBTUSD", confidence="0.85", strategy_id="other"),
        make_intent("XBTUSD", confidence="0.7", strategy_id="third"),
        make_intent("ETHUSD", confidence=rival, strategy_id="third"),
    ]
    actions = enter_all(intents, settings=RiskSettings(max_open_positions=1))
    assert [a.pair for a in actions if a.action_type is ActionType.OPEN] == [first]


def test_a_part_that_could_not_be_sold_by_itself_is_left_out() -> None:
    context = make_context(
        make_state(order_min="2"),
        strategies={"trend": make_strategy(weight="9"), "other": make_strategy()},
    )
    intents = [make_intent(stop="80"), make_intent(strategy_id="other", stop="80")]
    action, none = enter_all(intents, context)
    assert facts(action.strategy_id, action.target_base_size) == ("trend", 5)
    assert (none.strategy_id, none.blocked) == ("other", False)
    assert none.reason == (
        "other's part of the XBTUSD that trend buys is too small to be sold again by itself"
    )


def test_what_is_shared_is_taken_from_what_the_next_may_have() -> None:
    intents = [make_intent("XBTUSD", stop="80", strategy_id=name) for name in ("trend", "other")]
    intents.append(make_intent("ETHUSD", stop="80", confidence="0.7", strategy_id="third"))
    first, second = enter_all(intents, make_context(*STATES, cash="700"))
    assert facts(first.strategy_id, first.target_base_size, second.target_base_size) == (NET, 5, 2)
    strict = RiskSettings(max_portfolio_risk_pct=Decimal("1.2"))
    first, second = enter_all(intents, settings=strict)
    assert (first.target_base_size, second.target_base_size) == money(5, 1)
