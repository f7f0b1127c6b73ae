"""The screen on a market, a log and an account that keep changing, to be compared with its terminal.

Usage: pty_switching RESULT. SIGUSR2 changes everything to its other wording and lets it move; SIGUSR1
holds it still and writes, as JSON in the file RESULT, what the widgets hold at every cell of the screen.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import msgspec
from textual.geometry import Region
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from krakked_tui.control.log_view import LogPage
from krakked_tui.control.market_view import MarketView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView
from krakked_tui.domain.money import trap_floats
from krakked_tui.tui.app import KrakkedApp
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.rows.line import text_of
from krakked_tui.tui.terminal import Terminal
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable
from tests.fakes.controller import FakeController, disconnected, normal
from tests.fakes.market import FakeMarket, ailing, well
from tests.fakes.settings import good

PAIRS = 40
COMES_TO_REST_SECONDS = 0.08
UNKNOWN = "\0"
"""Stands for a cell that none of our widgets paints."""


class Changing(FakeController):
    """Moves with every look at it, until it is held still; what it says has two wordings."""

    def __init__(self) -> None:
        super().__init__(settings=good(), market=FakeMarket(PAIRS), moving=True)
        self._held_at: float | None = None
        self._ill = False

    def now(self) -> float:
        """Monotonic seconds that stand still too."""
        return time.monotonic() if self._held_at is None else self._held_at

    def hold_still(self) -> None:
        self._held_at = self._held_at or time.monotonic()

    def change(self) -> None:
        """Say everything in the other words, and move on."""
        self._held_at, self._ill = None, not self._ill
        view = disconnected() if self._ill else normal()
        orders, trades = (2, 5) if self._ill else (3, 11)
        self.publish(
            status=view.status, positions=view.positions[: 1 + self._ill],
            open_orders=view.open_orders[:orders], recent_orders=view.recent_orders[orders:],
            recent_trades=view.recent_trades[:trades], messages=view.messages[: 1 + self._ill],
        )  # fmt: skip
        self.pairs.publish(data=ailing(PAIRS) if self._ill else well(PAIRS))
        settings = self.current_settings
        self.current_settings = msgspec.structs.replace(settings, rows=settings.rows[::-1])
        self.log.say(
            "error" if self._ill else "info", "changed", "a longer sentence than before " * self._ill
        )

    def view(self) -> EngineView:
        return super().view() if self._held_at is None else self.current

    def market(self) -> MarketView:
        return super().market() if self._held_at is None else self.pairs.current

    def logs(self, after: int, limit: int) -> LogPage:
        return super().logs(after, limit) if self._held_at is None else self.log.page(after, limit)


class Canvas:
    """The cells of a screen as the widgets want them."""

    def __init__(self, width: int, height: int) -> None:
        self.rows = [[UNKNOWN] * width for _ in range(height)]

    def write(self, x: int, y: int, text: str, clip: Region) -> None:
        for column, character in enumerate(text, x):
            if clip.contains(column, y):
                self.rows[y][column] = character

    def paint(self, screen: Screen[None]) -> None:
        """Write what every widget of ours on a screen holds."""
        for widget in screen.query("Lines, LiveTable").results(Widget):
            if not widget.display or widget not in screen._compositor.visible_widgets:
                continue
            region, clip = screen._compositor.visible_widgets[widget]
            area = region.shrink(widget.styles.gutter)
            for y, text in enumerate(held(widget, area)):
                self.write(area.x, area.y + y, text, clip.intersection(area))
        for widget, (region, clip) in screen._compositor.visible_widgets.items():
            if isinstance(widget, ScrollBar):  # it may lie above the last column
                self.forget(region.intersection(clip))

    def forget(self, region: Region) -> None:
        for y in region.line_range:
            self.write(region.x, y, UNKNOWN * region.width, region)


def held(widget: Widget, area: Region) -> list[str]:
    """Return what a widget holds for its area, asked of its rows and not of what it has painted."""
    lines = []
    for y in range(area.height):
        if isinstance(widget, LiveTable):
            line, width = widget._make_line(widget._place_at(y)), area.width - 1  # next to the scrollbar
        else:
            assert isinstance(widget, Lines)
            line, width = widget.lines[y] if y < len(widget.lines) else (), area.width
        lines.append(text_of(line).ljust(width)[:width])
    return lines


def wanted_screen(app: KrakkedApp) -> list[str]:
    canvas = Canvas(*app.size)
    canvas.paint(app.screen_stack[0])
    if isinstance(app.screen, Dialog):
        canvas.forget(app.screen.query_one("#box").region)
        canvas.paint(app.screen)
    return ["".join(row) for row in canvas.rows]


async def run(result: Path) -> None:
    controller, terminal, crashes = Changing(), Terminal(), list[str]()
    app = KrakkedApp(
        controller, UiSettings(refresh_hz=10), terminal, on_crash_log=crashes.append, now=controller.now
    )

    def tell() -> None:
        found = {
            "pane": app.desk.pane, "dialog": app.desk.in_dialog, "crashes": crashes,
            "rows": wanted_screen(app),
        }  # fmt: skip
        part = result.with_suffix(".part")
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(result)

    loop = asyncio.get_running_loop()

    def hold_still() -> None:
        controller.hold_still()
        loop.call_later(COMES_TO_REST_SECONDS, tell)

    loop.add_signal_handler(signal.SIGUSR1, hold_still)
    loop.add_signal_handler(signal.SIGUSR2, controller.change)
    loop.add_signal_handler(signal.SIGTERM, app.end_by_signal, "SIGTERM")
    await app.run_async()


if __name__ == "__main__":
    trap_floats()
    asyncio.run(run(Path(sys.argv[1])))
