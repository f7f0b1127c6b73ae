"""Drives set-up without a terminal: the fake service, the screen as text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.tui.setup.app import SetupApp
from krakked_tui.tui.terminal import Terminal
from tests.fakes.setup import FakeSetup
from tests.tui.driving import screen_text

KEY = "Zk1" + "a" * 53
SECRET = "Qw7" + "b" * 83 + "=="
PASSWORD = "correct horse battery"


class Hands:
    """One running set-up and the hands on it."""

    def __init__(self, fake: FakeSetup | None = None) -> None:
        self.fake = fake or FakeSetup()
        self.crashes: list[str] = []
        self.app = SetupApp(self.fake, UiSettings(), Terminal(), on_crash_log=self.crashes.append)
        self._pilot: Pilot[None] | None = None

    @asynccontextmanager
    async def open(self, size: tuple[int, int] = (80, 24)) -> AsyncIterator["Hands"]:
        """Run set-up for the length of a block."""
        async with self.app.run_test(size=size) as pilot:
            self._pilot = pilot
            await self.settle()
            yield self

    @property
    def pilot(self) -> Pilot[None]:
        assert self._pilot is not None, "only inside open()"
        return self._pilot

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, each with all that follows from it."""
        for key in keys:
            self.app.simulate_key(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type text without looking up in between."""
        for character in text:
            self.app.simulate_key(character)
        await self.settle()

    async def paste(self, text: str) -> None:
        """Paste as a terminal with bracketed paste does."""
        self.app.post_message(events.Paste(text))
        await self.settle()

    async def click(self, selector: str, offset: tuple[int, int] = (2, 0)) -> None:
        """Click on a widget."""
        await self.pilot.click(selector, offset=offset)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        await self.pilot.resize_terminal(width, height)
        await self.settle()

    async def settle(self) -> None:
        """Let messages, replies, judgements that may be given, and layout come to rest."""
        for _ in range(8):
            await self.pilot.pause(0)
        while self.fake.gate is None and getattr(self.app._main.step, "judging", False):
            await self.pilot.pause(0)
        for _ in range(8):
            await self.pilot.pause(0)
        for screen in self.app.screen_stack:
            # Screens paint on a timer: on a busy machine, too late for us.
            screen._on_timer_update()
            await self.pilot.pause(0)
            await self.pilot.pause(0)

    async def enter_key(self, key: str = KEY, secret: str = SECRET) -> None:
        """From the key step, enter a key and have it checked."""
        await self.paste(key)
        await self.press("enter")
        await self.paste(secret)
        await self.press("enter")

    async def enter_password(self, password: str = PASSWORD) -> None:
        """From the password step, type it twice."""
        await self.type(password)
        await self.press("enter")
        await self.type(password)
        await self.press("enter")

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        return screen_text(self.app)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def title(self) -> str:
        """What the step in front is called."""
        return type(self.app._main.step).TITLE_TEXT

    @property
    def fields(self) -> list[str]:
        """What all text fields hold."""
        return [field.value for field in self.app.get_default_screen().query(Input)]

    @property
    def focused(self) -> str:
        """The widget with the focus."""
        return (self.app.screen.focused.id or "") if self.app.screen.focused else ""
