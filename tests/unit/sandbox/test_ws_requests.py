import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sandbox import ws_requests as ws
from krakked_tui.sandbox.ws_requests import WsError, channel_of, read_request, symbols_of


def request(**message: Any) -> ws.Request:
    return read_request(msgspec.json.encode(message).decode())


def refusal_of(action: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(WsError) as refusal:
        action(*arguments, **more)
    return refusal.value.text


@pytest.mark.parametrize(
    "frame",
    [
        None,
        "",
        "x",
        "[]",
        "{}",
        '{"method":1}',
        '{"method":"ping","params":[]}',
        '{"method":"ping","req_id":"1"}',
        '{"method":"ping","req_id":true}',
        '{"method":"ping","req_id":1.5}',
    ],
)
def test_malformed_frames(frame: str | None) -> None:
    assert refusal_of(read_request, frame) == "Malformed request"


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(WsError):
        read_request(text)


@pytest.mark.parametrize(
    ("params", "private", "error"),
    [
        ({}, False, "Subscription name invalid"),
        ({"channel": "magic"}, False, "Subscription name invalid"),
        ({"channel": "status"}, False, "Symbol(s) not found"),
        ({"channel": "executions"}, False, "Unsupported event"),
        ({"channel": "ticker"}, True, "Unsupported event"),
        (
            {"channel": "ohlc", "depth": 10},
            False,
            "Unsupported field: 'depth' for the given msg type: subscribe",
        ),
    ],
)
def test_channels_are_checked(params: dict[str, Any], private: bool, error: str) -> None:
    assert refusal_of(channel_of, request(method="subscribe", params=params), private=private) == error


def test_symbols_must_be_a_list_of_texts() -> None:
    assert symbols_of({"symbol": ["BTC/USD"]}) == ["BTC/USD"]
    assert refusal_of(symbols_of, {}) == "Symbol(s) not found"
    assert refusal_of(symbols_of, {"symbol": []}) == "Symbol(s) not found"
    assert refusal_of(symbols_of, {"symbol": [5]}) == "Symbol(s) not found"
    assert refusal_of(symbols_of, {"symbol": "BTC/USD"}) == "Symbol field must be an array"


def test_unknown_symbols_are_told_from_malformed_ones() -> None:
    assert ws.unknown_symbol("XBT/USD").text == "Currency pair not supported XBT/USD"
    assert ws.unknown_symbol("XBTUSD").text == "Currency pair not in ISO 4217-A3 format XBTUSD"


def test_options_are_strictly_typed() -> None:
    assert ws.interval_of({}) == 1
    for wrong in (2, "5", 5.0, True):
        assert refusal_of(ws.interval_of, {"interval": wrong}) == "Subscription ohlc interval not supported"
    assert ws.depth_of({}) == 10
    assert ws.depth_of({"depth": 1000}) == 1000
    for wrong in (11, "10", 10.0, True):
        assert refusal_of(ws.depth_of, {"depth": wrong}) == "Subscription depth not supported"
    assert ws.flag_of({}, "snapshot", default=True)
    assert refusal_of(ws.flag_of, {"snapshot": 1}, "snapshot", default=True) == "Malformed request"
    assert ws.trigger_of({"event_trigger": "bbo"}) == "bbo"
    assert refusal_of(ws.trigger_of, {"event_trigger": "x"}) == "Malformed request"
    assert refusal_of(ws.token_of, {"token": ""}) == "Token(s) not found"


def test_numbers_keep_every_digit() -> None:
    params = read_request('{"method":"add_order","params":{"limit_price":60000.10,"order_qty":5}}').params
    assert params is not None
    assert (str(params["limit_price"]), params["order_qty"]) == ("60000.10", 5)
    assert type(params["order_qty"]) is int


def test_a_number_beyond_all_measure_is_malformed() -> None:
    assert (
        refusal_of(read_request, '{"method":"ping","req_id":1e99999999999999999999}') == "Malformed request"
    )


AT = "2026-01-05T00:00:00.000000Z"
LATER = "2026-01-05T00:00:00.000500Z"


def test_replies_echo_the_request_id_only_when_there_was_one() -> None:
    parts = {"result": {"channel": "ticker"}, "success": True}
    assert ws.reply("subscribe", None, parts, AT, LATER) == (
        '{"method":"subscribe","result":{"channel":"ticker"},"success":true,'
        f'"time_in":"{AT}","time_out":"{LATER}"}}'
    )
    assert ws.refusal("subscribe", 8, WsError("no", "XBT/USD"), AT) == (
        '{"error":"no","method":"subscribe","req_id":8,"success":false,"symbol":"XBT/USD",'
        f'"time_in":"{AT}","time_out":"{AT}"}}'
    )
    assert ws.reply("batch_cancel", 47, {"success": True, "orders_cancelled": 2}, AT) == (
        '{"method":"batch_cancel","orders_cancelled":2,"req_id":47,"success":true,'
        f'"time_in":"{AT}","time_out":"{AT}"}}'
    )
    assert ws.reply("pong", 101, {}, AT) == (
        f'{{"method":"pong","req_id":101,"time_in":"{AT}","time_out":"{AT}"}}'
    )


@pytest.mark.parametrize("frame", ["[" * 60_000, '{"method":' * 6000, '{"a":1' + "0" * 60_000 + "}"])
def test_a_frame_that_nobody_can_hold_is_malformed(frame: str) -> None:
    assert refusal_of(read_request, frame) == "Malformed request"
