"""How much an entry buys."""

from decimal import Decimal

import pytest

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.plans import Verdict
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.sizing import size_entry, worst_price
from tests.unit.domain.builders import make_quote
from tests.unit.risk.builders import make_candidate, make_context, make_holding, make_intent, make_state

WIDE = RiskSettings(max_per_asset_pct=Decimal(100))


@pytest.mark.parametrize(
    ("spread", "slippage_bps", "price"), [("2", "0", "101"), ("2", "50", "101"), ("2", "150", "101.5")]
)
def test_the_worst_price_is_the_ask_or_the_slippage_above_the_middle(
    spread: str, slippage_bps: str, price: str
) -> None:
    quote = make_quote(price="100", spread=spread)
    assert worst_price(quote, Decimal(slippage_bps)) == Decimal(price)


def test_size_is_the_allowed_loss_over_the_stop_distance() -> None:
    # 1 % of 10,000 may be lost over 100 - 60.
    sized = size_entry(make_candidate(make_intent(stop="60"), settings=WIDE))
    assert sized.size == Decimal("2.5")
    assert all(check.verdict is Verdict.OK for check in sized.checks)


def test_slippage_widens_the_distance_and_so_shrinks_the_size() -> None:
    sized = size_entry(make_candidate(make_intent(stop="60"), make_context(slippage_bps="1000"), WIDE))
    assert sized.size == 2


def test_a_wanted_exposure_is_a_size_at_the_worst_price() -> None:
    sized = size_entry(make_candidate(make_intent(exposure="150"), settings=WIDE))
    assert sized.size == Decimal("1.5")


def test_a_wanted_exposure_counts_what_is_held() -> None:
    context = make_context(holdings={"XBTUSD": make_holding("1", "100")})
    intent = make_intent(intent_type=IntentType.INCREASE, exposure="150")
    assert size_entry(make_candidate(intent, context, WIDE)).size == Decimal("0.5")


def test_an_exposure_below_what_is_held_buys_nothing() -> None:
    context = make_context(holdings={"XBTUSD": make_holding("1", "100")})
    intent = make_intent(intent_type=IntentType.INCREASE, exposure="50")
    assert size_entry(make_candidate(intent, context, WIDE)).size == 0


def test_every_cap_cuts_in_turn() -> None:
    # Risk allows 10, the asset cap 5, the order cap 4, cash with its fee 3.
    context = make_context(make_state(fee_pct="1"), max_order="400", cash="303")
    sized = size_entry(make_candidate(make_intent(stop="90"), context))
    assert sized.size == 3
    clamped = [check.limit for check in sized.checks if check.verdict is Verdict.CLAMPED]
    assert clamped == ["max_per_asset_pct", "max_order_notional_usd", "cash"]


def test_the_size_is_rounded_down_to_the_lot() -> None:
    sized = size_entry(make_candidate(make_intent(stop="70"), settings=WIDE))
    assert str(sized.size) == "3.3333"


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (None, "it has no stop price, so its risk cannot be sized"),
        ("100", "its stop at 100 is not between zero and the price, 100"),
        ("101", "its stop at 101 is not between zero and the price, 100"),
        ("0", "its stop at 0 is not between zero and the price, 100"),
        ("-1", "its stop at -1 is not between zero and the price, 100"),
    ],
)
def test_without_a_distance_to_a_stop_nothing_is_sized(stop: str | None, reason: str) -> None:
    sized = size_entry(make_candidate(make_intent(stop=stop)))
    assert sized.size == 0
    assert sized.pricing is None
    assert [check.reason for check in sized.checks] == [reason]


def test_an_entry_that_would_be_stopped_at_once_is_not_sized() -> None:
    # The stop lies above the price but below what an entry may pay.
    context = make_context(make_state(spread="2"), slippage_bps="200")
    sized = size_entry(make_candidate(make_intent(stop="100.5"), context))
    assert [check.reason for check in sized.checks] == [
        "its stop at 100.5 is not between zero and the price, 100"
    ]


def test_without_a_price_nothing_is_sized() -> None:
    sized = size_entry(make_candidate(context=make_context(make_state(price=None))))
    assert sized.size == 0
    assert (sized.checks, sized.pricing) == ((), None)


@pytest.mark.parametrize(
    ("context", "blocked_by"),
    [
        (make_context(cash="0"), "cash"),
        (make_context(equity="-1"), "max_risk_per_trade_pct"),
        (make_context(make_state(order_min="3")), "order_min"),
        (make_context(make_state(cost_min="101")), "cost_min"),
        (make_context(min_order="201"), "min_order_notional_usd"),
    ],
)
def test_what_leaves_nothing_ends_the_row(context: RiskContext, blocked_by: str) -> None:
    sized = size_entry(make_candidate(context=context))
    assert sized.size == 0
    assert [check.limit for check in sized.checks if check.verdict is Verdict.BLOCKED] == [blocked_by]
    assert sized.checks[-1].limit == blocked_by
