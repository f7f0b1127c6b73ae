"""Runs the screen on the calling thread, and says why it ended."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from krakked_tui.control.controller import Controller
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.app import KrakkedApp
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.terminal import Terminal, exit_hard_after

HARD_EXIT_SECONDS = 5.0
"""How long the screen may take to close once the engine has stopped."""


class UiRunner:
    """One run of the screen. ``run`` blocks the main thread; ``request_exit`` ends it from anywhere.

    ``cancels_orders`` says whether stopping the engine cancels open orders, for the question that
    quitting asks. ``on_crash_log`` takes reports of internal errors, which hold no local values.
    """

    def __init__(
        self,
        controller: Controller,
        settings: UiSettings,
        *,
        on_crash_log: Callable[[str], None],
        cancels_orders: bool = False,
    ) -> None:
        self._app = KrakkedApp(
            controller,
            settings,
            Terminal(),
            on_crash_log=on_crash_log,
            on_engine_stopped=self._watch_the_exit,
            cancels_orders=cancels_orders,
            ansi_color=True if "NO_COLOR" in os.environ else None,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = ""
        self._call_off: Callable[[], None] | None = None

    def request_exit(self, reason: str) -> None:
        """End the screen. Safe in a signal handler, from any thread, before the start and after the end."""
        self._asked = self._asked or reason
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the screen has ended already
                self._loop.call_soon_threadsafe(self._app.end_by_signal, reason)

    def run(self) -> UiExit:
        """Show the screen until it ends, and return after the terminal is as it was before."""
        try:
            asyncio.run(self._run())
        finally:
            if self._call_off is not None:
                self._call_off()
        if self._app.crash:
            self._say_crashed()
            return UiExit(ExitReason.CRASHED, self._app.crash)
        return self._app.ended or UiExit(ExitReason.SIGNAL, self._asked)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self._asked:
            await self._app.run_async()

    def _watch_the_exit(self) -> None:
        self._call_off = exit_hard_after(HARD_EXIT_SECONDS, 0)

    def _say_crashed(self) -> None:
        with suppress(OSError):  # the terminal may be what was lost
            sys.stderr.write(
                f"krakked-tui: the screen stopped on an internal error ({self._app.crash}).\n"
                "The report is in the log; start again, or use --no-ui to run without a screen.\n"
            )


def run_ui(
    controller: Controller,
    settings: UiSettings,
    *,
    on_crash_log: Callable[[str], None],
    cancels_orders: bool = False,
) -> UiExit:
    """Run the screen for an engine on the calling (main) thread; see ``UiRunner``."""
    runner = UiRunner(controller, settings, on_crash_log=on_crash_log, cancels_orders=cancels_orders)
    return runner.run()


async def screenshot(controller: Controller, pane: PaneName, size: tuple[int, int]) -> str:
    """Return one pane as an SVG picture, ``size`` in columns and rows."""
    app = KrakkedApp(controller, UiSettings(), Terminal(), on_crash_log=lambda _report: None, now=lambda: 0.0)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.desk.show_pane(pane)
        await pilot.pause()
        return app.export_screenshot(title="krakked-tui")
