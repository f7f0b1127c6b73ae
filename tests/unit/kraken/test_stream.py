"""The pump, against a real WebSocket server in this process."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from krakked_tui.kraken import link as link_module
from krakked_tui.kraken.errors import KrakenProtocolError, NetworkError, RateLimitError, Sent
from krakked_tui.kraken.frames import TickerFrame
from krakked_tui.kraken.pending import Answered
from krakked_tui.kraken.session import News
from krakked_tui.kraken.stream import Backoff, ConnectBudget, KrakenStream
from krakked_tui.kraken.topics import Plan, Subscription
from krakked_tui.kraken.wire import WebSocketsToken
from krakked_tui.kraken.writing import CallWithheldError
from krakked_tui.ports import StreamState
from tests.fakes.clock import FakeClock

STATUS = '{"channel":"status","type":"update","data":[{"system":"online"}]}'
TICKER = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.0,"bid_qty":1.0,'
    '"ask":2.0,"ask_qty":1.0,"last":1.5}]}'
)
PLAN = Plan((Subscription("ticker", ("BTC/USD",)),))
Peer = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def exchange(peer: Peer) -> AsyncIterator[str]:
    """A WebSocket server; yields its URL."""
    async with serve(peer, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2"


async def acknowledge(connection: ServerConnection) -> None:
    """Greet, and ack the next subscription."""
    await connection.send(STATUS)
    request = msgspec.json.decode(await connection.recv())
    reply = {
        "method": "subscribe",
        "req_id": request["req_id"],
        "success": True,
        "result": {"symbol": "BTC/USD"},
    }
    await connection.send(msgspec.json.encode(reply).decode())


class Listening:
    """A running stream, with everything it said and somebody waiting for it."""

    def __init__(
        self, url: str, clock: FakeClock, plan: Plan = PLAN, budget: ConnectBudget | None = None
    ) -> None:
        self.frames: list[News] = []
        self.states: list[StreamState] = []
        self.prepared = 0
        self.failures: list[Exception] = []
        self.reject: Callable[[News], None] = lambda _frame: None
        self.changed = asyncio.Event()
        self.clock = clock
        self._plan = plan
        self.stream = KrakenStream("market", url, clock, random.Random(1), budget)

    async def prepare(self) -> Plan:
        self.prepared += 1
        if self.failures:
            raise self.failures.pop()
        return self._plan

    def on_frame(self, frame: News, now: float) -> None:
        self.reject(frame)
        self.frames.append(frame)
        self.changed.set()

    def on_state(self, state: StreamState) -> None:
        self.states.append(state)
        self.changed.set()

    async def run(self) -> None:
        await self.stream.run(self.prepare, self.on_frame, self.on_state)

    async def ask(
        self, method: str, params: dict[str, object], withhold: Callable[[], str] = lambda: ""
    ) -> Answered:
        return await self.stream.request(method, params, seconds=5, withhold=withhold)

    def losses(self) -> list[str]:
        return [state.detail for state in self.states if not state.connected]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def listening(peer: Peer, *, auto: bool = False, plan: Plan = PLAN) -> AsyncIterator[Listening]:
    async with exchange(peer) as url, asyncio.TaskGroup() as group:
        listener = Listening(url, FakeClock(auto=auto), plan)
        running = group.create_task(listener.run())
        yield listener
        running.cancel()


async def test_frames_and_progress_arrive() -> None:
    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        await connection.send(TICKER)
        await connection.wait_closed()

    async with listening(peer) as listener:
        await listener.until(lambda: len(listener.frames) == 1)
    assert isinstance(listener.frames[0], TickerFrame)
    assert listener.states == [StreamState("market", connected=True, wanted=1, acked=1)]


async def test_a_proxy_for_the_outside_world_does_not_catch_connections_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with listening(acknowledge) as listener:
        await listener.until(lambda: bool(listener.states))
    assert listener.states[0].connected


async def test_a_lost_connection_is_opened_anew_with_a_fresh_plan() -> None:
    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        await connection.send(TICKER)
        await connection.close()

    async with listening(peer) as listener:
        while len(listener.losses()) < 3:
            await listener.clock.advance(1)
    assert len(listener.frames) >= 3
    assert listener.prepared >= 3
    assert all("closed" in loss for loss in listener.losses())


async def test_a_silent_connection_is_taken_for_dead() -> None:
    connections: list[ServerConnection] = []

    async def peer(connection: ServerConnection) -> None:
        connections.append(connection)
        await acknowledge(connection)
        await connection.wait_closed()

    async with listening(peer) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        await listener.clock.advance(9)
        assert listener.states[-1].connected
        await listener.clock.advance(1)
        await listener.until(lambda: not listener.states[-1].connected)
        assert listener.states[-1].detail == "nothing was heard for 10 s"
        await listener.clock.advance(1)
        await listener.until(lambda: listener.states[-1].connected)
    assert len(connections) == 2


async def test_failing_to_prepare_or_connect_is_a_lost_connection() -> None:
    async def peer(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with listening(peer) as listener:
        listener.failures.append(RateLimitError("too fast", retry_after=120))
        await listener.until(lambda: len(listener.states) == 1)
        assert listener.states[0].detail == "too fast"
        await listener.clock.advance(119)
        assert listener.prepared == 1
        await listener.clock.advance(1)
        assert listener.prepared == 2


async def test_nobody_listening() -> None:
    async with exchange(acknowledge) as url:
        pass
    async with asyncio.TaskGroup() as group:
        listener = Listening(url, FakeClock())
        running = group.create_task(listener.run())
        await listener.until(lambda: len(listener.states) == 1)
        running.cancel()
    assert not listener.states[0].connected
    assert listener.states[0].detail.startswith("cannot connect")


async def test_redirects_are_not_followed() -> None:
    visited: list[str] = []

    async def peer(connection: ServerConnection) -> None:
        visited.append("elsewhere")

    def redirect(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(302, "")
        response.headers["Location"] = elsewhere
        return response

    async with exchange(peer) as elsewhere, serve(peer, "127.0.0.1", 0, process_request=redirect) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            listener = Listening(url, FakeClock())
            running = group.create_task(listener.run())
            await listener.until(lambda: len(listener.states) == 1)
            running.cancel()
    assert "302" in listener.states[0].detail
    assert visited == []


async def test_a_listener_that_must_start_over_gets_a_new_connection() -> None:
    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        await connection.send(TICKER)
        await connection.wait_closed()

    def reject(frame: News) -> None:
        listener.reject = lambda _frame: None
        raise KrakenProtocolError("this fill is lame")

    async with listening(peer) as listener:
        listener.reject = reject
        await listener.until(lambda: bool(listener.states) and not listener.states[-1].connected)
        assert listener.states[-1].detail == "this fill is lame"
        await listener.clock.advance(1)
        await listener.until(lambda: listener.states[-1].connected)


async def test_a_bug_in_a_listener_is_not_swallowed() -> None:
    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        await connection.send(TICKER)
        await connection.wait_closed()

    def reject(frame: News) -> None:
        raise ZeroDivisionError

    async with exchange(peer) as url:
        listener = Listening(url, FakeClock())
        listener.reject = reject
        with pytest.raises(ExceptionGroup) as caught:
            await listener.run()
    assert caught.group_contains(ZeroDivisionError)


async def test_a_peer_that_closed_for_our_conduct_is_left_alone() -> None:
    visits = 0

    async def peer(connection: ServerConnection) -> None:
        nonlocal visits
        visits += 1
        await connection.close(1008, "policy")

    async with listening(peer) as listener:
        await listener.until(lambda: bool(listener.states))
        await listener.clock.advance(59)
        assert (visits, listener.prepared) == (1, 1)
        await listener.clock.advance(1)
        assert listener.prepared == 2


async def test_a_burst_is_decoded_in_slices() -> None:
    turns_at: list[int] = []

    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        for _ in range(2_000):
            await connection.send(TICKER)
        await connection.wait_closed()

    async with listening(peer) as listener:

        async def other_work() -> None:
            while len(listener.frames) < 2_000:
                turns_at.append(len(listener.frames))
                await asyncio.sleep(0)

        await other_work()
    gaps = [after - before for before, after in pairwise(turns_at)]
    assert max(gaps) <= link_module.SLICE_MESSAGES


async def test_odd_messages_are_logged_once_per_kind(caplog: pytest.LogCaptureFixture) -> None:
    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        for _ in range(3):
            await connection.send("CloudFlare WebSocket proxy restarting")
            await connection.send(b"\xff\x00")
            await connection.send('{"channel":"ticker","data":[{"symbol":7}]}')
        await connection.send(TICKER)
        await connection.wait_closed()

    with caplog.at_level(logging.WARNING):
        async with listening(peer) as listener:
            await listener.until(lambda: len(listener.frames) == 1)
            await listener.clock.advance(3)
    messages = [record.getMessage() for record in caplog.records]
    assert sorted(messages) == [
        "The market stream said something odd: channel ticker"
        " (Expected `str`, got `int` - at `$.data[0].symbol`)",
        "The market stream said something odd: not JSON (JSON is malformed: invalid character (byte 0))",
    ]


async def test_a_token_is_not_logged_even_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    received: list[str] = []

    async def peer(connection: ServerConnection) -> None:
        await connection.send(STATUS)
        received.append(str(await connection.recv()))
        await connection.close()

    plan = Plan((Subscription("executions"),), WebSocketsToken(token="t0psecret", expires=900))
    with caplog.at_level(logging.DEBUG):
        async with listening(peer, plan=plan) as listener:
            await listener.until(lambda: bool(listener.states) and not listener.states[-1].connected)
    assert "t0psecret" in received[0]
    # The server in this test is the library's too, with its own loggers.
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not [record for record in ours if "t0psecret" in record.getMessage()]


async def test_cancelling_closes_the_connection() -> None:
    closed = asyncio.Event()

    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        closed.set()

    async with listening(peer) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
    await closed.wait()


def test_backoff_doubles_to_a_cap_with_jitter_and_starts_over() -> None:
    backoff = Backoff(random.Random(7))
    waits = [backoff.next_wait() for _ in range(12)]
    ceilings = [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))
    assert len(set(waits)) == 12
    backoff.reset()
    assert backoff.next_wait() <= 0.5


async def test_a_stable_minute_makes_up_for_earlier_failures() -> None:
    opened: list[ServerConnection] = []

    async def peer(connection: ServerConnection) -> None:
        opened.append(connection)
        await acknowledge(connection)
        await connection.wait_closed()

    async with listening(peer) as listener:
        listener.failures += [KrakenProtocolError("no")] * 6
        while not opened:
            await listener.clock.advance(1)
        await listener.until(lambda: listener.states[-1].acked == 1)
        for _ in range(61):
            before = len(listener.frames)
            await opened[0].send(TICKER)
            await listener.until(lambda before=before: len(listener.frames) > before)  # type: ignore[misc]
            await listener.clock.advance(1)
        await opened[0].close()
        await listener.until(lambda: not listener.states[-1].connected)
        prepared = listener.prepared
        await listener.clock.advance(0.5)
        assert listener.prepared == prepared + 1


async def test_again_closed_for_our_conduct_it_stays_away_for_long() -> None:
    visits = 0

    async def peer(connection: ServerConnection) -> None:
        nonlocal visits
        visits += 1
        await connection.close(1008, "policy")

    async with listening(peer) as listener:
        await listener.until(lambda: len(listener.states) == 1)
        await listener.clock.advance(60)
        await listener.until(lambda: len(listener.states) == 2)
        await listener.clock.advance(599)
        assert visits == 2
        await listener.clock.advance(1)
        await listener.until(lambda: len(listener.states) == 3)
    assert visits == 3


class Budget:
    """Implements ``ConnectBudget``: one attempt every 30 seconds."""

    def __init__(self) -> None:
        self.next = 0.0

    def connect_delay(self, now: float) -> float:
        at, self.next = max(now, self.next), max(now, self.next) + 30
        return at - now


async def test_attempts_keep_to_the_budget() -> None:
    async with exchange(acknowledge) as url, asyncio.TaskGroup() as group:
        listener = Listening(url, FakeClock(), budget=Budget())
        running = group.create_task(listener.run())
        await listener.until(lambda: any(not state.connected for state in listener.states))
        await listener.clock.advance(29)
        assert listener.prepared == 1
        await listener.clock.advance(1)
        assert listener.prepared == 2
        running.cancel()


PRIVATE = Plan((Subscription("executions"),), WebSocketsToken(token="t0psecret", expires=900))


class Desk:
    """A peer that acks everything and answers requests when told to."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        self.connection: ServerConnection | None = None
        self.changed = asyncio.Event()

    async def __call__(self, connection: ServerConnection) -> None:
        self.connection = connection
        await connection.send(STATUS)
        async for message in connection:
            request = msgspec.json.decode(message)
            self.requests.append(request)
            self.changed.set()
            if request["method"] == "subscribe":
                await self.answer(request, result={"channel": request["params"]["channel"]})

    async def answer(self, request: dict[str, object], **fields: object) -> None:
        assert self.connection is not None
        reply = {"method": request["method"], "req_id": request["req_id"], "success": True, **fields}
        await self.connection.send(msgspec.json.encode(reply).decode())

    def of(self, method: str) -> list[dict[str, object]]:
        return [request for request in self.requests if request["method"] == method]


async def asked(desk: Desk, method: str) -> dict[str, object]:
    while not desk.of(method):
        desk.changed.clear()
        await desk.changed.wait()
    return desk.of(method)[-1]


async def test_a_request_gets_its_answer() -> None:
    desk = Desk()
    async with listening(desk, plan=PRIVATE) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(listener.ask("cancel_all", {"token": "t0psecret"}))
            request = await asked(desk, "cancel_all")
            await desk.answer(request, result={"count": 2})
        answered = asking.result()
    assert request["params"] == {"token": "t0psecret"}
    assert answered.complete
    assert answered.replies[0].success


async def test_a_request_is_withheld_before_its_first_byte() -> None:
    desk = Desk()
    async with listening(desk, plan=PRIVATE) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        with pytest.raises(CallWithheldError, match="killed"):
            await listener.ask("add_order", {}, withhold=lambda: "killed")
    assert desk.of("add_order") == []


async def test_without_a_connection_a_request_was_not_sent() -> None:
    stream = KrakenStream("account", "ws://127.0.0.1:1", FakeClock(), random.Random(1))
    with pytest.raises(NetworkError) as caught:
        await stream.request("add_order", {}, seconds=10, withhold=lambda: "")
    assert caught.value.sent is Sent.NO


async def test_a_connection_lost_after_writing_leaves_a_request_in_doubt() -> None:
    desk = Desk()
    async with listening(desk, plan=PRIVATE) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        async with asyncio.TaskGroup() as group:

            async def ask() -> None:
                with pytest.raises(NetworkError) as caught:
                    await listener.ask("add_order", {"token": "t0psecret"})
                assert caught.value.sent is Sent.MAYBE
                assert "t0psecret" not in str(caught.value)

            group.create_task(ask())
            await asked(desk, "add_order")
            assert desk.connection is not None
            await desk.connection.close()


async def test_a_request_that_is_not_answered_is_given_up() -> None:
    desk = Desk()
    async with listening(desk, plan=PRIVATE) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(listener.ask("add_order", {}))
            await asked(desk, "add_order")
            for _ in range(5):
                assert desk.connection is not None
                await desk.connection.send('{"channel":"heartbeat"}')
                await listener.clock.advance(1)
        assert asking.result() == Answered(asking.result().req_id, (), complete=False)


async def test_what_is_wanted_changes_on_the_open_connection() -> None:
    asked_for: list[dict[str, object]] = []

    async def peer(connection: ServerConnection) -> None:
        await connection.send(STATUS)
        async for message in connection:
            request = msgspec.json.decode(message)
            asked_for.append(request)
            for symbol in request["params"]["symbol"]:
                reply = {"method": request["method"], "req_id": request["req_id"], "success": True}
                text = msgspec.json.encode(reply | {"result": {"symbol": symbol}}).decode()
                await connection.send(text)

    async with listening(peer) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        await listener.stream.want((Subscription("trade", ("ETH/USD",)),))
        await listener.until(lambda: len(asked_for) == 3 and listener.states[-1].acked == 1)
    assert [(request["method"], request["params"]) for request in asked_for[1:]] == [
        ("unsubscribe", {"channel": "ticker", "symbol": ["BTC/USD"]}),
        ("subscribe", {"channel": "trade", "symbol": ["ETH/USD"]}),
    ]


async def test_a_change_while_the_connection_is_being_lost_is_left_to_the_next_one() -> None:
    connections: list[ServerConnection] = []

    async def peer(connection: ServerConnection) -> None:
        connections.append(connection)
        await acknowledge(connection)
        await connection.wait_closed()

    async with listening(peer) as listener:
        await listener.until(lambda: bool(listener.states) and listener.states[-1].acked == 1)
        link = listener.stream._link
        assert link is not None
        # A good-bye of the peer that nobody has taken in yet.
        link._connection.protocol.receive_data(b"\x88\x02\x03\xe9")
        assert link._connection.state is not State.OPEN
        await listener.stream.want((Subscription("trade", ("ETH/USD",)),))
        assert listener.stream._link is link
        link._connection.transport.abort()
        await listener.until(lambda: bool(listener.losses()))
    assert listener.prepared == 1


async def test_it_knows_when_something_was_heard() -> None:
    async def peer(connection: ServerConnection) -> None:
        await acknowledge(connection)
        await connection.send(TICKER)
        await connection.wait_closed()

    async with listening(peer) as listener:
        assert listener.stream.heard("ticker") is None
        await listener.until(lambda: len(listener.frames) == 1)
        assert listener.stream.heard("ticker", "BTC/USD") == 0.0
