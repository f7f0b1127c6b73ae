"""Who writes next."""

import asyncio

import pytest

from krakked_tui.kraken.writing import CallWithheldError, PriorityLock, WritingTurn
from tests.fakes.clock import settle


def go_ahead() -> str:
    return ""


def held(lock: PriorityLock) -> bool:
    return lock._held


async def test_the_smallest_rank_goes_first_and_equals_in_their_order() -> None:
    lock = PriorityLock()
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
    lock = PriorityLock()
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
    lock = PriorityLock()
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


async def test_a_turn_ends_with_the_answer_and_only_once() -> None:
    lock = PriorityLock()
    async with WritingTurn(lock, go_ahead, (1, 0)) as turn:
        await turn.trace("http11.receive_response_headers.started", {})
        assert held(lock)
        await turn.trace("http11.receive_response_headers.complete", {})
        assert not held(lock)
        await lock.acquire()
    assert held(lock)


async def test_a_turn_that_may_overlap_ends_when_the_request_is_written() -> None:
    lock = PriorityLock()
    async with WritingTurn(lock, go_ahead, (1, 0), overlap=True) as turn:
        await turn.trace("http11.send_request_body.complete", {})
        assert held(lock)
        await turn.trace("http11.receive_response_headers.started", {})
        assert not held(lock)


async def test_a_reason_to_withhold_stops_the_first_byte() -> None:
    lock = PriorityLock()
    async with WritingTurn(lock, lambda: "killed", (1, 0)) as turn:
        await turn.trace("connection.connect_tcp.started", {})
        with pytest.raises(CallWithheldError, match="killed"):
            await turn.trace("http11.send_request_headers.started", {})
    assert not held(lock)
