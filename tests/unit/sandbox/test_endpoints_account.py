from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.sandbox.clock import EPOCH
from krakked_tui.sandbox.endpoints_account import consolidate
from tests.unit.sandbox.rig import RefusedCall, Rig
from tests.unit.sandbox.test_endpoints_public import recorded, shape


@pytest.fixture
def busy(rig: Rig) -> Rig:
    """55 canceled orders a second apart, one filled, two open."""
    for number in range(55):
        rig.wall.advance(1)
        rig.buy("0.001", "50000", cl_ord_id=f"c{number}")
        rig.private("CancelOrder", cl_ord_id=f"c{number}")
    rig.wall.advance(1)
    rig.buy("0.05", cl_ord_id="filled")
    rig.buy("0.001", "50000", cl_ord_id="open")
    rig.buy("0.001", "50000", userref="9")
    return rig


def clients(rows: dict[str, Any]) -> list[str | None]:
    return [row.get("cl_ord_id") for row in rows.values()]


def test_balances(busy: Rig) -> None:
    assert busy.private("Balance")["XXBT"] == "0.0500000000"
    rows = busy.private("BalanceEx")
    assert set(rows["ZUSD"]) == set(recorded("BalanceEx")[0]["ZUSD"])
    assert rows["ZUSD"]["hold_trade"] == "100.4000"
    assert rows["XXBT"]["hold_trade"] == "0.0000000000"


def test_open_orders_have_krakens_keys_and_kinds(busy: Rig) -> None:
    rows = busy.private("OpenOrders", trades="true")["open"]
    assert clients(rows) == ["open", None]
    ours, real = next(iter(rows.values())), next(iter(recorded("OpenOrders")[0]["open"].values()))
    assert set(real) - set(ours) <= {"trigger", "margin"}
    for key in set(real) & set(ours) - {"descr"}:
        assert shape(ours[key]) == shape(real[key]), key
    assert set(ours["descr"]) == {*real["descr"], "aclass"}
    assert ours["descr"]["pair"] == "XBTUSD"
    assert list(clients(busy.private("OpenOrders", cl_ord_id="open")["open"])) == ["open"]
    assert len(busy.private("OpenOrders", userref="9")["open"]) == 1
    assert busy.private("OpenOrders", cl_ord_id="c1") == {"open": {}}


def test_closed_orders_come_newest_first_fifty_a_page(busy: Rig) -> None:
    first = busy.private("ClosedOrders")
    assert first["count"] == 56
    assert clients(first["closed"]) == ["filled", *(f"c{number}" for number in range(54, 5, -1))]
    second = busy.private("ClosedOrders", ofs="50")
    assert clients(second["closed"]) == [f"c{number}" for number in range(5, -1, -1)]
    assert second["count"] == 56
    assert busy.private("ClosedOrders", ofs="56", without_count="true") == {"closed": {}}


def test_closed_orders_have_krakens_keys_and_kinds(busy: Rig) -> None:
    canceled = next(iter(busy.private("ClosedOrders", cl_ord_id="c3")["closed"].values()))
    real = next(row for row in recorded("ClosedOrders")[0]["closed"].values() if row["status"] == "canceled")
    assert set(canceled) - {"cl_ord_id"} == set(real) - {"cl_ord_id", "trades", "link_id"}
    assert (canceled["status"], canceled["reason"]) == ("canceled", "User requested")
    (filled,) = busy.private("ClosedOrders", cl_ord_id="filled", trades="true")["closed"].values()
    assert (filled["status"], filled["reason"], filled["vol_exec"]) == ("closed", None, "0.05000000")
    assert filled["trades"] == list(busy.exchange.books.trades)
    assert filled["descr"]["price"] == "0"


def test_closed_orders_within_a_time(busy: Rig) -> None:
    start = 1767571200
    rows = busy.private("ClosedOrders", start=str(start + 10), end=str(start + 12))["closed"]
    assert clients(rows) == ["c11", "c10"], "the start is left out, the end taken in"
    by_id = {row["cl_ord_id"]: key for key, row in busy.private("ClosedOrders")["closed"].items()}
    rows = busy.private("ClosedOrders", start=by_id["c50"], end=by_id["c52"], closetime="close")["closed"]
    assert clients(rows) == ["c52", "c51"]
    for wrong in ({"closetime": "never"}, {"start": "soon"}, {"ofs": "-1"}):
        with pytest.raises(RefusedCall, match="EGeneral:Invalid arguments"):
            busy.private("ClosedOrders", **wrong)


def test_query_orders(busy: Rig) -> None:
    ids = list(busy.exchange.books.orders)
    rows = busy.private("QueryOrders", txid=f"{ids[3]},{ids[-1]},OAAAAA-AAAAA-AAAAAA")
    assert list(rows) == [ids[3], ids[-1]]
    assert clients(busy.private("QueryOrders", cl_ord_id="filled")) == ["filled"]
    assert busy.private("QueryOrders", cl_ord_id="never") == {}
    for params, error in (
        ({"txid": "OAAAAA-AAAAA-AAAAAA"}, "EOrder:Invalid order"),
        ({}, "EGeneral:Invalid arguments:txid"),
        ({"txid": ",".join(["x"] * 51)}, "EGeneral:Invalid arguments:txid"),
    ):
        with pytest.raises(RefusedCall, match=error):
            busy.private("QueryOrders", **params)


def test_trades_history(busy: Rig) -> None:
    busy.wall.advance(5)
    busy.sell("0.02")
    answer = busy.private("TradesHistory", ledgers="true")
    assert answer["count"] == 2
    newest, oldest = answer["trades"].values()
    real = next(iter(recorded("TradesHistory")[0]["trades"].values()))
    assert set(newest) == {*real, "aclass"}
    for key in set(real) - {"ledgers", "misc"}:
        assert shape(newest[key]) == shape(real[key]), key
    assert (newest["type"], oldest["type"]) == ("sell", "buy")
    assert (newest["pair"], newest["trade_id"], newest["maker"]) == ("XXBTZUSD", 2, False)
    assert newest["ledgers"] == [entry.entry_id for entry in busy.exchange.books.entries[-2:]]
    first_id = list(answer["trades"])[1]
    assert list(busy.private("TradesHistory", start=first_id)["trades"].values()) == [
        {key: value for key, value in newest.items() if key != "ledgers"}
    ]


def test_ledgers(busy: Rig) -> None:
    answer = busy.private("Ledgers")
    rows = list(answer["ledger"].values())
    assert answer["count"] == 3
    real = next(iter(recorded("Ledgers")[0]["ledger"].values()))
    assert set(rows[0]) == set(real)
    assert [row["type"] for row in rows] == ["trade", "trade", "deposit"]
    assert rows[-1]["balance"] == "10000.0000"
    dollars = list(busy.private("Ledgers", asset="ZUSD", type="trade")["ledger"].values())
    assert len(dollars) == 1
    assert Decimal(dollars[0]["balance"]) == 10000 + Decimal(dollars[0]["amount"]) - Decimal(
        dollars[0]["fee"]
    )
    assert busy.private("Ledgers", type="withdrawal") == {"ledger": {}, "count": 0}
    for params, error in (
        ({"asset": "NOPE"}, "EQuery:Unknown asset"),
        ({"type": "magic"}, "EGeneral:Invalid arguments:type"),
    ):
        with pytest.raises(RefusedCall, match=error):
            busy.private("Ledgers", **params)


def test_a_token_for_the_websocket(rig: Rig) -> None:
    answer = rig.private("GetWebSocketsToken")
    assert answer["expires"] == 900
    rig.gatekeeper.check_token(answer["token"])


def trade(number: int, order_id: str, volume: str, price: str, *, maker: bool) -> Trade:
    cost = (Decimal(volume) * Decimal(price)).quantize(Decimal("0.00001"))
    at: datetime = EPOCH
    fees = (Fee("USD", Decimal(number)),)
    return Trade(
        f"T{number}", order_id, "XBTUSD", "buy", Decimal(price), Decimal(volume), cost, fees, at, maker=maker
    )


def test_taker_fills_of_one_order_are_merged_on_request() -> None:
    merged = consolidate(
        [
            trade(1, "O1", "1", "100", maker=False),
            trade(2, "O1", "3", "104", maker=False),
            trade(3, "O1", "1", "99", maker=True),
            trade(4, "O2", "1", "99", maker=True),
        ]
    )
    assert [row.trade_id for row in merged] == ["T1", "T3", "T4"]
    assert merged[0].volume == 4
    assert merged[0].price == 103
    assert merged[0].cost == 412
    assert merged[0].fees[0].amount == 3
