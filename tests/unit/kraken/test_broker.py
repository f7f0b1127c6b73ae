"""The broker over a scripted exchange."""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain

import httpx
import pytest

from krakked_tui.domain.fills import AssetBalance, LedgerEntry
from krakked_tui.domain.orders import (
    Accepted,
    ExchangeStatus,
    NotSent,
    OrderRequest,
    OrderType,
    Refused,
    Side,
    SubmitOutcome,
    Unknown,
    Withheld,
)
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.broker import KrakenBroker
from krakked_tui.kraken.errors import AuthError, KrakenError, NetworkError, Sent
from krakked_tui.kraken.order_entry import NotOverWebSocketError, StreamOrderEntry
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.writing import CallWithheldError
from tests.fakes.broker import go_ahead
from tests.unit.kraken.exchange import Answer, ScriptedKraken, ok, refused

ID = "kabcnet00000000001"
REQUEST = OrderRequest(
    cl_ord_id=ID,
    pair="XBTUSD",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    volume=Decimal("0.001"),
    price=Decimal("37500.0"),
    deadline=datetime(2026, 1, 5, 0, 0, 10, tzinfo=UTC),
)
NOT_UNIQUE = "EGeneral:Invalid arguments:cl_ord_id not unique"


def broker(kraken: ScriptedKraken) -> KrakenBroker:
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    return KrakenBroker("kraken-1", kraken.rest(), kraken.listing(), stream)


class Entry(StreamOrderEntry):
    """Order entry that takes note, or fails."""

    def __init__(self, failure: KrakenError | None = None) -> None:
        self.asked: list[str] = []
        self.failure = failure

    async def add(self, request: OrderRequest, withhold: Callable[[], str]) -> str:
        if reason := withhold():
            raise CallWithheldError(reason)
        self._note(request.cl_ord_id)
        return "OSTREAM-AAAAA-AAAAAA"

    async def cancel(self, cl_ord_ids: Sequence[str]) -> None:
        self._note(*cl_ord_ids)

    def _note(self, *cl_ord_ids: str) -> None:
        self.asked += cl_ord_ids
        if self.failure is not None:
            raise self.failure


def by_stream(kraken: ScriptedKraken, entry: Entry) -> KrakenBroker:
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    return KrakenBroker("kraken-1", kraken.rest(), kraken.listing(), stream, entry)


async def test_orders_go_over_the_stream_and_what_is_urgent_over_rest() -> None:
    kraken, entry = ScriptedKraken(), Entry()
    kraken.on("AddOrder", ok({"txid": ["OREST0-AAAAA-AAAAAA"]}))
    kraken.on("CancelOrderBatch", ok({"count": 1}))
    broker = by_stream(kraken, entry)
    assert await broker.submit(REQUEST, go_ahead) == Accepted(ID, "OSTREAM-AAAAA-AAAAAA")
    assert await broker.submit(REQUEST, lambda: "killed") == Withheld(ID, "killed")
    await broker.cancel([ID])
    assert (entry.asked, kraken.calls) == ([ID, ID], [])
    assert await broker.submit(REQUEST, go_ahead, emergency=True) == Accepted(ID, "OREST0-AAAAA-AAAAAA")
    await broker.cancel([ID], emergency=True)
    assert len(entry.asked) == 2
    assert [call.method for call in kraken.calls] == ["AddOrder", "CancelOrderBatch"]


async def test_an_order_the_stream_has_no_name_for_goes_over_rest() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", ok({"txid": ["OREST0-AAAAA-AAAAAA"]}))
    broker = by_stream(kraken, Entry(NotOverWebSocketError("the pair has no WebSocket name")))
    assert await broker.submit(REQUEST, go_ahead) == Accepted(ID, "OREST0-AAAAA-AAAAAA")


async def test_a_cancel_the_stream_cannot_carry_goes_over_rest() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", ok({"count": 1}))
    broker = by_stream(kraken, Entry(NetworkError("no connection", Sent.NO)))
    await broker.cancel([ID])
    assert isinstance(await broker.submit(REQUEST, go_ahead), NotSent), "an order is not sent twice"
    assert [call.method for call in kraken.calls] == ["CancelOrderBatch"]


def order_row(**changes: object) -> dict[str, object]:
    return {
        "status": "open",
        "opentm": 1767571200.5,
        "descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "37500.0", "price2": "0"},
        "vol": "0.00100000",
        "vol_exec": "0.00000000",
        "cost": "0.00000",
        "fee": "0.00000",
        "price": "0.00000",
        "cl_ord_id": ID,
    } | changes


async def submit(*answers: Answer) -> tuple[SubmitOutcome, ScriptedKraken]:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", *answers)
    outcome = await broker(kraken).submit(REQUEST, go_ahead)
    assert not isinstance(outcome, Withheld)
    assert len(kraken.calls_of("AddOrder")) == 1
    return outcome, kraken


async def test_an_accepted_order_has_an_id() -> None:
    outcome, kraken = await submit(ok({"txid": ["OU22CG-KLAF2-FWUDD7"], "descr": {"order": "buy"}}))
    assert outcome == Accepted(ID, "OU22CG-KLAF2-FWUDD7")
    assert kraken.calls[0].params == {
        "nonce": "1000",
        "pair": "XBTUSD",
        "type": "buy",
        "ordertype": "limit",
        "volume": "0.001",
        "price": "37500.0",
        "oflags": "fciq",
        "cl_ord_id": ID,
        "deadline": "2026-01-05T00:00:10.000Z",
    }


@pytest.mark.parametrize("result", [{}, {"txid": []}, {"descr": {"order": "buy"}}])
async def test_an_answer_without_an_id_proves_nothing(result: object) -> None:
    outcome, _ = await submit(ok(result))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "error",
    [
        "EOrder:Insufficient funds",
        "EGeneral:Invalid arguments:volume minimum not met",
        "EOrder:Post only order",
        "EQuery:Unknown asset pair",
        "EGeneral:Permission denied",
        "EAPI:Invalid key",
        "EAPI:Invalid signature",
    ],
)
async def test_a_positive_refusal_is_one(error: str) -> None:
    outcome, _ = await submit(refused(error))
    assert isinstance(outcome, Refused)
    assert (outcome.cl_ord_id, outcome.code) == (ID, error)
    assert error in outcome.reason


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (refused("EOrder:Rate limit exceeded"), True),
        (refused("EService:Throttled: 1767571205"), True),
        (refused("EService:Market in cancel_only mode"), True),
        (refused("EAPI:Invalid token"), False),
        (httpx.Response(429), True),
        (httpx.ConnectError("x"), False),
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
    ],
)
async def test_what_was_provably_not_executed_may_be_sent_again(answer: Answer, wait: bool) -> None:
    outcome, _ = await submit(answer)
    assert isinstance(outcome, NotSent)
    assert (outcome.retry_after > 0) is wait


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("x"),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(520),
        httpx.Response(302, headers={"Location": "https://api.kraken.com/"}),
        httpx.Response(403, text="<html>"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b'{"error":[],"result":{"txid":["OU22'),
        ok({"txid": "OU22CG-KLAF2-FWUDD7"}),
        refused("EService:Unavailable"),
        refused("EService:Busy"),
        refused("EService:Deadline elapsed"),
        refused("EGeneral:Internal error"),
        refused("EDatabase:Internal error"),
        refused("EAPI:Invalid nonce"),
        refused(NOT_UNIQUE),
        refused("EOrder:Brand new"),
        refused("EOrder:Insufficient funds", "EService:Busy"),
    ],
)
async def test_everything_else_is_unknown(answer: Answer) -> None:
    outcome, _ = await submit(answer)
    assert isinstance(outcome, Unknown)
    assert outcome.cl_ord_id == ID
    assert outcome.reason


async def test_even_a_bug_on_the_way_is_an_unknown_order(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        outcome, _ = await submit(ZeroDivisionError("boom"))
    assert outcome == Unknown(ID, "the request broke: ZeroDivisionError")
    assert caplog.records[0].exc_info is not None


async def test_cancels_go_together_fifty_at_a_time() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", lambda params: ok({"count": len(params["cl_ord_ids"])}))
    ids = [f"id{n}" for n in range(120)]
    await broker(kraken).cancel(ids)
    sent = [call.params["cl_ord_ids"] for call in kraken.calls]
    assert [len(chunk) for chunk in sent] == [50, 50, 20]
    assert list(chain.from_iterable(sent)) == ids


@pytest.mark.parametrize("error", ["EGeneral:Invalid arguments", "EOrder:Unknown order", "EOrder:Brand new"])
async def test_a_refused_batch_is_cancelled_one_by_one(error: str) -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", refused(error))
    kraken.on(
        "CancelOrder",
        ok({"count": 1}),
        refused("EOrder:Unknown order"),
        refused("EOrder:Invalid order"),
        refused("EOrder:Cancel pending"),
    )
    await broker(kraken).cancel(["a", "b", "c", "d"])
    assert [call.params["cl_ord_id"] for call in kraken.calls_of("CancelOrder")] == ["a", "b", "c", "d"]


async def test_a_batch_that_reached_fewer_than_asked_is_cancelled_one_by_one() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", ok({"count": 2}))
    kraken.on(
        "CancelOrder", ok({"count": 1}), refused("EOrder:Unknown order"), refused("EOrder:Cancel pending")
    )
    await broker(kraken).cancel(["a", "b", "c"])
    assert [call.params["cl_ord_id"] for call in kraken.calls_of("CancelOrder")] == ["a", "b", "c"]
    kraken.on("CancelOrder", refused("EGeneral:Permission denied"))
    with pytest.raises(KrakenError, match="Permission denied"):
        await broker(kraken).cancel(["a", "b", "c"])


@pytest.mark.parametrize("emergency", [False, True])
async def test_a_single_cancel_that_would_wait_goes_as_a_batch(emergency: bool) -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", refused("EOrder:Unknown order"), ok({"count": 1}))
    kraken.on("CancelOrder", ok({"count": 1}))
    client = kraken.rest()
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    account = KrakenBroker("kraken-1", client, kraken.listing(), stream)
    client.limiter.order_seen("XBTUSD", ("young",), 0.0, 0.0)
    client.limiter.order_seen("XBTUSD", ("old",), 900.0, 0.0)
    client.limiter.trading_count("XBTUSD", 112.0, 0.0)
    await account.cancel(["young", "old"], emergency=emergency)
    assert kraken.clock.monotonic() == 0
    asked = [call.params.get("cl_ord_ids") or call.params["cl_ord_id"] for call in kraken.calls]
    assert asked == [["young", "old"], ["young"], "old"]


async def test_one_failed_cancel_does_not_stop_the_others_but_is_told() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", refused("EGeneral:Invalid arguments"))
    kraken.on("CancelOrder", refused("EGeneral:Permission denied"), ok({"count": 1}))
    with pytest.raises(KrakenError, match="Permission denied"):
        await broker(kraken).cancel(["a", "b"])
    assert len(kraken.calls_of("CancelOrder")) == 2


async def test_a_batch_that_cannot_be_made_fails_after_the_other_batches() -> None:
    kraken = ScriptedKraken()
    kraken.on("CancelOrderBatch", refused("EAPI:Invalid key"), ok({"count": 1}))
    with pytest.raises(AuthError):
        await broker(kraken).cancel([f"id{n}" for n in range(51)])
    assert len(kraken.calls_of("CancelOrderBatch")) == 2
    assert kraken.calls_of("CancelOrder") == []


async def test_cancelling_nothing_asks_nothing() -> None:
    kraken = ScriptedKraken()
    await broker(kraken).cancel([])
    assert kraken.calls == []


async def test_open_orders_include_foreign_ones() -> None:
    kraken = ScriptedKraken()
    kraken.on("OpenOrders", ok({"open": {"O1": order_row(), "O2": order_row(cl_ord_id=None)}}))
    reports = await broker(kraken).open_orders()
    assert [(report.kraken_order_id, report.cl_ord_id) for report in reports] == [("O1", ID), ("O2", None)]


@pytest.mark.parametrize(("told", "userref"), [(4711, 4711), (0, None), (None, None)])
async def test_an_order_of_another_tool_has_its_number(told: int | None, userref: int | None) -> None:
    kraken = ScriptedKraken()
    kraken.on("QueryOrders", ok({"O1": order_row(cl_ord_id=None, userref=told)}))
    (report,) = await broker(kraken).query_orders(["O1"])
    assert (report.userref, report.cl_ord_id) == (userref, None)


async def test_an_order_is_looked_for_among_open_and_closed_ones() -> None:
    kraken = ScriptedKraken()
    kraken.on("OpenOrders", ok({"open": {"O1": order_row(), "O9": order_row(cl_ord_id="other")}}))
    ended = order_row(status="closed", closetm=1767571201.5, vol_exec="0.00100000")
    foreign = order_row(cl_ord_id=None)
    kraken.on("ClosedOrders", ok({"closed": {"O1": ended, "O2": order_row(status="expired"), "O3": foreign}}))
    reports = {report.kraken_order_id: report for report in await broker(kraken).find_orders(ID)}
    assert {order_id: report.status for order_id, report in reports.items()} == {
        "O1": ExchangeStatus.CLOSED,
        "O2": ExchangeStatus.EXPIRED,
    }
    asked = [(call.method, call.params["cl_ord_id"]) for call in kraken.calls if "cl_ord_id" in call.params]
    assert asked == [("OpenOrders", ID), ("ClosedOrders", ID)]


async def test_a_failed_look_up_is_no_empty_one() -> None:
    kraken = ScriptedKraken()
    kraken.on("OpenOrders", ok({"open": {}}))
    kraken.on("ClosedOrders", httpx.ReadTimeout("x"))
    with pytest.raises(NetworkError):
        await broker(kraken).find_orders(ID)


async def test_ids_never_minted_are_left_out_of_a_query() -> None:
    known = {"O1": order_row(), "O3": order_row(status="canceled", reason="User requested")}

    def query(params: dict[str, str]) -> httpx.Response:
        ids = params["txid"].split(",")
        if any(order_id not in known for order_id in ids):
            return refused("EOrder:Invalid order")
        return ok({order_id: known[order_id] for order_id in ids})

    kraken = ScriptedKraken()
    kraken.on("QueryOrders", query)
    reports = await broker(kraken).query_orders(["O1", "O2", "O3"])
    assert [report.kraken_order_id for report in reports] == ["O1", "O3"]
    assert await broker(kraken).query_orders(["O2"]) == []
    assert await broker(kraken).query_orders([]) == []


def trade_row(second: int) -> dict[str, object]:
    return {
        "ordertxid": "O1",
        "pair": "XXBTZUSD",
        "time": 1767571200.0 + second,
        "type": "buy",
        "price": "37500.0",
        "cost": "37.50000",
        "fee": "0.15000",
        "vol": "0.00100000",
        "maker": True,
    }


async def test_all_pages_of_trades_oldest_first() -> None:
    since = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=5)
    rows = {f"T{second}": trade_row(second) for second in reversed(range(130))}

    def history(params: dict[str, str]) -> httpx.Response:
        assert int(params["start"]) < since.timestamp()
        assert params["consolidate_taker"] == "false"
        offset = int(params["ofs"])
        return ok({"trades": dict(list(rows.items())[offset : offset + 50]), "count": len(rows)})

    kraken = ScriptedKraken()
    kraken.on("TradesHistory", history)
    trades = await broker(kraken).trades(since)
    assert [trade.trade_id for trade in trades] == [f"T{second}" for second in range(5, 130)]
    assert trades[0].time == since
    assert (trades[0].pair, trades[0].fees[0].asset) == ("XBTUSD", "USD")
    assert len(kraken.calls_of("TradesHistory")) == 3


async def test_a_page_of_trades_before_a_time_is_asked_for_by_the_second_and_by_offset() -> None:
    rows = {f"T{second}": trade_row(second) for second in reversed(range(60))}

    def history(params: dict[str, str]) -> httpx.Response:
        assert params["consolidate_taker"] == "false"
        offset = int(params["ofs"])
        return ok({"trades": dict(list(rows.items())[offset : offset + 50]), "count": len(rows)})

    kraken = ScriptedKraken()
    kraken.on("TradesHistory", history)
    first = await broker(kraken).trades_before(None)
    assert [row.trade_id for row in first.rows] == [f"T{second}" for second in range(59, 9, -1)]
    assert (first.total, first.last) == (60, False)
    until = datetime(2026, 1, 5, 0, 0, 10, 1, UTC)
    rest = await broker(kraken).trades_before(until, skip=50)
    assert ([row.trade_id for row in rest.rows][-1], rest.last) == ("T0", True)
    asked = [call.params.get("end") for call in kraken.calls_of("TradesHistory")]
    assert asked == [None, str(int(until.timestamp()) + 1)]


@pytest.mark.parametrize(
    ("rows", "count", "last"),
    [(50, 50, False), (49, None, True), (49, 49, True), (49, 80, False), (0, 80, True)],
)
async def test_a_full_page_or_one_that_the_count_goes_beyond_is_not_the_last(
    rows: int, count: int | None, last: bool
) -> None:
    kraken = ScriptedKraken()
    told = {"ledger": {f"L{number}": LEDGER_ROW for number in range(rows)}}
    kraken.on("Ledgers", ok(told if count is None else {**told, "count": count}))
    assert (await broker(kraken).entries_before(None)).last is last


LEDGER_ROW = {
    "refid": "T1", "time": 1767571200.5, "type": "trade", "subtype": "", "asset": "ZUSD",
    "amount": "-37.5000", "fee": "0.1500", "balance": "962.3500",
}  # fmt: skip


async def test_ledger() -> None:
    kraken = ScriptedKraken()
    kraken.on("Ledgers", ok({"ledger": {"L1": LEDGER_ROW}, "count": 1}))
    assert await broker(kraken).ledger(datetime(2026, 1, 5, tzinfo=UTC)) == [
        LedgerEntry(
            entry_id="L1",
            refid="T1",
            time=datetime(2026, 1, 5, 0, 0, 0, 500_000, UTC),
            type="trade",
            subtype="",
            asset="USD",
            amount=Decimal("-37.5000"),
            fee=Decimal("0.1500"),
            balance=Decimal("962.3500"),
        )
    ]


async def test_balances() -> None:
    kraken = ScriptedKraken()
    kraken.on(
        "BalanceEx", ok({"ZUSD": {"balance": "25.21", "hold_trade": "8.24"}, "XBT.M": {"balance": "1"}})
    )
    assert await broker(kraken).balances() == {
        "USD": AssetBalance("USD", Decimal("25.21"), Decimal("8.24")),
        "XBT.M": AssetBalance("XBT.M", Decimal(1)),
    }


async def test_the_account_is_named_and_closing_is_repeatable() -> None:
    account = broker(ScriptedKraken())
    assert account.account_id == "kraken-1"
    await account.close()
    await account.close()


# Rate limits --------------------------------------------------------------------------------------


def limits(account: KrakenBroker) -> dict[str, float]:
    return {limit.name: limit.used for limit in account.headroom()}


async def test_headroom_counts_orders_by_pair() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", ok({"txid": ["OU22CG-KLAF2-FWUDD7"]}))
    account = broker(kraken)
    await account.submit(REQUEST, go_ahead)
    assert limits(account)["trading XBTUSD"] == 1


async def test_a_cancel_is_priced_by_the_age_of_the_order_it_saw_added() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", ok({"txid": ["OU22CG-KLAF2-FWUDD7"]}))
    kraken.on("CancelOrderBatch", ok({"count": 1}))
    account = broker(kraken)
    await account.submit(REQUEST, go_ahead)
    await kraken.clock.sleep(60)
    await account.cancel([ID])
    assert limits(account)["trading XBTUSD"] == 2


@pytest.mark.parametrize(("opened", "misc", "units"), [(0, "", 8), (400, "", 0), (400, "amended", 8)])
async def test_open_orders_tell_the_ages_of_orders_placed_before(opened: int, misc: str, units: int) -> None:
    kraken = ScriptedKraken()
    await kraken.clock.sleep(1000)
    opentm = kraken.clock.now().timestamp() - opened
    kraken.on("OpenOrders", ok({"open": {"O1": order_row(opentm=opentm, misc=misc)}}))
    kraken.on("CancelOrderBatch", ok({"count": 1}))
    account = broker(kraken)
    await account.open_orders()
    await account.cancel([ID])
    assert limits(account).get("trading XBTUSD", 0) == units


async def test_an_order_whose_fate_is_unknown_is_as_dear_as_can_be() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", httpx.ReadTimeout("slow"))
    kraken.on("CancelOrderBatch", ok({"count": 1}))
    account = broker(kraken)
    await account.submit(REQUEST, go_ahead)
    await kraken.clock.sleep(1000)
    await account.cancel([ID])
    assert limits(account)["trading XBTUSD"] == 8


async def test_emergencies_pass_orders_that_wait() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", ok({"txid": ["O1"]}))
    kraken.on("CancelOrderBatch", ok({"count": 1}))
    client = kraken.rest()
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    account = KrakenBroker("kraken-1", client, kraken.listing(), stream)
    client.limiter.trading_count("XBTUSD", 117, 0.0)
    await account.submit(REQUEST, go_ahead, emergency=True)
    await account.cancel([ID], emergency=True)
    assert kraken.clock.monotonic() == 0
    assert isinstance(await account.submit(REQUEST, go_ahead), Accepted)
    assert kraken.clock.monotonic() > 5
    assert [call.method for call in kraken.calls] == ["AddOrder", "CancelOrderBatch", "AddOrder"]


async def test_looking_for_an_order_uses_what_histories_leave() -> None:
    kraken = ScriptedKraken()
    kraken.on("Ledgers", ok({"ledger": {}}))
    kraken.on("OpenOrders", ok({"open": {}}))
    kraken.on("ClosedOrders", ok({"closed": {}}))
    client = kraken.rest()
    for _ in range(3):
        await client.call(endpoints.LEDGERS)
    stream = KrakenStream("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
    await KrakenBroker("kraken-1", client, kraken.listing(), stream).find_orders(ID)
    assert kraken.clock.monotonic() == 1  # the pairs are listed by two public calls


async def test_a_lockout_is_no_answer_about_an_order() -> None:
    kraken = ScriptedKraken()
    kraken.on("AddOrder", refused("EGeneral:Temporary lockout"))
    account = broker(kraken)
    for _ in range(2):
        outcome = await account.submit(REQUEST, go_ahead)
        assert isinstance(outcome, NotSent)
        assert outcome.retry_after > 800
    assert len(kraken.calls_of("AddOrder")) == 1
    assert account.headroom()[0].blocked_seconds > 800
