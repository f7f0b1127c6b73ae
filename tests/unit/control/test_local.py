"""The door to an engine in the same process."""

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest

from krakked_tui.control.commands import (
    AcceptBalances,
    Actor,
    CancelAll,
    CancelOrder,
    ChangeSetting,
    ChangeSettings,
    ClearKillSwitch,
    Command,
    EnableStrategy,
    FlattenAll,
    IngestCandles,
    PauseCycles,
    ResumeCycles,
    SetKillSwitch,
    Shutdown,
)
from krakked_tui.control.local import LocalController
from krakked_tui.control.market_view import MarketView
from krakked_tui.control.portfolio_view import PortfolioQuery
from krakked_tui.control.risk_view import RiskView
from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Answer, Level, Log
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.moment import Moment
from krakked_tui.strategies.loaded import StrategySet
from tests.fakes.clock import FakeClock
from tests.fakes.journal_look import RecordedLook
from tests.fakes.keeper import MemoryKeeper
from tests.fakes.log import NoLog
from tests.scenarios.stage import OTHER, STRATEGY, Stage
from tests.unit.portfolio.statements import make_trade


class EngineStub:
    """What a delivered command touches of an engine."""

    def __init__(self) -> None:
        self.clock, self.inbox = FakeClock(), Inbox()
        self.stops: list[tuple[str, str]] = []
        self.state: State | None = None
        self.rounds: list[tuple[str, int]] = []
        self.used: list[tuple[StrategySet, e.SettingsReloaded]] = []
        self.answers = Answers()

    def current(self) -> Moment:
        return Moment(at=self.clock.now(), wall=self.clock.monotonic(), state=self.state)

    def use_strategies(self, strategies: StrategySet, event: e.SettingsReloaded) -> None:
        self.used.append((strategies, event))
        assert event.ticket is not None
        self.answers.resolve(Answer(event.ticket, accepted=True, message="in force from the next cycle on"))

    def read_candles(self, by: str, ticket: int) -> None:
        self.rounds.append((by, ticket))

    def request_stop(self, reason: str, by: str, ticket: int | None = None) -> None:
        self.stops.append((reason, by))


class ThreadStub:
    """An engine thread that runs deliveries at once, or has ended."""

    def __init__(self, engine: EngineStub, *, alive: bool = True) -> None:
        self.engine, self.alive = engine, alive

    def call(self, work: Callable[[EngineStub], None]) -> bool:
        if self.alive:
            work(self.engine)
        return self.alive


def _rig(
    *, alive: bool = True, keeper: MemoryKeeper | None = None
) -> tuple[LocalController, EngineStub, Answers]:
    engine = EngineStub()
    answers = engine.answers
    controller = LocalController(
        mode="demo",
        profile="demo",
        other_host="",
        answers=answers,
        keeper=keeper or MemoryKeeper(STRATEGY),
        log=NoLog(),
    )  # fmt: skip
    controller.attach(ThreadStub(engine, alive=alive))  # type: ignore[arg-type]
    return controller, engine, answers


async def _event(command: Command) -> e.Event:
    controller, engine, answers = _rig()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(controller.execute(command, Actor.TUI))
        await asyncio.sleep(0)
        event = engine.inbox.pop()
        answers.resolve(Answer(1, accepted=True, message="done"))
        assert (await task).message == "done"
    assert event is not None
    return event


async def test_every_command_becomes_its_event_with_the_actor() -> None:
    commands: dict[type[e.Event], Command] = {
        e.KillRequested: SetKillSwitch("why"),
        e.KillClearRequested: ClearKillSwitch("ARM"),
        e.CancelRequested: CancelOrder("k1"),
        e.AcceptBalancesRequested: AcceptBalances("ACCEPT"),
        e.FlattenRequested: FlattenAll("FLATTEN", "why"),
        e.PauseRequested: PauseCycles(),
    }
    for kind, command in commands.items():
        event = await _event(command)
        assert isinstance(event, kind)
        assert isinstance(event, e.OPERATOR_EVENTS)
        assert event.by == "tui"
    everything = await _event(CancelAll())
    assert isinstance(everything, e.CancelRequested)
    assert everything.cl_ord_id is None
    resumed = await _event(ResumeCycles())
    assert isinstance(resumed, e.PauseRequested)
    assert not resumed.paused


async def test_a_shutdown_stops_the_engine() -> None:
    controller, engine, answers = _rig()
    async with asyncio.TaskGroup() as group:
        group.create_task(controller.execute(Shutdown("quit"), Actor.TUI))
        await asyncio.sleep(0)
        assert engine.stops == [("quit", "tui")]
        answers.refuse_all("gone")


async def test_a_round_of_reading_candles_is_answered_with_what_it_did() -> None:
    controller, engine, answers = _rig()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(controller.execute(IngestCandles(), Actor.TUI))
        await asyncio.sleep(0)
        assert engine.rounds == [("tui", 1)]
        answers.resolve(Answer(1, accepted=True, message="60 of 60 pairs"))
        assert (await task).message == "60 of 60 pairs"


async def test_an_engine_that_has_ended_refuses() -> None:
    controller, _, _ = _rig(alive=False)
    answer = await controller.execute(SetKillSwitch("why"), Actor.TUI)
    assert not answer.accepted
    assert "stopped" in answer.message


async def test_whoever_waits_when_the_engine_ends_is_answered() -> None:
    controller, _, answers = _rig()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(controller.execute(SetKillSwitch("why"), Actor.TUI))
        await asyncio.sleep(0)
        answers.refuse_all("the engine has stopped")
        assert not (await task).accepted


def test_the_view_is_there_from_the_start_and_grows_with_every_picture() -> None:
    controller, engine, _ = _rig()
    first = controller.view()
    assert (first.status.phase, first.status.mode) == ("starting", "demo")
    controller.note(Log(Level.WARNING, "x", {}, "something happened"))
    controller.publish(Moment(at=engine.clock.now(), phase="failed", failure="no disk"))
    second = controller.view()
    assert second.version > first.version
    assert second.messages == ("something happened",)
    assert second.status.no_new_risk == "no disk"


async def test_a_setting_is_changed_without_the_engine_even_when_that_has_stopped() -> None:
    keeper = MemoryKeeper(STRATEGY)
    controller, engine, _answers = _rig(alive=False, keeper=keeper)
    answer = await controller.execute(ChangeSetting("ui.theme", '"classic"'), Actor.TUI)
    assert (answer.accepted, answer.message) == (True, 'ui.theme is now "classic"')
    assert keeper.changes == [("ui.theme", '"classic"')]
    assert engine.inbox.pop() is None
    assert controller.settings().profile == "paper"


async def test_a_refused_change_says_why() -> None:
    controller, _engine, _answers = _rig()
    answer = await controller.execute(ChangeSetting("risk.max_open_positions", "99"), Actor.TUI)
    assert (answer.accepted, answer.message) == (False, "risk.max_open_positions cannot be changed now")


async def test_every_change_of_a_setting_goes_into_the_control_log_with_its_outcome() -> None:
    controller, engine, _answers = _rig()
    await controller.execute(ChangeSetting("ui.theme", '"classic"'), Actor.TUI)
    await controller.execute(ChangeSetting("risk.max_open_positions", "99"), Actor.CLI)
    told = [engine.inbox.pop(), engine.inbox.pop()]
    assert [(e_.by, e_.key, e_.value, e_.outcome) for e_ in told if isinstance(e_, e.SettingChanged)] == [
        ("tui", "ui.theme", '"classic"', 'ui.theme is now "classic"'),
        ("cli", "risk.max_open_positions", "99", "risk.max_open_positions cannot be changed now"),
    ]


@pytest.mark.parametrize(
    "command",
    [
        SetKillSwitch("why"),
        CancelAll(),
        PauseCycles(),
        IngestCandles(),
        ChangeSetting("ui.theme", '"dark"'),
        ChangeSettings({"risk.max_open_positions": "4"}),
        EnableStrategy(STRATEGY.id, enabled=False),
    ],
)
async def test_who_only_watches_is_refused_every_command(command: Command) -> None:
    keeper = MemoryKeeper(STRATEGY, read_only=True)
    controller, engine, _answers = _rig(keeper=keeper)
    answer = await controller.execute(command, Actor.TUI)
    assert not answer.accepted
    assert "ui.read_only" in answer.message
    assert engine.inbox.pop() is None
    assert engine.rounds == []
    assert keeper.changes == []
    assert (keeper.asked, keeper.config.strategies.enabled) == ([], (STRATEGY.id,))


def test_the_market_is_drawn_for_those_who_ask_even_where_commands_are_refused() -> None:
    controller, engine, _answers = _rig(keeper=MemoryKeeper(STRATEGY, read_only=True))
    assert controller.market() == MarketView()
    drawn = controller.market()
    assert (drawn.version, drawn.at) == (1, engine.clock.now())
    controller.look_at("XBTUSD", Timeframe.M5)
    assert controller.market() is drawn
    assert engine.inbox.pop() is None


def _reported() -> None:
    """Wait for the threads that make reports and pictures."""
    for thread in threading.enumerate():
        if thread.name in {"portfolio", "risk"}:
            thread.join(10)


def test_the_portfolio_is_reported_to_those_who_ask_beside_the_engine(xbtusd: PairMetadata) -> None:
    controller, engine, _answers = _rig(keeper=MemoryKeeper(STRATEGY, read_only=True))
    query = PortfolioQuery(by="pair")
    assert controller.portfolio(query) is None
    _reported()
    assert controller.portfolio(query) is None, "the engine does not know the account yet"
    engine.state = Stage(xbtusd).ready().state
    assert controller.portfolio(query) is None
    _reported()
    report = controller.portfolio(query)
    assert report is not None
    assert (report.query, report.flows_found) == (query, 1)
    assert controller.portfolio(PortfolioQuery(by="day")) is None
    _reported()


def test_the_rows_of_a_trade_are_read_from_where_they_are_said_to_be(xbtusd: PairMetadata) -> None:
    controller, engine, _answers = _rig()
    stage = Stage(xbtusd).ready()
    stage.synced(trades=[make_trade("buy 0.1 XBTUSD @ 50000", "T1", stage.at)])
    engine.state = stage.state
    asked: list[str] = []
    thread = ThreadStub(engine)
    controller.attach(thread, lambda trade_id: asked.append(trade_id) or ())  # type: ignore[arg-type,func-returns-value]
    controller.portfolio(PortfolioQuery(trade_id="T1"))
    _reported()
    assert asked == ["T1"]


def test_an_engine_that_has_ended_leaves_the_last_picture() -> None:
    controller, _engine, _answers = _rig(alive=False)
    for _ in range(3):
        controller.look_at("XBTUSD", Timeframe.M5)
        assert controller.market() == MarketView()
        assert controller.portfolio(PortfolioQuery()) is None


async def test_limits_and_strategies_are_changed_in_the_file_and_in_the_engine() -> None:
    keeper = MemoryKeeper(STRATEGY, disabled=(OTHER,))
    controller, engine, _answers = _rig(keeper=keeper)
    answer = await controller.execute(ChangeSettings({"risk.max_open_positions": "4"}), Actor.TUI)
    assert answer.accepted
    assert answer.message == "risk.max_open_positions: 10 -> 4; in force from the next cycle on"
    enabled = await controller.execute(EnableStrategy(OTHER.id, enabled=True), Actor.CLI)
    assert enabled.accepted
    first, second = engine.used
    assert (first[1].risk.max_open_positions, first[1].by) == (4, "tui")
    assert second[0] is keeper.built
    assert second[1].restarted == {OTHER.id}


async def test_limits_are_not_changed_for_an_engine_that_has_ended() -> None:
    keeper = MemoryKeeper(STRATEGY)
    controller, _engine, _answers = _rig(alive=False, keeper=keeper)
    answer = await controller.execute(ChangeSettings({"risk.max_open_positions": "4"}), Actor.TUI)
    assert (answer.accepted, answer.message) == (False, "the engine has stopped")
    assert keeper.config.risk.max_open_positions == 10


def test_limits_and_decisions_are_pictured_for_those_who_look(xbtusd: PairMetadata) -> None:
    controller, engine, _answers = _rig(keeper=MemoryKeeper(STRATEGY, read_only=True))
    stage = Stage(xbtusd).ready()
    stage.cycle(stage.intent())
    engine.state = stage.state
    controller.attach(ThreadStub(engine), journal=RecordedLook(stage.records))  # type: ignore[arg-type]
    assert controller.strategies().strategies == ()
    _reported()
    assert controller.risk() == RiskView(), "nobody had looked at it yet"
    assert [line.id for line in controller.strategies().strategies] == [STRATEGY.id]
    assert [line.plan_id for line in controller.decisions()] == ["p00000000001"]
    assert engine.inbox.pop() is None


def test_every_picture_of_the_engine_lets_a_cycle_be_noted(xbtusd: PairMetadata) -> None:
    controller, engine, _answers = _rig()
    stage = Stage(xbtusd).ready()
    look = RecordedLook(stage.records)
    controller.attach(ThreadStub(engine), journal=look)  # type: ignore[arg-type]
    stage.cycle()
    controller.publish(Moment(at=stage.at, phase="running", state=stage.state))
    _reported()
    assert look.read == 1


async def test_questions_are_answered_from_the_engines_facts(xbtusd: PairMetadata) -> None:
    controller, engine, _answers = _rig(keeper=MemoryKeeper(STRATEGY, read_only=True))
    stage = Stage(xbtusd).ready()
    entry = stage.bought()
    engine.state = stage.state
    controller.attach(ThreadStub(engine), journal=RecordedLook(stage.records))  # type: ignore[arg-type]
    assert (await controller.what_if("XBTUSD", Decimal(100), Decimal(49_000))).problem == ""
    assert (await controller.explain(entry.plan_id)).plan_id == entry.plan_id
    silence = await controller.explain_silence(STRATEGY.id, "XBTUSD")
    assert silence.gate
    preview = await controller.preview({"risk.max_open_positions": "4"})
    assert [change.new for change in preview.changes] == ["4"]
    assert (await controller.preset("reckless")).problems


def test_an_engine_that_has_ended_leaves_the_last_pictures_of_the_limits() -> None:
    controller, _engine, _answers = _rig(alive=False)
    for _ in range(3):
        assert controller.risk() == RiskView()
        assert controller.strategies().strategies == ()
        assert controller.decisions() == ()


def test_an_engine_that_was_not_there_yet_is_asked_again(xbtusd: PairMetadata) -> None:
    controller, engine, _answers = _rig(alive=False)
    controller.risk()
    engine.state = Stage(xbtusd).ready().state
    controller.attach(ThreadStub(engine))  # type: ignore[arg-type]
    controller.risk()
    _reported()
    assert controller.risk().at == engine.clock.now()
