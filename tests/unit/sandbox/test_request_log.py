from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.request_log import TEXT_MAX, Arrival, RequestLog, outline, public_params

NOW = datetime(2026, 1, 5, 0, 0, 1, tzinfo=UTC)


def arrival(method: str, channel: str | None = None) -> Arrival:
    return Arrival(wall=1.25, time=NOW, route="rest", method=method, channel=channel)


def methods(rows: dict[str, Any]) -> list[str]:
    return [row["method"] for row in rows["requests"]]


def test_the_latest_are_kept_and_numbered() -> None:
    log = RequestLog(3)
    for method in ("Time", "Balance", "AddOrder", "Balance", "OpenOrders"):
        log.add(arrival(method))
    rows: Any = log.rows()
    assert (rows["dropped"], rows["last"]) == (2, 5)
    assert methods(rows) == ["AddOrder", "Balance", "OpenOrders"]
    assert [row["number"] for row in rows["requests"]] == [3, 4, 5]
    assert methods(log.rows(since=4)) == ["OpenOrders"]
    assert methods(log.rows(method="Balance")) == ["Balance"]
    assert methods(log.rows(since=5)) == []


def test_channels_are_found_too() -> None:
    log = RequestLog()
    log.add(arrival("subscribe", "book"))
    log.add(arrival("subscribe", "ticker"))
    assert [row["channel"] for row in log.rows(method="book")["requests"]] == ["book"]  # type: ignore[attr-defined]
    assert len(methods(log.rows(method="subscribe"))) == 2


def test_a_row() -> None:
    log = RequestLog()
    log.add(arrival("Time"))
    assert log.rows()["requests"] == [
        {
            "number": 1,
            "wall": 1.25,
            "time": "2026-01-05T00:00:01.000000Z",
            "route": "rest",
            "method": "Time",
            "channel": None,
            "key": None,
            "params": {},
            "status": None,
            "errors": (),
            "answer": None,
            "fault": (),
            "seconds": 0.0,
        }
    ]


def shown(params: Any) -> Any:
    return msgspec.json.decode(public_params(params))


def test_secrets_are_left_out_however_deep() -> None:
    params = {
        "nonce": "1",
        "otp": "2",
        "Token": "3",
        "pair": "XBTUSD",
        "orders[0][token]": "4",
        "orders": [{"token": "5", "volume": Decimal("0.1")}, {"inner": {"api_secret": "6", "x": 1}}],
    }
    assert shown(params) == {
        "pair": "XBTUSD",
        "orders": [{"volume": "0.1"}, {"inner": {"x": 1}}],
    }


@pytest.mark.parametrize(
    "params",
    [
        {"x": "y" * 100_000},
        {"x": ["y"] * 60_000},
        {str(number): "y" for number in range(60_000)},
        {"x" * 60_000: 1},
        {"x": {"y": ["z" * 1000] * 100}},
        {"x": 10**5000},
        {"x": Decimal("1e5000")},
    ],
)
def test_what_is_kept_of_one_request_is_short(params: Any) -> None:
    kept = public_params(params)
    assert len(kept) <= 2 * TEXT_MAX
    msgspec.json.decode(kept)


def test_the_record_is_bounded_in_bytes() -> None:
    log = RequestLog(10_000, most_bytes=100_000)
    for number in range(1000):
        log.add(
            Arrival(
                wall=number,
                time=NOW,
                route="rest",
                method="x" * 60_000,
                channel="y" * 60_000,
                params=public_params({"x": "y" * 60_000}),
                errors=("z" * 60_000,) * 1000,
            )
        )
    rows: Any = log.rows()
    assert rows["last"] == 1000
    assert len(rows["requests"]) == 1000 - rows["dropped"] > 10
    assert len(msgspec.json.encode(rows)) < 150_000


def test_what_was_answered() -> None:
    assert outline({"txid": ["OABC"], "descr": {"order": "buy"}}) == {
        "txid": ["OABC"],
        "descr": {"order": "buy"},
    }
    assert outline({"token": "secret", "expires": 900}) == {"expires": 900}
    assert outline({"orders": [{"txid": "OABC"}, {"error": "EOrder:Unknown order"}]}) == {
        "orders": [{"txid": "OABC"}, {"error": "EOrder:Unknown order"}]
    }
    order = {"descr": {"pair": "XBTUSD"}, "vol": "1"}
    table = {"rows": 1, "ids": ["OABC"]}
    assert outline({"open": {"OABC": order}, "count": 1}) == {"open": table, "count": 1}
    assert outline({"OABC": order}) == table
    assert outline({"XXBTZUSD": [["1"]] * 1000, "last": "7"}) == {"XXBTZUSD": 1000, "last": "7"}
    many = outline({str(number): 1 for number in range(5000)})
    assert many == {"rows": 5000, "ids": [str(number) for number in range(20)]}
    assert outline(["OABC"] * 21) == 21
