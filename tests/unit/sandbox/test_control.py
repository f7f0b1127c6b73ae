from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.control import ControlError, clock_row, move_clock, speed_text, state_row
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig


def move(rig: Rig, **request: object) -> None:
    move_clock(rig.exchange.clock, msgspec.json.encode(request))


def test_the_clock_is_moved_by_request(rig: Rig) -> None:
    move(rig, action="pause")
    rig.wall.advance(100)
    move(rig, action="jump", seconds=90.5)
    assert clock_row(rig.exchange) == {
        "time": "2026-01-05T00:01:30.500000Z",
        "unixtime": 1767571290,
        "speed": "0",
        "paused": True,
    }
    move(rig, action="resume")
    move(rig, action="jump", to="2026-01-05T03:00:00+02:00")
    rig.wall.advance(1)
    assert clock_row(rig.exchange)["time"] == "2026-01-05T01:00:01.000000Z"
    assert clock_row(rig.exchange)["speed"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"action":"rewind"}',
        b'{"action":"jump"}',
        b'{"action":"jump","seconds":-1}',
        b'{"action":"jump","seconds":1e300}',
        b'{"action":"jump","seconds":1,"to":"2026-02-01T00:00:00Z"}',
        b'{"action":"jump","to":"2026-02-01T00:00:00"}',
        b'{"action":"jump","to":"2025-02-01T00:00:00Z"}',
        b'{"action":"jump","to":"9999-02-01T00:00:00Z"}',
        b'{"action":"pause","now":true}',
    ],
)
def test_a_request_that_makes_no_sense_changes_nothing(rig: Rig, body: bytes) -> None:
    with pytest.raises(ControlError, match=r"[cC]lock|jump"):
        move_clock(rig.exchange.clock, body)
    assert not rig.exchange.clock.paused
    assert clock_row(rig.exchange)["time"] == "2026-01-05T00:00:00.000000Z"


def test_the_truth_about_the_account() -> None:
    rig = Rig(SandboxSettings(seed=9))
    rig.buy("0.01", cl_ord_id="a")
    rig.wall.advance(2)
    rig.buy("0.02", "20000", cl_ord_id="b")
    truth: Any = msgspec.json.decode(msgspec.json.encode(state_row(rig.exchange)))
    assert truth["seed"] == 9
    orders = {row["cl_ord_id"]: row for row in truth["orders"]}
    assert orders["a"]["status"] == "closed"
    assert orders["a"]["filled"] == "0.01000000"
    assert orders["b"]["arrived_at"] == "2026-01-05T00:00:02.000000Z"
    assert orders["b"]["status"] == "open"
    assert orders["b"]["price"] == "20000.0"
    assert truth["balances"] == rig.private("Balance")
    assert truth["holds"] == {"ZUSD": "401.6000"}
    served = rig.private("Ledgers")["ledger"]
    assert {row["id"]: row["balance"] for row in truth["ledger"]} == {
        key: row["balance"] for key, row in served.items()
    }
    (trade,) = truth["trades"]
    assert (trade["ordertxid"], trade["cl_ord_id"]) == (orders["a"]["txid"], "a")
    rig.exchange.close()


def test_speeds_are_printed_short() -> None:
    assert [speed_text(speed) for speed in (60.0, 0.5, 0.0, 100_000.0)] == ["60", "0.5", "0", "100000"]
