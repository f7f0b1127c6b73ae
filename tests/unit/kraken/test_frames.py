"""Recorded WebSocket messages, and everything that is none."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken.frames import (
    BalancesFrame,
    BookFrame,
    CandleFrame,
    ExecutionsFrame,
    HeartbeatFrame,
    InstrumentFrame,
    Level3Frame,
    Message,
    Notice,
    Reply,
    ReplyResult,
    StatusFrame,
    TickerFrame,
    TradeFrame,
    Unreadable,
    number,
    parse,
    parse_all,
)
from tests.unit.kraken.recorded import FOLDER, ws_messages

KINDS = (
    (b'"channel":"heartbeat"', HeartbeatFrame),
    (b'"channel":"status"', StatusFrame),
    (b'"channel":"ticker","type"', TickerFrame),
    (b'"channel":"ohlc","type"', CandleFrame),
    (b'"channel":"trade","type"', TradeFrame),
    (b'"channel":"book","type"', BookFrame),
    (b'"channel":"level3","type"', Level3Frame),
    (b'"channel":"instrument","type"', InstrumentFrame),
    (b'"channel":"executions","type"', ExecutionsFrame),
    (b'"channel":"balances","type"', BalancesFrame),
    (b'"method"', Reply),
)
TICKER = (
    b'{"channel":"ticker","type":"update","data":'
    b'[{"symbol":"A/USD","bid":%b,"bid_qty":1,"ask":2,"ask_qty":1,"last":2}]}'
)
NANOSECONDS = re.compile(r"(\.\d{6})\d{3}Z$")


def named(message: Message) -> tuple[str, str]:
    assert isinstance(message, Unreadable)
    return message.kind, message.channel


def test_every_recorded_message_is_what_it_looks_like() -> None:
    for message in ws_messages():
        expected = next((kind for mark, kind in KINDS if mark in message), Unreadable)
        assert isinstance(parse(message), expected), message
    unread = [parsed for line in ws_messages() if isinstance(parsed := parse(line), Unreadable)]
    assert [named(each) for each in unread] == [("not JSON", "")]


def test_many_at_once_are_what_each_is() -> None:
    messages = [*ws_messages(), b"", TICKER % b'"NaN"', TICKER % b"1.5"]
    frames = [message for message in messages if isinstance(parse(message), TickerFrame)]
    for some in (messages, frames, [*frames, TICKER % b'"Infinity"'], []):
        assert parse_all(some) == [parse(message) for message in some]
    assert named(parse(messages[-2])) == ("channel ticker", "ticker")


def plainly(value: object) -> object:
    """What was decoded, as the JSON it came from: exact numbers, instants to the microsecond."""
    if isinstance(value, msgspec.Raw):
        return exactly(bytes(value))
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        fields = msgspec.structs.fields(value)
        rows = {field.encode_name: plainly(getattr(value, field.name)) for field in fields}
        return rows | ({config.tag_field: config.tag} if config.tag_field else {})
    if isinstance(value, list):
        return [plainly(item) for item in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return Decimal(repr(value)) if isinstance(value, float) else value


def exactly(message: bytes) -> object:
    return msgspec.json.Decoder(float_hook=Decimal).decode(message)


def sent_of(message: bytes) -> object:
    """What a message says, without what we leave undecoded of the instrument channel."""
    sent = msgspec.json.Decoder(dict[str, object], float_hook=Decimal).decode(message)
    data = sent.get("data")
    if sent.get("channel") == "instrument" and isinstance(data, dict):
        pairs = [{name: row[name] for name in ("symbol", "status")} for row in data["pairs"]]
        return sent | {"data": {"pairs": pairs}}
    return sent


def assert_same(got: object, sent: object, *, digits: bool) -> None:
    """Nothing that was sent is missing or different; ``digits``: to the last zero."""
    if isinstance(sent, dict):
        assert isinstance(got, dict)
        for name, value in sent.items():
            assert_same(got[name], value, digits=digits)
    elif isinstance(sent, list):
        assert isinstance(got, list)
        assert len(got) == len(sent)
        for mine, theirs in zip(got, sent, strict=True):
            assert_same(mine, theirs, digits=digits)
    elif isinstance(got, datetime) and isinstance(sent, str):
        at = datetime.fromisoformat(NANOSECONDS.sub(r"\1Z", sent)).replace(tzinfo=None)
        assert abs(got - at) <= timedelta(microseconds=1)
    elif isinstance(got, Decimal) and isinstance(sent, Decimal):
        assert got == sent
        assert str(got) == str(sent) or not digits
    else:
        assert got == sent


def test_nothing_recorded_is_lost_in_decoding() -> None:
    for message in ws_messages():
        parsed = parse(message)
        if not isinstance(parsed, Unreadable):
            # Candles are for indicators: their floats have the value, not the trailing zeros.
            assert_same(plainly(parsed), sent_of(message), digits=not isinstance(parsed, CandleFrame))


def test_what_was_decoded_encodes_to_the_same_digits() -> None:
    encode = msgspec.json.Encoder(decimal_format="number").encode
    for message in ws_messages():
        parsed = parse(message)
        if not isinstance(parsed, (Unreadable, CandleFrame)):
            again = parse(encode(parsed))
            assert_same(plainly(again), plainly(parsed), digits=True)
            assert again == parsed


def test_a_recorded_book_stream_decodes_to_its_digits() -> None:
    body = msgspec.json.decode((FOLDER / "book_btcusd.json").read_bytes(), type=dict[str, msgspec.Raw])
    messages = [body["init"], *msgspec.json.decode(body["updates"], type=list[msgspec.Raw])]
    assert len(messages) == 510
    for message in messages:
        assert_same(plainly(parse(bytes(message))), exactly(bytes(message)), digits=True)


def test_figures_kept_as_text_are_exact_numbers_when_asked() -> None:
    ticker = parse(next(line for line in ws_messages() if b'"ticker","type":"snapshot"' in line))
    assert isinstance(ticker, TickerFrame)
    row = ticker.data[0]
    assert (str(number(row.low)), str(number(row.high)), str(number(row.change))) == (
        "61325.4",
        "66450.0",
        "4412.1",
    )
    assert number(msgspec.Raw(b"null")) == number(msgspec.Raw(b'"NaN"')) == 0


def test_replies_to_trading_requests() -> None:
    replies = [parsed for line in ws_messages() if isinstance(parsed := parse(line), Reply)]
    (batch,) = (reply for reply in replies if reply.method == "batch_add")
    assert isinstance(batch.result, list)
    assert [row.order_id for row in batch.result] == ["JQDNTT-MZEIZ-OZKUDD", "X67GEK-3VQWM-HPNQ89"]
    (cancelled,) = (reply for reply in replies if reply.method == "batch_cancel")
    assert cancelled.orders_cancelled == 2
    (switch,) = (reply for reply in replies if reply.method == "cancel_all_orders_after")
    assert isinstance(switch.result, ReplyResult)
    assert switch.result.trigger_time == "2024-05-19T19:22:25Z"
    (malformed,) = (reply for reply in replies if reply.method == "error")
    assert malformed.failure == "Malformed request"
    counts = {r.result.maxratecount for r in replies if isinstance(r.result, ReplyResult)}
    assert counts == {None, 125, 180}


def test_numbers_keep_their_digits() -> None:
    (message,) = (line for line in ws_messages() if b'"ticker","type":"snapshot"' in line)
    ticker = parse(message)
    assert isinstance(ticker, TickerFrame)
    row = ticker.data[0]
    assert str(row.bid_size) == "0.10000000"
    assert (row.bid, row.ask, row.last) == (Decimal("65972.8"), Decimal("65972.9"), Decimal("65972.9"))
    assert row.change_pct_24h == Decimal("7.17")
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


NO_NAME = "Object missing required field `method`"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"{}", Unreadable("neither channel nor reply", detail=NO_NAME)),
        (b'{"channel":7}', Unreadable("neither channel nor reply", detail=NO_NAME)),
        (b"7", Unreadable("neither channel nor reply", detail="Expected `object`, got `int`")),
        (
            b'{"method":"add_order","result":{"order_id":7}}',
            Unreadable(
                "neither channel nor reply",
                detail="Expected `str | null`, got `int` - at `$.result.order_id`",
            ),
        ),
        (b"", Unreadable("not JSON", detail="Input data was truncated")),
        (
            b"CloudFlare WebSocket proxy restarting",
            Unreadable("not JSON", detail="JSON is malformed: invalid character (byte 0)"),
        ),
        (b'{"channel":"ticker","data":[', Unreadable("not JSON", detail="Input data was truncated")),
        (
            b'{"channel":"ticker","data":[{"symbol":1}]}',
            Unreadable("channel ticker", "ticker", "Expected `str`, got `int` - at `$.data[0].symbol`"),
        ),
        (
            b'{"channel":"brand new"}',
            Unreadable("channel brand new", "brand new", "Invalid value 'brand new' - at `$.channel`"),
        ),
        (
            b'{"channel":"\\u001b[31m"}',
            Unreadable("channel ?[31m", "?[31m", "Invalid value '?[31m' - at `$.channel`"),
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_what_is_wrong(message: bytes, expected: Unreadable) -> None:
    assert parse(message) == expected


@pytest.mark.parametrize(
    ("message", "kind", "channel"),
    [
        (b"\xff\xfe", "not JSON", ""),
        (b'{"channel":"ticker","data":[{"symbol":"\xff"}]}', "not JSON", ""),
        (b"[]", "neither channel nor reply", ""),
        (b'{"channel":"ohlc","timestamp":"2026-01-01T00:00:00","data":[]}', "channel ohlc", "ohlc"),
        (b'{"channel":"%s"}' % (b"x" * 5_000), f"channel {'x' * 40}...", f"{'x' * 40}..."),
    ],
)
def test_what_is_wrong_is_bounded(message: bytes, kind: str, channel: str) -> None:
    parsed = parse(message)
    assert isinstance(parsed, Unreadable)
    assert (parsed.kind, parsed.channel) == (kind, channel)
    assert 0 < len(parsed.detail) <= 210
    assert parsed.detail.isprintable()


@pytest.mark.parametrize("price", ['"NaN"', '"Infinity"', '"-sNaN"'])
def test_prices_and_quantities_that_are_none_are_unreadable(price: str) -> None:
    infinite = "a number is not finite"
    (ticker,) = (line for line in ws_messages() if b'"ticker","type":"snapshot"' in line)
    assert parse(ticker.replace(b'"last":65972.9', b'"last":' + price.encode())) == Unreadable(
        "channel ticker", "ticker", infinite
    )
    (trade,) = (line for line in ws_messages() if b'"trade","type":"update"' in line)
    assert parse(trade.replace(b'"price":68500.0', b'"price":' + price.encode())) == Unreadable(
        "channel trade", "trade", infinite
    )
    (amended,) = (line for line in ws_messages() if b'"sequence":4}' in line and b"81818" in line)
    assert named(parse(amended.replace(b"81818.0", price.encode()))) == ("channel executions", "executions")


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
