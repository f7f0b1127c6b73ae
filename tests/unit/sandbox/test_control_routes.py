from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.control_routes import ROUTES, answer, refusal
from krakked_tui.sandbox.request_log import Arrival
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig


def call(rig: Rig, method: str, name: str, query: str = "", /, **body: Any) -> tuple[int, Any]:
    content = msgspec.json.encode(body) if body else b""
    status, found = answer(rig.context, method, f"/_sandbox/{name}", query, content)
    return status, msgspec.json.decode(found)


def test_the_state_says_what_the_door_knows() -> None:
    rig = Rig(SandboxSettings(tier="starter"))
    rig.private("TradesHistory")
    rig.buy("0.01")
    status, row = call(rig, "GET", "state")
    assert status == 200
    assert row["system"] == "online"
    assert row["dead_man"] is None
    main = rig.key.record.fingerprint
    assert [key["fingerprint"] for key in row["keys"]] == [main]
    assert row["counters"] == {"tier": "starter", "private": {main: 4.0}, "trading": {"XBTUSD": "1"}}
    assert rig.key.record.api_key not in str(row)
    rig.exchange.close()


def test_requests_are_filtered(rig: Rig) -> None:
    now = rig.context.now()
    for method in ("Time", "Balance"):
        rig.context.log.add(Arrival(wall=now.wall, time=now.exchange, route="rest", method=method))
    assert [row["method"] for row in call(rig, "GET", "requests")[1]["requests"]] == ["Time", "Balance"]
    assert call(rig, "GET", "requests", "since=1&method=Time")[1]["requests"] == []
    for query, says in (
        ("since=-1", "number of a request"),
        ("since=x", "number"),
        ("who=me", "since and method"),
    ):
        status, row = call(rig, "GET", "requests", query)
        assert status == 400
        assert says in row["error"]


def test_faults_come_and_go(rig: Rig) -> None:
    status, row = call(rig, "POST", "faults", kind="http", where="AddOrder", status=502, count=1)
    assert (status, row["added"]) == (200, [1])
    assert call(rig, "GET", "faults")[1]["faults"] == row["faults"]
    assert call(rig, "DELETE", "faults") == (200, {"faults": []})
    status, row = call(rig, "POST", "faults", kind="nonsense")
    assert status == 400
    assert "there are latency, " in row["error"]


def test_keys_come_and_go(rig: Rig) -> None:
    status, made = call(rig, "POST", "keys", name="second")
    assert status == 200
    assert [key["name"] for key in call(rig, "GET", "keys")[1]["keys"]] == ["main", "second"]
    status, row = call(rig, "DELETE", "keys", f"key={made['fingerprint']}")
    assert [key["disabled"] for key in row["keys"]] == [False, True]
    assert call(rig, "DELETE", "keys", "key=nobody")[0] == 400
    assert call(rig, "POST", "keys", permissions=["fly"])[0] == 400


def test_clock_and_market(rig: Rig) -> None:
    assert call(rig, "POST", "clock", action="jump", seconds=60)[1]["unixtime"] == 1767571260
    assert call(rig, "POST", "clock", action="fly")[0] == 400
    status, row = call(rig, "POST", "market", action="deposit", asset="USD", amount="5")
    assert (status, row["action"]) == (200, "deposit")
    assert call(rig, "POST", "market", action="rain")[0] == 400
    assert call(rig, "GET", "state")[1]["balances"] == {"ZUSD": "10005.0000"}


@pytest.mark.parametrize(("method", "name"), [("GET", "nowhere"), ("POST", "state"), ("GET", "")])
def test_an_unknown_route_lists_the_known_ones(rig: Rig, method: str, name: str) -> None:
    status, row = call(rig, method, name)
    assert status == 404
    assert len(row["routes"]) == len(ROUTES)
    assert "POST /_sandbox/faults" in row["routes"]


def test_a_long_body_is_refused(rig: Rig) -> None:
    assert answer(rig.context, "POST", "/_sandbox/faults", "", None)[0] == 413


@pytest.mark.parametrize("name", ["faults", "market", "clock", "keys"])
def test_a_body_nested_too_deep_is_refused(rig: Rig, name: str) -> None:
    assert answer(rig.context, "POST", f"/_sandbox/{name}", "", b"[" * 60_000)[0] == 400


@pytest.mark.parametrize(
    ("peer", "headers", "says"),
    [
        ("127.0.0.1", {"host": "127.0.0.1:8080"}, None),
        ("::1", {"host": "[::1]:8080"}, None),
        ("127.0.0.1", {"host": "localhost"}, None),
        ("192.0.2.7", {"host": "127.0.0.1:8080"}, "this machine only"),
        ("", {"host": "127.0.0.1:8080"}, "this machine only"),
        ("127.0.0.1", {"host": "evil.example:8080"}, "loopback Host"),
        ("127.0.0.1", {"host": "127.0.0.1.evil.example"}, "loopback Host"),
        ("127.0.0.1", {}, "loopback Host"),
        ("127.0.0.1", {"host": "127.0.0.1", "origin": "http://evil.example"}, "web pages"),
        ("127.0.0.1", {"host": "127.0.0.1", "origin": "null"}, "web pages"),
    ],
)
def test_who_is_let_in(peer: str, headers: dict[str, str], says: str | None) -> None:
    why = refusal(peer, headers)
    assert why is None if says is None else says in str(why)
