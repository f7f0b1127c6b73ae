"""Sizes that are too small: each minimum at, just under and just over."""

from decimal import Decimal

import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.risk.minimums import (
    cost_min,
    entry_cost_min,
    entry_order_min,
    min_order_notional_usd,
    order_min,
    sale_rules,
    sellable,
)
from tests.unit.domain.builders import make_pair
from tests.unit.risk.builders import make_candidate, make_pricing, make_state

PAIR = make_pair(order_min="0.01", cost_min="5")
ENTRY = make_candidate()
PRICING = make_pricing(price="100", stop="50")
OK, BLOCKED = Verdict.OK, Verdict.BLOCKED


@pytest.mark.parametrize(("size", "verdict"), [("0.0099", BLOCKED), ("0.01", OK), ("0.0101", OK)])
def test_order_min(size: str, verdict: Verdict) -> None:
    assert order_min(PAIR, Decimal(size)).verdict is verdict


def test_nothing_is_less_than_a_lot_whatever_the_least_volume() -> None:
    check = order_min(make_pair(order_min="0"), Decimal(0))
    assert (check.verdict, check.threshold) == (BLOCKED, Decimal("0.0001"))
    assert check.reason == "the volume is less than one lot, 0.0001 XBT"


@pytest.mark.parametrize(("size", "verdict"), [("0.0499", BLOCKED), ("0.05", OK), ("0.0501", OK)])
def test_cost_min(size: str, verdict: Verdict) -> None:
    assert cost_min(PAIR, Decimal(size), Decimal(100)).verdict is verdict


@pytest.mark.parametrize(("size", "verdict"), [("0.0009", BLOCKED), ("0.001", OK)])
def test_an_entry_meets_the_least_volume(size: str, verdict: Verdict) -> None:
    assert entry_order_min(ENTRY, PRICING, Decimal(size)).verdict is verdict


@pytest.mark.parametrize(("size", "verdict"), [("0.0099", BLOCKED), ("0.01", OK)])
def test_an_entry_can_still_be_sold_at_its_stop(size: str, verdict: Verdict) -> None:
    # The least value is 0.5: enough at the entry price of 100, but the stop is at 50.
    check = entry_cost_min(ENTRY, PRICING, Decimal(size))
    assert check.verdict is verdict
    assert check.would_be == Decimal(size) * 50


@pytest.mark.parametrize(("size", "verdict"), [("0.1999", BLOCKED), ("0.2", OK)])
def test_an_entry_is_worth_its_fee(size: str, verdict: Verdict) -> None:
    assert min_order_notional_usd(ENTRY, PRICING, Decimal(size)).verdict is verdict


@pytest.mark.parametrize(
    ("size", "price", "enough"),
    [
        ("0.01", "500", True),
        ("0.0099", "900", False),
        ("0.01", "499", False),
        ("1", "4.99", False),
        ("1", "5", True),
    ],
)
def test_what_can_be_sold_by_itself(size: str, price: str, enough: bool) -> None:
    assert sellable(PAIR, Decimal(size), Decimal(price)) is enough


def test_nothing_cannot_be_sold() -> None:
    assert not sellable(make_pair(order_min="0", cost_min="0"), Decimal(0), Decimal(100))


def test_the_value_of_a_sale_counts_at_the_bid_where_there_is_one() -> None:
    priced = sale_rules(make_state(price="100", spread="2", cost_min="99"), Decimal(1))
    assert [check.verdict for check in priced] == [OK, OK]
    assert [check.limit for check in sale_rules(make_state(price=None), Decimal(1))] == ["order_min"]
