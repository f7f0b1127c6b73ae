"""Keeps the candle store small: moves old candles out of its tail, bit by bit, beside everything else."""

from collections.abc import Callable

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.errors import StorageError
from krakked_tui.ports import CandleStore, Clock

BREATH_SECONDS = 0.2
"""Wall seconds between two bounded pieces of one compaction: the disk has other work too."""


class CandleUpkeep:
    """Compacts the store every ``every_seconds`` (wall). Trouble is told once until it changes."""

    def __init__(
        self, store: CandleStore, clock: Clock, write_log: Callable[[Log], None], every_seconds: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._write_log = write_log
        self._every = every_seconds
        self._trouble: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self._clock.sleep(self._every)
            self._tell(await self._compact())

    async def _compact(self) -> frozenset[str]:
        """Compact all there is to compact now; return what went wrong."""
        rows, partitions, trouble = 0, 0, set[str]()
        try:
            while True:
                done = await self._store.compact()
                rows, partitions = rows + done.rows, partitions + done.partitions
                trouble |= {f"{each.place} {each.problem}" for each in done.problems}
                if not done.more:
                    break
                await self._clock.sleep(BREATH_SECONDS)
        except StorageError as error:
            trouble.add(str(error))
        if partitions:
            fields: dict[str, str | int | float | bool | None] = {"rows": rows, "partitions": partitions}
            self._write_log(Log(Level.INFO, "candles_compacted", fields))
        return frozenset(trouble)

    def _tell(self, trouble: frozenset[str]) -> None:
        for sentence in sorted(trouble - self._trouble):
            message = f"candles cannot be moved out of the tail: {sentence}"
            self._write_log(Log(Level.ERROR, "candles_not_compacted", {"reason": sentence}, message))
        self._trouble = trouble
