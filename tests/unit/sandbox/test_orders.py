from datetime import UTC, datetime
from decimal import Decimal

from krakked_tui.domain.orders import OrderType, Side
from krakked_tui.sandbox.orders import Draft, Order


def test_average_price_and_rest_of_a_partly_filled_order() -> None:
    draft = Draft("XBTUSD", Side.BUY, OrderType.LIMIT, Decimal(3), Decimal(6))
    order = Order("O1", 1, draft, datetime(2026, 1, 5, tzinfo=UTC), filled=Decimal(2), cost=Decimal(11))
    assert order.average_price == Decimal("5.5")
    assert order.remaining == 1
    assert Order("O1", 1, draft, order.arrived_at).average_price == 0
