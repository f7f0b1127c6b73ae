"""What a listing with a coarser tick than its market's shows: the same prices everywhere, all on the tick."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.market_data import shown_bar
from krakked_tui.sim.bars import Bar
from tests.unit.sandbox.rig import Listener, Rig

D = Decimal


@pytest.fixture
def solana() -> Iterator[Rig]:
    """Three hours on, SOL/USD is listed with whole dollars."""
    rig = Rig()
    rig.wall.advance(3 * 3600 + 30)
    apply(rig.exchange, b'{"action":"precision","pair":"SOLUSD","price_decimals":0}')
    yield rig
    rig.exchange.close()


def heard(rig: Rig, channel: str, **params: Any) -> list[Any]:
    listener: Listener = rig.listener()
    listener.ask("subscribe", channel=channel, symbol=["SOL/USD"], snapshot=True, **params)
    return listener.heard_on(channel)[0]["data"]  # type: ignore[no-any-return]


def test_no_price_is_off_the_tick(solana: Rig) -> None:
    pair = {"pair": "SOLUSD"}
    (ticker,) = solana.public("Ticker", **pair).values()
    prices = [ticker[name][0] for name in "abc"] + [*ticker["l"], *ticker["h"], ticker["o"]]
    depth = solana.public("Depth", **pair)["SOLUSD"]
    prices += [row[0] for side in depth.values() for row in side]
    prices += [row[0] for row in solana.public("Trades", **pair)["SOLUSD"]]
    prices += [price for row in solana.public("Spread", **pair)["SOLUSD"] for price in row[1:3]]
    for interval in ("1", "60"):
        prices += [
            price for row in solana.public("OHLC", **pair, interval=interval)["SOLUSD"] for price in row[1:5]
        ]
    (told,) = heard(solana, "ticker")
    prices += [told[name] for name in ("bid", "ask", "last", "low", "high")]
    (book,) = heard(solana, "book")
    prices += [level["price"] for level in (*book["bids"], *book["asks"])]
    prices += [row["price"] for row in heard(solana, "trade")]
    prices += [row[name] for row in heard(solana, "ohlc") for name in ("open", "high", "low", "close")]
    assert len(prices) > 5000
    assert {price for price in prices if D(price) % 1 or not D(price)} == set()


def test_all_say_the_same(solana: Rig) -> None:
    (ticker,) = solana.public("Ticker", pair="SOLUSD").values()
    depth = solana.public("Depth", pair="SOLUSD", count="10")["SOLUSD"]
    assert D(ticker["b"][0]) == D(depth["bids"][0][0])
    assert D(ticker["a"][0]) == D(depth["asks"][0][0])
    assert D(ticker["b"][0]) < D(ticker["a"][0])
    (told,) = heard(solana, "ticker")
    assert [told["bid"], told["ask"], told["last"]] == [D(ticker[name][0]) for name in "bac"]
    (book,) = heard(solana, "book")
    assert [level["price"] for level in book["bids"]] == [D(row[0]) for row in depth["bids"]]
    assert [level["price"] for level in book["asks"]] == [D(row[0]) for row in depth["asks"]]
    assert (told["bid_qty"], told["ask_qty"]) == (book["bids"][0]["qty"], book["asks"][0]["qty"])
    latest = solana.public("Spread", pair="SOLUSD")["SOLUSD"][-1]
    assert [D(price) for price in latest[1:]] == [told["bid"], told["ask"]]
    trades = solana.public("Trades", pair="SOLUSD")["SOLUSD"]
    assert D(trades[-1][0]) == told["last"] == heard(solana, "ohlc")[-1]["close"]
    assert [D(row[0]) for row in trades[-50:]] == [row["price"] for row in heard(solana, "trade")]


def test_no_trade_is_outside_its_candle(solana: Rig) -> None:
    candles = {row[0]: row for row in solana.public("OHLC", pair="SOLUSD")["SOLUSD"]}
    for price, _, time, *_ in solana.public("Trades", pair="SOLUSD")["SOLUSD"]:
        high, low = candles[int(time) // 60 * 60][2:4]
        assert D(low) <= D(price) <= D(high)
    for _, opened, high, low, close, *_ in candles.values():
        assert D(low) <= min(D(opened), D(close)) <= max(D(opened), D(close)) <= D(high)


def test_the_book_goes_on_after_a_change_of_tick(solana: Rig) -> None:
    listener = solana.listener()
    listener.ask("subscribe", channel="book", symbol=["SOL/USD"])
    held: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
    for _ in range(20):
        solana.wall.advance(30)
        solana.hub.tick_tickers()
        for message in listener.heard_on("book"):
            for side, levels in held.items():
                levels |= {level["price"]: level["qty"] for level in message["data"][0][side]}
    depth = solana.public("Depth", pair="SOLUSD", count="5")["SOLUSD"]
    bids = sorted((price for price, size in held["bids"].items() if size), reverse=True)[:5]
    asks = sorted(price for price, size in held["asks"].items() if size)[:5]
    assert bids == [D(row[0]) for row in depth["bids"]]
    assert asks == [D(row[0]) for row in depth["asks"]]


def test_a_candle_on_a_coarser_tick() -> None:
    bar = Bar(1, 14, 19, 11, 15, 5, 70, 4)
    assert shown_bar(bar, 1) is bar
    assert shown_bar(bar, 10)[1:5] == (10, 20, 10, 20)
    assert shown_bar(Bar(1, 3, 4, 2, 3, 5, 70, 4), 10)[1:5] == (10, 10, 10, 10)
