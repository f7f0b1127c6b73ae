"""Effects reach the world through the ports, and every one of them ends in an event."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.orders import Accepted, LocalOrder, OrderReport, Purpose, Unknown
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.interpreter import Interpreter
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.rate_finder import RateFinder
from krakked_tui.market.settings import MarketDataSettings
from tests.fakes.broker import FakeBroker
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock, settle
from tests.fakes.feed import FakeFeed
from tests.scenarios.stage import PORTFOLIO, Stage


class Cycles:
    """Strategies that have nothing to say."""

    async def run(self, effect: f.ComputeSignals) -> e.SignalsComputed:
        return e.SignalsComputed(
            effect.boundary, 0.0, effect.cycle, effect.boundary, effect.timeframes, (), {}, 0.0, "f"
        )


class Rig:
    def __init__(self, stage: Stage, group: asyncio.TaskGroup) -> None:
        self.stage, self.group = stage, group
        self.clock, self.inbox, self.broker = FakeClock(), Inbox(), FakeBroker()
        self.lines: list[f.Log] = []
        self.answers = Answers()
        self.market = LiveMarket(
            timeframes=[Timeframe.M1], keep_bars=60, settings=MarketDataSettings(), inbox=self.inbox,
            clock=self.clock,
        )  # fmt: skip
        self.interpreter = Interpreter(
            state=stage.state, inbox=self.inbox, broker=self.broker, market=self.market,
            answers=self.answers, clock=self.clock, spawner=self, cycles=Cycles(),
            rates=RateFinder(
                feed=FakeFeed(self.clock), store=MemoryCandleStore(), timeframes=[Timeframe.M1],
                quotes=lambda: self.market.quotes, pairs=stage.state.known, settings=PORTFOLIO,
                clock=self.clock,
            ),
            write_log=self.lines.append, max_concurrent_orders=2,
        )  # fmt: skip

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self.group.create_task(work, name=name)

    def events(self) -> list[e.Event]:
        found = []
        while (event := self.inbox.pop()) is not None:
            found.append(event)
        return found

    def entry(self) -> LocalOrder:
        self.stage.cycle(self.stage.intent())
        return self.stage.last_order()


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


@asynccontextmanager
async def rig(stage: Stage) -> AsyncIterator[Rig]:
    async with asyncio.TaskGroup() as group:
        yield Rig(stage, group)


async def test_a_submission_is_answered_by_what_the_broker_said(stage: Stage) -> None:
    async with rig(stage) as r:
        order = r.entry()
        r.interpreter.perform(f.Submit(order))
        await settle()
    (event,) = r.events()
    assert isinstance(event, e.SubmitAnswered)
    assert isinstance(event.outcome, Accepted)
    assert r.broker.submitted == [order.request]
    assert r.interpreter.in_flight == 0


async def test_a_broker_that_raises_after_all_leaves_the_order_unknown(stage: Stage) -> None:
    async with rig(stage) as r:
        r.broker.failure = ExchangeError("boom")
        r.interpreter.perform(f.Submit(r.entry()))
        await settle()
    (event,) = r.events()
    assert isinstance(event, e.SubmitAnswered)
    assert isinstance(event.outcome, Unknown)


async def test_the_kill_switch_is_looked_at_again_before_an_entry_leaves_but_lets_exits_pass(
    stage: Stage,
) -> None:
    async with rig(stage) as r:
        entry = r.entry()
        exit_order = msgspec.structs.replace(entry, purpose=Purpose.STOP)
        r.interpreter.perform(f.Submit(entry, delay=3.0))
        await settle()
        stage.state.kill_switch = KillSwitch(active=True, reason="test")
        await r.clock.advance(5)
        assert r.broker.submitted == []
        r.interpreter.perform(f.Submit(exit_order))
        await settle()
        assert r.broker.submitted == [exit_order.request]
    withheld = [x for x in r.events() if isinstance(x, e.SubmitWithheld)]
    assert [x.reason for x in withheld] == ["killed before sending"]


async def test_an_entry_whose_plan_is_old_is_not_sent(stage: Stage) -> None:
    async with rig(stage) as r:
        r.interpreter.perform(f.Submit(r.entry(), delay=61.0))
        await r.clock.advance(62)
    (event,) = r.events()
    assert isinstance(event, e.SubmitWithheld)
    assert "too old" in event.reason


async def test_no_more_orders_are_in_flight_than_allowed(stage: Stage) -> None:
    async with rig(stage) as r:
        r.broker.hold = asyncio.Event()
        order = r.entry()
        for _ in range(5):
            r.interpreter.perform(f.Submit(order))
        await settle()
        assert (r.broker.in_flight_most, r.interpreter.in_flight) == (2, 5)
        r.broker.hold.set()
    assert len(r.broker.submitted) == 5


async def test_an_order_that_reduces_risk_waits_for_no_entry(stage: Stage) -> None:
    async with rig(stage) as r:
        r.broker.hold = asyncio.Event()
        entry = r.entry()
        for _ in range(3):
            r.interpreter.perform(f.Submit(entry))
        r.interpreter.perform(f.Submit(msgspec.structs.replace(entry, purpose=Purpose.FLATTEN)))
        await settle()
        assert r.broker.in_flight_most == 3
        r.broker.hold.set()
    assert len(r.broker.submitted) == 4


async def test_an_entry_does_not_leave_once_something_makes_new_risk_unsafe(stage: Stage) -> None:
    async with rig(stage) as r:
        entry = r.entry()
        stage.state.storage_trouble = "disk full"
        r.interpreter.perform(f.Submit(entry))
        await settle()
        [withheld] = [event for event in r.events() if isinstance(event, e.SubmitWithheld)]
        assert withheld.reason == "the journal cannot be written: disk full"
        r.interpreter.perform(f.Submit(msgspec.structs.replace(entry, purpose=Purpose.FLATTEN)))
        await settle()
    assert len(r.broker.submitted) == 1


async def test_failing_reads_become_events_too(stage: Stage) -> None:
    async with rig(stage) as r:
        r.broker.failure = ExchangeError("no route")
        r.interpreter.perform(f.Cancel(("k1",)))
        r.interpreter.perform(f.LookUp("k1"))
        r.interpreter.perform(f.SyncAccount(stage.at, stage.at, 0))
        r.interpreter.perform(f.Identify(("O1",)))
        await settle()
    kinds = {type(x): x for x in r.events()}
    cancel, look, sync = kinds[e.CancelAnswered], kinds[e.LookedUp], kinds[e.AccountSyncFailed]
    assert isinstance(cancel, e.CancelAnswered)
    assert cancel.error == "no route"
    assert isinstance(look, e.LookedUp)
    assert (look.reports, look.error) == (None, "no route")
    assert isinstance(sync, e.AccountSyncFailed)
    assert [line.event for line in r.lines] == ["identify_failed"]


async def test_signals_come_back_as_an_event(stage: Stage) -> None:
    async with rig(stage) as r:
        r.interpreter.perform(f.ComputeSignals(7, stage.at, (Timeframe.M1,), {}))
    (event,) = r.events()
    assert isinstance(event, e.SignalsComputed)
    assert event.cycle == 7


async def test_an_answer_reaches_whoever_asked(stage: Stage) -> None:
    async with rig(stage) as r:
        ticket, future = r.answers.open()
        r.interpreter.perform(f.Answer(ticket, accepted=True, message="done"))
    assert future.result().message == "done"


async def test_a_reading_that_takes_too_long_has_failed(stage: Stage) -> None:
    class Silent(FakeBroker):
        async def open_orders(self) -> Sequence[OrderReport]:
            await asyncio.Event().wait()
            return []

    async with rig(stage) as r:
        r.interpreter._broker = Silent()
        r.interpreter.perform(f.SyncAccount(stage.at, stage.at, 0, deadline=0.01))
    [failed] = r.events()
    assert isinstance(failed, e.AccountSyncFailed)
    assert failed.reason == "it took longer than 0 s"


async def test_a_reading_says_when_it_began(stage: Stage) -> None:
    async with rig(stage) as r:
        began = r.clock.monotonic()
        r.interpreter.perform(f.SyncAccount(stage.at, stage.at, 0))
    [read] = r.events()
    assert isinstance(read, e.AccountSynced)
    assert read.began_wall == began


async def test_fees_are_read_or_a_line_says_that_they_are_not(stage: Stage) -> None:
    async with rig(stage) as r:
        r.broker.fees = {"XBTUSD": Decimal("0.08")}
        r.interpreter.perform(f.ReadFees(("XBTUSD", "ETHUSD")))
        await settle()
        [read] = r.events()
        assert isinstance(read, e.FeesRead)
        assert read.taker == {"XBTUSD": Decimal("0.08")}
        r.broker.failure = ExchangeError("no route")
        r.interpreter.perform(f.ReadFees(("XBTUSD",)))
    assert r.events() == []
    assert [line.event for line in r.lines] == ["fees_unread"]
