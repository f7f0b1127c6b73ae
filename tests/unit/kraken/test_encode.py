"""What goes out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from krakked_tui.domain.orders import OrderRequest, OrderType, Side, TimeInForce
from krakked_tui.kraken import encode

LIMIT = OrderRequest(
    cl_ord_id="kabcnet00000000001",
    pair="XBTUSD",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    volume=Decimal("0.00010000"),
    price=Decimal("37500.0"),
)
PLAIN = {
    "pair": "XBTUSD",
    "type": "buy",
    "volume": "0.00010000",
    "oflags": "fciq",
    "cl_ord_id": "kabcnet00000000001",
}


def test_limit() -> None:
    assert encode.add_order(LIMIT) == {**PLAIN, "ordertype": "limit", "price": "37500.0"}


@pytest.mark.parametrize(
    ("order_type", "prices"),
    [
        (OrderType.MARKET, {}),
        (OrderType.LIMIT, {"price": "7"}),
        (OrderType.STOP_LOSS, {"price": "5"}),
        (OrderType.TAKE_PROFIT, {"price": "5"}),
        (OrderType.STOP_LOSS_LIMIT, {"price": "5", "price2": "7"}),
        (OrderType.TAKE_PROFIT_LIMIT, {"price": "5", "price2": "7"}),
        (OrderType.TRAILING_STOP, {"price": "+5"}),
    ],
)
def test_prices_by_order_type(order_type: OrderType, prices: dict[str, str]) -> None:
    request = replace(LIMIT, order_type=order_type, price=Decimal(7), trigger_price=Decimal(5))
    assert encode.add_order(request) == {**PLAIN, "ordertype": order_type.value, **prices}


def test_a_missing_price_is_left_to_the_exchange_to_refuse() -> None:
    for order_type in OrderType:
        request = replace(LIMIT, order_type=order_type, price=None)
        assert not {"price", "price2"} & encode.add_order(request).keys()


def test_options() -> None:
    request = replace(
        LIMIT,
        side=Side.SELL,
        post_only=True,
        time_in_force=TimeInForce.IOC,
        deadline=datetime(2026, 5, 1, 14, 0, 5, 999_999, timezone(timedelta(hours=2))),
    )
    params = encode.add_order(request)
    assert params["type"] == "sell"
    assert params["oflags"] == "post,fciq"
    assert params["timeinforce"] == "IOC"
    assert params["deadline"] == "2026-05-01T12:00:05.999Z"


def test_the_fee_is_always_asked_for_in_quote() -> None:
    assert all("fciq" in encode.add_order(replace(LIMIT, side=side))["oflags"] for side in Side)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0))
def test_numbers_are_plain_digits_and_keep_their_value(value: Decimal) -> None:
    text = encode.plain(value)
    assert set(text) <= set("0123456789.")
    assert Decimal(text) == value


def test_instants_are_utc_milliseconds() -> None:
    assert encode.instant(datetime(2026, 1, 5, tzinfo=UTC)) == "2026-01-05T00:00:00.000Z"
