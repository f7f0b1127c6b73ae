"""What the tests of trading share: refusals, prices and what the market will do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.orders import Order
from tests.unit.sandbox.rig import RefusedCall, Rig

D = Decimal


def refused(rig: Rig, method: str = "AddOrder", **params: str) -> str:
    """The error that a call is refused with."""
    with pytest.raises(RefusedCall) as refusal:
        rig.private(method, **params)
    return str(refusal.value)


def add(rig: Rig, side: str = "buy", volume: str = "0.01", pair: str = "XBTUSD", **more: Any) -> Order:
    """Place an order; it is returned as it was right afterwards."""
    order = {"pair": pair, "type": side, "volume": volume, "ordertype": "limit"} | more
    (order_id,) = rig.private("AddOrder", **order)["txid"]
    return rig.exchange.books.orders[order_id]


def now_of(rig: Rig, order: Order) -> Order:
    """The order as it is now."""
    return rig.exchange.books.orders[order.order_id]


def last(rig: Rig, pair: str = "XBTUSD") -> Decimal:
    """The pair's last price."""
    return rig.exchange.floor.last(pair, rig.exchange.clock.now())


def jump(rig: Rig, **span: float) -> None:
    """Let exchange time leap ahead, and the market with it."""
    rig.exchange.clock.jump(rig.exchange.clock.now() + timedelta(**span))
    rig.exchange.catch_up()


def first_print(
    rig: Rig, wanted: Callable[[Decimal], bool], after: datetime, pair: str = "XBTUSD"
) -> tuple[datetime, Decimal]:
    """When the market first trades at a wanted price after an instant, and at which price."""
    market = rig.exchange.market
    grid = market.grids[pair]
    start = micros_of(after)
    # No price is both above 1 and below 0 ticks: every trade is yielded.
    for at, trade in market.prints(pair, start, start + 86_400_000_000, 1, 0):
        if wanted(grid.price(trade.price)):
            return instant_of(at), grid.price(trade.price)
    raise AssertionError("the market never does that")


def hurry(rig: Rig, seconds: float) -> None:
    """From now on every look at the clock takes so long, so that things happen within one request."""

    def wall() -> int:
        rig.wall.advance(seconds)
        return rig.wall.now

    rig.exchange.clock._wall = wall
