from datetime import timedelta
from decimal import Decimal
from typing import Any

from krakked_tui.sandbox.trade_stream import UPDATE_MAX
from tests.unit.sandbox.rig import Listener, Rig


def subscribe(rig: Rig, symbol: str, **options: Any) -> Listener:
    listener = rig.listener()
    listener.ask("subscribe", channel="trade", symbol=[symbol], **options)
    return listener


def trades(listener: Listener) -> list[Any]:
    return [row for message in listener.heard_on("trade") for row in message["data"]]


def test_a_snapshot_comes_only_when_asked_for_and_has_the_last_fifty(rig: Rig) -> None:
    rig.wall.advance(600)
    assert trades(subscribe(rig, "BTC/USD")) == []
    rows = trades(subscribe(rig, "BTC/USD", snapshot=True))
    served = rig.public("Trades", pair="XBTUSD", count="50")["XXBTZUSD"]
    assert [row["trade_id"] for row in rows] == [row[6] for row in served]
    for row, (price, volume, time, side, kind, _, _) in zip(rows, served, strict=True):
        assert (row["price"], format(row["qty"], "f")) == (Decimal(price), volume)
        assert (row["side"][0], row["ord_type"][0]) == (side, kind)
        assert row["timestamp"].endswith(f"{time % 1:.6f}Z"[1:])
    assert list(rows[0]) == ["symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"]


def test_updates_have_every_trade_once_the_same_as_rest(rig: Rig) -> None:
    listener = subscribe(rig, "BTC/USD")
    start = rig.exchange.clock.now()
    for wait in (0.25, 0.25, 30, 1, 61, 0.25):
        rig.wall.advance(wait)
        rig.hub.tick_tickers()
        rig.hub.tick_tickers()
    served = rig.public("Trades", pair="XBTUSD", since=str(int(start.timestamp())))["XXBTZUSD"]
    heard = trades(listener)
    assert [row["trade_id"] for row in heard] == [row[6] for row in served]
    assert len(heard) > 20


def test_who_comes_later_hears_only_later_trades(rig: Rig) -> None:
    first = subscribe(rig, "BTC/USD")
    rig.wall.advance(60)
    second = subscribe(rig, "BTC/USD")
    rig.wall.advance(60)
    rig.hub.tick_tickers()
    heard, late = trades(first), trades(second)
    assert 0 < len(late) < len(heard)
    assert heard[-len(late) :] == late


def test_a_leap_leaves_out_the_older_trades(rig: Rig) -> None:
    listener = subscribe(rig, "BTC/USD")
    rig.exchange.clock.jump(rig.exchange.clock.now() + timedelta(days=3))
    rig.hub.tick_tickers()
    (message,) = listener.heard_on("trade")
    numbers = [row["trade_id"] for row in message["data"]]
    assert numbers == list(range(numbers[0], numbers[0] + UPDATE_MAX))
    assert numbers[-1] == rig.public("Trades", pair="XBTUSD", count="1")["XXBTZUSD"][0][6]
