"""When the absence of an order is proof that it was never accepted.

A just-accepted order can be invisible to reads for up to a minute, so one empty answer proves
nothing. Every add carries a deadline after which the exchange must refuse it; absence counts only
after that deadline plus a grace on the exchange's clock, and only when two look-ups among open and
closed orders, at least 30 wall seconds apart, and a reading of the trades after the first of them
have found nothing.
"""

from datetime import datetime, timedelta

import msgspec

LOOKUP_SPACING_SECONDS = 30.0
DEADLINE_GRACE_SECONDS = 60.0
"""Reads may lag behind the exchange's engine by as much as this (wall)."""
RETRY_SECONDS = 5.0
"""Between look-ups before the deadline has passed: finding the order early unblocks its pair."""


class Search(msgspec.Struct, frozen=True):
    """How far the search for one order has come. Wall seconds are monotonic."""

    deadline: datetime
    last_lookup: float | None = None
    in_flight: bool = False
    empty_after_deadline: tuple[float, ...] = ()


def begin(deadline: datetime | None, now: datetime) -> Search:
    """Start a search; an order without a deadline is searched as if sent just now."""
    return Search(deadline=deadline or now)


def looking(search: Search, wall: float) -> Search:
    """Note that a look-up has been sent."""
    return msgspec.structs.replace(search, last_lookup=wall, in_flight=True)


def failed(search: Search) -> Search:
    """Note that a look-up got no answer: it proves nothing."""
    return msgspec.structs.replace(search, in_flight=False)


def found_nothing(search: Search, asked_at: datetime, wall: float, speed: float) -> Search:
    """Note an empty answer to a look-up that was sent at exchange time ``asked_at``."""
    search = msgspec.structs.replace(search, in_flight=False)
    grace = timedelta(seconds=DEADLINE_GRACE_SECONDS * max(speed, 1.0))
    if asked_at < search.deadline + grace:
        return search
    seen = search.empty_after_deadline
    if seen and wall - seen[0] < LOOKUP_SPACING_SECONDS:
        return search
    return msgspec.structs.replace(search, empty_after_deadline=(*seen, wall))


def due(search: Search, wall: float) -> bool:
    """Say whether it is time to look (again)."""
    if search.in_flight:
        return False
    return search.last_lookup is None or wall - search.last_lookup >= RETRY_SECONDS


def proven(search: Search, trades_read: float | None) -> bool:
    """Say whether the order was never accepted; ``trades_read`` is when (wall) trades were last read."""
    empty = search.empty_after_deadline
    return len(empty) >= 2 and trades_read is not None and trades_read >= empty[0]
