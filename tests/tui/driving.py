"""Drives the real app without a terminal: frozen clock, fake controller, the screen as text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App
from textual.pilot import Pilot

from krakked_tui.control.commands import Command
from krakked_tui.control.controller import Controller
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView
from krakked_tui.tui.app import KrakkedApp
from krakked_tui.tui.terminal import Terminal
from tests.fakes.controller import FakeController, normal
from tests.fakes.log import FakeLog
from tests.fakes.market import FakeMarket
from tests.fakes.portfolio import FakePortfolio
from tests.fakes.risk import FakeRisk
from tests.fakes.settings import good

SMALL = (80, 24)


def screen_text(app: App[None]) -> str:
    """Return what the screen of an app shows, as lines of text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


class Desk:
    """One running app and the hands on it."""

    def __init__(
        self,
        view: EngineView | None = None,
        settings: UiSettings | None = None,
        effective: SettingsView | None = None,
        controller: Controller | None = None,
        market: FakeMarket | None = None,
        log: FakeLog | None = None,
        portfolio: FakePortfolio | None = None,
        risk: FakeRisk | None = None,
        strategies: StrategiesView | None = None,
    ) -> None:
        self.fake = FakeController(
            view,
            settings=effective or good(),
            market=market,
            log=log,
            portfolio=portfolio,
            risk=risk,
            strategies=strategies,
        )
        self.time = 0.0
        self.crashes: list[str] = []
        self.terminal = Terminal()
        self.app = KrakkedApp(
            controller or self.fake,
            settings or UiSettings(),
            self.terminal,
            on_crash_log=self.crashes.append,
            now=lambda: self.time,
        )
        self._pilot: Pilot[None] | None = None

    @asynccontextmanager
    async def open(self, size: tuple[int, int] = SMALL) -> AsyncIterator["Desk"]:
        """Run the app for the length of a block."""
        async with self.app.run_test(size=size) as pilot:
            self._pilot = pilot
            while not self.app.get_default_screen().is_mounted:
                await pilot.pause()
            await self.see()
            yield self
            if self.app._timer is not None:
                self.app._timer.stop()  # no frame is due while the widgets go away

    @property
    def pilot(self) -> Pilot[None]:
        assert self._pilot is not None, "only inside open()"
        return self._pilot

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, each with all that follows from it."""
        for key in keys:
            self.app.simulate_key(key)
            await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        await self.pilot.resize_terminal(width, height)
        await self.settle()

    async def start_over(self) -> None:
        """Close all dialogs and forget what was done."""
        while self.in_dialog:
            await self.press("escape")
        self.fake.sent.clear()
        self.fake.publish(**{field: getattr(normal(), field) for field in ("status", "open_orders")})
        await self.settle()

    @property
    def in_dialog(self) -> bool:
        return len(self.app.screen_stack) > 1

    async def type(self, text: str) -> None:
        """Type text."""
        await self.press(*text)

    async def settle(self) -> None:
        """Let messages and layout come to rest."""
        for _ in range(4):
            await self.pilot.pause(0)
        for screen in self.app.screen_stack:
            # Screens paint on a timer, what lies under a dialog first: on a busy machine, too late for us.
            screen._on_timer_update()
            await self.pilot.pause(0)
            await self.pilot.pause(0)

    async def see(self) -> str:
        """Paint what the controller says now, and return the screen."""
        self.app.paint()
        await self.settle()
        return self.text

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        return screen_text(self.app)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def answer(self) -> str:
        """The answer line."""
        return self.lines[-2]

    @property
    def commands(self) -> list[Command]:
        """What was sent to the engine."""
        return self.fake.commands

    @property
    def front(self) -> str:
        """Class of the screen in front."""
        return type(self.app.screen).__name__
