"""The application: one frame clock and one screen."""

import traceback
from collections.abc import Callable
from time import monotonic
from typing import ClassVar
from zoneinfo import ZoneInfo

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer

from krakked_tui.control.controller import Controller
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.commands import BY_ID, COMMANDS, offered
from krakked_tui.tui.desk import OperatorDesk
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.frame import FrameClock
from krakked_tui.tui.main_screen import MainScreen
from krakked_tui.tui.session import Session
from krakked_tui.tui.store import EVERYTHING, Topic
from krakked_tui.tui.terminal import CrashHook, Terminal, driver_for
from krakked_tui.tui.themes import THEMES


def _bindings() -> list[BindingType]:
    return [
        Binding(key, f"command('{command.id}')", command.title, show=False, priority=priority)
        for command in COMMANDS
        for keys, priority in ((command.keys, False), (command.everywhere, True))
        for key in keys
    ]


class KrakkedApp(CrashHook, inherit_bindings=False):
    """Shows one engine. Nothing is painted but by the frame clock or in answer to a key.

    ``now`` gives monotonic seconds. ``on_engine_stopped`` is called when the screen closes after
    the engine has reported itself stopped.
    """

    CSS_PATH = "theme.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = _bindings()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall"), (38, "-high")]

    def __init__(
        self,
        controller: Controller,
        settings: UiSettings,
        terminal: Terminal,
        *,
        on_crash_log: Callable[[str], None],
        on_engine_stopped: Callable[[], None] = lambda: None,
        now: Callable[[], float] = monotonic,
        cancels_orders: bool = False,
        ansi_color: bool | None = None,
    ) -> None:
        super().__init__(on_crash_log, driver_class=driver_for(terminal), ansi_color=ansi_color)
        self._terminal = terminal
        self._on_engine_stopped = on_engine_stopped
        self._frames = FrameClock(settings.refresh_hz)
        self._timer: Timer | None = None
        self._dirty: frozenset[Topic] = EVERYTHING
        self._main = MainScreen(ZoneInfo(settings.timezone))
        self.session = Session(controller, settings, now, self._note_error, cancels_orders=cancels_orders)
        self.desk = OperatorDesk(
            self, self.session, self._main, self.paint, lambda: self._end(ExitReason.QUIT)
        )
        self.ended: UiExit | None = None
        """Why the screen ended, None while it runs and after a crash."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = settings.theme.value

    def get_default_screen(self) -> Screen[None]:
        """Return the one screen."""
        return self._main

    def on_mount(self) -> None:
        """Start the clock."""
        self._start_clock()

    def _start_clock(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(self._frames.period, self.tick, name="frames")

    def on_resize(self, event: events.Resize) -> None:
        """Say so when there is no room."""
        self._main.fit(event.size)

    def on_lines_resized(self) -> None:
        """Make everything fit its new size, once for all parts that changed."""
        self._dirty = EVERYTHING
        self.call_next(self._show_resized)

    def _show_resized(self) -> None:
        if self._dirty == EVERYTHING:
            self._show()

    def tick(self) -> None:
        """Follow the engine, and paint if a frame is due; a stalled terminal stops only the painting."""
        self._follow()
        if self._terminal.check():
            self._end(ExitReason.TERMINAL_LOST, self._terminal.lost)
        elif self._frames.due(self.session.now(), focused=self.app_focus, busy=self._terminal.pending > 0):
            if self._terminal.take_stale():
                self.screen.refresh()
            self._show()

    def paint(self) -> None:
        """Bring the screen up to date with the engine at once."""
        self._follow()
        self._show()

    def _follow(self) -> None:
        before = self.session.settings
        self._dirty |= self.session.refresh()
        if self.session.settings != before:
            self._use(self.session.settings)
        reason = self.session.ending()
        if reason is not None:
            self._end(reason)

    def _use(self, settings: UiSettings) -> None:
        """Follow settings that changed while the screen runs."""
        self.theme = settings.theme.value
        self._main.use_zone(ZoneInfo(settings.timezone))
        self._frames = FrameClock(settings.refresh_hz)
        self._start_clock()
        self._dirty = EVERYTHING

    def _show(self) -> None:
        if self.ended is not None or not self._main.is_mounted:  # its widgets are about to go, or to come
            return
        session, dirty = self.session, self._dirty
        self._dirty = frozenset()
        starting = session.view.status.phase in {"starting", "failed"}
        self._main.switch(PaneName.START if starting else self.desk.wanted, session.view)
        self._main.show(session, self.desk, dirty)
        if isinstance(self.screen, Dialog):
            self.screen.update(session.view)

    def end_by_signal(self, name: str) -> None:
        """Close the screen because the process was told to."""
        self._end(ExitReason.SIGNAL, name)

    def _end(self, reason: ExitReason, detail: str = "") -> None:
        if self.ended is None:
            self.ended = UiExit(reason, detail)
            self.session.look_away()
            if self.session.view.status.phase == "stopped":
                self._on_engine_stopped()
            self.exit()

    def _note_error(self, error: Exception) -> None:
        self._on_crash_log("".join(traceback.format_exception(error)))

    def action_command(self, command_id: str) -> None:
        """Run the command of a key."""
        self.desk.run_command(BY_ID[command_id])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out the keys of commands this screen does not have."""
        return action != "command" or BY_ID[str(parameters[0])] in offered(self.desk)
