"""Old candles are moved bit by bit, and trouble is told once."""

import asyncio
from collections.abc import Sequence

import pytest

from krakked_tui.decision.effects import Log
from krakked_tui.domain.errors import StorageError
from krakked_tui.engine.candle_upkeep import CandleUpkeep
from krakked_tui.ports import Compacted, Finding
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock


class Store(MemoryCandleStore):
    """A store that answers compactions as it was told, and then has nothing to do."""

    def __init__(self, answers: Sequence[Compacted | Exception]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked_at: list[float] = []
        self.clock = FakeClock(auto=True)
        self.done = asyncio.Event()

    async def compact(self, *, partitions: int = 64, everything: bool = False) -> Compacted:
        self.asked_at.append(self.clock.monotonic())
        if not self.answers:
            self.done.set()
            return Compacted()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def _run(*answers: Compacted | Exception) -> tuple[Store, list[Log]]:
    store, lines = Store(answers), list[Log]()
    upkeep = CandleUpkeep(store, store.clock, lines.append, 300.0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(upkeep.run())
        await store.done.wait()
        task.cancel()
    return store, lines


async def test_what_does_not_fit_into_one_piece_goes_on_at_once() -> None:
    store, lines = await _run(Compacted(rows=640, partitions=64, more=True), Compacted(rows=10, partitions=1))
    first, second, third = store.asked_at[:3]
    assert first == 300.0
    assert second - first < 1.0
    assert third - second >= 300.0
    assert [(line.event, line.fields) for line in lines] == [
        ("candles_compacted", {"rows": 650, "partitions": 65})
    ]


@pytest.mark.parametrize("times", [1, 3])
async def test_the_same_trouble_is_told_once_and_new_trouble_again(times: int) -> None:
    full, damaged = StorageError("tail.db cannot grow"), Finding("1m/XBTUSD/2026-01.parquet", "is damaged")
    _store, lines = await _run(*[full] * times, Compacted(problems=(damaged,)), Compacted(), full)
    assert [line.event for line in lines] == ["candles_not_compacted"] * 3
    assert "cannot grow" in lines[0].message
    assert "2026-01.parquet" in lines[1].message
    assert "cannot grow" in lines[2].message
