"""From an allowed action to an order request: type, price, size on the pair's grid."""

from datetime import datetime
from decimal import Decimal

from krakked_tui.domain.money import BASIS_POINTS
from krakked_tui.domain.orders import OrderRequest, OrderType, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import price_down, price_up, volume_down

MARKET_PURPOSES = frozenset({Purpose.STOP, Purpose.FLATTEN})
"""Closes that must happen go at market; everything else is a limit that is never worse than asked."""
FORCED_SLIPPAGE_BPS = Decimal(1000)
"""How far through the best bid such a close goes where the pair takes no market order: as far as any order
of ours may. It fills at the bids that are there; what rests beyond is priced anew."""


def goes_at_market(pair: PairMetadata, purpose: Purpose) -> bool:
    """Say whether an order goes at market: a close that must happen does, unless only limits are taken."""
    only_limits = pair.permits.exit and not pair.permits.market
    return purpose in MARKET_PURPOSES and not only_limits


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
    rounding never makes it worse than the allowance. Where an urgent close must be a limit, ``mid`` is the
    best bid and the allowance ``FORCED_SLIPPAGE_BPS``.
    """
    volume = volume_down(volume, pair)
    if goes_at_market(pair, purpose):
        return OrderRequest(cl_ord_id, pair.canonical, side, OrderType.MARKET, volume, deadline=deadline)
    slippage = FORCED_SLIPPAGE_BPS if purpose in MARKET_PURPOSES else max_slippage_bps
    allowance = mid * slippage / BASIS_POINTS
    buying = side is Side.BUY
    price = price_down(mid + allowance, pair) if buying else price_up(mid - allowance, pair)
    return OrderRequest(
        cl_ord_id, pair.canonical, side, OrderType.LIMIT, volume, price=price, deadline=deadline
    )
