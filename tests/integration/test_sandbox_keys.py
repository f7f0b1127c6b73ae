"""Keys, permissions and limits over real sockets and across restarts."""

from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import websockets

from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox.server import running_sandbox
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import sign
from tests.integration.test_sandbox_sockets import Client, connected, stream


class Wall:
    """Wall time in nanoseconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


async def call(client: Client, made: dict[str, str], nonce: int, method: str, **params: str) -> Any:
    """Make a private call with a key of its own; return the error strings, or the result."""
    body, path = urlencode({"nonce": nonce, **params}).encode(), f"/0/private/{method}"
    headers = {
        "API-Key": made["api_key"],
        "API-Sign": sign(b64decode(made["api_secret"]), path, str(nonce), body),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = (await client.http.post(path, content=body, headers=headers)).json()
    return answer["error"] or answer["result"]


async def make(client: Client, **fields: Any) -> dict[str, str]:
    answer = await client.http.post("/_sandbox/keys", json=fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_a_reader_reads_and_does_nothing_else() -> None:
    async with connected() as client:
        made = await make(client, name="reader", permissions=["query-funds", "create-ws-token"])
        assert await call(client, made, 1, "Balance") == {"ZUSD": "10000.0000"}
        assert (await call(client, made, 2, "GetApiKeyInfo"))["api_key_name"] == "reader"
        order = {"pair": "XBTUSD", "type": "buy", "ordertype": "market", "volume": "0.01"}
        assert await call(client, made, 3, "AddOrder", **order) == ["EGeneral:Permission denied"]
        token = (await call(client, made, 4, "GetWebSocketsToken"))["token"]
        async with stream(client.sandbox.ws_private) as private:
            await private.ask("subscribe", channel="executions", token=token)
            assert (await private.next("subscribe"))["error"] == "EGeneral:Permission denied"
            await private.ask("subscribe", channel="balances", token=token)
            assert (await private.next("subscribe"))["success"]
        await client.http.delete("/_sandbox/keys", params={"key": made["fingerprint"]})
        assert await call(client, made, 5, "Balance") == ["EAPI:Invalid key"]
        assert (await client.state())["orders"] == []


async def test_the_stream_of_a_key_ends_with_the_key() -> None:
    async with connected() as client:
        made = await make(client, valid_until="2026-01-05T01:00:00Z")
        token = (await call(client, made, 1, "GetWebSocketsToken"))["token"]
        async with stream(client.sandbox.ws_private) as private:
            await private.ask("subscribe", channel="balances", token=token)
            assert (await private.next("subscribe"))["success"]
            await client.jump(3600)
            with pytest.raises(websockets.ConnectionClosed):
                await private.next("nothing more")
            assert private.socket.close_code == 1008


async def test_keys_and_nonces_outlive_a_restart(tmp_path: Path) -> None:
    settings = SandboxSettings(state=tmp_path / "books.db", paused=True)
    async with connected(settings) as client:
        made = await make(client, nonce_window=10)
        assert await call(client, made, 1000, "Balance")
        main = {"api_key": client.sandbox.api_key, "api_secret": client.sandbox.api_secret}
        assert await call(client, main, 7, "Balance")
    async with connected(settings) as client:
        assert await call(client, main, 7, "Balance") == ["EAPI:Invalid nonce"]
        assert await call(client, main, 8, "Balance")
        assert await call(client, made, 989, "Balance") == ["EAPI:Invalid nonce"]
        assert await call(client, made, 991, "Balance")


async def test_the_main_keys_permissions_are_chosen_at_the_start(tmp_path: Path) -> None:
    settings = SandboxSettings(paused=True, permissions=("query-funds",))
    async with connected(settings) as client:
        main = {"api_key": client.sandbox.api_key, "api_secret": client.sandbox.api_secret}
        assert await call(client, main, 1, "OpenOrders") == ["EGeneral:Permission denied"]
        assert (await call(client, main, 2, "GetApiKeyInfo"))["permissions"] == ["query-funds"]
    with pytest.raises(UsageError, match="--permissions: there is no permission fly"):
        async with running_sandbox(SandboxSettings(permissions=("fly",))):
            pass


async def test_limits_run_on_the_wall() -> None:
    wall = Wall()
    settings = SandboxSettings(paused=True, tier="starter", public_rate=1.0, public_burst=2)
    async with running_sandbox(settings, wall) as sandbox, httpx.AsyncClient(base_url=sandbox.rest) as http:
        client = Client(sandbox, http)
        answers = [(await http.get("/0/public/Time")).json()["error"] for _ in range(3)]
        assert answers == [[], [], ["EGeneral:Too many requests"]]
        for _ in range(3):
            await client.private("Ledgers")
        with pytest.raises(AssertionError, match="EAPI:Rate limit exceeded"):
            await client.private("Ledgers")
        assert (await client.state())["counters"]["tier"] == "starter"
        wall.advance(10)
        assert (await http.get("/0/public/Time")).json()["error"] == []
        assert await client.private("Ledgers")


async def test_too_many_connections_are_denied() -> None:
    wall = Wall()
    async with running_sandbox(SandboxSettings(paused=True, public_rate=1.0), wall) as sandbox:
        for number in range(150):
            assert sandbox.context.api.limits.connect("127.0.0.1", number / 1000)
        with pytest.raises(websockets.InvalidStatus, match="429"):
            await websockets.connect(sandbox.ws_public)
        wall.advance(601)
        async with websockets.connect(sandbox.ws_public) as socket:
            assert "status" in str(await socket.recv())


async def test_the_control_door_is_for_programs_on_this_machine() -> None:
    async with connected() as client:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            answer = await client.http.get("/_sandbox/state", headers=headers)
            assert answer.status_code == 403
            assert "control door" in answer.json()["error"]
        answer = await client.http.get("/_sandbox/nowhere")
        assert answer.status_code == 404
        assert "GET /_sandbox/state" in answer.json()["routes"]
        answer = await client.http.get("/0/public/Time", headers={"Host": "localhost"})
        assert answer.json()["error"] == []
