"""An operator has candles read, and is told what came of it."""

import asyncio

from krakked_tui.decision.effects import Answer, Log
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.ingest import CandleNeeds, Ingest
from krakked_tui.engine.requested_round import RequestedRound
from krakked_tui.market.settings import IngestSettings
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed


class Rig:
    def __init__(self, pair: PairMetadata) -> None:
        clock = FakeClock()
        self.feed, self.store, self.lines = FakeFeed(clock), MemoryCandleStore(), list[Log]()
        self.answers = Answers()
        self.ingest = Ingest(
            feed=self.feed, store=self.store, market=None, clock=clock,
            settings=IngestSettings(max_retries=1), needs=CandleNeeds({}), pairs=lambda: [pair],
            write_log=lambda line: None,
        )  # fmt: skip
        self.round = RequestedRound(self.ingest, self.answers, self.lines.append)

    async def ask(self) -> Answer:
        ticket, future = self.answers.open()
        await self.round.run("tui", ticket)
        return future.result(timeout=0)

    @property
    def outcomes(self) -> list[object]:
        return [line.fields["outcome"] for line in self.lines if line.event == "control"]


async def test_the_answer_says_what_the_round_did(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    answer = await rig.ask()
    assert answer.accepted
    assert answer.message.startswith("1 of 1 pairs have all that the exchange gives, 0 rows new or corrected")
    assert answer.message.endswith("and 1 calls")
    assert rig.outcomes == [answer.message]
    assert rig.lines[0].fields["by"] == "tui"


async def test_a_round_that_brought_nothing_is_no_success(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.feed.failure = ExchangeError("no route")
    answer = await rig.ask()
    assert not answer.accepted
    assert "1 failed (XBTUSD: no route)" in answer.message
    assert rig.outcomes == [f"refused: {answer.message}"]


async def test_a_store_that_cannot_be_read_is_said(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    await rig.store.close()
    answer = await rig.ask()
    assert (answer.accepted, "cannot be read" in answer.message) == (False, True)


async def test_one_round_at_a_time(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(rig.ask())
        second = group.create_task(rig.ask())
    assert first.result().accepted
    assert not second.result().accepted
    assert "already" in second.result().message
    assert (await rig.ask()).accepted
