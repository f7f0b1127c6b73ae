import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.params import Params, parse_form, parse_json


def test_a_form_and_a_json_body_say_the_same() -> None:
    form = parse_form("nonce=1&price=37500.10&validate=true&close%5Bprice%5D=1&empty=")
    body = parse_json(b'{"nonce":1,"price":37500.10,"validate":true,"close":{"price":"1"},"empty":null}')
    for params in (form, body):
        assert params.text("nonce") == "1"
        assert params.required("price") == "37500.10"
        assert params.flag("validate", default=False)
        assert params.text("close[price]") == "1"
        assert params.text("empty") is None


def test_lists_come_as_arrays_or_with_commas() -> None:
    assert parse_form("pair=XBTUSD,%20ETHUSD").names_in("pair") == ("XBTUSD", "ETHUSD")
    assert parse_json(b'{"orders":["a",5]}').names_in("orders") == ("a", "5")


def test_what_is_nested_in_json_gets_the_names_that_forms_have() -> None:
    body = parse_json(b'{"orders":[{"type":"buy","close":{"price":30000.5}},{"type":"sell","x":null}]}')
    assert body.names == {"orders[0][type]", "orders[0][close][price]", "orders[1][type]"}
    assert body.text("orders[0][close][price]") == "30000.5"
    assert parse_form("").names_in("pair") == ()


@pytest.mark.parametrize("value", ["1.5", "x", "1e3", "", "+1"])
def test_an_integer_is_an_integer(value: str) -> None:
    params = Params({"n": value})
    if value:
        with pytest.raises(ApiError, match="EGeneral:Invalid arguments:n"):
            params.integer("n", 3)
    else:
        assert params.integer("n", 3) == 3


@pytest.mark.parametrize("value", ["-1", "1e5", "nan", "Infinity", "1_000", "0x1", "٣", "+1%"])
def test_a_number_is_plain_and_unsigned(value: str) -> None:
    with pytest.raises(ApiError, match="EGeneral:Invalid arguments:price"):
        Params({"price": value}).decimal("price")


def test_times() -> None:
    params = Params(
        {"start": "1688148493.7708", "deadline": "2026-05-01T12:00:05.123Z", "naive": "2026-05-01"}
    )
    assert params.unix_micros("start") == 1688148493770800
    assert params.instant("deadline") == datetime(2026, 5, 1, 12, 0, 5, 123000, tzinfo=UTC)
    for wrong in ("naive", "start"):
        with pytest.raises(ApiError):
            params.instant(wrong)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b"nonce=1",
        b'{"a":',
        b'{"a":[[1]]}',
        b'{"a":{"b":{"c":{"d":{"e":1}}}}}',
        b'{"a":1e999999999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_malformed_body_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(ApiError, match="EAPI:Bad request"):
        parse_json(body)


def test_small_numbers_in_json_stay_plain() -> None:
    assert parse_json(b'{"volume":0.00000010}').decimal("volume") == Decimal("0.00000010")


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with contextlib.suppress(ApiError):
        parse_json(body)


@given(
    st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.floats() | st.text())
)
def test_no_object_breaks_the_reader(content: dict[str, Any]) -> None:
    with contextlib.suppress(ApiError):
        parse_json(json.dumps(content).encode())


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 60_000, b'{"a":1' + b"0" * 60_000 + b"}"])
def test_json_that_nobody_can_hold_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match="EAPI:Bad request"):
        parse_json(body)
