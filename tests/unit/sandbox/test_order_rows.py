from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.orders import ExchangeStatus, OrderType, Side, TimeInForce
from krakked_tui.sandbox.order_rows import order_row
from krakked_tui.sandbox.orders import Close, Draft, Order
from krakked_tui.sandbox.prices import Price
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


def test_a_trailing_stop_reads_like_a_recorded_one(rig: Rig) -> None:
    # Kraken, SUIUSD: "trailing-stop", "+1.0000%", stopprice "3.98640000", limitprice "4.02660000".
    draft = Draft(
        "XBTUSD",
        Side.SELL,
        OrderType.TRAILING_STOP,
        Decimal("49.96"),
        trigger=Decimal("39864"),
        trigger_terms=Price(Decimal(1), "+", percent=True),
    )
    order = msgspec.structs.replace(PARTLY_FILLED, draft=draft, peak=Decimal("40266"))
    row = order_row(rig.exchange, order, trades=False)
    assert isinstance(row["descr"], dict)
    assert (row["descr"]["ordertype"], row["descr"]["price"], row["descr"]["price2"]) == (
        "trailing-stop",
        "+1.0000%",
        "0",
    )
    assert row["descr"]["order"] == "sell 49.96000000 XBTUSD @ trailing stop +1.0000%"
    assert (row["stopprice"], row["limitprice"]) == ("39864.00000", "40266.00000")
    assert (row["trigger"], row["misc"], row["oflags"]) == ("last", "", "fciq")


def test_rarer_terms_show_in_their_fields(rig: Rig) -> None:
    draft = Draft(
        "XBTUSD",
        Side.BUY,
        OrderType.TAKE_PROFIT_LIMIT,
        Decimal("0.5"),
        Decimal(50_010),
        TimeInForce.GTD,
        trigger=Decimal(50_000),
        expires_at=T0 + timedelta(minutes=1),
        fee_in_base=True,
        close=Close(OrderType.LIMIT, Price(Decimal(70_000))),
    )
    order = msgspec.structs.replace(
        PARTLY_FILLED, draft=draft, triggered_at=T0, amended_at=T0, refid="OPARENT", link_id="OBEFORE"
    )
    row = order_row(rig.exchange, order, trades=False)
    assert isinstance(row["descr"], dict)
    assert row["descr"]["order"] == "buy 0.50000000 XBTUSD @ take profit 50000.0 -> limit 50010.0"
    assert row["descr"]["close"] == "close position @ limit 70000.0"
    assert (row["descr"]["price"], row["descr"]["price2"]) == ("50000.0", "50010.0")
    assert (row["stopprice"], row["limitprice"]) == ("50000.00000", "50010.00000")
    assert (row["expiretm"], row["misc"], row["oflags"]) == (1767571260.0, "touched,amended", "fcib")
    assert (row["refid"], row["link_id"], row["time_in_force"]) == ("OPARENT", "OBEFORE", "GTD")
