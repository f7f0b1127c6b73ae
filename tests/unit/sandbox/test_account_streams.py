import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.account_streams import RATE_COUNTER, SNAPSHOT_TRADES
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.wire import rfc3339
from tests.unit.sandbox.rig import Listener, Rig
from tests.unit.sandbox.trading import add, jump, last, now_of


def subscribe(rig: Rig, channel: str, **params: Any) -> Listener:
    listener = rig.listener(private=True)
    listener.ask("subscribe", channel=channel, token=rig.private("GetWebSocketsToken")["token"], **params)
    return listener


def rows(messages: list[Any]) -> list[Any]:
    return [row for message in messages for row in message["data"]]


def test_the_life_of_a_market_order(rig: Rig) -> None:
    listener = subscribe(rig, "executions")
    rig.buy("0.01", cl_ord_id="a")
    messages = listener.heard_on("executions")
    assert [message["sequence"] for message in messages] == [1, 2, 3, 4, 5]
    assert (messages[0]["type"], messages[0]["data"]) == ("snapshot", [])
    pending, new, trade, filled = rows(messages[1:])
    assert [row["exec_type"] for row in (pending, new, trade, filled)] == [
        "pending_new",
        "new",
        "trade",
        "filled",
    ]
    assert (pending["cl_ord_id"], pending["symbol"], pending["order_qty"]) == (
        "a",
        "BTC/USD",
        Decimal("0.01"),
    )
    assert set(new) == {"timestamp", "order_status", "exec_type", "cl_ord_id", "order_id"}
    (stored,) = rig.exchange.books.trades.values()
    assert trade["exec_id"] == stored.trade_id
    assert trade["order_status"] == "partially_filled", "the end is told by a row of its own"
    assert (trade["last_qty"], trade["last_price"]) == (stored.volume, stored.price)
    assert (trade["cost"], trade["liquidity_ind"]) == (stored.cost, "t")
    assert trade["fees"] == [{"asset": "USD", "qty": stored.fees[0].amount}]
    assert "cl_ord_id" not in trade
    assert (filled["cum_qty"], filled["cum_cost"]) == (Decimal("0.01"), stored.cost)
    assert {row["order_id"] for row in (pending, new, trade, filled)} == {stored.kraken_order_id}


def test_a_canceled_order_says_who_asked(rig: Rig) -> None:
    listener = subscribe(rig, "executions", snap_orders=False)
    rig.buy("0.01", "50000", cl_ord_id="a", oflags="post")
    rig.private("CancelOrder", cl_ord_id="a")
    messages = listener.heard_on("executions")
    assert [message["sequence"] for message in messages] == [1, 2, 3]
    pending, _, canceled = rows(messages)
    assert (pending["limit_price"], pending["post_only"]) == (50000, True)
    assert canceled["exec_type"] == canceled["order_status"] == "canceled"
    assert canceled["reason"] == canceled["cancel_reason"] == "User requested"
    assert (canceled["cl_ord_id"], canceled["cum_qty"]) == ("a", 0)


def test_fills_of_a_resting_order_arrive_in_time_order(rig: Rig) -> None:
    listener = subscribe(rig, "executions")
    rig.buy("0.05", str(rig.bid() - 30), userref="3")
    listener.heard()
    rig.exchange.clock.jump(rig.exchange.clock.now() + timedelta(hours=3))
    rig.hub.tick_ohlc()
    heard = rows(listener.heard_on("executions"))
    assert [row["exec_type"] for row in heard] == [*["trade"] * (len(heard) - 1), "filled"]
    assert [row["timestamp"] for row in heard] == sorted(row["timestamp"] for row in heard)
    assert {row["liquidity_ind"] for row in heard[:-1]} == {"m"}
    assert sum(row["last_qty"] for row in heard[:-1]) == Decimal("0.05")
    assert heard[-1]["cum_qty"] == Decimal("0.05")


def test_the_snapshot_has_open_orders_and_past_trades_on_request(rig: Rig) -> None:
    rig.buy("0.001", "50000", cl_ord_id="open")
    for _ in range(SNAPSHOT_TRADES + 2):
        rig.buy("0.0001")
    (snapshot,) = subscribe(rig, "executions", snap_trades=True).heard_on("executions")
    *trades, order = snapshot["data"]
    newest_first = list(rig.exchange.books.trades)[: -SNAPSHOT_TRADES - 1 : -1]
    assert [row["exec_id"] for row in trades] == newest_first
    assert {row["order_status"] for row in trades} == {"filled"}
    assert not any("cum_qty" in row for row in trades)
    assert (order["cl_ord_id"], order["exec_type"], order["order_status"]) == ("open", "new", "new")
    assert order["limit_price"] == 50000
    (plain,) = subscribe(rig, "executions").heard_on("executions")
    assert [row["cl_ord_id"] for row in plain["data"]] == ["open"]


def test_without_order_status_only_openings_and_endings_are_told(rig: Rig) -> None:
    listener = subscribe(rig, "executions", order_status=False)
    rig.buy("0.01")
    messages = listener.heard_on("executions")
    assert [row["exec_type"] for row in rows(messages)] == ["new", "filled"]
    assert [message["sequence"] for message in messages] == [1, 2, 3]


def test_balances_tell_every_leg(rig: Rig) -> None:
    listener = subscribe(rig, "balances")
    rig.buy("0.01")
    snapshot, *updates = listener.heard_on("balances")
    assert snapshot["data"] == [
        {
            "asset": "USD",
            "asset_class": "currency",
            "balance": 10000,
            "wallets": [{"type": "spot", "id": "main", "balance": 10000}],
        }
    ]
    assert [message["sequence"] for message in updates] == [2, 3]
    entries = rig.exchange.books.entries[1:]
    for row, entry in zip(rows(updates), entries, strict=True):
        assert (row["ledger_id"], row["ref_id"]) == (entry.entry_id, entry.refid)
        assert (row["amount"], row["fee"], row["balance"]) == (entry.amount, entry.fee, entry.balance)
    assert [row["asset"] for row in rows(updates)] == ["USD", "BTC"]


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_zeros_keep_their_digits(rig: Rig, channel: str) -> None:
    listener = subscribe(rig, channel)
    rig.buy("0.01", "50000")
    rig.buy("0.01")
    for text in listener.texts:
        assert "E-" not in text
    assert '"cum_cost":0.00000' in "".join(listener.texts) or channel == "balances"


def test_fees_of_other_quotes_are_valued_in_dollars() -> None:
    rig = Rig(SandboxSettings(balance={"EUR": Decimal(5000)}))
    listener = subscribe(rig, "executions")
    rig.buy("0.01", pair="XBTEUR")
    trade = next(row for row in rows(listener.heard_on("executions")) if row["exec_type"] == "trade")
    (fee,) = trade["fees"]
    assert fee["asset"] == "EUR"
    assert Decimal("1.05") < trade["fee_usd_equiv"] / fee["qty"] < Decimal("1.35")
    rig.exchange.close()


def test_a_stop_tells_what_it_waits_for_and_how_it_fired() -> None:
    rig = Rig(SandboxSettings(balance={"XBT": Decimal(1)}))
    listener = subscribe(rig, "executions", snap_orders=False)
    trigger = last(rig) - 40
    order = add(rig, "sell", ordertype="stop-loss", price=str(trigger))
    pending, new = rows(listener.heard_on("executions"))
    assert pending["triggers"] == {
        "reference": "last",
        "price": trigger,
        "price_type": "static",
        "actual_price": trigger,
        "status": "untriggered",
    }
    assert (pending["stop_price"], pending["trigger"], "limit_price" in pending) == (trigger, "last", False)
    assert "triggers" not in new
    jump(rig, hours=12)
    status, trade, filled = rows(listener.heard_on("executions"))
    done = now_of(rig, order)
    assert done.triggered_at is not None
    assert (status["exec_type"], status["order_status"]) == ("status", "new")
    assert status["triggers"] | {"timestamp": ""} == {
        "reference": "last",
        "price": trigger,
        "price_type": "static",
        "actual_price": trigger,
        "status": "triggered",
        "last_price": done.triggered_price,
        "timestamp": "",
    }
    assert status["triggers"]["timestamp"] == rfc3339(done.triggered_at)
    assert (trade["liquidity_ind"], filled["exec_type"]) == ("t", "filled")
    rig.exchange.close()


def test_relative_terms_are_spelled_as_the_websocket_takes_them() -> None:
    rig = Rig(SandboxSettings(balance={"XBT": Decimal(1)}))
    add(rig, "sell", ordertype="trailing-stop-limit", price="+1.5%", price2="-5")
    (snapshot,) = subscribe(rig, "executions").heard_on("executions")
    (row,) = snapshot["data"]
    price = last(rig)
    assert (row["triggers"]["price"], row["triggers"]["price_type"]) == (Decimal("1.5"), "pct")
    assert row["triggers"]["peak_price"] == price
    assert (row["limit_price_type"], row["limit_price"]) == ("quote", row["triggers"]["actual_price"] - 5)
    rig.exchange.close()


def test_an_amended_order_tells_its_new_terms_only(rig: Rig) -> None:
    listener = subscribe(rig, "executions", snap_orders=False)
    add(rig, price="50000", cl_ord_id="mine")
    listener.heard()
    rig.private("AmendOrder", cl_ord_id="mine", order_qty="0.005", limit_price="50001")
    (row,) = rows(listener.heard_on("executions"))
    assert row | {"timestamp": "", "order_id": ""} == {
        "timestamp": "",
        "exec_type": "amended",
        "order_status": "new",
        "cum_qty": 0,
        "reason": "User requested",
        "amended": True,
        "order_qty": Decimal("0.005"),
        "limit_price": 50001,
        "limit_price_type": "static",
        "cl_ord_id": "mine",
        "order_id": "",
    }


def test_expiry_contingent_and_parent_are_told(rig: Rig) -> None:
    listener = subscribe(rig, "executions", snap_orders=False)
    close = {"close[ordertype]": "take-profit-limit", "close[price]": "#1%", "close[price2]": "-7"}
    add(rig, price="50000", expiretm="+60", **close)
    (pending, _) = rows(listener.heard_on("executions"))
    assert pending["expire_time"] == "2026-01-05T00:01:00.000000Z"
    assert pending["contingent"] == {
        "order_type": "take-profit-limit",
        "trigger_price": 1,
        "trigger_price_type": "pct",
        "limit_price": -7,
        "limit_price_type": "quote",
    }
    jump(rig, minutes=2)
    (expired,) = rows(listener.heard_on("executions"))
    assert (expired["exec_type"], expired["order_status"], "reason" in expired) == (
        "expired",
        "expired",
        False,
    )
    parent = add(rig, ordertype="market", **close)
    child = rows(listener.heard_on("executions"))[-2]
    assert (child["exec_type"], child["ord_ref_id"]) == ("pending_new", parent.order_id)


def test_a_fee_in_base_is_told_in_base(rig: Rig) -> None:
    listener = subscribe(rig, "executions", snap_orders=False)
    add(rig, ordertype="market", oflags="fcib")
    told = rows(listener.heard_on("executions"))
    assert told[0]["fee_ccy_pref"] == "fcib"
    assert told[2]["fees"] == [{"asset": "BTC", "qty": Decimal("0.00004")}]
    assert abs(told[2]["fee_usd_equiv"] - told[2]["cost"] * Decimal("0.004")) <= Decimal("0.00001")


def test_the_rate_counter_is_told_on_request() -> None:
    rig = Rig(SandboxSettings(tier="pro"))
    heard: list[str] = []

    class Far:
        def send(self, message: str) -> None:
            heard.append(message)

    rig.hub.account.join_executions(
        Far(), snap_orders=False, snap_trades=False, order_status=True, ratecounter=True
    )
    order = add(rig, price="50000")
    rig.private("CancelOrder", txid=order.order_id)
    counts = [json.loads(message)["data"][0][RATE_COUNTER] for message in heard]
    assert counts == [1, 1, 9]
    rig.exchange.close()
