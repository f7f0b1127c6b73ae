"""Waiting for the rate limiter's permission, on the injected clock."""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

from krakked_tui.kraken.endpoints import Endpoint, Priority
from krakked_tui.kraken.rate_limits import RateLimiter, Ticket
from krakked_tui.kraken.writing import CallWithheldError
from krakked_tui.ports import Clock


async def admitted(
    limiter: RateLimiter,
    clock: Clock,
    endpoint: Endpoint[Any],
    params: Mapping[str, object],
    withhold: Callable[[], str],
    *,
    priority: Priority | None = None,
) -> Ticket:
    """Return once the call may be sent; its ticket must then ``settle``, or ``leave`` unsent.

    Raises ``RateLimitError`` when the exchange refuses such calls for too long, and
    ``CallWithheldError`` when ``withhold`` gives a reason while the call waits. A cancelled or failed
    wait frees its place.
    """
    bell = asyncio.Event()
    ticket = limiter.join(endpoint, params, clock.monotonic(), priority=priority, ring=bell.set)
    try:
        while not ticket.admitted:
            now = clock.monotonic()
            _call_off(withhold())
            limiter.check(ticket, now)
            bell.clear()
            await _nap(clock, limiter.delay(ticket, now), bell)
            limiter.advance(clock.monotonic())
    except BaseException:
        limiter.leave(ticket, clock.monotonic())
        raise
    return ticket


def _call_off(reason: str) -> None:
    if reason:
        raise CallWithheldError(reason)


async def _nap(clock: Clock, seconds: float, bell: asyncio.Event) -> None:
    """Wait so long, or until the bell rings."""
    if math.isinf(seconds):
        await bell.wait()
        return
    async with asyncio.TaskGroup() as group:
        timer = group.create_task(clock.sleep(seconds))
        ringing = group.create_task(bell.wait())
        await asyncio.wait((timer, ringing), return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        ringing.cancel()
