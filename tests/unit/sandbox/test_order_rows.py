from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.orders import ExchangeStatus, OrderType, Side
from krakked_tui.sandbox.order_rows import order_row
from krakked_tui.sandbox.orders import Draft, Order
from tests.unit.sandbox.rig import Rig

T0 = datetime(2026, 1, 5, tzinfo=UTC)
PARTLY_FILLED = Order(
    order_id="OQ7KLM-2AB3C-D4EF5G",
    number=1,
    draft=Draft("XBTUSD", Side.BUY, OrderType.LIMIT, Decimal("1.25000000"), Decimal("30010"), post_only=True),
    arrived_at=T0,
    filled=Decimal("0.375"),
    cost=Decimal("11253.75"),
    fee=Decimal("18.006"),
    trade_ids=("TCCCTY-WE2O6-P3NB37",),
)


def test_a_partly_filled_order(rig: Rig) -> None:
    row = order_row(rig.exchange, PARTLY_FILLED, trades=True)
    assert row == {
        "refid": None,
        "userref": 0,
        "status": "open",
        "opentm": 1767571200.0,
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": "XBTUSD",
            "aclass": "forex",
            "type": "buy",
            "ordertype": "limit",
            "price": "30010.0",
            "price2": "0",
            "leverage": "none",
            "order": "buy 1.25000000 XBTUSD @ limit 30010.0",
            "close": "",
        },
        "vol": "1.25000000",
        "vol_exec": "0.37500000",
        "cost": "11253.75000",
        "fee": "18.00600",
        "price": "30010.0",
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": "fciq,post",
        "trades": ("TCCCTY-WE2O6-P3NB37",),
    }


def test_canceled_after_a_part_was_filled(rig: Rig) -> None:
    canceled = msgspec.structs.replace(
        PARTLY_FILLED,
        status=ExchangeStatus.CANCELED,
        closed_at=T0 + timedelta(seconds=1.5),
        reason="User requested",
    )
    row = order_row(rig.exchange, canceled, trades=False)
    assert (row["status"], row["reason"], row["closetm"]) == ("canceled", "User requested", 1767571201.5)
    assert row["vol_exec"] == "0.37500000"
    assert "trades" not in row
