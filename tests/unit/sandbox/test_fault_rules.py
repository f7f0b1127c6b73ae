from datetime import datetime
from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.fault_rules import KINDS, FaultError, Rule, check_rule
from krakked_tui.sandbox.places import PLACES


def rule(**fields: Any) -> Rule:
    return msgspec.convert(fields, Rule)


def test_rules_that_make_sense() -> None:
    for fields in (
        {"kind": "latency", "seconds": 0.2},
        {"kind": "latency", "seconds": [0.1, 0.5], "where": ["AddOrder", "subscribe"]},
        {"kind": "http", "status": 502, "after": True, "where": "AddOrder", "count": 1},
        {"kind": "checksum", "where": "book", "every": 100},
        {"kind": "skew", "seconds": -30},
        {"kind": "close", "code": 1008, "start": 10, "end": 20},
        {"kind": "stall", "where": "ticker", "start": "2026-01-05T12:00:00Z"},
        {"kind": "market", "events": [{"action": "shock"}], "seconds": 3600},
    ):
        assert check_rule(rule(**fields), PLACES).name == fields["kind"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"kind": "earthquake"}, "no fault 'earthquake'; there are latency, timeout"),
        ({"kind": "latency"}, "latency needs seconds"),
        ({"kind": "http"}, "http needs status"),
        ({"kind": "error", "where": "AddOrder"}, "error needs text"),
        ({"kind": "market"}, "market needs events"),
        ({"kind": "timeout", "where": "Nowhere"}, "cannot strike at 'Nowhere'; there are \\*, Time, "),
        ({"kind": "checksum", "where": "ticker"}, "cannot strike at 'ticker'; there are \\*, book"),
        ({"kind": "timeout", "where": []}, "needs where"),
        ({"kind": "cut", "after": True}, "cut takes no after; it takes no parameters"),
        ({"kind": "timeout", "status": 500}, "timeout takes no status; it takes after"),
        ({"kind": "latency", "seconds": -1}, "a number from"),
        ({"kind": "latency", "seconds": [2, 1]}, "a number from"),
        ({"kind": "market", "events": [{}], "seconds": 0}, "a number from"),
        ({"kind": "timeout", "start": datetime(2026, 1, 5)}, "UTC offset"),  # noqa: DTZ001 - the fault
    ],
)
def test_a_rule_that_makes_no_sense_is_told_what_is_allowed(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FaultError, match=complaint):
        check_rule(rule(**fields), PLACES)


@pytest.mark.parametrize(
    "fields",
    [
        {"probability": 0},
        {"probability": 1.1},
        {"count": 0},
        {"every": 0},
        {"status": 200},
        {"code": 99},
        {"colour": "red"},
    ],
)
def test_out_of_bounds(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        rule(kind="timeout", **fields)


@pytest.mark.parametrize(
    ("kind", "where", "allowed"),
    [
        (
            {"kind": "stall"},
            "AddOrder",
            "ticker, book, ohlc, trade, instrument, executions, balances, status",
        ),
        ({"kind": "drop"}, "add_order", "ticker, book, ohlc, trade"),
        ({"kind": "http", "status": 502}, "book", "Time, SystemStatus"),
        ({"kind": "latency", "seconds": 1.0}, "connect", "Time, SystemStatus"),
        ({"kind": "latency", "seconds": 1.0}, "heartbeat", "Time, SystemStatus"),
        ({"kind": "token"}, "AddOrder", "executions, balances, subscribe, unsubscribe, add_order"),
        ({"kind": "token"}, "ticker", "executions, balances, subscribe"),
        (
            {"kind": "reject"},
            "add_order",
            "ticker, book, ohlc, trade, instrument, executions, balances, subscribe",
        ),
        ({"kind": "nonce"}, "Time", "Balance"),
        ({"kind": "skew", "seconds": 1.0}, "AddOrder", "Time, ticker"),
        ({"kind": "refuse"}, "AddOrder", "connect"),
        ({"kind": "market", "events": [{}]}, "ticker", ""),
    ],
)
def test_a_place_where_it_can_never_strike(kind: dict[str, Any], where: str, allowed: str) -> None:
    with pytest.raises(FaultError) as refusal:
        check_rule(rule(**kind, where=["*", where]), PLACES)
    said = str(refusal.value)
    assert said.startswith(f"{kind['kind']} cannot strike at '{where}'; there are *")
    assert allowed in said
    check_rule(rule(**kind), PLACES)


def test_every_kind_strikes_somewhere_and_has_a_name_of_its_own() -> None:
    assert all(kind.layers for kind in KINDS)
    assert len({kind.name for kind in KINDS}) == len(KINDS)
