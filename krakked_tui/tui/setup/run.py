"""Runs set-up on the calling thread, before there is an engine."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from krakked_tui.control.setup import SetupSaved, SetupService
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.tui.exits import ExitReason, UiExit
from krakked_tui.tui.setup.app import SetupApp
from krakked_tui.tui.terminal import Terminal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SetupRunner:
    """One run of set-up. ``run`` blocks the main thread; ``request_exit`` ends it from anywhere.

    ``on_crash_log`` takes reports of internal errors, which hold no local values.
    """

    def __init__(
        self, service: SetupService, settings: UiSettings, *, on_crash_log: Callable[[str], None]
    ) -> None:
        self._service = service
        self._app = SetupApp(
            service,
            settings,
            Terminal(),
            on_crash_log=on_crash_log,
            ansi_color=True if "NO_COLOR" in os.environ else None,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = ""

    @property
    def ended(self) -> UiExit:
        """Why set-up ended, once ``run`` has returned or raised."""
        if self._app.crash:
            return UiExit(ExitReason.CRASHED, self._app.crash)
        return self._app.ended or UiExit(ExitReason.SIGNAL, self._asked)

    def request_exit(self, reason: str) -> None:
        """End set-up. Safe in a signal handler, from any thread, before the start and after the end."""
        self._asked = self._asked or reason
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: set-up has ended already
                self._loop.call_soon_threadsafe(self._app.end_by_signal, reason)

    def run(self) -> SetupSaved | None:
        """Show set-up until it ends, and return after the terminal is as it was before.

        Returns what was saved when the operator goes on with it, or None to start nothing: set-up was
        left, before saving with everything as before, or after it. Closes the service. Raises
        ``KrakkedError`` after an internal error.
        """
        asyncio.run(self._run())
        if self._app.crash:
            raise KrakkedError(
                f"Set-up stopped on an internal error ({self._app.crash}). "
                "Run krakked-tui setup again; what was not reported as saved is not saved."
            )
        return self._app.saved if self._app.goes_on else None

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            if not self._asked:
                await self._app.run_async()
        finally:
            await self._service.close()


def run_setup(
    service: SetupService, settings: UiSettings, *, on_crash_log: Callable[[str], None]
) -> SetupSaved | None:
    """Run set-up on the calling (main) thread, ended by the usual signals too; see ``SetupRunner.run``."""
    runner = SetupRunner(service, settings, on_crash_log=on_crash_log)
    with _signals_to(runner.request_exit):
        return runner.run()


@contextmanager
def _signals_to(request_exit: Callable[[str], None]) -> Iterator[None]:
    def received(number: int, _frame: FrameType | None) -> None:
        request_exit(signal.Signals(number).name)

    before = {number: signal.signal(number, received) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
