from base64 import b64decode
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.sandbox.calls import View
from krakked_tui.sandbox.clock import EPOCH
from krakked_tui.sandbox.endpoints_account import consolidate, merged
from krakked_tui.sandbox.rest import Request
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import sign
from tests.unit.sandbox.rig import FORM, RefusedCall, Rig, result_of
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


def test_rows_by_id(busy: Rig) -> None:
    history = busy.private("TradesHistory", ledgers="true")["trades"]
    (trade_id,) = history
    assert busy.private("QueryTrades", txid=f"{trade_id},TAAAAA-AAAAA-AAAAAA", ledgers="true") == history
    entries = busy.private("Ledgers")["ledger"]
    some = list(entries)[:2]
    assert busy.private("QueryLedgers", id=",".join(some)) == {key: entries[key] for key in some}
    for method, name in (("QueryTrades", "txid"), ("QueryLedgers", "id")):
        for wrong in ({}, {name: ",".join(["x"] * 21)}, {name: "TAAAAA-AAAAA-AAAAAA"}):
            with pytest.raises(RefusedCall, match=f"EGeneral:Invalid arguments:{name}"):
                busy.private(method, **wrong)


def seen(rig: Rig, method: str, view: View, **params: str) -> Any:
    """Make a call that sees the exchange as it was a moment ago."""
    body = urlencode({"nonce": rig.next_nonce(), **params}).encode()
    record, path = rig.key.record, f"/0/private/{method}"
    signature = sign(b64decode(record.api_secret), path, str(rig.nonce), body)
    headers = {"api-key": record.api_key, "api-sign": signature, "content-type": FORM}
    return result_of(rig.api.answer(Request(path, "", headers, body), view).body)


def test_a_lagging_read_does_not_know_the_latest_orders_and_trades(busy: Rig) -> None:
    before = busy.exchange.clock.now() - timedelta(seconds=2)
    late = View(orders_until=before)
    assert seen(busy, "OpenOrders", late) == {"open": {}}
    assert clients(seen(busy, "ClosedOrders", late)["closed"])[0] == "c53"
    assert seen(busy, "QueryOrders", late, cl_ord_id="filled") == {}
    assert seen(busy, "TradesHistory", late) == {"trades": {}, "count": 0}
    slow_trades = View(trades_until=before)
    assert seen(busy, "TradesHistory", slow_trades) == {"trades": {}, "count": 0}
    assert len(seen(busy, "OpenOrders", slow_trades)["open"]) == 2
    busy.wall.advance(2)
    now = View(busy.exchange.clock.now(), busy.exchange.clock.now())
    assert len(seen(busy, "OpenOrders", now)["open"]) == 2
    assert seen(busy, "TradesHistory", now)["count"] == 1


def test_a_ledger_that_is_behind_does_not_know_the_latest_rows(busy: Rig) -> None:
    before = busy.exchange.clock.now() - timedelta(seconds=2)
    late = View(entries_until=before)
    count, behind = busy.private("Ledgers")["count"], seen(busy, "Ledgers", late)
    latest = busy.exchange.books.entries[-1]
    assert 0 < behind["count"] < count
    assert latest.entry_id not in behind["ledger"]
    assert seen(busy, "TradesHistory", late)["count"] == 1
    with pytest.raises(RefusedCall, match="EGeneral:Invalid arguments:id"):
        seen(busy, "QueryLedgers", late, id=latest.entry_id)
    busy.wall.advance(2)
    now = View(entries_until=busy.exchange.clock.now())
    assert seen(busy, "Ledgers", now)["count"] == count
    assert set(seen(busy, "QueryLedgers", now, id=latest.entry_id)) == {latest.entry_id}


def trade(number: int, order_id: str, volume: str, price: str, *, maker: bool) -> Trade:
    cost = (Decimal(volume) * Decimal(price)).quantize(Decimal("0.00001"))
    at: datetime = EPOCH
    fees = (Fee("USD", Decimal(number)),)
    return Trade(
        f"T{number}", order_id, "XBTUSD", "buy", Decimal(price), Decimal(volume), cost, fees, at, maker=maker
    )


def test_taker_fills_of_one_order_are_put_together(rig: Rig) -> None:
    fills = [
        trade(1, "O1", "1", "100", maker=False),
        trade(2, "O1", "3", "104", maker=False),
        trade(3, "O1", "1", "99", maker=True),
        trade(4, "O2", "1", "99", maker=True),
    ]
    groups = consolidate(fills)
    assert [[fill.trade_id for fill in group] for group in groups] == [["T1", "T2"], ["T3"], ["T4"]]
    whole = merged(groups[0], rig.exchange.catalog.listings["XBTUSD"].pair)
    assert whole.trade_id == "T1"
    assert [whole.volume, whole.price, whole.cost] == [4, 103, 412]
    assert whole.fees[0].amount == 3


def test_fees_in_both_assets_are_merged_by_their_worth() -> None:
    rig = Rig(SandboxSettings(balance={"XBT": Decimal("100.05")}))
    rig.sell("100", oflags="fcib")
    fills = rig.private("TradesHistory", consolidate_taker="false")["trades"]
    (row,) = rig.private("TradesHistory")["trades"].values()
    assert {trade.fees[0].asset for trade in rig.exchange.books.trades.values()} == {"XBT", "USD"}
    assert Decimal(row["fee"]) == sum(Decimal(fill["fee"]) for fill in fills.values())
    (order,) = rig.private("ClosedOrders")["closed"].values()
    assert row["fee"] == order["fee"]
    rig.exchange.close()


def test_a_merged_trade_names_the_ledger_rows_of_all_its_fills() -> None:
    rig = Rig(SandboxSettings(balance={"USD": Decimal(1_000_000)}))
    rig.buy("8")
    assert rig.private("TradesHistory", consolidate_taker="false")["count"] > 1
    (row,) = rig.private("TradesHistory", ledgers="true")["trades"].values()
    deposit, *written = [entry.entry_id for entry in rig.exchange.books.entries]
    assert row["ledgers"] == written
    assert deposit not in row["ledgers"]
    rig.exchange.close()
