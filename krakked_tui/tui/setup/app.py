"""The application of set-up: it runs before there is an engine, on the terminal handling of the other."""

import traceback
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import Screen

from krakked_tui.control.setup import SetupSaved, SetupService
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.setup.leave import LeaveDialog
from krakked_tui.tui.setup.screen import SetupScreen
from krakked_tui.tui.terminal import CrashHook, Terminal, driver_for
from krakked_tui.tui.themes import THEMES

TERMINAL_CHECK_SECONDS = 1.0
"""How often to look whether the terminal is still there. Nothing is painted by this clock."""


class SetupApp(CrashHook, inherit_bindings=False):
    """Asks for everything and saves it through ``service``. It paints in answer to keys and replies only."""

    CSS_PATH = ["../theme.tcss", "setup.tcss"]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "leave", "leave", show=False, priority=True),
        Binding("q", "leave", "leave", show=False),
    ]

    def __init__(
        self,
        service: SetupService,
        settings: UiSettings,
        terminal: Terminal,
        *,
        on_crash_log: Callable[[str], None],
        ansi_color: bool | None = None,
    ) -> None:
        super().__init__(on_crash_log, driver_class=driver_for(terminal), ansi_color=ansi_color)
        self._terminal = terminal
        self._main = SetupScreen(service, self._note_error, self._go_on)
        self.saved: SetupSaved | None = None
        """What was saved, once set-up has ended."""
        self.goes_on = False
        """Whether the operator asked to start with what was saved."""
        self.ended: UiExit | None = None
        """Why set-up ended, None while it runs and after a crash."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = settings.theme.value

    def get_default_screen(self) -> Screen[None]:
        """Return the one screen."""
        return self._main

    def on_mount(self) -> None:
        """Watch the terminal."""
        self.set_interval(TERMINAL_CHECK_SECONDS, self.check_terminal, name="terminal")

    def check_terminal(self) -> None:
        """End when the terminal is gone; paint anew what it missed."""
        if self._terminal.check():
            self._end(ExitReason.TERMINAL_LOST, self._terminal.lost)
        elif self._terminal.take_stale():
            self.screen.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the new size, which the app itself has only after this."""
        self.call_next(self._fit)

    def _fit(self) -> None:
        if self._main.is_mounted:
            self._main.fit(self.size)

    def action_leave(self) -> None:
        """Leave, after asking when something would be lost; never while saving."""
        if self._main.busy or self._main.switching or isinstance(self.screen, LeaveDialog):
            return
        if self._main.touched:
            self.push_screen(LeaveDialog(), self._answered)
        else:
            self._end(ExitReason.QUIT)

    def _answered(self, leave: bool | None) -> None:  # noqa: FBT001 - a dialog's answer
        if leave:
            self._end(ExitReason.QUIT)

    def end_by_signal(self, name: str) -> None:
        """End because the process was told to."""
        self._end(ExitReason.SIGNAL, name)

    def _go_on(self) -> None:
        self.goes_on = self.ended is None
        self._end(ExitReason.QUIT)

    def _end(self, reason: ExitReason, detail: str = "") -> None:
        if self.ended is None:
            self.ended = UiExit(reason, detail)
            self.saved = self._main.entries.saved
            self._main.step.leave()
            self._main.entries.drop_key()
            self.exit()

    def _note_error(self, error: Exception) -> None:
        self._on_crash_log("".join(traceback.format_exception(error)))
