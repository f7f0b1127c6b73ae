"""Recorded WebSocket messages, and everything that is none."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken.frames import (
    BalancesFrame,
    CandleFrame,
    ExecutionsFrame,
    HeartbeatFrame,
    Notice,
    Reply,
    StatusFrame,
    TickerFrame,
    Unreadable,
    parse,
)
from tests.unit.kraken.recorded import ws_messages

KINDS = (
    (b'"channel":"heartbeat"', HeartbeatFrame),
    (b'"channel":"status"', StatusFrame),
    (b'"channel":"ticker","type"', TickerFrame),
    (b'"channel":"ohlc","type"', CandleFrame),
    (b'"channel":"executions","type"', ExecutionsFrame),
    (b'"channel":"balances","type"', BalancesFrame),
    (b'"method"', Reply),
)


def test_every_recorded_message_is_what_it_looks_like() -> None:
    unread = []
    for message in ws_messages():
        expected = next((kind for mark, kind in KINDS if mark in message), Unreadable)
        parsed = parse(message)
        # An array as result belongs to a request we never make.
        if not isinstance(parsed, expected):
            assert b'"result":[' in message
            unread.append(parsed)
        if isinstance(parsed, Unreadable):
            unread.append(parsed)
    kinds = {item.kind for item in unread if isinstance(item, Unreadable)}
    assert kinds == {
        "not JSON",
        "neither channel nor reply",
        "channel book",
        "channel level3",
        "channel trade",
        "channel instrument",
    }


def test_numbers_keep_their_digits() -> None:
    (message,) = (line for line in ws_messages() if b'"ticker","type":"snapshot"' in line)
    ticker = parse(message)
    assert isinstance(ticker, TickerFrame)
    row = ticker.data[0]
    assert str(row.bid_qty) == "0.10000000"
    assert (row.bid, row.ask, row.last) == (Decimal("65972.8"), Decimal("65972.9"), Decimal("65972.9"))
    assert row.change_pct == Decimal("7.17")
    assert row.timestamp is None


def test_nine_fractional_digits_of_a_second() -> None:
    (message,) = (line for line in ws_messages() if b'"channel":"ohlc","type"' in line)
    candles = parse(message)
    assert isinstance(candles, CandleFrame)
    assert candles.timestamp == datetime(2024, 5, 17, 11, 21, 16, 318303, UTC)
    assert candles.data[0].interval_begin == datetime(2024, 5, 17, 11, 12, tzinfo=UTC)
    assert (candles.data[1].close, candles.data[1].trades) == (3026.47, 4)


def test_refusals() -> None:
    refused = [parsed for line in ws_messages() if isinstance(parsed := parse(line), Reply) and parsed.error]
    assert all(not reply.success for reply in refused)
    assert "EOrder:Unknown order" in {reply.error for reply in refused}
    assert any(reply.symbol == "ETH/USDC" for reply in refused)


def test_the_rate_complaint() -> None:
    assert parse(b'{"Error":"Exceeded msg rate"}') == Notice(error="Exceeded msg rate")


@pytest.mark.parametrize(
    ("message", "kind", "channel"),
    [
        (b"CloudFlare WebSocket proxy restarting", "not JSON", ""),
        (b"", "not JSON", ""),
        (b"\xff\xfe", "not JSON", ""),
        (b'{"channel":"ticker","data":[', "not JSON", ""),
        (b'{"channel":"ticker","data":[{"symbol":1}]}', "channel ticker", "ticker"),
        (b'{"channel":"ticker","data":[{"symbol":"\xff"}]}', "not JSON", ""),
        (b'{"channel":"brand new"}', "channel brand new", "brand new"),
        (b'{"channel":"\\u001b[31m"}', "channel ?[31m", "?[31m"),
        (b'{"channel":7}', "neither channel nor reply", ""),
        (b"{}", "neither channel nor reply", ""),
        (b"[]", "neither channel nor reply", ""),
        (b"7", "neither channel nor reply", ""),
        (b'{"channel":"ohlc","timestamp":"2026-01-01T00:00:00","data":[]}', "channel ohlc", "ohlc"),
    ],
)
def test_what_cannot_be_read_is_named(message: bytes, kind: str, channel: str) -> None:
    assert parse(message) == Unreadable(kind, channel)


@pytest.mark.parametrize("price", ['"NaN"', '"Infinity"', '"-sNaN"'])
def test_prices_and_quantities_that_are_none_are_unreadable(price: str) -> None:
    (ticker,) = (line for line in ws_messages() if b'"ticker","type":"snapshot"' in line)
    assert parse(ticker.replace(b'"last":65972.9', b'"last":' + price.encode())) == Unreadable(
        "channel ticker", "ticker"
    )
    (amended,) = (line for line in ws_messages() if b'"sequence":4}' in line and b"81818" in line)
    assert parse(amended.replace(b"81818.0", price.encode())) == Unreadable(
        "channel executions", "executions"
    )


@given(st.sampled_from(ws_messages()), st.data())
def test_damaged_messages_never_raise(message: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(message)))
    damage = data.draw(st.binary(max_size=4))
    parse(message[:at] + damage + message[at + data.draw(st.integers(0, 5)) :])


@given(st.binary(max_size=100))
def test_garbage_never_raises(garbage: bytes) -> None:
    parse(garbage)


def test_nesting_never_raises() -> None:
    parse(b"[" * 100_000)
    parse(b'{"channel":"ticker","data":' + b"[" * 100_000)
    parse(b'{"x":' * 100_000)
