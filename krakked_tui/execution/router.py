"""From an allowed action to an order request: type, price, size on the pair's grid."""

from datetime import datetime
from decimal import Decimal

from krakked_tui.domain.money import BASIS_POINTS
from krakked_tui.domain.orders import OrderRequest, OrderType, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import price_down, price_up, volume_down

MARKET_PURPOSES = frozenset({Purpose.STOP, Purpose.FLATTEN})
"""Closes that must happen go at market; everything else is a limit that is never worse than asked."""


def route(
    *,
    cl_ord_id: str,
    pair: PairMetadata,
    side: Side,
    volume: Decimal,
    purpose: Purpose,
    mid: Decimal,
    max_slippage_bps: Decimal,
    deadline: datetime,
) -> OrderRequest:
    """Return the request: a market order for urgent closes, else a marketable limit.

    The limit is mid plus (buy) or minus (sell) the slippage allowance, snapped to the tick so that
    rounding never makes it worse than the allowance.
    """
    volume = volume_down(volume, pair)
    if purpose in MARKET_PURPOSES:
        return OrderRequest(cl_ord_id, pair.canonical, side, OrderType.MARKET, volume, deadline=deadline)
    allowance = mid * max_slippage_bps / BASIS_POINTS
    buying = side is Side.BUY
    price = price_down(mid + allowance, pair) if buying else price_up(mid - allowance, pair)
    return OrderRequest(
        cl_ord_id, pair.canonical, side, OrderType.LIMIT, volume, price=price, deadline=deadline
    )
