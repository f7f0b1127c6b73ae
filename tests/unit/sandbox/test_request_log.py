from datetime import UTC, datetime
from typing import Any

from krakked_tui.sandbox.request_log import Arrival, RequestLog, public_params

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
            "fault": (),
            "seconds": 0.0,
        }
    ]


def test_secrets_are_left_out_and_long_texts_cut() -> None:
    params = {"nonce": "1", "otp": "2", "token": "3", "pair": "XBTUSD", "orders": ("a", "b"), "x": "y" * 5000}
    shown = public_params(params)
    assert set(shown) == {"pair", "orders", "x"}
    assert shown["orders"] == ("a", "b")
    assert len(str(shown["x"])) == 2003
