"""When the limits and strategies are pictured, and who does it."""

import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.control.risk_desk import PICTURE_SECONDS, RELEASE_SECONDS, RiskDesk
from krakked_tui.control.risk_view import RiskView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.moment import Moment
from tests.fakes.journal_look import RecordedLook
from tests.fakes.keeper import MemoryKeeper
from tests.scenarios.stage import STRATEGY, Stage
from tests.unit.engine.risk_builders import facts_of

D = Decimal


class Rig:
    """A desk whose work waits until it is let go, and an engine that trades."""

    def __init__(self, pair: PairMetadata) -> None:
        self.now = 1000.0
        self.stage = Stage(pair).ready()
        self.keeper = MemoryKeeper(STRATEGY)
        self.look = RecordedLook(self.stage.records)
        self.work: list[Callable[[], None]] = []
        self.desk = RiskDesk(lambda: self.now, self.keeper, self.look, self.work.append)
        self.moment = Moment(at=self.stage.at, phase="running", state=self.stage.state)

    def ask(self) -> None:
        """Look at everything; whatever is ordered is made at once."""
        self.desk.risk()
        self.desk.strategies()
        self.desk.decisions()
        if self.desk.order():
            self.desk.collect(self.moment)
            self.make()

    def make(self) -> int:
        made = len(self.work)
        while self.work:
            self.work.pop()()
        return made

    def kept(self) -> bool:
        """Whether what every trade made is still at hand."""
        return self.desk._service is not None

    def cycle(self) -> None:
        self.stage.later(60)
        self.moment.at = self.stage.at
        self.stage.cycle(self.stage.intent())


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(xbtusd)


def test_the_first_look_orders_pictures_and_the_next_one_gets_them(rig: Rig) -> None:
    rig.cycle()
    assert rig.desk.risk() == RiskView()
    rig.ask()
    assert rig.desk.risk().at == rig.stage.at
    assert [line.id for line in rig.desk.strategies().strategies] == [STRATEGY.id]
    assert [line.intents for line in rig.desk.decisions()] == [1]


def test_only_what_is_looked_at_is_made(rig: Rig) -> None:
    rig.desk.decisions()
    assert rig.desk.order()
    rig.desk.collect(rig.moment)
    rig.make()
    assert (rig.desk.risk(), rig.desk.strategies()) == (RiskView(), StrategiesView())


def test_nothing_is_ordered_twice_nor_too_soon(rig: Rig) -> None:
    rig.desk.risk()
    assert rig.desk.order()
    assert not rig.desk.order()
    rig.desk.collect(rig.moment)
    assert not rig.desk.order(), "it is being made"
    rig.make()
    assert not rig.desk.order(), "it is new"
    rig.now += PICTURE_SECONDS
    assert rig.desk.order()
    rig.desk.cancel_order()
    assert rig.desk.order(), "nobody made it"


def test_an_engine_that_does_not_know_the_account_yet(rig: Rig) -> None:
    rig.desk.risk()
    assert rig.desk.order()
    rig.desk.collect(Moment(at=rig.stage.at))
    assert rig.work == []
    assert rig.desk.order()


def test_decisions_that_are_the_same_are_the_same_object(rig: Rig) -> None:
    rig.cycle()
    rig.ask()
    first = rig.desk.decisions()
    rig.now += 1
    rig.ask()
    assert rig.desk.decisions() is first
    rig.cycle()
    rig.now += 1
    rig.ask()
    assert len(rig.desk.decisions()) == 2


def test_every_cycle_is_noted_although_nobody_looks_and_nothing_is_drawn(rig: Rig) -> None:
    rig.desk.after(rig.moment)
    assert rig.make() == 1, "the first look finds out when it began"
    rig.desk.after(rig.moment)
    assert rig.make() == 0
    rig.cycle()
    rig.desk.after(rig.moment)
    rig.desk.after(rig.moment)
    assert rig.make() == 1
    first = rig.stage.at
    rig.stage.later(60)
    rig.stage.cycle()
    rig.moment.at = rig.stage.at
    rig.desk.after(rig.moment)
    rig.make()
    with rig.desk.engine(facts_of(rig.stage)) as engine:
        silence = engine.explain_silence(STRATEGY.id, "XBTUSD")
    assert (silence.gate, silence.last_passed) == ("signal", first)
    assert rig.desk.risk() == RiskView()


@pytest.mark.parametrize("phase", ["starting", "stopping", "failed"])
def test_only_an_engine_that_runs_has_cycles(rig: Rig, phase: str) -> None:
    rig.moment.phase = phase
    rig.desk.after(rig.moment)
    rig.desk.after(Moment(at=rig.stage.at))
    assert rig.make() == 0


def test_what_the_strategies_made_is_worked_out_when_trades_were_made_only(rig: Rig) -> None:
    rig.stage.bought()
    rig.stage.crossed(D(48_000))
    rig.stage.sold(D(48_000))
    rig.ask()
    rig.ask()
    (line,) = rig.desk.strategies().strategies
    assert line.pnl is not None
    assert line.pnl == rig.stage.state.books.state.realized_pnl
    rig.now += 1
    rig.ask()
    (again,) = rig.desk.strategies().strategies
    assert again.equity is line.equity


def test_what_nobody_needs_is_let_go_of(rig: Rig) -> None:
    rig.stage.bought()
    rig.ask()
    rig.desk.after(rig.moment)
    rig.make()
    assert rig.kept()
    rig.now += RELEASE_SECONDS
    rig.desk.after(rig.moment)
    assert rig.kept()
    rig.now += 1
    rig.desk.after(rig.moment)
    assert not rig.kept()
    rig.ask()
    assert len(rig.desk.strategies().strategies[0].held) == 1


def test_a_journal_that_cannot_be_read_is_told_once_and_the_rest_is_drawn(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.look.failure = "krakked.db cannot be read: see krakked-tui doctor"
    for _ in range(3):
        rig.now += 1
        rig.ask()
    assert rig.desk.risk().at == rig.stage.at
    assert [record.getMessage() for record in caplog.records] == [
        "the last decisions cannot be shown: krakked.db cannot be read: see krakked-tui doctor"
    ]
    rig.cycle()
    rig.look.failure = ""
    rig.now += 1
    rig.ask()
    assert len(rig.desk.decisions()) == 1


def test_a_picture_that_fails_leaves_the_last_one_and_the_next_is_tried(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.ask()
    first = rig.desk.risk()
    config, rig.keeper.config = rig.keeper.config, None  # type: ignore[assignment]
    rig.now += 1
    rig.moment.at += timedelta(seconds=1)
    rig.ask()
    assert rig.desk.risk() is first
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    rig.keeper.config = config
    rig.now += 1
    rig.ask()
    assert rig.desk.risk().at == rig.moment.at


def test_whoever_has_gone_gets_no_new_picture(rig: Rig) -> None:
    rig.ask()
    first = (rig.desk._risk, rig.desk._strategies, rig.desk._decided)
    rig.now += 6
    rig.cycle()
    rig.desk.after(rig.moment)
    assert rig.make() == 1
    assert (rig.desk._risk, rig.desk._strategies, rig.desk._decided) == first


def test_a_bug_in_taking_facts_never_reaches_the_engine_and_is_told_once_a_cycle(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    marks, rig.stage.state.marks = rig.stage.state.marks, None  # type: ignore[assignment]
    for _ in range(3):
        rig.desk.after(rig.moment)
    assert [record.getMessage() for record in caplog.records] == ["a cycle cannot be noted"]
    rig.stage.state.marks = marks
    rig.cycle()
    rig.desk.after(rig.moment)
    assert rig.make() == 1
