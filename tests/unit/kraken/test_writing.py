"""Who writes next."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from krakked_tui.kraken.writing import CallWithheldError, Places, Signed, WritingTurn
from tests.fakes.clock import settle


def go_ahead() -> str:
    return ""


def held(lock: Places) -> bool:
    return lock._held > 0


def sign() -> Signed:
    return {"API-Sign": "s1gned"}, b"nonce=1"


@dataclass
class Request:
    """What httpx is about to write."""

    method: bytes = b"POST"
    headers: list[tuple[bytes, bytes]] = field(
        default_factory=lambda: [(b"Host", b"k"), (b"Content-Length", b"0")]
    )
    stream: Any = None


async def begun(turn: WritingTurn) -> None:
    await turn.trace("http11.send_request_headers.started", {"request": Request()})


async def test_the_smallest_rank_goes_first_and_equals_in_their_order() -> None:
    lock = Places(1)
    went: list[str] = []

    async def hold(name: str, rank: tuple[int, int]) -> None:
        await lock.acquire(rank)
        went.append(name)
        lock.release()

    await lock.acquire()
    async with asyncio.TaskGroup() as group:
        for name, rank in [("read", (3, 1)), ("read too", (3, 1)), ("cancel", (1, 9)), ("kill", (0, 9))]:
            group.create_task(hold(name, rank))
            await settle()
        assert went == []
        lock.release()
    assert went == ["kill", "cancel", "read", "read too"]
    await asyncio.wait_for(lock.acquire(), 1)


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    lock = Places(1)
    await lock.acquire()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(lock.acquire())
        other = group.create_task(lock.acquire((9, 9)))
        await settle()
        waiting.cancel()
        await settle()
        assert len(lock._waiters) == 1
        lock.release()
        await other


async def test_a_waiter_cancelled_just_when_its_turn_came_hands_it_on() -> None:
    lock = Places(1)
    await lock.acquire()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(lock.acquire((0, 0)))
        other = group.create_task(lock.acquire((1, 0)))
        await settle()
        lock.release()
        waiting.cancel()
        await other
    assert waiting.cancelled()
    lock.release()
    assert not held(lock)


async def test_places_kept_for_the_urgent() -> None:
    places = Places(3, {2: 1})
    await places.acquire((2, 0))
    await places.acquire((2, 1))
    async with asyncio.TaskGroup() as group:
        order = group.create_task(places.acquire((2, 2)))
        await settle()
        assert not order.done()
        await asyncio.wait_for(places.acquire((0, 3)), 1)
        places.release()
        await settle()
        assert not order.done(), "the last place is kept"
        places.release()
    assert places._held == 2


async def test_waiting_ends_when_nobody_gives_a_place_back() -> None:
    places = Places(1)
    await places.acquire()
    with pytest.raises(TimeoutError):
        await places.acquire_within(0.01, (2, 0))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(places.acquire_within(60.0, (2, 1)))
        await settle()
        places.release()
        await waiting
    assert places._held == 1


async def test_thousands_who_give_up_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    monkeypatch.setattr(
        "krakked_tui.kraken.writing.heapq.heapify", lambda waiters: looked_at.append(len(waiters))
    )
    lock = Places(1)
    await lock.acquire()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(lock.acquire((2, n))) for n in range(4096)]
        await settle()
        for task in waiting:
            task.cancel()
    assert lock._waiters == []
    assert sum(looked_at) <= 2 * 4096
    lock.release()
    assert not held(lock)


async def test_a_turn_ends_with_the_answer_and_only_once() -> None:
    lock = Places(1)
    async with WritingTurn(lock, go_ahead, sign, (1, 0)) as turn:
        await begun(turn)
        await turn.trace("http11.receive_response_headers.started", {})
        assert held(lock)
        await turn.trace("http11.receive_response_headers.complete", {})
        assert not held(lock)
        await lock.acquire()
    assert held(lock)


async def test_a_turn_that_may_overlap_ends_when_the_request_is_written() -> None:
    lock = Places(1)
    async with WritingTurn(lock, go_ahead, sign, (1, 0), overlap=lambda: True) as turn:
        await begun(turn)
        await turn.trace("http11.send_request_body.complete", {})
        assert held(lock)
        await turn.trace("http11.receive_response_headers.started", {})
        assert not held(lock)


async def test_a_reason_to_withhold_stops_the_first_byte_and_takes_no_nonce() -> None:
    def never() -> Signed:
        raise AssertionError("signed")

    lock = Places(1)
    async with WritingTurn(lock, lambda: "killed", never, (1, 0)) as turn:
        await turn.trace("connection.connect_tcp.started", {})
        assert not held(lock), "connecting holds up nobody"
        with pytest.raises(CallWithheldError, match="killed"):
            await begun(turn)
    assert not held(lock)
    assert not turn.began


async def test_a_request_is_signed_when_it_is_about_to_be_written() -> None:
    request = Request()
    async with WritingTurn(Places(1), go_ahead, sign, (1, 0)) as turn:
        await turn.trace("http11.send_request_headers.started", {"request": request})
    assert request.headers == [(b"Host", b"k"), (b"API-Sign", b"s1gned"), (b"Content-Length", b"7")]
    assert b"".join(request.stream) == b"nonce=1"
    assert turn.began


async def test_asking_a_proxy_for_a_tunnel_is_no_turn() -> None:
    lock = Places(1)
    connect = Request(b"CONNECT")
    async with WritingTurn(lock, go_ahead, sign, (1, 0)) as turn:
        await turn.trace("http11.send_request_headers.started", {"request": connect})
        await turn.trace("http11.receive_response_headers.started", {"request": connect})
        await turn.trace("http11.receive_response_headers.complete", {})
        assert not turn.began
        assert connect.stream is None
        await begun(turn)
        assert held(lock)


async def test_a_call_cancelled_while_it_waits_for_its_turn_leaves_no_trace() -> None:
    lock = Places(1)
    await lock.acquire()

    async def call() -> None:
        async with WritingTurn(lock, go_ahead, sign, (1, 0)) as turn:
            await begun(turn)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(call())
        await settle()
        waiting.cancel()
    lock.release()
    assert not held(lock)
