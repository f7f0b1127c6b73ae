"""python-kraken-sdk's WebSocket v2 client on the market's channels; its order book sums every checksum.

Its clients wait one or two seconds before they connect, so each kind connects once for this module,
and the tests use pairs of their own.
"""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.interop.local_kraken import LocalKraken, local_kraken
from tests.interop.sdk_client import Conversation, Message, acks, base, rows, spot, talking

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(30)]


@pytest.fixture(scope="module")
def kraken() -> Iterator[LocalKraken]:
    with local_kraken() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talk(kraken: LocalKraken) -> AsyncIterator[Conversation]:
    """A public connection."""
    async with talking(kraken, signed=False) as conversation:
        yield conversation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def books(kraken: LocalKraken) -> AsyncIterator[Conversation]:
    """The SDK's order book client: it keeps books and checks every checksum by itself."""
    with pytest.MonkeyPatch.context() as addresses:
        addresses.setattr(base.SpotClient, "URL", kraken.rest)
        addresses.setattr(spot.SpotWSClient, "WS_URL", kraken.ws_public.removesuffix("/v2"))
        conversation = Conversation()

        async def hear(pair: str, message: Message) -> None:
            await conversation.hear({"pair": pair, **message})

        conversation.client = spot.SpotOrderBookClient(depth=25, callback=hear)
        await conversation.client.start()
        yield conversation
        await conversation.end()


async def instruments(talk: Conversation) -> Message:
    """Make sure that the instrument channel is on; return what acknowledged it."""
    if not acks(talk.heard, "instrument"):
        await talk.ask("subscribe", channel="instrument")
    return acks(talk.heard, "instrument")[0]


class TestPublic:
    async def test_status_comes_unasked(self, talk: Conversation) -> None:
        status = await talk.first("status", "update")
        (row,) = status["data"]
        assert (row["system"], row["api_version"]) == ("online", "v2")

    async def test_status_tells_of_a_new_mode(self, talk: Conversation, kraken: LocalKraken) -> None:
        await talk.first("status", "update")
        kraken.happen(action="system_status", status="post_only")
        kraken.happen(action="system_status", status="online")

        def modes(heard: list[Message]) -> list[str]:
            return [message["data"][0]["system"] for message in rows(heard, "status")]

        await talk.until(lambda heard: "post_only" in modes(heard) and modes(heard)[-1] == "online")

    async def test_ping(self, talk: Conversation) -> None:
        await talk.client.send_message({"method": "ping", "req_id": 99_999})
        pong = await talk.until(lambda heard: [m for m in heard if m.get("req_id") == 99_999])
        assert pong[0]["method"] == "pong"
        assert pong[0].keys() == {"method", "req_id", "time_in", "time_out"}

    async def test_ticker(self, talk: Conversation, kraken: LocalKraken) -> None:
        (reply,) = await talk.ask("subscribe", channel="ticker", symbol=["ETH/USD"])
        assert reply["result"] == {
            "channel": "ticker",
            "event_trigger": "trades",
            "snapshot": True,
            "symbol": "ETH/USD",
        }
        (row,) = (await talk.first("ticker", "snapshot", "ETH/USD"))["data"]
        raw = kraken.public("Ticker", pair="ETHUSD")["XETHZUSD"]
        assert (row["bid"], row["ask"], row["last"]) == (
            float(raw["b"][0]),
            float(raw["a"][0]),
            float(raw["c"][0]),
        )
        kraken.advance(61)
        (row,) = (await talk.first("ticker", "update", "ETH/USD"))["data"]
        assert row["bid"] < row["ask"]

    async def test_ohlc(self, talk: Conversation, kraken: LocalKraken) -> None:
        (reply,) = await talk.ask("subscribe", channel="ohlc", symbol=["SOL/USD"], interval=1)
        assert (reply["result"]["interval"], reply["result"]["symbol"]) == (1, "SOL/USD")
        await talk.first("ohlc", "snapshot", "SOL/USD")
        kraken.advance(180)
        now = kraken.public("Time")["unixtime"]

        def closed(heard: list[Message]) -> dict[str, Message]:
            latest = {m["data"][0]["interval_begin"]: m["data"][0] for m in rows(heard, "ohlc", "update")}
            return latest if len(latest) >= 3 else {}

        seen = await talk.until(closed)
        truth = {row[0]: row for row in kraken.public("OHLC", pair="SOLUSD")["SOLUSD"]}
        assert len(truth) == 721
        for begin, row in seen.items():
            at = int(begin[14:16]) * 60
            (match,) = [bar for time, bar in truth.items() if time % 3600 == at and now - time < 3600]
            assert [row["open"], row["high"], row["low"], row["close"]] == [float(x) for x in match[1:5]]
            assert (row["volume"], row["trades"]) == (float(match[6]), match[7])

    async def test_trade(self, talk: Conversation, kraken: LocalKraken) -> None:
        (reply,) = await talk.ask("subscribe", channel="trade", symbol=["XRP/USD"], snapshot=True)
        assert reply["success"]
        snapshot = (await talk.first("trade", "snapshot", "XRP/USD"))["data"]
        raw = {row[6]: row for row in kraken.public("Trades", pair="XRPUSD")["XXRPZUSD"]}
        assert 0 < len(snapshot) <= 50
        for row in snapshot:
            price, volume, _, side, kind, _, _ = raw[row["trade_id"]]
            assert (row["price"], row["qty"]) == (float(price), float(volume))
            assert (row["side"][0], row["ord_type"][0]) == (side, kind)
        for _ in range(5):
            kraken.advance(30)
        await talk.first("trade", "update", "XRP/USD")
        ids = [row["trade_id"] for m in rows(talk.heard, "trade", None, "XRP/USD") for row in m["data"]]
        assert ids == list(range(ids[0], ids[0] + len(ids)))

    @pytest.mark.parametrize("depth", [10, 25, 100, 500, 1000])
    async def test_book(self, talk: Conversation, kraken: LocalKraken, depth: int) -> None:
        symbol = {10: "ADA/USD", 25: "DOGE/USD", 100: "LTC/USD", 500: "LINK/USD", 1000: "DOT/USD"}[depth]
        (reply,) = await talk.ask("subscribe", channel="book", symbol=[symbol], depth=depth)
        assert (reply["success"], reply["result"]["depth"]) == (True, depth)
        (row,) = (await talk.first("book", "snapshot", symbol))["data"]
        assert 0 < len(row["bids"]) <= depth
        prices = [level["price"] for level in row["bids"]]
        assert prices == sorted(set(prices), reverse=True)
        assert row["bids"][0]["price"] < row["asks"][0]["price"]

    async def test_instrument(self, talk: Conversation, kraken: LocalKraken) -> None:
        ack = await instruments(talk)
        assert ack["result"]["warnings"] == ["tick_size is deprecated, use price_increment"]
        data = (await talk.first("instrument", "snapshot"))["data"]
        pairs = kraken.public("AssetPairs")
        bitcoin = next(row for row in data["pairs"] if row["symbol"] == "BTC/USD")
        assert len(data["pairs"]) == len(pairs)
        assert (bitcoin["price_precision"], bitcoin["qty_precision"]) == (1, 8)
        assert bitcoin["qty_min"] == float(pairs["XXBTZUSD"]["ordermin"])
        assert {row["id"] for row in data["assets"]} >= {"BTC", "USD", "DOGE"}

    async def test_instrument_tells_of_a_new_status(self, talk: Conversation, kraken: LocalKraken) -> None:
        await instruments(talk)
        kraken.happen(action="pair_status", pair="UNIUSD", status="limit_only")

        def told_of(heard: list[Message]) -> list[Message]:
            updates = rows(heard, "instrument", "update")
            return [row for m in updates for row in m["data"]["pairs"] if row["symbol"] == "UNI/USD"]

        (row, *_) = await talk.until(told_of)
        assert row["status"] == "limit_only"

    async def test_unsubscribe(self, talk: Conversation, kraken: LocalKraken) -> None:
        await talk.ask("subscribe", channel="ticker", symbol=["BCH/USD"])
        (reply,) = await talk.ask("unsubscribe", channel="ticker", symbol=["BCH/USD"])
        assert reply["success"]
        known = len(rows(talk.heard, "ticker", None, "BCH/USD"))
        kraken.advance(300)
        await talk.ask("subscribe", channel="ticker", symbol=["BCH/EUR"])
        assert len(rows(talk.heard, "ticker", None, "BCH/USD")) == known

    async def test_one_reply_for_every_symbol(self, talk: Conversation) -> None:
        replies = await talk.ask("subscribe", 3, channel="ticker", symbol=["BTC/EUR", "XBT/USD", "nonsense"])
        found = {reply.get("symbol") or reply["result"]["symbol"]: reply for reply in replies}
        assert found["BTC/EUR"]["success"]
        assert found["XBT/USD"]["error"] == "Currency pair not supported XBT/USD"
        assert found["nonsense"]["error"] == "Currency pair not in ISO 4217-A3 format nonsense"

    async def test_a_depth_that_is_not_offered(self, talk: Conversation) -> None:
        (reply,) = await talk.ask("subscribe", channel="book", symbol=["BTC/USD"], depth=7)
        assert (reply["success"], reply["error"]) == (False, "Subscription depth not supported")


class TestOrderBook:
    async def test_it_builds_the_book(self, books: Conversation, kraken: LocalKraken) -> None:
        await books.client.add_book(pairs=["LTC/USD"])
        await books.until(lambda heard: [m for m in heard if m["pair"] == "LTC/USD"])
        book = books.client.get(pair="LTC/USD")
        raw = kraken.public("Ticker", pair="LTCUSD")["XLTCZUSD"]
        assert (len(book["bid"]), len(book["ask"])) == (25, 25)
        assert Decimal(next(iter(book["bid"]))) == Decimal(raw["b"][0])
        assert Decimal(next(iter(book["ask"]))) == Decimal(raw["a"][0])

    @pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/USD", "DOGE/USD", "SOL/EUR"])
    async def test_every_checksum_agrees_over_many_updates(
        self, books: Conversation, kraken: LocalKraken, symbol: str
    ) -> None:
        await books.client.add_book(pairs=[symbol])

        def updates(heard: list[Message]) -> list[Message]:
            return [m for m in heard if m["pair"] == symbol and m.get("type") == "update"]

        async def more() -> None:
            known = len(updates(books.heard))
            kraken.advance(61)
            await books.until(lambda heard: len(updates(heard)) > known)

        await books.until(lambda heard: [m for m in heard if m["pair"] == symbol])
        for number in range(60):
            await more()
            assert books.client.get(pair=symbol)["valid"], f"checksum {number} of {symbol} does not agree"
        assert not [m for m in books.heard if "error" in m]
        assert len(updates(books.heard)) >= 60
