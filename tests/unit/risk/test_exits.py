"""Exits and reductions: only the exchange's own rules stop them."""

from decimal import Decimal

import pytest

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import ActionType, RiskAdjustedAction
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import PairState
from krakked_tui.risk.exits import leave
from tests.unit.risk.builders import make_context, make_holding, make_intent, make_state, money

EXIT, REDUCE = IntentType.EXIT, IntentType.REDUCE


def leave_from(
    state: PairState,
    size: str = "2",
    intent_type: IntentType = EXIT,
    exposure: str | None = None,
    strategy_id: str = "trend",
) -> RiskAdjustedAction:
    context = make_context(
        state,
        holdings={"XBTUSD": make_holding(size, str(100 * Decimal(size)))},
        kill_switch=KillSwitch(active=True, reason="test"),
        blocked_reason="drift",
        blocked_pairs={"XBTUSD": "an order is unknown"},
        min_order="1000000",
        max_order="1",
    )
    intent = make_intent(
        intent_type=intent_type, exposure=exposure, strategy_id=strategy_id, confidence="0", stop=None
    )
    return leave(intent, context)


def test_an_exit_closes_the_whole_share_whatever_our_own_limits_say() -> None:
    action = leave_from(make_state())
    assert (action.action_type, action.blocked) == (ActionType.CLOSE, False)
    assert (action.target_base_size, action.current_base_size, action.target_notional_usd) == money(0, 2, 0)
    assert action.reason == "trend sells 2 XBT"


@pytest.mark.parametrize("freshness", [Freshness.QUIET, Freshness.STALE])
def test_a_doubtful_price_is_noted_and_stops_nothing(freshness: Freshness) -> None:
    action = leave_from(make_state(freshness=freshness, price_age=95.4))
    assert (action.action_type, action.reason) == (
        ActionType.CLOSE,
        f"trend sells 2 XBT; its price is {freshness}, 95 s old",
    )


def test_an_exit_needs_no_price() -> None:
    assert leave_from(make_state(price=None, freshness=Freshness.NEVER)).action_type is ActionType.CLOSE


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


def test_a_reduction_without_a_price_closes() -> None:
    state = make_state(price=None, freshness=Freshness.NEVER)
    assert leave_from(state, intent_type=REDUCE, exposure="150").action_type is ActionType.CLOSE
