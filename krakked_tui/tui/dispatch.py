"""Sends commands to the engine and follows each until the views show what became of it."""

from collections.abc import Callable, Coroutine

from krakked_tui.control.commands import Actor, Command, EnableStrategy, SetKillSwitch
from krakked_tui.control.controller import Controller
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.views import EngineView
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.tui.outcomes import Outcome, Stage, answered, failed, observed

IN_FLIGHT_MAX = 8
"""Commands waiting for an answer at a time; more are refused, except the kill switch."""

KEPT_MAX = 16
"""Settled outcomes remembered."""

Work = Coroutine[None, None, None]


class Dispatcher:
    """Owns the outcomes of the commands sent from this screen, by the order they were sent in.

    ``on_error`` takes errors nobody foresaw, which must not end the screen.
    """

    def __init__(
        self, controller: Controller, now: Callable[[], float], on_error: Callable[[Exception], None]
    ) -> None:
        self._controller = controller
        self._now = now
        self._on_error = on_error
        self._outcomes: dict[int, Outcome] = {}
        self.sent = 0
        """Number of the command sent last; 0 before the first."""

    def outcome(self, number: int) -> Outcome | None:
        """Return what became of a command, None when it is long past."""
        return self._outcomes.get(number)

    @property
    def latest(self) -> Outcome | None:
        """What became of the command sent last."""
        return self._outcomes.get(self.sent)

    @property
    def pending(self) -> int:
        """How many commands have no result yet."""
        return sum(outcome.settled_at is None for outcome in self._outcomes.values())

    def submit(self, command: Command, label: str, before: EngineView) -> Work | None:
        """Take a command on and return the work of sending it, which the caller must run.

        None when there is nothing to send: a kill is on its way already, or too much is waiting.
        """
        sending = [each for each in self._outcomes.values() if each.stage is Stage.SENDING]
        killing = isinstance(command, SetKillSwitch)
        if killing and any(isinstance(each.command, SetKillSwitch) for each in sending):
            return None
        self._forget()
        self.sent += 1
        outcome = Outcome(command=command, label=label, before=before, sent_at=self._now())
        if len(sending) >= IN_FLIGHT_MAX and not killing:
            why = f"not sent: {len(sending)} commands wait for an answer"
            self._outcomes[self.sent] = failed(outcome, why, self._now())
            return None
        self._outcomes[self.sent] = outcome
        return self._execute(self.sent, command)

    @property
    def asks_of_strategies(self) -> bool:
        """Whether a command is on its way whose effect only the strategies' picture shows."""
        return any(
            outcome.settled_at is None and isinstance(outcome.command, EnableStrategy)
            for outcome in self._outcomes.values()
        )

    def observe(
        self, view: EngineView, settings: SettingsView, strategies: StrategiesView | None = None
    ) -> None:
        """Look for effects in a new view, and in the settings and strategies of that moment."""
        for number, outcome in self._outcomes.items():
            self._outcomes[number] = observed(outcome, view, settings, self._now(), strategies)

    def _forget(self) -> None:
        settled = [number for number, outcome in self._outcomes.items() if outcome.settled_at is not None]
        for number in settled[: -KEPT_MAX + 1]:
            del self._outcomes[number]

    async def _execute(self, number: int, command: Command) -> None:
        try:
            answer = await self._controller.execute(command, Actor.TUI)
        except KrakkedError as error:
            self._fail(number, str(error))
        except Exception as error:  # noqa: BLE001 - a failed command is shown; it must not end the screen
            self._on_error(error)
            self._fail(number, f"internal error ({type(error).__name__}); the log has the details")
        else:
            self._outcomes[number] = answered(self._outcomes[number], answer, self._now())

    def _fail(self, number: int, why: str) -> None:
        self._outcomes[number] = failed(self._outcomes[number], why, self._now())
