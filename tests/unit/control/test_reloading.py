"""Other limits and strategies for a running engine."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.settings import SettingsKeeper
from krakked_tui.config.places import places
from krakked_tui.control.commands import Actor, Answer, ChangeSettings, EnableStrategy
from krakked_tui.control.reloading import Reloading
from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Answer as Resolved
from krakked_tui.domain.errors import RefusedError
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.inbox import Inbox
from krakked_tui.strategies.loaded import StrategySet
from tests.fakes.clock import FakeClock
from tests.fakes.keeper import MemoryKeeper
from tests.scenarios.stage import OTHER, STRATEGY

CHANGE = ChangeSettings({"risk.max_open_positions": "4"})


class EngineStub:
    """Takes strategies, or refuses them with a sentence."""

    def __init__(self, answers: Answers) -> None:
        self.clock, self.inbox, self._answers = FakeClock(), Inbox(), answers
        self.refusal = ""
        self.used: list[tuple[StrategySet, e.SettingsReloaded]] = []

    def use_strategies(self, strategies: StrategySet, event: e.SettingsReloaded) -> None:
        if self.refusal:
            raise RefusedError(self.refusal)
        self.used.append((strategies, event))
        assert event.ticket is not None
        self._answers.resolve(
            Resolved(event.ticket, accepted=True, message="in force from the next cycle on")
        )


class Rig:
    """A keeper, an engine that answers at once, and what is shown."""

    def __init__(self, keeper: MemoryKeeper | None = None) -> None:
        self.keeper = keeper or MemoryKeeper(STRATEGY, disabled=(OTHER,))
        self.answers = Answers()
        self.engine = EngineStub(self.answers)
        self.alive = 2**31
        """Calls that the engine still takes."""
        self.shown: list[StrategySet] = []
        self.reloading = Reloading(self.keeper, self.answers, self.call, self.shown.append)  # type: ignore[arg-type]

    def call(self, work: Callable[[EngineStub], None]) -> bool:
        self.alive -= 1
        if self.alive < 0:
            return False
        work(self.engine)
        return True

    def run(self, command: ChangeSettings | EnableStrategy, actor: Actor = Actor.TUI) -> Answer:
        return self.reloading.run(command, actor)

    def logged(self) -> list[tuple[str, str, str, str]]:
        found = []
        while (event := self.engine.inbox.pop()) is not None:
            assert isinstance(event, e.SettingChanged)
            found.append((event.by, event.key, event.value, event.outcome))
        return found


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_change_is_kept_handed_over_and_answered_with_old_and_new(rig: Rig) -> None:
    answer = rig.run(CHANGE, Actor.CLI)
    assert answer == Answer(True, "risk.max_open_positions: 10 -> 4; in force from the next cycle on")
    ((strategies, event),) = rig.engine.used
    assert strategies is rig.keeper.built
    assert rig.shown == [strategies]
    assert (event.by, event.risk, event.strategies) == ("cli", rig.keeper.config.risk, (STRATEGY,))
    assert event.risk.max_open_positions == 4
    assert event.changes == (e.Replaced("risk.max_open_positions", "10", "4"),)
    assert event.restarted == frozenset()
    assert event.at == rig.engine.clock.now()
    assert rig.logged() == [], "the engine puts it on record itself"


def test_what_the_keeper_refuses_never_reaches_the_engine_and_is_on_record(rig: Rig) -> None:
    rig.keeper.problem = "risk.max_open_positions is 4: no"
    assert rig.run(CHANGE) == Answer(False, rig.keeper.problem)
    assert rig.engine.used == []
    assert rig.shown == []
    assert rig.logged() == [("tui", "settings", "risk.max_open_positions = 4", rig.keeper.problem)]


def test_what_the_engine_refuses_is_taken_back(rig: Rig) -> None:
    rig.engine.refusal = "candles of 4h are not kept: restart Krakked"
    assert rig.run(CHANGE) == Answer(False, rig.engine.refusal)
    assert rig.keeper.config.risk.max_open_positions == 10
    assert rig.keeper.asked == [CHANGE.changes, {"risk.max_open_positions": "10"}]
    assert rig.shown == []
    assert rig.logged() == [("tui", "settings", "risk.max_open_positions = 4", rig.engine.refusal)]


def test_what_cannot_be_taken_back_is_said(rig: Rig) -> None:
    class Stubborn(MemoryKeeper):
        def change_many(self, changes: object) -> object:  # type: ignore[override]
            if self.asked:
                raise RefusedError("the disk is full")
            return super().change_many(changes)  # type: ignore[arg-type]

    rig = Rig(Stubborn(STRATEGY))
    rig.engine.refusal = "no"
    answer = rig.run(CHANGE)
    assert answer.message == (
        "no; it is kept for the next start, and could not be taken back: the disk is full"
    )


def test_a_change_that_changes_nothing_is_not_handed_over(rig: Rig) -> None:
    answer = rig.run(ChangeSettings({"risk.max_open_positions": "10"}))
    assert answer == Answer(True, "nothing changed")
    assert rig.engine.used == []


def test_enabling_a_strategy_hands_it_over_as_one_that_runs_anew(rig: Rig) -> None:
    answer = rig.run(EnableStrategy(OTHER.id, enabled=True))
    assert answer.accepted
    assert "strategies.enabled" in answer.message
    ((strategies, event),) = rig.engine.used
    assert event.restarted == {OTHER.id}
    assert {each.id for each in event.strategies} == {OTHER.id, STRATEGY.id}
    assert [each.strategy.settings.id for each in strategies.strategies] == [OTHER.id, STRATEGY.id]


def test_one_that_was_stopped_by_an_error_is_enabled_although_nothing_changes(rig: Rig) -> None:
    answer = rig.run(EnableStrategy(STRATEGY.id, enabled=True))
    assert answer == Answer(True, f"{STRATEGY.id} runs anew; in force from the next cycle on")
    ((_, event),) = rig.engine.used
    assert event.restarted == {STRATEGY.id}
    assert event.changes == ()


def test_disabling_restarts_nothing(rig: Rig) -> None:
    assert rig.run(EnableStrategy(STRATEGY.id, enabled=False)).accepted
    ((strategies, event),) = rig.engine.used
    assert (event.restarted, event.strategies, strategies.strategies) == (frozenset(), (), ())
    assert rig.run(EnableStrategy(STRATEGY.id, enabled=False)) == Answer(True, "nothing changed")


def test_a_restart_that_the_engine_refuses_has_nothing_to_take_back(rig: Rig) -> None:
    rig.engine.refusal = "the engine is stopping"
    assert rig.run(EnableStrategy(STRATEGY.id, enabled=True)) == Answer(False, "the engine is stopping")
    assert rig.keeper.asked == []
    assert rig.logged() == [("tui", "strategy", f"enable {STRATEGY.id}", "the engine is stopping")]


def test_a_strategy_that_nobody_knows(rig: Rig) -> None:
    assert rig.run(EnableStrategy("x" * 500, enabled=False)).accepted is False
    ((_, key, value, _),) = rig.logged()
    assert (key, value) == ("strategy", f"disable {'x' * 200}")


def test_an_engine_that_has_ended_changes_nothing(rig: Rig) -> None:
    rig.alive = 0
    assert rig.run(CHANGE) == Answer(False, "the engine has stopped")
    assert rig.keeper.asked == []


def test_an_engine_that_ends_meanwhile_leaves_everything_as_it_was(rig: Rig) -> None:
    rig.alive = 1
    assert rig.run(CHANGE) == Answer(False, "the engine has stopped")
    assert rig.keeper.config.risk.max_open_positions == 10


def test_what_the_log_keeps_is_bounded(rig: Rig) -> None:
    rig.keeper.problem = "no"
    rig.run(ChangeSettings({"risk.max_open_positions": "9" * 500}))
    ((_, _, value, _),) = rig.logged()
    assert len(value) == 200


def test_two_changes_at_once_come_one_after_the_other(rig: Rig) -> None:
    """The second waits until the engine has answered the first: both agree on what came last."""
    answers: list[Answer] = []
    commands = [ChangeSettings({"risk.max_open_positions": str(number)}) for number in range(1, 9)]
    threads = [Thread(target=lambda c=each: answers.append(rig.run(c))) for each in commands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert all(answer.accepted for answer in answers)
    assert [event.risk for _, event in rig.engine.used][-1] == rig.keeper.config.risk
    old = [change.old for _, event in rig.engine.used for change in event.changes]
    new = [change.new for _, event in rig.engine.used for change in event.changes]
    assert old == ["10", *new[:-1]]


def test_what_is_taken_back_is_so_for_the_next_start_too(tmp_path: Path) -> None:
    """With the keeper of a profile: a limit from its file, one that was not set, and who runs."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[risk]\nmax_open_positions = 7\n")
    environment = {"KRAKKED_HOME": str(tmp_path)}
    sources = Sources(where=places("paper", environment), profile="paper", environment=environment)
    keeper = SettingsKeeper(sources, read_configuration(sources), mode="paper", exchange="sandbox")
    before, rig = keeper.config, Rig()
    rig.engine.refusal = "candles of 4h are not kept: restart Krakked"
    reloading = Reloading(keeper, rig.answers, rig.call, rig.shown.append)  # type: ignore[arg-type]
    (running,) = before.strategies.enabled
    changes = {
        "risk.max_open_positions": "4",
        "risk.min_liquidity_24h_usd": "5000",
        f"risk.max_per_strategy_pct.{running}": "40",
        f"strategies.configs.{running}.max_positions": "2",
        "strategies.enabled": "[]",
    }
    assert reloading.run(ChangeSettings(changes), Actor.TUI) == Answer(False, rig.engine.refusal)
    assert keeper.config == before
    assert read_configuration(sources).config == before
    rig.engine.refusal = ""
    assert reloading.run(ChangeSettings(changes), Actor.TUI).accepted
    assert read_configuration(sources).config == keeper.config != before
    ((_, event),) = rig.engine.used
    assert (event.strategies, event.risk) == ((), keeper.config.risk)
    assert event.risk.max_open_positions == 4
