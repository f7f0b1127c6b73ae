"""python-kraken-sdk's WebSocket v2 client on the account's channels, and trading over them.

It waits one or two seconds before it connects, so it connects once for this module.
"""

import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
import pytest_asyncio

from krakked_tui.sandbox.settings import SandboxSettings
from tests.interop.local_kraken import LocalKraken, local_kraken
from tests.interop.sdk_client import Conversation, Message, acks, rows, talking, user

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(30)]

FAR = 20_000.5
"""Dollars for a bitcoin: a bid that rests."""


@pytest.fixture(scope="module")
def kraken() -> Iterator[LocalKraken]:
    # The SDK takes one token for the life of a connection.
    money = {"USD": Decimal(1_000_000), "XBT": Decimal(20)}
    with local_kraken(SandboxSettings(balance=money, tokens_extend=True)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talk(kraken: LocalKraken) -> AsyncIterator[Conversation]:
    """A private connection."""
    async with talking(kraken, signed=True) as conversation:
        yield conversation


def fills(heard: list[Message], order_id: str) -> list[Message]:
    """Return an order's events."""
    return [
        row
        for message in heard
        if message.get("channel") == "executions" and message["type"] == "update"
        for row in message["data"]
        if row["order_id"] == order_id
    ]


async def told(talk: Conversation, order_id: str, count: int) -> list[Message]:
    """Wait for so many events of an order."""
    await talk.until(lambda heard: len(fills(heard, order_id)) >= count)
    return fills(talk.heard, order_id)


async def placed(talk: Conversation, **changes: object) -> str:
    """Place a bid that rests, over WebSocket; return its id."""
    order = {
        "order_type": "limit",
        "side": "buy",
        "symbol": "BTC/USD",
        "order_qty": 0.01,
        "limit_price": FAR,
    }
    (reply,) = await talk.ask("add_order", **(order | changes))
    assert reply["success"], reply
    return str(reply["result"]["order_id"])


async def followed(talk: Conversation) -> None:
    """Make sure that the executions channel is on."""
    if not rows(talk.heard, "executions", "snapshot"):
        (reply,) = await talk.ask("subscribe", channel="executions", snap_orders=True, snap_trades=True)
        assert reply["success"], reply
        await talk.first("executions", "snapshot")


class TestAccount:
    async def test_balances(self, talk: Conversation, kraken: LocalKraken) -> None:
        (reply,) = await talk.ask("subscribe", channel="balances")
        assert reply["result"] == {"channel": "balances", "snapshot": True}
        snapshot = await talk.first("balances", "snapshot")
        assert snapshot["sequence"] == 1
        state = kraken.state()["balances"]
        owned = {row["asset"]: row["balance"] for row in snapshot["data"]}
        assert (owned["USD"], owned["BTC"]) == (float(state["ZUSD"]), float(state["XXBT"]))
        (reply,) = await talk.ask(
            "add_order", order_type="market", side="sell", symbol="BTC/USD", order_qty=0.01
        )
        assert reply["success"]

        def moved(heard: list[Message]) -> list[Message]:
            found = [row for m in rows(heard, "balances", "update") for row in m["data"]]
            return found if {row["asset"] for row in found} >= {"BTC", "USD"} else []

        moves = await talk.until(moved)
        ledger = {row["id"]: row for row in kraken.state()["ledger"]}
        for row in moves:
            truth = ledger[row["ledger_id"]]
            assert row["ref_id"] == truth["refid"]
            assert (row["amount"], row["fee"], row["balance"]) == (
                float(truth["amount"]),
                float(truth["fee"]),
                float(truth["balance"]),
            )

    async def test_the_executions_ack_tells_the_counter(self, talk: Conversation) -> None:
        await followed(talk)
        ack = acks(talk.heard, "executions")[0]
        assert type(ack["result"]["maxratecount"]) is int
        assert "cancel_reason is deprecated, use reason" in ack["result"]["warnings"]

    async def test_executions_of_an_order_that_is_cancelled(self, talk: Conversation) -> None:
        await followed(talk)
        order_id = await placed(talk)
        (reply,) = await talk.ask("cancel_order", order_id=[order_id])
        assert reply["result"] == {"order_id": order_id}
        events = await told(talk, order_id, 3)
        assert [row["exec_type"] for row in events] == ["pending_new", "new", "canceled"]
        assert (events[0]["limit_price"], events[0]["order_qty"]) == (FAR, 0.01)
        assert events[2]["reason"] == "User requested"

    async def test_executions_of_an_order_that_fills(self, talk: Conversation, kraken: LocalKraken) -> None:
        await followed(talk)
        (reply,) = await talk.ask(
            "add_order", order_type="market", side="buy", symbol="BTC/USD", order_qty=0.02
        )
        order_id = reply["result"]["order_id"]

        def done(heard: list[Message]) -> list[Message]:
            events = fills(heard, order_id)
            return events if events and events[-1]["exec_type"] == "filled" else []

        events = await talk.until(done)
        trades = [row for row in events if row["exec_type"] == "trade"]
        truth = {row["txid"]: row for row in kraken.state()["trades"] if row["ordertxid"] == order_id}
        assert {row["exec_id"] for row in trades} == truth.keys()
        assert sum(Decimal(str(row["last_qty"])) for row in trades) == Decimal("0.02")
        for row in trades:
            fill = truth[row["exec_id"]]
            assert (row["last_price"], row["cost"]) == (float(fill["price"]), float(fill["cost"]))
            assert (row["liquidity_ind"], row["fees"]) == ("t", [{"asset": "USD", "qty": float(fill["fee"])}])
        assert events[-1]["cum_qty"] == 0.02

    async def test_the_sequence_has_no_gap(self, talk: Conversation) -> None:
        await followed(talk)
        await talk.ask("cancel_order", order_id=[await placed(talk)])
        numbers = [message["sequence"] for message in rows(talk.heard, "executions")]
        assert numbers == list(range(1, len(numbers) + 1))


class TestTrading:
    async def test_amend_order(self, talk: Conversation, kraken: LocalKraken) -> None:
        await followed(talk)
        order_id = await placed(talk)
        (reply,) = await talk.ask("amend_order", order_id=order_id, order_qty=0.02, limit_price=FAR - 1)
        assert reply["success"], reply
        assert reply["result"]["order_id"] == order_id
        events = await told(talk, order_id, 3)
        assert (events[2]["exec_type"], events[2]["order_status"]) == ("amended", "new")
        assert (events[2]["order_qty"], events[2]["limit_price"]) == (0.02, FAR - 1)

    async def test_edit_order(self, talk: Conversation, kraken: LocalKraken) -> None:
        order_id = await placed(talk)
        (reply,) = await talk.ask(
            "edit_order", order_id=order_id, symbol="BTC/USD", order_qty=0.03, limit_price=FAR
        )
        assert reply["result"]["original_order_id"] == order_id
        orders_now = {row["txid"]: row for row in kraken.state()["orders"]}
        assert orders_now[order_id]["status"] == "canceled"
        assert orders_now[reply["result"]["order_id"]]["volume"] == "0.03000000"

    async def test_add_order_with_triggers(self, talk: Conversation, kraken: LocalKraken) -> None:
        order_id = await placed(
            talk,
            order_type="stop-loss-limit",
            side="sell",
            limit_price=FAR - 10,
            triggers={"reference": "last", "price": FAR, "price_type": "static"},
        )
        (order,) = user(kraken).get_orders_info(txid=order_id).values()
        assert order["descr"]["ordertype"] == "stop-loss-limit"
        assert (order["descr"]["price"], order["descr"]["price2"]) == ("20000.5", "19990.5")

    async def test_add_order_with_a_client_id(self, talk: Conversation, kraken: LocalKraken) -> None:
        name = "9f0b345e-2821-40e2-ad83-4ecb18a06877"
        (reply,) = await talk.ask(
            "add_order",
            order_type="limit",
            side="buy",
            symbol="BTC/USD",
            order_qty=0.01,
            limit_price=FAR,
            cl_ord_id=name,
        )
        assert reply["result"]["cl_ord_id"] == name
        (reply,) = await talk.ask("cancel_order", cl_ord_id=[name])
        assert reply["result"] == {"cl_ord_id": name}

    async def test_add_order_to_validate(self, talk: Conversation, kraken: LocalKraken) -> None:
        known = len(kraken.state()["orders"])
        (reply,) = await talk.ask(
            "add_order",
            order_type="limit",
            side="buy",
            symbol="BTC/USD",
            order_qty=0.01,
            limit_price=FAR,
            validate=True,
        )
        assert (reply["success"], reply["result"]["order_id"]) == (True, "")
        assert len(kraken.state()["orders"]) == known

    async def test_an_integer_where_a_float_is_wanted(self, talk: Conversation) -> None:
        (reply,) = await talk.ask(
            "add_order", order_type="limit", side="buy", symbol="BTC/USD", order_qty=0.01, limit_price=20_000
        )
        assert (reply["success"], reply["error"]) == (False, "Limit_price field must be a number_float")

    async def test_too_little(self, talk: Conversation) -> None:
        (reply,) = await talk.ask(
            "add_order",
            order_type="limit",
            side="buy",
            symbol="BTC/USD",
            order_qty=0.00001,
            limit_price=FAR,
        )
        assert reply["error"] == "EGeneral:Invalid arguments:volume minimum not met"

    async def test_cancel_order_answers_for_every_id(self, talk: Conversation) -> None:
        names = [await placed(talk), await placed(talk)]
        replies = await talk.ask("cancel_order", 3, order_id=[*names, "OAAAAA-BBBBB-CCCCCC"])
        assert [reply["result"]["order_id"] for reply in replies if reply["success"]] == names
        assert [reply["error"] for reply in replies if not reply["success"]] == ["EOrder:Invalid order"]

    async def test_batch_add_and_batch_cancel(self, talk: Conversation, kraken: LocalKraken) -> None:
        orders = [
            {"order_type": "limit", "side": "buy", "order_qty": 0.01, "limit_price": FAR - number}
            for number in range(3)
        ]
        (reply,) = await talk.ask("batch_add", symbol="BTC/USD", orders=orders)
        names = [row["order_id"] for row in reply["result"]]
        orders_now = {row["txid"]: row["price"] for row in kraken.state()["orders"]}
        assert [orders_now[name] for name in names] == ["20000.5", "19999.5", "19998.5"]
        (reply,) = await talk.ask("batch_cancel", orders=names)
        assert (reply["success"], reply["orders_cancelled"]) == (True, 3)
        assert "result" not in reply

    async def test_cancel_all(self, talk: Conversation, kraken: LocalKraken) -> None:
        await placed(talk)
        known = len([row for row in kraken.state()["orders"] if row["status"] == "open"])
        (reply,) = await talk.ask("cancel_all")
        assert reply["result"] == {"count": known}
        assert known > 0

    async def test_cancel_all_orders_after(self, talk: Conversation, kraken: LocalKraken) -> None:
        order_id = await placed(talk)
        (reply,) = await talk.ask("cancel_all_orders_after", timeout=30)
        assert reply["result"].keys() == {"currentTime", "triggerTime"}
        kraken.advance(31)
        orders_now = {row["txid"]: row for row in kraken.state()["orders"]}
        assert (orders_now[order_id]["status"], orders_now[order_id]["reason"]) == (
            "canceled",
            "CancelAllOrdersAfter Timeout",
        )

    async def test_a_token_nobody_issued(self, talk: Conversation) -> None:
        await talk.client.send_message(
            {
                "method": "cancel_all",
                "params": {"token": "nobody's"},
                "req_id": 77_777,
            },
            raw=True,
        )
        (reply,) = await talk.until(lambda heard: [m for m in heard if m.get("req_id") == 77_777])
        assert reply["success"] is False
        assert reply["error"] in ("ESession:Invalid session", "EAPI:Invalid token")

    async def test_every_message_was_json(self, talk: Conversation) -> None:
        assert json.dumps(talk.heard)
