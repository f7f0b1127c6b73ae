"""How much an entry of one strategy buys."""

from decimal import Decimal

import pytest

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.plans import Verdict
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.sizing import asked_size, size_entry, stop_of, target_of, worst_price
from tests.unit.domain.builders import make_quote
from tests.unit.risk.builders import (
    facts,
    make_candidate,
    make_context,
    make_holding,
    make_intent,
    make_pricing,
    make_share,
    make_state,
    make_strategy,
)

WIDE = RiskSettings(max_per_asset_pct=Decimal(100))
INCREASE = IntentType.INCREASE


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


def test_what_the_pair_risks_already_shrinks_the_size() -> None:
    holding = make_holding(make_share("1", "other", "40"), make_share("1", "trend", "80"))
    entry = make_candidate(
        make_intent(stop="90", intent_type=INCREASE), make_context(holdings={"XBTUSD": holding}), WIDE
    )
    # 100 may be lost, 60 and 20 are at risk; nothing of it is the strategy's own business alone.
    assert asked_size(entry, make_pricing(stop="80")) == 1


def test_a_wanted_exposure_is_a_size_at_the_worst_price() -> None:
    sized = size_entry(make_candidate(make_intent(exposure="150"), settings=WIDE))
    assert sized.size == Decimal("1.5")


def test_a_wanted_exposure_counts_what_the_strategy_holds_itself() -> None:
    holding = make_holding(make_share("5", "other", "100"), make_share("1", "trend", "50"))
    context = make_context(holdings={"XBTUSD": holding})
    intent = make_intent(intent_type=INCREASE, exposure="150")
    assert size_entry(make_candidate(intent, context, WIDE)).size == Decimal("0.5")


def test_an_exposure_below_what_is_held_buys_nothing() -> None:
    context = make_context(holdings={"XBTUSD": make_holding(make_share("1", stop="50"))})
    intent = make_intent(intent_type=INCREASE, exposure="50")
    sized = size_entry(make_candidate(intent, context, WIDE))
    assert sized.size == 0
    assert sized.checks[-1].reason == "the volume is less than one lot, 0.0001 XBT"


def test_every_cap_cuts_in_turn() -> None:
    # Risk allows 10, the asset cap 5, the order cap 4, cash with its fee 3.
    context = make_context(make_state(fee_pct="1"), max_order="400", cash="303")
    sized = size_entry(make_candidate(make_intent(stop="90"), context))
    assert sized.size == 3
    clamped = [check.limit for check in sized.checks if check.verdict is Verdict.CLAMPED]
    assert clamped == ["max_per_asset_pct", "max_order_notional_usd", "cash"]


@pytest.mark.parametrize(("stop", "size"), [("70", "3.3333"), ("40", "1.6666")])
def test_the_size_is_rounded_down_to_the_lot_and_that_is_no_cut(stop: str, size: str) -> None:
    sized = size_entry(make_candidate(make_intent(stop=stop), settings=WIDE))
    assert str(sized.size) == size
    assert all(check.verdict is Verdict.OK for check in sized.checks)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("100", "its stop at 100 is not between zero and the price, 100"),
        ("101", "its stop at 101 is not between zero and the price, 100"),
        ("0", "its stop at 0 is not between zero and the price, 100"),
        ("-1", "its stop at -1 is not between zero and the price, 100"),
    ],
)
def test_without_a_distance_to_a_stop_nothing_is_sized(stop: str, reason: str) -> None:
    sized = size_entry(make_candidate(make_intent(stop=stop)))
    assert sized.size == 0
    assert sized.pricing is None
    assert [check.reason for check in sized.checks] == [reason, ""]


@pytest.mark.parametrize(
    ("atr", "multiple", "stop"), [("10", "2", "80"), ("10", "3", "70"), ("3.331", "1", "96.66")]
)
def test_without_a_stop_it_is_set_by_volatility_on_the_tick(atr: str, multiple: str, stop: str) -> None:
    context = make_context(strategies={"trend": make_strategy(atr_multiple=multiple)})
    sized = size_entry(make_candidate(make_intent(stop=None, atr=atr), context, WIDE))
    assert sized.pricing is not None
    assert sized.pricing.stop == Decimal(stop)
    assert sized.size == (100 / (100 - Decimal(stop))).quantize(Decimal("0.0001"), "ROUND_DOWN")


@pytest.mark.parametrize("atr", [None, "0"])
def test_without_a_stop_and_a_range_nothing_is_sized(atr: str | None) -> None:
    sized = size_entry(make_candidate(make_intent(stop=None, atr=atr)))
    assert facts(sized.size, sized.pricing) == (0, None)
    assert sized.checks[0].reason == "it has no stop, and XBTUSD no average true range to set one by"


def test_a_range_as_wide_as_the_price_sets_no_stop() -> None:
    sized = size_entry(make_candidate(make_intent(stop=None, atr="50")))
    assert sized.checks[0].reason == "its stop at 0 is not between zero and the price, 100"


def test_a_strategys_own_stop_comes_before_volatility() -> None:
    entry = make_candidate(make_intent(stop="90", atr="20"))
    assert entry.state.quote is not None
    assert stop_of(entry, entry.state.quote) == 90


@pytest.mark.parametrize(("held", "stop"), [("85", "90"), ("95", "95"), (None, "90")])
def test_an_increase_never_lowers_the_stop_of_what_is_held(held: str | None, stop: str) -> None:
    context = make_context(
        holdings={"XBTUSD": make_holding(make_share("1", "other", "99"), make_share("0.1", "trend", held))}
    )
    entry = make_candidate(make_intent(intent_type=INCREASE, stop="90"), context)
    assert entry.state.quote is not None
    assert stop_of(entry, entry.state.quote) == Decimal(stop)


@pytest.mark.parametrize(
    ("given", "multiple", "target"),
    [
        ("130", "2", "130"),
        ("130", None, "130"),
        (None, "2", "140.5"),
        (None, "0.333", "107.16"),
        (None, None, None),
    ],
)
def test_the_take_profit_is_a_multiple_of_what_may_be_lost(
    given: str | None, multiple: str | None, target: str | None
) -> None:
    context = make_context(strategies={"trend": make_strategy(target_r=multiple)})
    entry = make_candidate(make_intent(target=given), context)
    found = target_of(entry, make_pricing(price="100.5", stop="80.5"))
    assert found == (None if target is None else Decimal(target))


@pytest.mark.parametrize(("target", "right"), [("99", False), ("100", False), ("100.01", True)])
def test_a_take_profit_below_the_price_is_nonsense(target: str, right: bool) -> None:
    sized = size_entry(make_candidate(make_intent(target=target)))
    assert sized.checks[1].limit == "take_profit"
    assert sized.checks[1].reason == (
        "" if right else f"its take-profit at {target} is not above the price, 100"
    )


def test_an_entry_that_would_be_stopped_at_once_is_not_sized() -> None:
    # The stop lies above the price but below what an entry may pay.
    context = make_context(make_state(spread="2"), slippage_bps="200")
    sized = size_entry(make_candidate(make_intent(stop="100.5"), context))
    assert sized.checks[0].reason == "its stop at 100.5 is not between zero and the price, 100"


def test_without_a_price_nothing_is_sized() -> None:
    sized = size_entry(make_candidate(context=make_context(make_state(price=None))))
    assert sized.size == 0
    assert (sized.checks, sized.pricing) == ((), None)


@pytest.mark.parametrize(
    ("context", "blocked_by"),
    [
        (make_context(make_state(order_min="3")), "order_min"),
        (make_context(make_state(cost_min="101")), "cost_min"),
        (make_context(min_order="201"), "min_order_notional_usd"),
    ],
)
def test_the_first_minimum_that_fails_ends_the_row(context: RiskContext, blocked_by: str) -> None:
    sized = size_entry(make_candidate(context=context))
    assert sized.size == 0
    assert [check.limit for check in sized.checks if check.verdict is Verdict.BLOCKED] == [blocked_by]
    assert sized.checks[-1].limit == blocked_by


def test_every_cap_is_asked_though_one_leaves_nothing() -> None:
    sized = size_entry(make_candidate(context=make_context(cash="0", equity="-1")))
    assert sized.size == 0
    blocked = [check.limit for check in sized.checks if check.verdict is Verdict.BLOCKED]
    assert blocked == ["max_risk_per_trade_pct", "max_portfolio_risk_pct", "max_per_asset_pct", "cash"]
    assert sized.checks[-1].limit == "cash"
