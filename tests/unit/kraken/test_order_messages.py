"""Orders as WebSocket parameters, to the byte."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from krakked_tui.domain.orders import OrderRequest, OrderType, Side, TimeInForce
from krakked_tui.kraken import order_messages
from krakked_tui.kraken.order_messages import Amendment, number

LIMIT = OrderRequest(
    cl_ord_id="6d1b345e-2821-40e2-ad83-4ecb18a06876",
    pair="XBTUSD",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    volume=Decimal("0.00010000"),
    price=Decimal(60000),
    post_only=True,
    deadline=datetime(2026, 5, 1, 12, 0, 5, 999_999, tzinfo=UTC),
)


def text(params: object) -> str:
    return msgspec.json.encode(params).decode()


def test_a_limit_order() -> None:
    assert text(order_messages.add_order(LIMIT, "BTC/USD")) == (
        '{"order_type":"limit","side":"buy","order_qty":0.00010000,"limit_price":60000.0,'
        '"fee_preference":"quote","cl_ord_id":"6d1b345e-2821-40e2-ad83-4ecb18a06876","post_only":true,'
        '"symbol":"BTC/USD","deadline":"2026-05-01T12:00:05.999Z"}'
    )


@pytest.mark.parametrize(
    ("order_type", "expected"),
    [
        (OrderType.MARKET, {}),
        (OrderType.LIMIT, {"limit_price": 9.0}),
        (OrderType.STOP_LOSS, {"triggers": {"reference": "last", "price": 8.0, "price_type": "static"}}),
        (
            OrderType.TAKE_PROFIT_LIMIT,
            {"triggers": {"reference": "last", "price": 8.0, "price_type": "static"}, "limit_price": 9.0},
        ),
        (OrderType.TRAILING_STOP, {"triggers": {"reference": "last", "price": 8.0, "price_type": "quote"}}),
    ],
)
def test_prices_by_order_type(order_type: OrderType, expected: dict[str, object]) -> None:
    request = replace(LIMIT, order_type=order_type, price=Decimal(9), trigger_price=Decimal(8))
    params = msgspec.json.decode(text(order_messages.order(request)))
    assert {name: params[name] for name in ("triggers", "limit_price") if name in params} == expected


def test_time_in_force_is_spelled_small_and_left_out_when_it_is_the_default() -> None:
    assert "time_in_force" not in order_messages.order(LIMIT)
    ioc = replace(LIMIT, time_in_force=TimeInForce.IOC, post_only=False)
    assert order_messages.order(ioc)["time_in_force"] == "ioc"
    assert "post_only" not in order_messages.order(ioc)


def test_a_batch_shares_symbol_and_the_earliest_deadline() -> None:
    later = replace(LIMIT, deadline=datetime(2026, 5, 1, 12, 1, tzinfo=UTC))
    params = msgspec.json.decode(text(order_messages.batch_add([later, LIMIT], "BTC/USD")))
    assert (params["symbol"], params["deadline"]) == ("BTC/USD", "2026-05-01T12:00:05.999Z")
    assert all("symbol" not in order and "deadline" not in order for order in params["orders"])
    assert len(params["orders"]) == 2


def test_an_amendment_names_what_changes() -> None:
    amendment = Amendment(order_qty=Decimal(5), post_only=False)
    assert text(order_messages.amend_order("k1", amendment)) == (
        '{"cl_ord_id":"k1","order_qty":5.0,"post_only":false}'
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_numbers_are_literals_with_a_point_and_every_digit(value: Decimal) -> None:
    if abs(value.adjusted()) > 100:
        return
    literal = bytes(number(value)).decode()
    assert re.fullmatch(r"-?\d+\.\d+", literal)
    assert Decimal(literal) == value
    assert Decimal(literal).as_tuple().exponent in (value.as_tuple().exponent, -1)  # 5 is written 5.0


def test_tiny_numbers_have_no_exponent() -> None:
    assert bytes(number(Decimal("1E-8"))) == b"0.00000001"


def test_an_edit_names_the_order_and_its_pair() -> None:
    change = Amendment(order_qty=Decimal(2), trigger_price=Decimal("1E+2"), post_only=False)
    assert text(order_messages.edit_order("OXZ", "BTC/USD", change)) == (
        '{"order_id":"OXZ","symbol":"BTC/USD","order_qty":2.0,"post_only":false,'
        '"triggers":{"reference":"last","price":100.0,"price_type":"static"}}'
    )
