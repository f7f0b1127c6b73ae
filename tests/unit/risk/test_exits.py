"""Exits and reductions: only the exchange's own rules stop them."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import NET, ActionType, RiskAdjustedAction, Verdict
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import MANUAL, Holding, PairState
from krakked_tui.risk.exits import leave
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from tests.unit.risk.builders import (
    check_of,
    facts,
    make_context,
    make_holding,
    make_intent,
    make_share,
    make_state,
    money,
)

EXIT, REDUCE = IntentType.EXIT, IntentType.REDUCE
STRICT = RiskSettings(max_spread_bps=Decimal("0.01"), min_liquidity_24h_usd=Decimal(10**9))


def leave_with(
    intents: Sequence[StrategyIntent], state: PairState, holding: Holding
) -> list[RiskAdjustedAction]:
    context = make_context(
        state,
        holdings={"XBTUSD": holding},
        kill_switch=KillSwitch(active=True, reason="test"),
        blocked_reason="drift",
        blocked_pairs={"XBTUSD": "an order is unknown"},
        min_order="1000000",
        max_order="1",
    )
    return list(leave(intents, context, STRICT, Room.at_start(context, STRICT)))


def leave_from(
    state: PairState,
    size: str = "2",
    intent_type: IntentType = EXIT,
    exposure: str | None = None,
    strategy_id: str = "trend",
) -> RiskAdjustedAction:
    intent = make_intent(
        intent_type=intent_type, exposure=exposure, strategy_id=strategy_id, confidence="0", stop=None
    )
    (action,) = leave_with([intent], state, make_holding(make_share(size)))
    return action


def exits(*strategy_ids: str) -> list[StrategyIntent]:
    return [make_intent(intent_type=EXIT, strategy_id=strategy_id) for strategy_id in strategy_ids]


def test_an_exit_closes_the_whole_share_whatever_our_own_limits_say() -> None:
    action = leave_from(make_state())
    assert (action.action_type, action.blocked, action.strategy_id) == (ActionType.CLOSE, False, "trend")
    assert (action.target_base_size, action.current_base_size, action.target_notional_usd) == money(0, 2, 0)
    (share,) = action.shares
    assert facts(share.strategy_id, share.size, share.timeframe) == ("trend", 2, Timeframe.M1)
    assert action.reason.startswith("trend sells 2 XBT; ")


def test_what_is_doubtful_is_noted_and_stops_nothing() -> None:
    state = make_state(spread="2", freshness=Freshness.STALE, price_age=95.4, status=PairStatus.POST_ONLY)
    action = leave_from(state)
    assert {check.verdict for check in action.checks} == {Verdict.OK}
    assert action.reason == (
        "trend sells 2 XBT; XBTUSD is post_only, not online; the price of XBTUSD is stale, 95 s old;"
        " what it traded in 24 hours is $1,000,000.00, below min_liquidity_24h_usd, $1,000,000,000.00;"
        " the spread is 200 bps, above max_spread_bps, 0.01 bps;"
        " the value is $198.00, below min_order_notional_usd, $1,000,000.00"
    )
    assert check_of(action, "max_spread_bps").would_be == 200
    assert check_of(action, "max_price_deviation_pct").reason == ""


def test_an_exit_needs_no_price() -> None:
    action = leave_from(make_state(price=None, freshness=Freshness.NEVER))
    assert action.action_type is ActionType.CLOSE


@pytest.mark.parametrize("status", PairStatus)
def test_the_pairs_status_stops_no_exit(status: PairStatus) -> None:
    """One that is forbidden now waits further on, and is not lost."""
    assert leave_from(make_state(status=status)).action_type is ActionType.CLOSE


@pytest.mark.parametrize(("size", "sold"), [("0.0009", False), ("0.001", True), ("0.0011", True)])
def test_the_exchanges_least_volume(size: str, sold: bool) -> None:
    action = leave_from(make_state(cost_min="0"), size)
    assert action.blocked is not sold
    assert bool(action.blocked_reasons) is not sold


@pytest.mark.parametrize(("size", "sold"), [("0.0049", False), ("0.005", True)])
def test_the_exchanges_least_value_counts_at_the_bid(size: str, sold: bool) -> None:
    assert leave_from(make_state(price="101", spread="2"), size).blocked is not sold


def test_only_the_part_on_the_lot_counts_as_sellable() -> None:
    assert leave_from(make_state(cost_min="0"), "0.00099999").blocked


def test_what_is_beyond_the_lot_stays() -> None:
    action = leave_from(make_state(), "2.00005")
    assert (action.action_type, action.target_base_size) == (ActionType.CLOSE, Decimal("0.00005"))
    assert [share.size for share in action.shares] == [2]


@pytest.mark.parametrize(("size", "strategy_id"), [("2", "other"), ("0", "trend")])
def test_what_a_strategy_does_not_hold_it_cannot_sell(size: str, strategy_id: str) -> None:
    action = leave_from(make_state(), size, strategy_id=strategy_id)
    assert (action.action_type, action.blocked) == (ActionType.NONE, False)
    assert action.reason == f"{strategy_id} holds no XBTUSD: nothing to sell"


def test_a_pair_that_is_not_listed_any_more_cannot_be_sold() -> None:
    action = leave_from(make_state("ETHUSD"))
    assert action.blocked_reasons == ("the exchange does not list XBTUSD",)


@pytest.mark.parametrize(
    ("exposure", "action_type", "target"),
    [
        ("150", ActionType.REDUCE, "1.5"),
        ("150.009", ActionType.REDUCE, "1.5"),
        ("200", ActionType.NONE, "2"),
        ("900", ActionType.NONE, "2"),
        ("0", ActionType.CLOSE, "0"),
        ("-3", ActionType.CLOSE, "0"),
        ("0.4", ActionType.CLOSE, "0"),  # what remained could never be sold
        (None, ActionType.CLOSE, "0"),
    ],
)
def test_a_reduction(exposure: str | None, action_type: ActionType, target: str) -> None:
    action = leave_from(make_state(), intent_type=REDUCE, exposure=exposure)
    assert (action.action_type, action.target_base_size) == (action_type, Decimal(target))
    assert action.target_notional_usd == 100 * Decimal(target)
    assert not action.blocked


def test_a_reduction_by_less_than_the_exchange_takes_is_not_made() -> None:
    action = leave_from(make_state(order_min="0.5"), intent_type=REDUCE, exposure="170")
    assert action.blocked_reasons == ("the volume is 0.3 XBT, below order_min, 0.5 XBT",)
    assert action.target_base_size == 2


def test_a_reduction_without_a_price_closes() -> None:
    state = make_state(price=None, freshness=Freshness.NEVER)
    assert leave_from(state, intent_type=REDUCE, exposure="150").action_type is ActionType.CLOSE


def test_an_exit_sells_only_what_is_the_strategys_own() -> None:
    holding = make_holding(make_share("5", MANUAL), make_share("3", "other"), make_share("2", "trend"))
    (action,) = leave_with(exits("trend"), make_state(), holding)
    assert (action.action_type, action.strategy_id) == (ActionType.REDUCE, "trend")
    assert (action.current_base_size, action.target_base_size, action.target_notional_usd) == money(
        10, 8, 800
    )
    assert [facts(share.strategy_id, share.size) for share in action.shares] == [("trend", 2)]


def test_strategies_that_leave_together_make_one_sale() -> None:
    holding = make_holding(make_share("3", "other"), make_share("2", "trend"))
    (action,) = leave_with(exits("trend", "other"), make_state(), holding)
    assert facts(action.action_type, action.strategy_id, action.target_base_size) == (
        ActionType.CLOSE,
        NET,
        0,
    )
    assert [facts(share.strategy_id, share.size) for share in action.shares] == [("other", 3), ("trend", 2)]
    assert action.reason.startswith("2 strategies sell 5 XBT of their own: other 3, trend 2; ")


def test_parts_that_are_too_small_by_themselves_are_sold_together() -> None:
    holding = make_holding(make_share("0.0006", "other"), make_share("0.0006", "trend"))
    state = make_state(cost_min="0")
    assert all(action.blocked for action in leave_with(exits("trend"), state, holding))
    (action,) = leave_with(exits("trend", "other"), state, holding)
    assert action.action_type is ActionType.CLOSE
    blocked = leave_with(exits("trend", "other"), make_state(order_min="1"), holding)
    assert [(action.strategy_id, action.blocked) for action in blocked] == [("trend", True), ("other", True)]


def test_parts_add_up_to_the_lot_exactly() -> None:
    holding = make_holding(make_share("1.00005", "a"), make_share("1.00007", "b"), make_share("1.00003", "c"))
    (action,) = leave_with(exits("a", "b", "c"), make_state(), holding)
    assert [str(share.size) for share in action.shares] == ["1.00005", "1.00002", "1.00003"]
    assert action.current_base_size - action.target_base_size == Decimal("3.0001")


def test_a_part_that_the_lot_leaves_nothing_of_is_told() -> None:
    holding = make_holding(*(make_share("0.00005", name) for name in "abc"))
    state = make_state(order_min="0", cost_min="0")
    none, sold = leave_with(exits("a", "b", "c"), state, holding)
    assert (none.strategy_id, none.reason) == ("a", "what a holds of XBTUSD is less than a lot")
    assert [share.strategy_id for share in sold.shares] == ["b", "c"]


def test_less_than_a_lot_is_not_sold_whatever_the_least_volume() -> None:
    action = leave_from(make_state(order_min="0", cost_min="0"), "0.00005")
    assert action.blocked_reasons == ("the volume is less than one lot, 0.0001 XBT",)


def test_a_strategy_sells_once() -> None:
    intents = [make_intent(intent_type=EXIT), make_intent(intent_type=REDUCE, exposure="100")]
    none, sold = leave_with(intents, make_state(), make_holding())
    assert (none.action_type, none.reason) == (ActionType.NONE, "trend sells XBTUSD in this plan already")
    assert sold.target_base_size == 0


def test_a_wish_that_comes_to_nothing_leaves_the_next_its_turn() -> None:
    intents = [
        make_intent(intent_type=REDUCE, exposure="900"),
        make_intent(intent_type=REDUCE, exposure="100"),
    ]
    none, sold = leave_with(intents, make_state(), make_holding())
    assert none.reason == "XBTUSD is not above the wanted exposure: nothing to sell"
    assert sold.target_base_size == 1


def test_what_is_sold_is_noted() -> None:
    context = make_context(make_state(), holdings={"XBTUSD": make_holding()})
    room = Room.at_start(context, STRICT)
    list(leave(exits("other"), context, STRICT, room))
    assert room.sold == set()
    list(leave(exits("trend"), context, STRICT, room))
    assert room.sold == {"XBTUSD"}
