"""Prices and sizes land on the grid and never beyond the allowance."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from krakked_tui.domain.order_rules import violations
from krakked_tui.domain.orders import OrderRequest, OrderType, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.execution.router import FORCED_SLIPPAGE_BPS, goes_at_market, route

T0 = datetime(2026, 1, 5, tzinfo=UTC)
PAIR = PairMetadata(
    "XBTUSD", "XBT", "USD", "XBTUSD", "BTC/USD", "XXBTZUSD", 1, Decimal("0.1"), 8, Decimal("0.00000001"),
    Decimal("0.00005"), Decimal("0.5"), 5, "currency",
)  # fmt: skip


def _route(side: Side, volume: Decimal, mid: Decimal, bps: Decimal, purpose: Purpose) -> OrderRequest:
    return route(
        cl_ord_id="k", pair=PAIR, side=side, volume=volume, purpose=purpose, mid=mid,
        max_slippage_bps=bps, deadline=T0,
    )  # fmt: skip


@given(
    st.sampled_from(Side),
    st.decimals("0.001", "1000", places=11),
    st.decimals("1000", "200000", places=3),
    st.decimals("1", "1000", places=1),
)
def test_a_limit_is_on_the_grid_and_never_worse_than_the_allowance(
    side: Side, volume: Decimal, mid: Decimal, bps: Decimal
) -> None:
    request = _route(side, volume, mid, bps, Purpose.ENTRY)
    assert violations(request, PAIR, mid) == ()
    assert request.volume <= volume
    assert request.price is not None
    allowance = mid * bps / 10_000
    if side is Side.BUY:
        assert mid + allowance - Decimal("0.1") < request.price <= mid + allowance
    else:
        assert mid - allowance <= request.price < mid - allowance + Decimal("0.1")


def test_urgent_closes_go_at_market() -> None:
    for purpose in (Purpose.STOP, Purpose.FLATTEN):
        request = _route(Side.SELL, Decimal(1), Decimal(50_000), Decimal(50), purpose)
        assert (request.order_type, request.price) == (OrderType.MARKET, None)


def test_where_only_limits_are_taken_an_urgent_close_is_a_wide_one() -> None:
    pair, bid = replace(PAIR, status=PairStatus.LIMIT_ONLY), Decimal(50_000)
    for purpose in (Purpose.STOP, Purpose.FLATTEN):
        assert not goes_at_market(pair, purpose)
        request = route(
            cl_ord_id="k", pair=pair, side=Side.SELL, volume=Decimal(1), purpose=purpose, mid=bid,
            max_slippage_bps=Decimal(50), deadline=T0,
        )  # fmt: skip
        assert request.order_type is OrderType.LIMIT
        assert request.price == bid - bid * FORCED_SLIPPAGE_BPS / 10_000 == Decimal(45_000)
        assert request.deadline == T0
    # Where nothing is taken, what is tried all the same is what is wanted.
    assert goes_at_market(replace(PAIR, status=PairStatus.CANCEL_ONLY), Purpose.STOP)
    assert not goes_at_market(PAIR, Purpose.EXIT)
