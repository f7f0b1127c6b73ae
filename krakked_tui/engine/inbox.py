"""The runner's two queues: urgent events first and never dropped, the rest bounded and coalesced."""

import asyncio
from collections import OrderedDict, deque

from krakked_tui.decision.events import URGENT_EVENTS, Event

NORMAL_LIMIT = 10_000


class Inbox:
    """Events waiting for the runner. Used from the engine's loop only.

    Urgent events (operator commands, order reports) keep their order and have no bound: each is
    caused by an operator or by one of our own orders. Of the others, an event put with a ``key``
    replaces the waiting one with the same key; beyond the bound the oldest is dropped and counted.
    """

    def __init__(self, limit: int = NORMAL_LIMIT) -> None:
        self._urgent: deque[Event] = deque()
        self._normal: OrderedDict[str, Event] = OrderedDict()
        self._limit = limit
        self._unkeyed = 0
        self._ready = asyncio.Event()
        self.dropped = 0
        """Events given up because too many waited."""

    def put(self, event: Event, key: str | None = None) -> None:
        """Add an event; never waits."""
        if isinstance(event, URGENT_EVENTS):
            self._urgent.append(event)
        else:
            self._unkeyed += 1
            self._normal[key or f"#{self._unkeyed}"] = event
            if len(self._normal) > self._limit:
                self._normal.popitem(last=False)
                self.dropped += 1
        self._ready.set()

    def pop(self) -> Event | None:
        """Take the next event, urgent ones first; None when there is none."""
        if self._urgent:
            return self._urgent.popleft()
        if self._normal:
            return self._normal.popitem(last=False)[1]
        self._ready.clear()
        return None

    def __len__(self) -> int:
        return len(self._urgent) + len(self._normal)

    async def wait_for_event(self) -> None:
        """Wait until there is something to take."""
        await self._ready.wait()
