"""ccxt's WebSocket client (ccxt.pro) on the local Kraken's streams.

Its book checksum is off, as it is by default: in Python it cannot be on, as a test with one of
Kraken's own messages shows. Its books are compared with the exchange's instead; that every checksum
is right is proven with the other stranger's client.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.interop.ccxt_client import BITCOIN, ccxt, config
from tests.interop.local_kraken import PATIENCE, LocalKraken

FIXTURES = Path(__file__).parent.parent / "fixtures" / "kraken"
FAR = 20_000.5
"""Dollars for a bitcoin: a bid that rests. Kraken wants a point in WebSocket numbers, ccxt drops ``.0``."""

UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"
pytestmark = pytest.mark.timeout(20)
pro: Any = pytest.importorskip("ccxt.pro", reason="ccxt is not installed: pip install -e .[interop]")


@pytest.fixture
def settings() -> SandboxSettings:
    return SandboxSettings(balance={"USD": Decimal(100_000), "XBT": Decimal(2)})


@pytest.fixture
async def exchange(kraken: LocalKraken) -> AsyncIterator[Any]:
    client = pro.kraken(config(kraken))
    client.nonce = count(1).__next__
    try:
        async with asyncio.timeout(PATIENCE):
            await client.load_markets()
            yield client
    finally:
        await client.close()


async def heard(kraken: LocalKraken, watching: Coroutine[Any, Any, Any], seconds: float = 61) -> Any:
    """Return what a watch call returns; until it does, time passes on the exchange."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watching)
        while not task.done():
            await asyncio.wait([task], timeout=0.1)
            kraken.advance(seconds)
    return task.result()


async def during(watching: Coroutine[Any, Any, Any], acting: Coroutine[Any, Any, Any]) -> tuple[Any, Any]:
    """Return what a watch call hears of what is done meanwhile, and what doing it returned."""
    async with asyncio.TaskGroup() as tasks:
        watched = tasks.create_task(watching)
        await asyncio.sleep(0)
        acted = tasks.create_task(acting)
    return watched.result(), acted.result()


def raw_ticker(kraken: LocalKraken, name: str = "XXBTZUSD") -> Any:
    return kraken.public("Ticker", pair=name)[name]


async def test_watch_ticker(exchange: Any, kraken: LocalKraken) -> None:
    ticker = await exchange.watch_ticker(BITCOIN)
    row = raw_ticker(kraken)
    assert (ticker["bid"], ticker["ask"], ticker["last"]) == (
        float(row["b"][0]),
        float(row["a"][0]),
        float(row["c"][0]),
    )
    assert (ticker["low"], ticker["high"]) == (float(row["l"][1]), float(row["h"][1]))
    assert ticker["baseVolume"] == float(row["v"][1])
    assert ticker["change"] == pytest.approx(ticker["last"] - ticker["open"])


async def test_watch_ticker_updates(exchange: Any, kraken: LocalKraken) -> None:
    first = await exchange.watch_ticker(BITCOIN)
    later = await heard(kraken, exchange.watch_ticker(BITCOIN))
    assert later["symbol"] == BITCOIN
    assert (later["last"], later["baseVolume"]) != (first["last"], first["baseVolume"])
    assert later["bid"] < later["ask"]


async def test_watch_tickers(exchange: Any) -> None:
    symbols = [BITCOIN, "ETH/USD", "DOGE/USD", "SOL/USD"]
    seen: dict[str, Any] = {}
    while seen.keys() != set(symbols):
        seen |= await exchange.watch_tickers(symbols)
        if len(exchange.tickers) == len(symbols):
            seen |= exchange.tickers
    assert all(0 < ticker["bid"] < ticker["ask"] for ticker in seen.values())


async def test_watch_trades(exchange: Any, kraken: LocalKraken) -> None:
    trades = await heard(kraken, exchange.watch_trades(BITCOIN))
    rows = {row[6]: row for row in kraken.public("Trades", pair="XBTUSD")["XXBTZUSD"]}
    assert trades
    for trade in trades:
        price, volume, _, side, kind, _, _ = rows[int(trade["id"])]
        assert (trade["price"], trade["amount"]) == (float(price), float(volume))
        assert (trade["side"], trade["type"]) == (
            {"b": "buy", "s": "sell"}[side],
            {"l": "limit", "m": "market"}[kind],
        )


async def test_watch_trades_misses_none(exchange: Any, kraken: LocalKraken) -> None:
    ids: list[int] = []
    for _ in range(5):
        ids += [int(trade["id"]) for trade in await heard(kraken, exchange.watch_trades(BITCOIN))]
    known = [int(trade["id"]) for trade in exchange.trades[BITCOIN]]
    assert known == list(range(known[0], known[0] + len(known)))
    assert set(ids) <= set(known)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h", "1d"])
async def test_watch_ohlcv(exchange: Any, kraken: LocalKraken, timeframe: str) -> None:
    candles = await exchange.watch_ohlcv(BITCOIN, timeframe)
    truth = {row[0]: row for row in await exchange.fetch_ohlcv(BITCOIN, timeframe)}
    assert candles
    for candle in candles:
        assert [candle[0], *map(float, candle[1:])] == truth[candle[0]]


async def test_watch_ohlcv_closes_candles(exchange: Any, kraken: LocalKraken) -> None:
    await exchange.watch_ohlcv(BITCOIN, "1m")
    for _ in range(4):
        await heard(kraken, exchange.watch_ohlcv(BITCOIN, "1m"))
    truth = {row[0]: row for row in await exchange.fetch_ohlcv(BITCOIN, "1m")}
    seen = sorted(exchange.ohlcvs[BITCOIN]["1m"])  # ccxt takes Kraken's snapshot for newest first
    times = [candle[0] for candle in seen]
    assert times == list(range(times[0], times[0] + 60_000 * len(times), 60_000))
    assert len(times) >= 5
    for candle in seen[:-1]:
        assert [candle[0], *map(float, candle[1:])] == truth[candle[0]]


@pytest.mark.parametrize("depth", [10, 25, 100, 500])
async def test_watch_order_book(exchange: Any, kraken: LocalKraken, depth: int) -> None:
    book = await exchange.watch_order_book(BITCOIN, depth)
    assert (len(book["bids"]), len(book["asks"])) == (depth, depth)
    prices = [level[0] for level in book["asks"]]
    assert prices == sorted(set(prices))
    row = raw_ticker(kraken)
    assert (book["bids"][0][0], book["asks"][0][0]) == (float(row["b"][0]), float(row["a"][0]))


async def test_watch_order_book_stays_true_over_many_updates(exchange: Any, kraken: LocalKraken) -> None:
    await exchange.watch_order_book(BITCOIN, 10)
    for _ in range(50):
        book = await heard(kraken, exchange.watch_order_book(BITCOIN, 10), 7)
    book = exchange.orderbooks[BITCOIN]
    row = raw_ticker(kraken)
    depth = kraken.public("Depth", pair="XBTUSD", count=10)["XXBTZUSD"]
    while book["bids"][0][0] != float(row["b"][0]) or book["asks"][0][0] != float(row["a"][0]):
        await heard(kraken, exchange.watch_order_book(BITCOIN, 10), 0)
    assert [level[0] for level in book["bids"]] == [float(price) for price, _, _ in depth["bids"]]
    assert [level[0] for level in book["asks"]] == [float(price) for price, _, _ in depth["asks"]]


async def test_its_checksum_fails_on_a_message_of_kraken_itself(exchange: Any) -> None:
    """It wants the numbers' text, and has them as floats."""
    lines = (FIXTURES / "ws.ndjson").read_text(encoding="utf-8").splitlines()
    book = next(line for line in lines if '"book"' in line and '"ETH/USDT"' in line and "bids" in line)
    exchange.options["watchOrderBook"]["checksum"] = True
    with pytest.raises(AttributeError, match="'float' object has no attribute 'split'"):
        exchange.handle_order_book(None, json.loads(book))


async def test_watch_balance(exchange: Any) -> None:
    balance = await exchange.watch_balance()
    assert (balance["USD"]["total"], balance["BTC"]["total"]) == (100_000.0, 2.0)


async def test_watch_balance_after_a_trade(exchange: Any, kraken: LocalKraken) -> None:
    await exchange.watch_balance()
    order = exchange.create_order(BITCOIN, "market", "buy", 0.01)
    await during(exchange.watch_balance(), order)
    while exchange.balance["spot"]["BTC"]["total"] == 2.0 or exchange.balance["spot"]["USD"]["total"] == 1e5:
        await exchange.watch_balance()
    assert exchange.balance["spot"]["BTC"]["total"] == pytest.approx(2.01)
    assert exchange.balance["spot"]["USD"]["total"] == float(kraken.state()["balances"]["ZUSD"])


async def test_watch_orders_tells_of_a_new_order(exchange: Any) -> None:
    known = await exchange.create_order(BITCOIN, "limit", "buy", 0.02, FAR)
    (snapshot,) = await exchange.watch_orders()
    assert (snapshot["id"], snapshot["status"], snapshot["amount"]) == (known["id"], "open", 0.02)
    assert (snapshot["price"], snapshot["symbol"], snapshot["side"]) == (FAR, BITCOIN, "buy")
    news, order = await during(
        exchange.watch_orders(), exchange.create_order(BITCOIN, "limit", "buy", 0.01, FAR - 100)
    )
    assert news[-1]["id"] == order["id"]
    assert (news[-1]["status"], news[-1]["price"]) == ("open", FAR - 100)


async def test_watch_orders_tells_of_a_cancel(exchange: Any) -> None:
    order = await exchange.create_order(BITCOIN, "limit", "buy", 0.02, FAR)
    await exchange.watch_orders()
    news, _ = await during(exchange.watch_orders(), exchange.cancel_order(order["id"]))
    assert (news[-1]["id"], news[-1]["status"]) == (order["id"], "canceled")
    assert news[-1]["info"]["reason"] == "User requested"


async def test_watch_orders_tells_of_a_fill(exchange: Any) -> None:
    await exchange.create_order(BITCOIN, "limit", "buy", 0.02, FAR)
    await exchange.watch_orders()
    order = await exchange.create_order(BITCOIN, "market", "buy", 0.01)
    while True:
        seen = {row["id"]: row for row in exchange.orders}
        if seen.get(order["id"], {}).get("status") == "closed":
            break
        await exchange.watch_orders()
    assert seen[order["id"]]["average"] > FAR


async def test_watch_my_trades(exchange: Any) -> None:
    """ccxt asks for the latest trades with the snapshot."""
    order = await exchange.create_order(BITCOIN, "market", "buy", 0.01)
    trades = await exchange.watch_my_trades()
    told = {trade["id"]: trade for trade in await exchange.fetch_my_trades(BITCOIN)}
    assert {trade["order"] for trade in trades} == {order["id"]}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.01)
    for trade in trades:
        assert (trade["symbol"], trade["side"], trade["takerOrMaker"]) == (BITCOIN, "buy", "taker")
    assert told.keys() <= {trade["id"] for trade in trades}


async def test_watch_my_trades_live(exchange: Any, kraken: LocalKraken) -> None:
    await exchange.create_order(BITCOIN, "market", "buy", 0.01)
    await exchange.watch_my_trades()
    trades, order = await during(
        exchange.watch_my_trades(BITCOIN), exchange.create_order(BITCOIN, "market", "sell", 0.03)
    )
    told = {trade["txid"]: trade for trade in kraken.state()["trades"]}
    mine = [trade for trade in trades if trade["order"] == order["id"]]
    assert mine
    for trade in mine:
        truth = told[trade["id"]]
        assert (trade["price"], trade["amount"]) == (float(truth["price"]), float(truth["volume"]))
        assert trade["cost"] == float(truth["cost"])
        assert trade["fee"] == {"cost": float(truth["fee"]), "currency": "USD"}
        assert (trade["side"], trade["takerOrMaker"]) == ("sell", "taker")


async def test_create_order_ws(exchange: Any, kraken: LocalKraken) -> None:
    order = await exchange.create_order_ws(BITCOIN, "limit", "buy", 0.01, FAR, {"clientOrderId": UUID})
    (truth,) = kraken.state()["orders"]
    assert (truth["txid"], truth["cl_ord_id"]) == (order["id"], UUID)
    assert (truth["price"], truth["volume"], truth["status"]) == ("20000.5", "0.01000000", "open")


async def test_create_market_order_ws(exchange: Any, kraken: LocalKraken) -> None:
    order = await exchange.create_order_ws(BITCOIN, "market", "sell", 0.01)
    (truth,) = kraken.state()["orders"]
    assert (truth["txid"], truth["status"], truth["filled"]) == (order["id"], "closed", "0.01000000")


async def test_create_post_only_order_ws(exchange: Any, kraken: LocalKraken) -> None:
    await exchange.create_order_ws(BITCOIN, "limit", "buy", 0.01, FAR, {"postOnly": True})
    (truth,) = kraken.state()["orders"]
    assert truth["post_only"] is True


async def test_create_stop_loss_order_ws(exchange: Any, kraken: LocalKraken) -> None:
    order = await exchange.create_order_ws(BITCOIN, "market", "sell", 0.01, None, {"stopLossPrice": FAR})
    found = await exchange.fetch_order(order["id"])
    assert (found["info"]["descr"]["ordertype"], found["stopLossPrice"]) == ("stop-loss", FAR)


async def test_create_order_ws_without_the_money(exchange: Any, kraken: LocalKraken) -> None:
    with pytest.raises(ccxt.BaseError, match="EOrder:Insufficient funds"):
        await exchange.create_order_ws(BITCOIN, "limit", "buy", 99.5, FAR)
    assert kraken.state()["orders"] == []


async def test_edit_order_ws(exchange: Any) -> None:
    order = await exchange.create_order_ws(BITCOIN, "limit", "buy", 0.01, FAR)
    edited = await exchange.edit_order_ws(order["id"], BITCOIN, "limit", "buy", 0.02, FAR - 10)
    assert edited["id"] == order["id"]
    found = await exchange.fetch_order(order["id"])
    assert (found["amount"], found["price"], found["status"]) == (0.02, FAR - 10, "open")


async def test_cancel_order_ws(exchange: Any) -> None:
    order = await exchange.create_order_ws(BITCOIN, "limit", "buy", 0.01, FAR)
    answer = await exchange.cancel_order_ws(order["id"])
    assert (answer["success"], answer["result"]) == (True, {"order_id": order["id"]})
    assert (await exchange.fetch_order(order["id"]))["status"] == "canceled"


async def test_cancel_order_ws_that_never_was(exchange: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="EOrder:Invalid order"):
        await exchange.cancel_order_ws("OAAAAA-BBBBB-CCCCCC")


async def test_cancel_orders_ws(exchange: Any) -> None:
    orders = [await exchange.create_order_ws(BITCOIN, "limit", "buy", 0.01, FAR - n) for n in range(3)]
    await exchange.cancel_orders_ws([order["id"] for order in orders])
    assert await exchange.fetch_open_orders() == []


async def test_cancel_all_orders_ws(exchange: Any) -> None:
    for number in range(2):
        await exchange.create_order_ws(BITCOIN, "limit", "buy", 0.01, FAR - number)
    answer = await exchange.cancel_all_orders_ws()
    assert answer["result"] == {"count": 2}
    assert await exchange.fetch_open_orders() == []


async def test_an_unknown_symbol(exchange: Any) -> None:
    with pytest.raises(ccxt.BadSymbol):
        await exchange.watch_ticker("NOPE/USD")
