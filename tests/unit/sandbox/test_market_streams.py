from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from krakked_tui.sandbox.market_data import CLOSED_MAX
from krakked_tui.sandbox.sessions import Hub
from tests.unit.sandbox.rig import Listener, Rig


def candles(messages: list[Any]) -> list[Any]:
    return [row for message in messages for row in message["data"]]


def subscribe(rig: Rig, *symbols: str, interval: int = 1) -> Listener:
    listener = rig.listener()
    listener.ask("subscribe", channel="ohlc", symbol=list(symbols), interval=interval)
    return listener


@pytest.mark.parametrize(("symbol", "interval"), [("BTC/USD", 1), ("SPX/USD", 1), ("SPX/USD", 60)])
def test_a_snapshot_holds_the_last_ten_candles_that_traded(rig: Rig, symbol: str, interval: int) -> None:
    rig.wall.advance(90)
    (snapshot,) = subscribe(rig, symbol, interval=interval).heard_on("ohlc")
    assert snapshot["type"] == "snapshot"
    assert snapshot["timestamp"] == "2026-01-05T00:01:30.000000000Z"
    (served, _) = rig.public("OHLC", pair=symbol, interval=str(interval)).values()
    traded = [row for row in served if row[7]]
    assert len(snapshot["data"]) == 10
    shown = [(row["interval_begin"][:19], str(row["close"]), row["trades"]) for row in snapshot["data"]]
    assert shown == [
        (datetime.fromtimestamp(row[0], UTC).isoformat()[:19], row[4], row[7]) for row in traded[-10:]
    ]


def test_stream_and_rest_tell_the_same_candles(rig: Rig) -> None:
    listener = subscribe(rig, "BTC/USD", "SPX/USD", interval=5)
    listener.heard()
    for _ in range(40):
        rig.wall.advance(37)
        rig.hub.tick_ohlc()
    finals = {}
    for row in candles(listener.heard_on("ohlc")):
        finals[row["symbol"], row["interval_begin"][:19]] = row
    served = rig.public("OHLC", pair="XBTUSD", interval="5")["XXBTZUSD"][-5:-1]
    for time, opened, high, low, close, vwap, volume, count in served:
        minute = (time - 1767571200) // 60
        row = finals["BTC/USD", f"2026-01-05T00:{minute:02d}:00"]
        numbers = [row[name] for name in ("open", "high", "low", "close", "vwap", "volume")]
        assert [format(value, "f") for value in numbers] == [opened, high, low, close, vwap, volume]
        assert row["trades"] == count


def test_every_ended_candle_is_final_and_comes_before_any_running_one(rig: Rig) -> None:
    first = subscribe(rig, "BTC/USD", "ETH/USD", interval=1)
    second = subscribe(rig, "BTC/USD", interval=5)
    for listener in (first, second):
        listener.heard()
    rig.wall.advance(610)
    rig.hub.tick_ohlc()
    messages = first.heard_on("ohlc")
    assert {message["timestamp"] for message in messages} == {"2026-01-05T00:10:10.000000000Z"}
    rows = candles(messages)
    ended, running = rows[:20], rows[20:]
    assert [row["timestamp"] for row in ended] == sorted(row["timestamp"] for row in ended)
    assert [row["symbol"] for row in ended] == ["BTC/USD", "ETH/USD"] * 10
    assert {row["interval_begin"] for row in running} == {"2026-01-05T00:10:00.000000000Z"}
    assert [row["interval_begin"][14:16] for row in candles(second.heard_on("ohlc"))] == ["00", "05", "10"]


def test_a_running_candle_is_told_only_when_it_changed(rig: Rig) -> None:
    listener = subscribe(rig, "SPX/USD")
    rig.wall.advance(1)
    rig.hub.tick_ohlc()
    listener.heard()
    rig.hub.tick_ohlc()
    rig.wall.advance(0.001)
    rig.hub.tick_ohlc()
    assert listener.heard_on("ohlc") == []


def test_a_long_jump_is_cut_to_what_rest_serves(rig: Rig) -> None:
    listener = subscribe(rig, "SPX/USD")
    listener.heard()
    rig.exchange.clock.jump(rig.exchange.clock.now() + timedelta(days=2))
    rig.hub.tick_ohlc()
    assert len(listener.heard_on("ohlc")) == CLOSED_MAX + 1


def test_numbers_are_literals_at_the_engines_precision(rig: Rig) -> None:
    rig.wall.advance(90)
    listener = subscribe(rig, "DOGE/USD")
    row = candles(listener.heard_on("ohlc"))[0]
    scales = {
        name: -row[name].as_tuple().exponent for name in ("open", "high", "low", "close", "vwap", "volume")
    }
    assert scales == {"open": 7, "high": 7, "low": 7, "close": 7, "vwap": 7, "volume": 8}


def test_a_ticker_is_told_when_it_changed(rig: Rig) -> None:
    listener = rig.listener()
    listener.ask("subscribe", channel="ticker", symbol=["BTC/USD"], snapshot=False)
    listener.heard()
    rig.wall.advance(30)
    rig.hub.tick_tickers()
    rig.hub.tick_tickers()
    (message,) = listener.heard_on("ticker")
    (row,) = message["data"]
    assert message["type"] == "update"
    assert row["bid"] < row["ask"]
    assert row["last"] in (row["bid"], row["ask"])
    assert row["change_pct"] == (row["change"] / (row["last"] - row["change"]) * 100).quantize(
        Decimal("0.01")
    )
    assert row["timestamp"] == "2026-01-05T00:00:30.000000Z"
    (served,) = rig.public("Ticker", pair="XBTUSD").values()
    assert format(row["volume"], "f") == served["v"][1]
    assert row["high"] == Decimal(served["h"][1])


def test_two_listeners_hear_the_same(rig: Rig) -> None:
    listeners = [subscribe(rig, "BTC/USD"), subscribe(rig, "BTC/USD")]
    for listener in listeners:
        listener.heard()
    rig.wall.advance(61)
    rig.hub.tick_ohlc()
    first, second = (listener.heard() for listener in listeners)
    assert first == second
    assert len(first) == 2


def test_a_ticker_waits_for_trades_or_for_the_best_levels(rig: Rig) -> None:
    trades, best = rig.listener(), rig.listener()
    trades.ask("subscribe", channel="ticker", symbol=["SPX/USD"], snapshot=False)
    best.ask("subscribe", channel="ticker", symbol=["SPX/USD"], snapshot=False, event_trigger="bbo")
    rig.hub.tick_tickers()
    for listener in (trades, best):
        listener.heard()
    count = len(rig.public("Trades", pair="SPXUSD", since="1767571200")["SPXUSD"])
    heard: list[Any] = []
    for _ in range(200):
        rig.wall.advance(5)
        rig.hub.tick_tickers()
        now = len(rig.public("Trades", pair="SPXUSD", since="1767571200")["SPXUSD"])
        assert len(trades.heard_on("ticker")) == (now > count)
        count = now
        heard += best.heard_on("ticker")
    shown = [
        tuple(message["data"][0][name] for name in ("bid", "bid_qty", "ask", "ask_qty")) for message in heard
    ]
    assert len(shown) > 20
    assert all(one != two for one, two in pairwise(shown))


def test_the_ticker_has_krakens_keys_in_order(rig: Rig) -> None:
    listener = rig.listener()
    listener.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    (row,) = listener.heard_on("ticker")[0]["data"]
    assert list(row) == [
        *("symbol", "bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high"),
        *("change", "change_pct", "timestamp"),
    ]


def test_at_full_rate_every_tick_tells_every_pair(rig: Rig) -> None:
    hub = Hub(rig.exchange, rig.gatekeeper, full_rate=True)
    listener = Listener(hub, private=False)
    symbols = ["BTC/USD", "SPX/USD", "ETH/USD"]
    for channel in ("ticker", "ohlc", "book"):
        listener.ask("subscribe", channel=channel, symbol=symbols, snapshot=False)
    listener.heard()
    for _ in range(10):
        rig.wall.advance(0.01)
        hub.tick_ohlc()
        hub.tick_tickers()
    told = Counter((m["channel"], m["data"][0]["symbol"]) for m in listener.heard())
    assert told == {(channel, symbol): 10 for channel in ("ticker", "ohlc", "book") for symbol in symbols}


def test_a_message_is_spelt_once_for_all_who_hear_it(rig: Rig) -> None:
    listeners = [rig.listener() for _ in range(3)]
    for channel in ("book", "trade", "ticker"):
        for listener in listeners:
            listener.ask("subscribe", channel=channel, symbol=["BTC/USD"], snapshot=False)
    for listener in listeners:
        listener.heard()
    rig.wall.advance(30)
    rig.hub.tick_tickers()
    first, *others = (listener.texts for listener in listeners)
    assert len(first) == 3
    for texts in others:
        assert all(one is other for one, other in zip(first, texts, strict=True))
