"""The one validator."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.order_rules import OrderRule, violations
from krakked_tui.domain.orders import OrderRequest, OrderType, Side
from krakked_tui.domain.pairs import PairMetadata

PRICE = Decimal("50000.0")


def _broken(pair: PairMetadata, **changes: object) -> list[OrderRule]:
    request = OrderRequest("k", pair.canonical, Side.BUY, OrderType.LIMIT, Decimal("0.01"), PRICE)
    return [v.rule for v in violations(msgspec.structs.replace(request, **changes), pair, PRICE)]


def test_a_good_order_breaks_no_rule(xbtusd: PairMetadata) -> None:
    assert _broken(xbtusd) == []
    assert _broken(xbtusd, volume=xbtusd.order_min) == [], "exactly the minimum is allowed"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"volume": Decimal("0.00004")}, OrderRule.ORDER_MIN),
        ({"volume": Decimal("0.010000001")}, OrderRule.LOT),
        ({"price": Decimal("50000.05")}, OrderRule.TICK),
        ({"price": None}, OrderRule.PRICE),
        ({"price": Decimal("1.0")}, OrderRule.COST_MIN),
    ],
)
def test_each_rule(xbtusd: PairMetadata, changes: dict[str, object], rule: OrderRule) -> None:
    assert _broken(xbtusd, **changes) == [rule]


def test_a_market_order_needs_no_price(xbtusd: PairMetadata) -> None:
    assert _broken(xbtusd, order_type=OrderType.MARKET, price=None) == []


def test_the_sentence_names_the_value_and_what_is_allowed(xbtusd: PairMetadata) -> None:
    request = OrderRequest("k", "XBTUSD", Side.BUY, OrderType.LIMIT, Decimal("0.00001"), PRICE)
    (violation,) = (v for v in violations(request, xbtusd, PRICE) if v.rule is OrderRule.ORDER_MIN)
    assert "0.00001" in violation.message
    assert "0.00005" in violation.message
