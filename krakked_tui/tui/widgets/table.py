"""A live table: fixed columns, a cursor that follows its row, repaints only the cells that changed."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
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
    crop,
    header_line,
    place,
    row_line,
)
from krakked_tui.tui.widgets.hideable import Hideable
from krakked_tui.tui.widgets.lines import changed_cells
from krakked_tui.tui.widgets.looks import paint

_HEADER = 1
_SCROLLBAR = 1
"""Kept free always, so that columns stay where they are when a scrollbar comes."""


class LiveTable(ScrollView, Hideable, can_focus=True):
    """Rows by key under a fixed header, which stays while they scroll.

    ``title`` stands in the header, ``empty`` in for no rows; both show with the next rows.
    """

    class Moved(Message):
        """The cursor is on another row."""

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
        self.title = title
        self.empty = empty
        self._keys: Sequence[str] = ()
        self._row: Callable[[int], Row] = ().__getitem__
        self._placed: tuple[Placed, ...] = ()
        self._painted: dict[int, Line] = {}
        """Lines by place, header first, as they were painted last; only what is in sight."""

    @property
    def selected(self) -> str | None:
        """Key of the row under the cursor, None without rows."""
        return self._keys[self.cursor] if self._keys else None

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows. The cursor stays on its row's key, or else where it was."""
        self.show_lazily([row.key for row in rows], tuple(rows).__getitem__)

    def show_lazily(self, keys: Sequence[str], row: Callable[[int], Row]) -> None:
        """Replace the rows by those that ``row`` makes by place, of which only the seen ones are made."""
        selected = self.selected
        before = len(self._keys)
        self._keys, self._row = keys, row
        if len(keys) != before:
            self.virtual_size = Size(0, len(keys) + _HEADER)
        if selected is None or self.cursor >= len(keys) or keys[self.cursor] != selected:
            self.cursor = self._place_of(selected)
        self._repaint()

    def follow(self, keys: Sequence[str], row: Callable[[int], Row]) -> None:
        """Replace the rows; a cursor on the last one, and only there, goes on to the new last one."""
        follows = not self.below
        self.show_lazily(keys, row)
        if follows and keys:
            self.cursor = len(keys) - 1

    def show_newest(self, keys: Sequence[str], row: Callable[[int], Row]) -> None:
        """Replace the rows, newest first; a cursor on the first one, and only there, goes on to the new."""
        follows = self.cursor == 0
        self.show_lazily(keys, row)
        if follows:
            self.cursor = 0

    def select(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        if key in self._keys:
            self.cursor = self._keys.index(key)

    def use(self, columns: Sequence[Column]) -> None:
        """Show other columns; the rows' cells must go with them."""
        if columns != self._columns:
            self._columns = tuple(columns)
            self.on_resize()

    @property
    def below(self) -> int:
        """How many rows there are below the cursor."""
        return max(0, len(self._keys) - 1 - self.cursor)

    def _place_of(self, key: str | None) -> int:
        if key in self._keys:
            return self._keys.index(key)
        return min(self.cursor, max(0, len(self._keys) - 1))

    def _repaint(self) -> None:
        """Mark the cells in sight that differ from what was painted last."""
        before, self._painted = self._painted, {}
        for y in range(self.size.height):
            place = self._place_at(y)
            old, new = before.get(place, EMPTY), self._line(place)
            if old != new:
                self._mark(place, *changed_cells(old, new))

    def _place_at(self, y: int) -> int:
        return y if y < _HEADER else y + self.scroll_offset.y

    def _line(self, place: int) -> Line:
        if place not in self._painted:
            self._painted[place] = self._make_line(place)
        return self._painted[place]

    def _make_line(self, place: int) -> Line:
        if place < _HEADER:
            return self._header()
        if not self._keys and place == _HEADER:
            return crop((Span(self.empty, Look.MUTED),), self.size.width)
        index = place - _HEADER
        return row_line(self._row(index), self._placed) if index < len(self._keys) else EMPTY

    def _mark(self, place: int, start: int, end: int) -> None:
        y = place - (self.scroll_offset.y if place >= _HEADER else 0)
        if place < _HEADER or _HEADER <= y < self.size.height:
            self.refresh(Region(start, y, end - start, 1))

    def _mark_row(self, index: int) -> None:
        self._mark(index + _HEADER, 0, self.size.width)

    def _header(self) -> Line:
        title = f"{self.title} {len(self._keys)}"
        fits = self._keys and self._placed and len(title) <= self._placed[0].width
        return header_line(self._placed, title if fits else self.title)

    def watch_cursor(self, before: int, after: int) -> None:
        """Repaint the two rows and keep the cursor in sight."""
        for index in (before, after):
            self._mark_row(index)
        self._reveal()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        if not self.size.height:  # hidden: it comes into sight with a size, and reveals the cursor then
            return
        room = max(1, self.size.height - _HEADER)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False)

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        if self._keys:
            self.cursor = min(max(0, self.cursor + rows), len(self._keys) - 1)

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many pages."""
        self.action_move(pages * max(1, self.size.height - _HEADER))

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        index = event.y - _HEADER + self.scroll_offset.y
        if event.y >= _HEADER and index < len(self._keys):
            self.cursor = index

    def on_resize(self) -> None:
        """Choose the columns for the new width. Coming back with the old one repaints nothing."""
        before, self._placed = self._placed, place(self._columns, self.outer_size.width - _SCROLLBAR)
        self._repaint()
        self._reveal()
        if self._placed != before:
            self.refresh()

    def on_focus(self) -> None:
        """Show the cursor brightly."""
        self._mark_row(self.cursor)

    def on_blur(self) -> None:
        """Show the cursor dimly."""
        self._mark_row(self.cursor)

    def render_line(self, y: int) -> Strip:
        """Paint the header, a row or the hint of an empty table."""
        width, place = self.size.width, self._place_at(y)
        line = self._line(place)
        if place < _HEADER:
            return paint(self, line, width, "table--header")
        if self._keys and place - _HEADER == self.cursor:
            return paint(self, line, width, "table--cursor")
        return paint(self, line, width)
