"""Writes closed candles beside everything else: whoever has some never waits long for a slow store."""

import asyncio
from collections.abc import Callable, Sequence

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Candle
from krakked_tui.domain.errors import StorageError
from krakked_tui.engine.bounded import within
from krakked_tui.ports import CandleStore, Clock

UNSTORED_MAX = 50_000
"""Closed candles that wait for a store that refuses them; beyond it the oldest are dropped.

The next start reads those from the exchange again."""
HUNG_SECONDS = 10.0
"""Wall seconds after which a store that does not answer is more than slow."""


class CandleWriter:
    """Keeps candles until the store has them. One append at a time: one that hangs is never doubled."""

    def __init__(self, store: CandleStore, clock: Clock, write_log: Callable[[Log], None]) -> None:
        self._store = store
        self._clock = clock
        self._write_log = write_log
        self._waiting: list[Candle] = []
        self._offered = asyncio.Event()
        self._settled = asyncio.Event()
        self._trouble = ""
        self._asked = clock.monotonic()
        """When the store was handed the candles that it writes now, or wrote last."""

    @property
    def unstored(self) -> int:
        """Candles that wait for the store."""
        return len(self._waiting)

    async def store(self, candles: Sequence[Candle], seconds: float) -> bool:
        """Have candles stored, and all that wait; return whether they are after so many wall seconds.

        They are kept otherwise, and go with the next ones. Needs ``run`` to be running.
        """
        self._waiting += candles
        if not self._waiting:
            return True
        del self._waiting[:-UNSTORED_MAX]
        self._settled.clear()
        self._offered.set()
        try:
            await within(self._clock, seconds, self._settled.wait())
        except TimeoutError:
            if self._clock.monotonic() - self._asked > HUNG_SECONDS:
                self._tell(f"the candle store has not answered for more than {HUNG_SECONDS:.0f} s")
        return not self._waiting

    async def run(self) -> None:
        """Write what is offered, until cancelled."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            batch = tuple(self._waiting)
            self._asked = self._clock.monotonic()
            try:
                await self._store.append(batch)
            except StorageError as error:
                self._tell(str(error))
            else:
                stored = {id(candle) for candle in batch}
                # What was offered, or dropped, meanwhile has moved the places.
                self._waiting = [candle for candle in self._waiting if id(candle) not in stored]
                self._tell("")
            if not self._offered.is_set():
                self._settled.set()

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            message = f"candles cannot be stored: {trouble}"
            self._write_log(Log(Level.ERROR, "candles_not_stored", {"reason": trouble}, message))
        self._trouble = trouble
