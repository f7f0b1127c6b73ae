"""Replies that are results, replies that are errors, and replies that are neither."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken import endpoints, envelope, wire
from krakked_tui.kraken.errors import (
    ErrorClass,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    OrderRejectedError,
    RateLimitError,
    Sent,
)

START = datetime(2026, 1, 5, tzinfo=UTC)


def read(body: bytes, status: int = 200) -> wire.AddedOrder:
    return envelope.result(endpoints.ADD_ORDER, status, body, "AddOrder for XBTUSD", START)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":[],"result":{"txid":["O1"],"descr":{"order":"buy"}}}',
        b'{"result":{"txid":["O1"]},"error":[]}',
        b'{"error":["WGeneral:Danger"],"result":{"txid":["O1"]}}',
    ],
)
def test_a_result_wherever_it_stands_and_despite_warnings(body: bytes) -> None:
    assert read(body).txid == ["O1"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":["EOrder:Insufficient funds"]}',
        b'{"error":["EOrder:Insufficient funds"],"result":{}}',
        b'{"error":["EOrder:Insufficient funds"],"result":null}',
        b'{"error":["WGeneral:Danger","EOrder:Insufficient funds"],"result":{"txid":["O1"]}}',
    ],
)
def test_errors_come_before_results(body: bytes) -> None:
    with pytest.raises(OrderRejectedError, match="AddOrder for XBTUSD: EOrder:Insufficient funds"):
        read(body)


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 500, 502, 503, 504, 520, 522, 524])
def test_another_status_than_200_is_a_gateways_and_proves_nothing(status: int) -> None:
    with pytest.raises(NetworkError, match=str(status)) as caught:
        read(b'{"error":["EOrder:Insufficient funds"]}', status)
    assert caught.value.sent is Sent.MAYBE
    assert caught.value.error_class is ErrorClass.AMBIGUOUS


def test_http_429_is_a_rate_limit() -> None:
    with pytest.raises(RateLimitError) as caught:
        read(b"<html>", 429)
    assert caught.value.error_class is ErrorClass.RATE
    assert caught.value.retry_after > 0


@pytest.mark.parametrize(
    "body", [b"", b"<html>502 Bad Gateway</html>", b'{"error":[],"result":{"txid":["O', b"\xff\xfe"]
)
def test_what_is_not_json_proves_nothing(body: bytes) -> None:
    with pytest.raises(NetworkError, match="not JSON") as caught:
        read(body)
    assert caught.value.sent is Sent.MAYBE


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"result":{}}', "error"),
        (b'{"error":"EOrder:x"}', "error"),
        (b'{"error":[1]}', "error"),
        (b'{"error":[]}', "null"),
        (b'{"error":[],"result":{"txid":"O1"}}', "txid"),
        (b'{"error":[],"result":{"txid":[1]}}', "txid"),
        (b"[]", "array"),
    ],
)
def test_a_wrong_field_is_named_with_its_endpoint(body: bytes, detail: str) -> None:
    with pytest.raises(KrakenProtocolError, match=f"AddOrder for XBTUSD .*{detail}") as caught:
        read(body)
    assert caught.value.error_class is ErrorClass.AMBIGUOUS


@pytest.mark.parametrize(
    "deep", [b"[" * 100_000, b'{"error":[],"result":' + b"[" * 100_000, b'{"a":' * 50_000]
)
def test_deep_nesting_is_an_error_like_any_other(deep: bytes) -> None:
    with pytest.raises(KrakenError):
        read(deep)


@given(st.binary(max_size=200))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(KrakenError):
        read(b"\x00" + body)
