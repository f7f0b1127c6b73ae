"""The order of things: commit before effects, nothing sent that was not recorded."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Effect
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import JournalError
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import (
    ControlLogged,
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    KillSwitchSaved,
    OrderSaved,
    Record,
    SnapshotSaved,
)
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.engine import runner as runner_module
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.runner import Runner
from tests.fakes.clock import FakeClock, settle
from tests.fakes.journal import MemoryJournal
from tests.scenarios.stage import PRICE, Stage


class Watch:
    """Keeps the order in which commits and effects happened; refuses commits on demand."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.seen: list[Record | Effect] = []
        self.broken = False

    async def commit(self, records: list[Record]) -> None:
        if self.broken:
            raise JournalError("disk full")
        await self.journal.commit(records)
        self.seen += records

    def perform(self, effect: Effect) -> None:
        self.seen.append(effect)

    def of(self, kind: type[object]) -> list[object]:
        return [x for x in self.seen if isinstance(x, kind)]


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


class _Rig:
    def __init__(self, stage: Stage) -> None:
        self.watch = Watch(MemoryJournal())
        self.inbox = Inbox()
        self.pictures = 0
        self.runner = Runner(
            state=stage.state,
            inbox=self.inbox,
            journal=self.watch,  # type: ignore[arg-type]
            performer=self.watch,
            clock=FakeClock(),
            published=self._published,
        )

    def _published(self, _state: State) -> None:
        self.pictures += 1


def _cycle(rig: _Rig, stage: Stage) -> None:
    rig.inbox.put(e.BoundaryClosed(stage.at, stage.at, (Timeframe.M1,)))
    rig.inbox.put(
        e.SignalsComputed(
            stage.at, stage.wall, stage.state.cycle + 1, stage.at, (Timeframe.M1,), (stage.intent(),),
            {stage.pair.canonical: stage.mark(PRICE)}, 1.0, "f",
        )
    )  # fmt: skip


async def test_an_order_is_durable_before_it_is_handed_out(stage: Stage) -> None:
    rig = _Rig(stage)
    _cycle(rig, stage)
    await rig.runner.turn()
    kinds = [type(x) for x in rig.watch.seen]
    assert kinds.index(OrderSaved) < kinds.index(f.Submit)
    assert rig.pictures == 1


async def test_an_order_that_could_not_be_recorded_is_not_sent_and_new_risk_stops(stage: Stage) -> None:
    rig = _Rig(stage)
    rig.watch.broken = True
    _cycle(rig, stage)
    while await rig.runner.turn():
        pass
    assert rig.watch.of(f.Submit) == []
    assert stage.state.orders.newest(1)[0].status is OrderStatus.CANCELED
    assert "disk full" in stage.state.new_risk_refusal()


async def test_the_journal_catches_up_in_order_when_it_works_again(stage: Stage) -> None:
    rig = _Rig(stage)
    rig.watch.broken = True
    _cycle(rig, stage)
    while await rig.runner.turn():
        pass
    rig.watch.broken = False
    rig.inbox.put(e.TimePassed(stage.at, stage.wall, 1.0))
    while await rig.runner.turn():
        pass
    saved = [r.order.status for r in rig.watch.of(OrderSaved) if isinstance(r, OrderSaved)]
    assert saved == [OrderStatus.PENDING, OrderStatus.CANCELED]
    assert stage.state.new_risk_refusal() == ""


async def test_the_kill_switch_works_with_a_broken_journal_and_says_so(stage: Stage) -> None:
    rig = _Rig(stage)
    rig.watch.broken = True
    rig.inbox.put(e.KillRequested(stage.at, 1, "tui", "test"))
    await rig.runner.turn()
    (answer,) = rig.watch.of(f.Answer)
    assert isinstance(answer, f.Answer)
    assert answer.accepted
    assert "not stored: disk full" in answer.message
    assert stage.state.kill_switch.active
    rig.watch.broken = False
    while await rig.runner.turn():
        pass
    assert len(rig.watch.of(KillSwitchSaved)) == 1


async def test_an_urgent_event_waits_for_one_turn_at_most(stage: Stage) -> None:
    rig = _Rig(stage)
    for _ in range(5_000):
        rig.inbox.put(e.TimePassed(stage.at, stage.wall, 1.0))
    await rig.runner.turn()
    rig.inbox.put(e.KillRequested(stage.at, 1, "tui", "test"))
    await rig.runner.turn()
    assert stage.state.kill_switch.active
    assert len(rig.inbox) > 4_000


class SlowJournal:
    """Commits wait until they are let through."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def commit(self, records: list[Record]) -> None:
        await self.gate.wait()


async def test_a_turn_that_waits_for_its_commit_is_not_idle(stage: Stage) -> None:
    rig, journal = _Rig(stage), SlowJournal()
    runner = Runner(
        state=stage.state, inbox=rig.inbox, journal=journal, performer=rig.watch, clock=FakeClock(),  # type: ignore[arg-type]
        published=lambda _state: None,
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        task = group.create_task(runner.run())
        states = [runner.idle]
        rig.inbox.put(e.KillRequested(stage.at, 1, "tui", "test"))
        states.append(runner.idle)
        await settle()
        assert not len(rig.inbox)
        states.append(runner.idle)
        journal.gate.set()
        await settle()
        states.append(runner.idle)
        task.cancel()
    assert states == [True, False, False, True]


async def test_a_long_queue_does_not_keep_the_loop_to_itself(stage: Stage) -> None:
    rig = _Rig(stage)
    for _ in range(runner_module.TURN_EVENTS * 3):
        rig.inbox.put(e.TimePassed(stage.at, stage.wall, 1.0))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.runner.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(rig.inbox)
        task.cancel()


async def test_a_backlog_that_overflows_keeps_the_oldest_facts_and_the_safety_state(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "BACKLOG_LIMIT", 3)
    rig = _Rig(stage)
    rig.watch.broken = True
    nothing = Decimal(0)
    facts = [ControlLogged(stage.at + timedelta(seconds=n), "tui", "x", "", "") for n in range(5)]
    on, off = (KillSwitchSaved(KillSwitch(active=active)) for active in (True, False))
    curve = SnapshotSaved(stage.at, nothing, nothing, nothing, nothing)
    turns: list[list[Record]] = [[curve, *facts[:2]], [*facts[2:], off], [on]]
    for records in turns:
        await rig.runner._commit(records)
    lost = [x for x in rig.watch.of(f.Log) if isinstance(x, f.Log) and x.event == "records_lost"]
    assert [line.level for line in lost] == [f.Level.CRITICAL]
    rig.watch.broken = False
    await rig.runner._commit([])
    assert rig.watch.seen[1:] == [*facts[:3], on]


async def test_once_facts_are_lost_no_mark_moves_past_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "BACKLOG_LIMIT", 3)
    rig = _Rig(stage)
    facts = [ControlLogged(stage.at + timedelta(seconds=n), "tui", "x", "", "") for n in range(6)]
    marks = [HistoryMarked(HistoryMark(HistoryKind.TRADES, done=True, newest=fact.at)) for fact in facts]
    await rig.runner._commit([facts[0], marks[0]])
    rig.watch.broken = True
    for fact, mark in zip(facts[1:5], marks[1:5], strict=True):
        await rig.runner._commit([fact, mark])
    rig.watch.broken = False
    await rig.runner._commit([facts[5], marks[5]])
    assert rig.watch.of(HistoryMarked) == [marks[0]], "everything after it is read again after a restart"
    assert facts[5] in rig.watch.seen


async def test_marks_go_on_when_nothing_is_lost(stage: Stage) -> None:
    rig = _Rig(stage)
    mark = HistoryMarked(HistoryMark(HistoryKind.TRADES, done=True, newest=stage.at))
    rig.watch.broken = True
    await rig.runner._commit([mark])
    rig.watch.broken = False
    await rig.runner._commit([])
    assert rig.watch.of(HistoryMarked) == [mark]
