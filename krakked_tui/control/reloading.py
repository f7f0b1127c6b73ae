"""Other limits and strategies for a running engine: kept, handed to it, and taken back if it refuses."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol

from krakked_tui.config.changes import Changed
from krakked_tui.control import commands as c
from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.engine import Engine
from krakked_tui.strategies.loaded import StrategySet

LOGGED_MAX = 200
"""Characters of a setting that the control log keeps."""

Call = Callable[[Callable[[Engine], None]], bool]
"""Has something done on the engine's loop; False when that has ended."""
STOPPED = "the engine has stopped"


class ChangesDoor(Protocol):
    """Keeps the settings of a run. Methods block on the disk and raise ``KrakkedError``; any thread."""

    def change_many(self, changes: Mapping[str, str]) -> Changed:
        """Change keys together, all or none, and keep them."""
        ...

    def enable(self, strategy_id: str, *, enabled: bool) -> Changed:
        """Let a strategy run or not."""
        ...


class Reloading:
    """Carries out ``ChangeSettings`` and ``EnableStrategy``, one after the other."""

    def __init__(
        self, keeper: ChangesDoor, answers: Answers, call: Call, use: Callable[[StrategySet], None]
    ) -> None:
        """``use`` takes the strategies that run from then on."""
        self._keeper = keeper
        self._answers = answers
        self._call = call
        self._use = use
        self._lock = Lock()

    def run(self, command: c.ChangeSettings | c.EnableStrategy, actor: c.Actor) -> c.Answer:
        """Carry out a command. Blocks until the engine has answered."""
        with self._lock:
            if not self._call(lambda _engine: None):
                return c.Answer(accepted=False, message=STOPPED)
            try:
                changed = self._changed(command)
            except KrakkedError as error:
                return self._refused(command, actor, str(error))
            restarted = frozenset(_restarted(command))
            if not changed.changes and not restarted:
                return c.Answer(accepted=True, message=changed.message)
            answer = self._hand_over(changed, restarted, actor)
            if not answer.accepted:
                return self._refused(command, actor, f"{answer.message}{self._take_back(changed)}")
            self._use(changed.built)
            done = changed.message if changed.changes else f"{', '.join(restarted)} runs anew"
            return c.Answer(accepted=True, message=f"{done}; {answer.message}")

    def _changed(self, command: c.ChangeSettings | c.EnableStrategy) -> Changed:
        if isinstance(command, c.ChangeSettings):
            return self._keeper.change_many(command.changes)
        return self._keeper.enable(command.strategy_id, enabled=command.enabled)

    def _hand_over(self, changed: Changed, restarted: frozenset[str], actor: c.Actor) -> f.Answer:
        ticket, future = self._answers.open()

        def hand_over(engine: Engine) -> None:
            event = e.SettingsReloaded(
                engine.clock.now(),
                actor,
                changed.risk,
                changed.strategies,
                changed.changes,
                restarted,
                ticket,
            )
            try:
                engine.use_strategies(changed.built, event)
            except KrakkedError as error:
                self._answers.resolve(f.Answer(ticket, accepted=False, message=str(error)))

        if not self._call(hand_over):
            self._answers.resolve(f.Answer(ticket, accepted=False, message=STOPPED))
        return future.result()

    def _take_back(self, changed: Changed) -> str:
        """Undo what was kept; says so only when that fails."""
        if not changed.changes:
            return ""
        try:
            self._keeper.change_many({each.key: each.old for each in changed.changes})
        except KrakkedError as error:
            return f"; it is kept for the next start, and could not be taken back: {error}"
        return ""

    def _refused(self, command: c.ChangeSettings | c.EnableStrategy, actor: c.Actor, why: str) -> c.Answer:
        key, value = _told(command)
        self._call(
            lambda engine: engine.inbox.put(e.SettingChanged(engine.clock.now(), actor, key, value, why))
        )
        return c.Answer(accepted=False, message=why)


def _restarted(command: c.ChangeSettings | c.EnableStrategy) -> tuple[str, ...]:
    enables = isinstance(command, c.EnableStrategy) and command.enabled
    return (command.strategy_id,) if isinstance(command, c.EnableStrategy) and enables else ()


def _told(command: c.ChangeSettings | c.EnableStrategy) -> tuple[str, str]:
    if isinstance(command, c.EnableStrategy):
        return "strategy", f"{'enable' if command.enabled else 'disable'} {command.strategy_id[:LOGGED_MAX]}"
    told = ", ".join(f"{key} = {value or 'default'}" for key, value in command.changes.items())
    return "settings", told[:LOGGED_MAX]
