from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.sandbox.book_stream import checksum
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.happenings import apply
from tests.unit.sandbox.rig import Listener, Rig

DEPTHS = (10, 25, 100, 500, 1000)


class Client:
    """A book kept as Kraken's documentation says, from nothing but the messages."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}

    def apply(self, message: dict[str, Any]) -> None:
        (row,) = message["data"]
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        for side, levels in self.sides.items():
            for level in row[side]:
                price = Decimal(level["price"])
                if level["qty"]:
                    levels[price] = level["qty"]
                else:
                    del levels[price]
            kept = self.best(side)[: self.depth]
            self.sides[side] = {price: levels[price] for price in kept}
        assert self.checksum() == row["checksum"]

    def best(self, side: str) -> list[Decimal]:
        return sorted(self.sides[side], reverse=side == "bids")

    def checksum(self) -> int:
        text = ""
        for side in ("asks", "bids"):
            for price in self.best(side)[:10]:
                for number in (price, self.sides[side][price]):
                    text += format(number, "f").replace(".", "").lstrip("0")
        return crc32(text.encode())


def subscribe(rig: Rig, symbol: str, depth: int) -> tuple[Listener, Client]:
    listener, client = rig.listener(), Client(depth)
    listener.ask("subscribe", channel="book", symbol=[symbol], depth=depth)
    for message in listener.heard_on("book"):
        client.apply(message)
    return listener, client


def snapshot(rig: Rig, symbol: str, depth: int) -> Client:
    return subscribe(rig, symbol, depth)[1]


def happen(rig: Rig, **request: object) -> None:
    apply(rig.exchange, msgspec.json.encode(request))


@pytest.fixture(scope="module")
def long_lived() -> Iterator[Rig]:
    """One exchange for many examples: each goes on where the one before ended."""
    rig = Rig()
    yield rig
    rig.exchange.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["BTC/USD", "SPX/USD", "DOGE/USD", "ETH/BTC"]),
    st.sampled_from(DEPTHS),
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 3.0, 17.0, 61.0, 3601.0, 90_000.0]), max_size=12),
    st.integers(-3000, 3000),
)
def test_updates_applied_by_a_simple_client_give_the_book(
    long_lived: Rig, symbol: str, depth: int, waits: list[float], shock: int
) -> None:
    rig = long_lived
    listener, client = subscribe(rig, symbol, depth)
    for index, wait in enumerate(waits):
        rig.wall.advance(wait)
        if index == 3:
            name = rig.exchange.catalog.by_symbol[symbol].name
            rig.exchange.market.shift(name, micros_of(rig.exchange.catch_up()), shock)
        rig.hub.tick_tickers()
        for message in listener.heard_on("book"):
            client.apply(message)
    rig.hub.tick_tickers()
    for message in listener.heard_on("book"):
        client.apply(message)
    assert client.sides == snapshot(rig, symbol, depth).sides
    for side in ("bids", "asks"):
        assert len(client.sides[side]) <= depth
    for left in list(rig.hub.sessions):
        rig.hub.close(left)


def test_the_best_levels_are_the_exchanges_own(rig: Rig) -> None:
    rig.wall.advance(100)
    client = snapshot(rig, "BTC/USD", 25)
    book = rig.exchange.book("XBTUSD", rig.exchange.clock.now(), depth=25)
    assert [(level.price, level.volume) for level in book.bids] == list(client.sides["bids"].items())
    assert [(level.price, level.volume) for level in book.asks] == list(client.sides["asks"].items())
    assert client.best("bids")[0] == rig.bid()
    assert client.best("asks")[0] == rig.ask()


def test_messages_look_like_krakens(rig: Rig) -> None:
    listener, _ = subscribe(rig, "BTC/USD", 10)
    rig.wall.advance(60)
    rig.hub.tick_tickers()
    (text,) = listener.texts
    assert text.startswith('{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":')
    (message,) = listener.heard()
    (row,) = message["data"]
    assert list(row) == ["symbol", "bids", "asks", "checksum", "timestamp"]
    assert row["timestamp"] == "2026-01-05T00:01:00.000000Z"
    for level in (*row["bids"], *row["asks"]):
        assert [-level[name].as_tuple().exponent for name in ("price", "qty")] == [1, 8]


def test_a_level_pushed_out_is_not_deleted_and_comes_back_when_there_is_room(rig: Rig) -> None:
    listener, client = subscribe(rig, "BTC/USD", 10)
    held = client.best("asks")
    deleted = set()
    name, now = "XBTUSD", micros_of(rig.exchange.catch_up())
    rig.exchange.market.shift(name, now, -5)
    rig.wall.advance(0.1)
    rig.hub.tick_tickers()
    for message in listener.heard_on("book"):
        deleted |= {level["price"] for level in message["data"][0]["asks"] if not level["qty"]}
        client.apply(message)
    pushed_out = [price for price in held if price not in client.sides["asks"]]
    assert pushed_out
    assert deleted.isdisjoint(pushed_out)


def test_a_changed_best_level_is_deleted_and_set_in_one_message(rig: Rig) -> None:
    listener, _ = subscribe(rig, "SPX/USD", 10)
    for _ in range(300):
        rig.wall.advance(1)
        rig.hub.tick_tickers()
    repeated = [
        side
        for message in listener.heard_on("book")
        for side in (message["data"][0]["bids"], message["data"][0]["asks"])
        if len({level["price"] for level in side}) < len(side)
    ]
    assert repeated


def test_who_comes_later_starts_from_the_same_book_as_the_others(rig: Rig) -> None:
    first, one = subscribe(rig, "BTC/USD", 100)
    rig.wall.advance(45)
    second, other = subscribe(rig, "BTC/USD", 100)
    assert (other.best("bids")[0], other.best("asks")[0]) == (rig.bid(), rig.ask())
    book = rig.exchange.book("XBTUSD", rig.exchange.clock.now(), depth=100)
    assert [level.volume for level in book.bids] == list(other.sides["bids"].values())
    for _ in range(30):
        rig.wall.advance(2)
        rig.hub.tick_tickers()
    for listener, client in ((first, one), (second, other)):
        for message in listener.heard_on("book"):
            client.apply(message)
    assert one.sides == other.sides


def test_nothing_is_sent_while_nothing_changes(rig: Rig) -> None:
    listener, _ = subscribe(rig, "SPX/USD", 25)
    rig.hub.tick_tickers()
    listener.heard()
    rig.hub.tick_tickers()
    rig.wall.advance(0.001)
    rig.hub.tick_tickers()
    assert listener.heard() == []


@pytest.mark.parametrize("decimals", [0, 3])
def test_another_precision_brings_a_new_snapshot(rig: Rig, decimals: int) -> None:
    listener, client = subscribe(rig, "BTC/USD", 25)
    happen(rig, action="precision", pair="XBTUSD", price_decimals=decimals)
    (message,) = listener.heard_on("book")
    assert message["type"] == "snapshot"
    client.apply(message)
    rig.wall.advance(200)
    rig.hub.tick_tickers()
    for update in listener.heard_on("book"):
        client.apply(update)
    prices = [*client.sides["bids"], *client.sides["asks"]]
    assert {-int(price.as_tuple().exponent) for price in prices} == {decimals}


def test_a_delisted_pair_falls_silent(rig: Rig) -> None:
    listener, _ = subscribe(rig, "BTC/USD", 10)
    happen(rig, action="delist", pair="XBTUSD")
    rig.wall.advance(300)
    rig.hub.tick_tickers()
    assert listener.heard() == []
    listener.ask("unsubscribe", channel="book", symbol=["BTC/USD"], depth=10)
    assert listener.heard()[0]["error"] == "Currency pair not supported BTC/USD"
    rig.hub.close(listener.session)
    assert rig.exchange.catalog.listings["XBTUSD"].pair.status is PairStatus.DELISTED


def test_krakens_own_checksum_sample() -> None:
    asks = """452852 100000|452864 154571953|452866 154571109|452896 154560911|452902 15890660
        452918 154553491|452947 4454749|452961 35380000|452975 9945542|452995 18772827"""
    bids = """452835 10000000|452834 154582015|452821 10000000|452810 10000000|452803 154592586
        452790 7990000|452776 3310103|452775 30000000|452773 154602737|452766 15445238"""

    def levels(text: str) -> dict[int, int]:
        rows = [row.split() for row in text.replace("\n", "|").split("|")]
        return {int(price): int(units) for price, units in rows}

    assert checksum(levels(bids), levels(asks)) == 3310070434
    deeper = levels(asks) | {453000: 1}
    assert checksum(levels(bids), deeper) == 3310070434, "the top ten only"


def test_at_full_rate_every_tick_has_an_update_that_changes_nothing(rig: Rig) -> None:
    hub = type(rig.hub)(rig.exchange, rig.gatekeeper, full_rate=True)
    listener, client = Listener(hub, private=False), Client(10)
    listener.ask("subscribe", channel="book", symbol=["SPX/USD"])
    for _ in range(5):
        rig.wall.advance(0.01)
        hub.tick_tickers()
    messages = listener.heard_on("book")
    assert len(messages) == 6
    for message in messages:
        client.apply(message)
    rig.exchange.clock.jump(rig.exchange.clock.now() + timedelta(minutes=5))
    hub.tick_tickers()
    (message,) = listener.heard_on("book")
    client.apply(message)
