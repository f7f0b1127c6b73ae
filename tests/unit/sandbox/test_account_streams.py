from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.account_streams import SNAPSHOT_TRADES
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Listener, Rig


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
