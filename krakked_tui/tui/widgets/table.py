"""A live table: fixed columns, a cursor that follows its row, repaints only the cells that changed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from krakked_tui.tui.rows.line import (
    EMPTY,
    Column,
    Line,
    Look,
    Placed,
    Row,
    Span,
    header_line,
    place,
    row_line,
)
from krakked_tui.tui.widgets.lines import changed_cells
from krakked_tui.tui.widgets.looks import paint

_HEADER = 1
_SCROLLBAR = 1
"""Kept free always, so that columns stay where they are when a scrollbar comes."""


class LiveTable(ScrollView, can_focus=True):
    """Rows by key under a fixed header. The header stays while the rows scroll."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--cursor", "table--header"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "previous row", show=False),
        Binding("down,j", "move(1)", "next row", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "move(-1000000)", "first row", show=False),
        Binding("end,G", "move(1000000)", "last row", show=False),
    ]

    cursor: var[int] = var(0)

    def __init__(self, widget_id: str, columns: Sequence[Column], title: str, empty: str) -> None:
        super().__init__(id=widget_id)
        self._columns = tuple(columns)
        self._title = title
        self._empty = empty
        self._rows: tuple[Row, ...] = ()
        self._placed: tuple[Placed, ...] = ()
        self._painted: list[Line] = []

    @property
    def selected(self) -> str | None:
        """Key of the row under the cursor, None without rows."""
        return self._rows[self.cursor].key if self._rows else None

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows. The cursor stays on its row's key, or else where it was."""
        selected = self.selected
        before = len(self._rows)
        self._rows = tuple(rows)
        if len(self._rows) != before:
            self.virtual_size = Size(0, len(self._rows) + _HEADER)
        keys = {row.key: index for index, row in enumerate(self._rows)}
        fallback = min(self.cursor, max(0, len(self._rows) - 1))
        self.cursor = keys.get(selected, fallback) if selected is not None else fallback
        self._repaint()

    def _repaint(self) -> None:
        """Mark the cells that differ from what was painted last."""
        lines = [self._header(), *(row_line(row, self._placed) for row in self._rows)]
        if not self._rows:
            lines.append((Span(self._empty, Look.MUTED),))
        before, self._painted = self._painted, lines
        for index in range(max(len(before), len(lines))):
            old = before[index] if index < len(before) else EMPTY
            new = lines[index] if index < len(lines) else EMPTY
            if old != new:
                self._mark(index, *changed_cells(old, new))

    def _mark(self, index: int, start: int, end: int) -> None:
        y = index - (self.scroll_offset.y if index >= _HEADER else 0)
        if index < _HEADER or _HEADER <= y < self.size.height:
            self.refresh(Region(start, y, end - start, 1))

    def _header(self) -> Line:
        title = f"{self._title} {len(self._rows)}"
        fits = self._rows and self._placed and len(title) <= self._placed[0].width
        return header_line(self._placed, title if fits else self._title)

    def watch_cursor(self, before: int, after: int) -> None:
        """Repaint the two rows and keep the cursor in sight."""
        for index in (before, after):
            self._mark(index + _HEADER, 0, self.size.width)
        self._reveal()

    def _reveal(self) -> None:
        room = max(1, self.size.height - _HEADER)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False)

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        if self._rows:
            self.cursor = min(max(0, self.cursor + rows), len(self._rows) - 1)

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many pages."""
        self.action_move(pages * max(1, self.size.height - _HEADER))

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        index = event.y - _HEADER + self.scroll_offset.y
        if event.y >= _HEADER and index < len(self._rows):
            self.cursor = index

    def on_resize(self) -> None:
        """Choose the columns for the new width."""
        self._placed = place(self._columns, self.outer_size.width - _SCROLLBAR)
        self._painted = []
        self._repaint()
        self._reveal()
        self.refresh()

    def on_focus(self) -> None:
        """Show the cursor brightly."""
        self._mark(self.cursor + _HEADER, 0, self.size.width)

    def on_blur(self) -> None:
        """Show the cursor dimly."""
        self._mark(self.cursor + _HEADER, 0, self.size.width)

    def render_line(self, y: int) -> Strip:
        """Paint the header, a row or the hint of an empty table."""
        width = self.size.width
        index = y if y < _HEADER else y + self.scroll_offset.y
        line = self._painted[index] if index < len(self._painted) else EMPTY
        if index < _HEADER:
            return paint(self, line, width, "table--header")
        if self._rows and index - _HEADER == self.cursor:
            return paint(self, line, width, "table--cursor")
        return paint(self, line, width)
