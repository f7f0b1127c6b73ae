from decimal import Decimal
from typing import Any

import msgspec

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.account_rows import ended_row, open_order_row, pending_row
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.test_order_rows import PARTLY_FILLED, T0


def spelled(row: object) -> Any:
    """The row as a client decodes it, every digit kept."""
    return msgspec.json.Decoder(float_hook=str).decode(msgspec.json.encode(row))


def test_an_order_that_passed_all_checks(rig: Rig) -> None:
    fresh = msgspec.structs.replace(PARTLY_FILLED, filled=Decimal(0), cost=Decimal(0), fee=Decimal(0))
    assert spelled(pending_row(rig.exchange, fresh)) == {
        "order_id": "OQ7KLM-2AB3C-D4EF5G",
        "symbol": "BTC/USD",
        "order_qty": "1.25000000",
        "time_in_force": "GTC",
        "side": "buy",
        "order_type": "limit",
        "order_userref": 0,
        "stop_price": "0.0",
        "fee_ccy_pref": "fciq",
        "limit_price_type": "static",
        "limit_price": "30010.0",
        "post_only": True,
        "cum_cost": "0.00000",
        "exec_type": "pending_new",
        "order_status": "pending_new",
        "fee_usd_equiv": "0.00000",
        "timestamp": "2026-01-05T00:00:00.000000Z",
    }


def test_a_partly_filled_order_in_a_snapshot(rig: Rig) -> None:
    row = spelled(open_order_row(rig.exchange, PARTLY_FILLED, T0))
    assert (row["exec_type"], row["order_status"]) == ("new", "partially_filled")
    assert (row["cum_qty"], row["cum_cost"], row["avg_price"]) == ("0.37500000", "11253.75000", "30010.0")


def test_a_cancel_without_a_reason_gives_none(rig: Rig) -> None:
    canceled = msgspec.structs.replace(PARTLY_FILLED, status=ExchangeStatus.CANCELED)
    row = spelled(ended_row(rig.exchange, canceled, T0))
    assert row == {
        "timestamp": "2026-01-05T00:00:00.000000Z",
        "order_status": "canceled",
        "exec_type": "canceled",
        "cum_qty": "0.37500000",
        "cum_cost": "11253.75000",
        "avg_price": "30010.0",
        "fee_usd_equiv": "18.00600",
        "order_id": "OQ7KLM-2AB3C-D4EF5G",
        "order_userref": 0,
    }
