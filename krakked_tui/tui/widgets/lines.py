"""A widget that paints lines given to it, and repaints no more than what differs."""

from collections.abc import Sequence

from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from krakked_tui.tui.rows.line import EMPTY, Line, Look
from krakked_tui.tui.widgets.hideable import Hideable
from krakked_tui.tui.widgets.looks import paint


class Lines(Hideable):
    """Paints one line per row. With automatic height it is as high as its lines."""

    class Resized(Message):
        """What is shown was made for another size."""

    def __init__(self, widget_id: str, lines: Sequence[Line] = ()) -> None:
        super().__init__(id=widget_id)
        self._lines: tuple[Line, ...] = tuple(lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines; marks the cells that differ for repainting."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines) and self.styles.is_auto_height:
            self.refresh(layout=True)
            return
        for y in range(min(self.size.height, max(len(before), len(self._lines)))):
            old, new = _line_at(before, y), _line_at(self._lines, y)
            if old != new:
                start, end = changed_cells(old, new)
                self.refresh(Region(start, y, end - start, 1))

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines as last shown."""
        return self._lines

    def on_resize(self) -> None:
        """Ask for lines that fit."""
        self.post_message(self.Resized())

    def get_content_width(self, container: Size, _viewport: Size) -> int:
        """Take the whole width."""
        return container.width

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Be as high as the lines."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        return paint(self, _line_at(self._lines, y), self.size.width)


def changed_cells(old: Line, new: Line) -> tuple[int, int]:
    """Return the first changed cell and the one after the last, both 0 where nothing differs."""
    before, after = _cells(old), _cells(new)
    length = max(len(before), len(after))
    before += [_BLANK] * (length - len(before))
    after += [_BLANK] * (length - len(after))
    different = [x for x in range(length) if before[x] != after[x]]
    return (different[0], different[-1] + 1) if different else (0, 0)


_BLANK = (" ", Look.PLAIN)


def _cells(line: Line) -> list[tuple[str, Look]]:
    return [(character, span.look) for span in line for character in span.text]


def _line_at(lines: Sequence[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else EMPTY
