"""Tokens are renewed in time and once for everybody."""

import asyncio

import pytest

from krakked_tui.kraken.errors import KrakenError
from krakked_tui.kraken.tokens import (
    LEAST_SECONDS,
    MARGIN_SECONDS,
    RENEW_SECONDS,
    RETRY_SECONDS,
    USE_SECONDS,
    TokenSource,
)
from tests.fakes.clock import FakeClock
from tests.unit.kraken.exchange import ScriptedKraken, ok, refused


def source() -> tuple[TokenSource, ScriptedKraken, FakeClock]:
    kraken, clock = ScriptedKraken(), FakeClock()
    kraken.on("GetWebSocketsToken", *(ok({"token": f"t0p{n}", "expires": 900}) for n in range(9)))
    return TokenSource(kraken.rest(), clock), kraken, clock


async def test_a_token_is_used_until_it_is_too_old() -> None:
    tokens, kraken, clock = source()
    first = await tokens.current()
    clock.jump(USE_SECONDS - 1)
    assert await tokens.current() is first
    clock.jump(1)
    assert (await tokens.current()).token == "t0p1"
    assert len(kraken.calls_of("GetWebSocketsToken")) == 2


@pytest.mark.parametrize(
    ("expires", "used"), [(900, USE_SECONDS), (300, 300 - MARGIN_SECONDS), (10, LEAST_SECONDS)]
)
async def test_a_token_is_not_used_longer_than_it_says(expires: int, used: float) -> None:
    tokens, kraken, clock = source()
    kraken.on("GetWebSocketsToken", *(ok({"token": f"t0p{n}", "expires": expires}) for n in range(3)))
    first = await tokens.current()
    clock.jump(used - 0.5)
    assert await tokens.current() is first
    clock.jump(0.5)
    assert (await tokens.current()).token == "t0p1"


async def test_a_token_that_expires_soon_is_renewed_sooner() -> None:
    tokens, kraken, clock = source()
    kraken.on("GetWebSocketsToken", ok({"token": "t0p", "expires": 132}))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tokens.keep_fresh())
        await clock.advance(180)
        running.cancel()
    assert len(kraken.calls_of("GetWebSocketsToken")) == 4


async def test_many_who_need_one_share_it() -> None:
    tokens, kraken, _ = source()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(tokens.current()) for _ in range(5)]
    assert {task.result().token for task in asking} == {"t0p0"}
    assert len(kraken.calls_of("GetWebSocketsToken")) == 1


async def test_a_refused_token_is_not_used_again() -> None:
    tokens, _, _ = source()
    first = await tokens.current()
    tokens.refused(first)
    second = await tokens.current()
    tokens.refused(first)
    assert await tokens.current() is second


async def test_it_is_kept_fresh_before_anybody_needs_it() -> None:
    tokens, kraken, clock = source()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tokens.keep_fresh())
        await clock.advance(RENEW_SECONDS * 3)
        running.cancel()
    assert len(kraken.calls_of("GetWebSocketsToken")) == 4


async def test_failing_to_renew_is_tried_again() -> None:
    tokens, kraken, clock = source()
    denied = refused("EGeneral:Permission denied")
    kraken.on("GetWebSocketsToken", denied, ok({"token": "t0p", "expires": 900}))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tokens.keep_fresh())
        await clock.advance(RETRY_SECONDS)
        running.cancel()
    assert (await tokens.current()).token == "t0p"
    tokens, kraken, _ = source()
    kraken.on("GetWebSocketsToken", denied)
    with pytest.raises(KrakenError):
        await tokens.current()
