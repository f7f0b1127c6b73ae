"""A widget that comes back shows what it holds, in the room it had."""

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher

from krakked_tui.tui.rows.line import Cell, Column, Line, Row, Span
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.looks import Looks
from krakked_tui.tui.widgets.table import LiveTable

WIDTH = 60


def text(words: str) -> Sequence[Line]:
    return ((Span(words),),)


def row(words: str) -> Row:
    return Row("key", (Cell(words),))


class Shelf(App[None]):
    """Two panes, of which one is hidden."""

    CSS = "Looks { display: none; } Lines { height: 2; } LiveTable { height: 3; }"

    def compose(self) -> ComposeResult:
        yield Looks()
        with ContentSwitcher(initial="front"):
            with Vertical(id="front"):
                yield Lines("lines", text("the market stream is down since 04:31"))
                yield LiveTable("table", (Column("WORDS", 40),), "WORDS", "none")
            yield Vertical(id="other")

    @property
    def shown(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    async def bring(self, pane: str, pilot: Pilot[None]) -> None:
        self.query_one(ContentSwitcher).current = pane
        for _ in range(3):
            await pilot.pause(0.02)


async def test_what_changed_while_it_was_hidden_is_shown() -> None:
    app = Shelf()
    async with app.run_test(size=(WIDTH, 8)) as pilot:
        lines, table = app.query_one(Lines), app.query_one(LiveTable)
        table.show([row("a long row of a table")])
        await app.bring("front", pilot)
        await app.bring("other", pilot)
        assert "long row" not in "".join(app.shown)
        lines.show(text("all well"))
        table.show([row("short")])
        await app.bring("front", pilot)
        assert [each for each in app.shown if each] == ["all well", "WORDS 1", "short"]


async def test_hidden_it_has_the_room_it_had() -> None:
    app = Shelf()
    async with app.run_test(size=(WIDTH, 8)) as pilot:
        lines, table = app.query_one(Lines), app.query_one(LiveTable)
        await app.bring("other", pilot)
        assert (lines.size, table.size) == (Size(WIDTH, 2), Size(WIDTH, 3))


async def test_coming_back_paints_it_once() -> None:
    app = Shelf()
    async with app.run_test(size=(WIDTH, 8)) as pilot:
        table = app.query_one(LiveTable)
        table.show([row("short")])
        await app.bring("other", pilot)
        marked: list[object] = []
        table.refresh = lambda *args, **_: marked.append(args)  # type: ignore[method-assign, assignment]
        await app.bring("front", pilot)
        assert marked == []
