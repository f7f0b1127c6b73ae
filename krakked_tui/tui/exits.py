"""Why the screen ends, and when."""

from enum import StrEnum

import msgspec

from krakked_tui.control.views import EngineView
from krakked_tui.tui.outcomes import Outcome, Stage

STOP_SECONDS = 15.0
"""How long leaving waits for the engine to report that it stopped."""


class ExitReason(StrEnum):
    """What ended the screen."""

    QUIT = "quit"
    ENGINE_STOPPED = "engine_stopped"
    TERMINAL_LOST = "terminal_lost"
    CRASHED = "crashed"
    SIGNAL = "signal"


class UiExit(msgspec.Struct, frozen=True):
    """The end of the screen. ``detail`` names the signal, the error type or what became of the terminal."""

    reason: ExitReason
    detail: str = ""

    @property
    def exit_code(self) -> int:
        """Return what the process should report, as far as the screen is concerned."""
        return 1 if self.reason is ExitReason.CRASHED else 0


class Departure:
    """Knows when the screen may go: after the engine has stopped, or has had its time to."""

    def __init__(self) -> None:
        self._since: float | None = None

    def begin(self, now: float) -> None:
        """Note that the engine was told to stop because the operator leaves."""
        self._since = now

    def check(self, view: EngineView, shutdown: Outcome | None, now: float) -> ExitReason | None:
        """Return why to end the screen now, None to stay. ``shutdown`` is what became of the command."""
        phase = view.status.phase
        if self._since is None:
            return ExitReason.ENGINE_STOPPED if phase == "stopped" else None
        if phase in {"stopped", "failed"} or now - self._since > STOP_SECONDS:
            return ExitReason.QUIT
        if shutdown is not None and shutdown.stage in {Stage.REFUSED, Stage.FAILED}:
            self._since = None
        return None
