from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from krakked_tui.sandbox.calls import ALL
from krakked_tui.sandbox.clock import SandboxClock
from krakked_tui.sandbox.fault_plan import Strike
from krakked_tui.sandbox.fault_wire import (
    HTML_PAGE,
    NO_EFFECT,
    Effect,
    Ending,
    effect_of,
    outcome,
    refused_texts,
    skewed,
)

NOW = datetime(2026, 1, 5, tzinfo=UTC)
ANSWER = b'{"error":[],"result":{"unixtime":1767571200}}'


def strike(kind: str, **fields: object) -> Strike:
    return msgspec.convert({"kind": kind, "rule": 1, **fields}, Strike)


def test_no_strike_no_effect() -> None:
    assert effect_of([]) is NO_EFFECT
    assert NO_EFFECT.carried_out
    assert outcome(None, ANSWER, NOW, 1.0).body == ANSWER
    clock = SandboxClock(NOW, 60.0, paused=True)
    assert NO_EFFECT.view(clock) is ALL


def test_strikes_add_up() -> None:
    effect = effect_of(
        [
            strike("latency", seconds=0.3),
            strike("read_lag", seconds=2.0),
            strike("late_trades", seconds=5.0),
            strike("late_entries", seconds=7.0),
            strike("http", status=502, after=True),
        ]
    )
    assert (effect.latency, effect.read_lag, effect.trade_lag, effect.entry_lag) == (0.3, 2.0, 5.0, 7.0)
    assert effect.kinds == ("latency", "read_lag", "late_trades", "late_entries", "http")
    assert effect.ending is not None
    assert effect.ending.kind == "http"
    view = effect.view(SandboxClock(NOW, 60.0, paused=True))
    assert view.orders_until == NOW - timedelta(minutes=2), "lags are wall time"
    assert view.trades_until == NOW - timedelta(minutes=5)
    assert view.entries_until == NOW - timedelta(minutes=7)
    assert view.skew == timedelta(0)


def test_a_skewed_clock_is_off_by_wall_seconds() -> None:
    effect = effect_of([strike("skew", seconds=-2.0)])
    assert effect.view(SandboxClock(NOW, 60.0, paused=True)).skew == timedelta(minutes=-2)
    assert effect.carried_out


@pytest.mark.parametrize(
    ("kind", "after", "carried_out"),
    [
        ("timeout", False, False),
        ("timeout", True, True),
        ("error", False, False),
        ("error", True, True),
        ("cut", False, True),
        ("truncate", False, True),
        ("nonce", False, False),
    ],
)
def test_before_and_after(kind: str, after: bool, carried_out: bool) -> None:
    assert Effect(ending=strike(kind, after=after, text="EService:Busy")).carried_out is carried_out


@pytest.mark.parametrize(
    ("fault", "ending", "body", "status"),
    [
        (strike("timeout"), Ending.HANG, b"", None),
        (strike("reset"), Ending.RESET, b"", None),
        (strike("cut"), Ending.CUT, ANSWER, 200),
        (strike("truncate"), Ending.REPLY, ANSWER[:30], 200),
        (strike("http", status=520), Ending.PAGE, HTML_PAGE, 520),
        (strike("html"), Ending.PAGE, HTML_PAGE, 200),
        (strike("error", text="EService:Busy"), Ending.REPLY, b'{"error":["EService:Busy"]}', 200),
        (strike("nonce"), Ending.REPLY, b'{"error":["EAPI:Invalid nonce"]}', 200),
        (strike("throttled"), Ending.REPLY, b'{"error":["EService: Throttled: 1767571500"]}', 200),
        (
            strike("throttled", seconds=1.0),
            Ending.REPLY,
            b'{"error":["EService: Throttled: 1767571260"]}',
            200,
        ),
    ],
)
def test_what_a_client_gets(fault: Strike, ending: Ending, body: bytes, status: int | None) -> None:
    out = outcome(fault, ANSWER, NOW, 60.0)
    assert (out.ending, out.body, out.status) == (ending, body, status)
    assert out.errors == (tuple(msgspec.json.decode(body)["error"]) if b'error":["' in body else ())


def test_rejections_name_the_symbol() -> None:
    assert refused_texts(strike("reject"), "book", ["BTC/USD", 7, "ETH/USD"]) == [
        ("Currency pair not supported BTC/USD", "BTC/USD"),
        ("Currency pair not supported ETH/USD", "ETH/USD"),
    ]
    assert refused_texts(strike("reject", text="EService:Busy"), "executions", []) == [
        ("EService:Busy", None)
    ]


def test_the_times_of_a_reply_are_moved() -> None:
    reply = (
        '{"method":"pong","time_in":"2026-01-05T00:00:00.000000Z","time_out":"2026-01-05T00:00:00.000100Z"}'
    )
    moved = msgspec.json.decode(skewed(reply, timedelta(seconds=-5)))
    assert moved["time_in"] == "2026-01-04T23:59:55.000000Z"
    assert moved["time_out"] == "2026-01-04T23:59:55.000100Z"
    assert skewed(reply, timedelta()) == reply
