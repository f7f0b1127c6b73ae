"""Styled text as values, and the fixed columns of tables."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Look(StrEnum):
    """What a piece of text means; the theme says how that looks."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    TITLE = "title"
    KEY = "key"
    GAIN = "gain"
    LOSS = "loss"
    GOOD = "good"
    SHAPE = "shape"
    CURVE = "curve"
    CURVE2 = "curve2"
    STALE = "stale"
    WARN = "warn"
    ALARM = "alarm"
    MODE = "mode"
    LIVE = "live"
    BAR = "bar"
    OFF = "off"


class Span(NamedTuple):
    """A run of text with one look."""

    text: str
    look: Look = Look.PLAIN


Line = tuple[Span, ...]
EMPTY: Line = ()


def text_of(line: Line) -> str:
    """Return the bare text of a line."""
    return "".join(span.text for span in line)


def width_of(line: Line) -> int:
    """Return the width of a line in cells."""
    return sum(len(span.text) for span in line)


def clip(text: str, width: int) -> str:
    """Cut ``text`` to ``width`` cells; an ellipsis shows that something is missing."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""


def clip_middle(text: str, width: int) -> str:
    """Cut ``text`` to ``width`` cells in its middle: names often differ at their ends alone."""
    if len(text) <= width or width < 3:
        return clip(text, width)
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[-end:]}"


def clip_number(text: str, width: int) -> str:
    """Cut a formatted number to ``width`` cells without ever changing its size.

    Only decimals may go, and an ellipsis says so; then the separators. A number whose whole part does not
    fit even so becomes ``####``.
    """
    if len(text) <= width:
        return text
    whole, point, _ = text.partition(".")
    if len(whole) < width:
        return text[: width - 1].rstrip(".") + "…"
    bare = whole.replace(",", "") + ("…" if point else "")
    return bare if len(bare) <= width else "#" * width


def crop(line: Line, width: int) -> Line:
    """Cut a line to ``width`` cells."""
    if width_of(line) <= width:
        return line
    spans: list[Span] = []
    left = width
    for span in line:
        if len(span.text) >= left:
            spans.append(Span(clip(span.text + " ", left), span.look))
            break
        spans.append(span)
        left -= len(span.text)
    return tuple(spans)


def spread(left: Line, right: Line, width: int) -> Line:
    """Put one line at the left edge and one at the right; the left one gives way."""
    room = max(0, width - width_of(right))
    cut = crop(left, room)
    return (*cut, Span(" " * (room - width_of(cut))), *right)


def wrap(text: str, width: int, look: Look = Look.PLAIN) -> list[Line]:
    """Break text into lines of at most ``width`` cells, at spaces where there are any."""
    if width < 1:  # a widget has no size before its first layout
        return []
    lines: list[Line] = []
    rest = text.strip()
    while len(rest) > width:
        cut = rest.rfind(" ", 1, width + 1)
        cut = width if cut < 1 else cut
        lines.append((Span(rest[:cut].rstrip(), look),))
        rest = rest[cut:].lstrip()
    return [*lines, (Span(rest, look),)] if rest else lines


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    look: Look = Look.PLAIN


class Row(NamedTuple):
    """One row of a table; ``cells`` are in the order of the table's columns."""

    key: str
    cells: tuple[Cell, ...]


class Column(NamedTuple):
    """One column: fixed width in cells, growing up to ``most`` where there is room to spare.

    Columns of rank 0 are always there; higher ranks join, lowest first, while there is room.
    Numbers are aligned right and never cut in size.
    """

    title: str
    width: int
    rank: int = 0
    number: bool = False
    most: int = 0
    name: bool = False
    """Whether a text that is too long loses its middle, not its end."""


class Placed(NamedTuple):
    """A column that made it into a width: its cell in the row, its width there, the gap before it."""

    cell: int
    width: int
    number: bool
    title: str
    gap: int
    name: bool = False


GAP = 1
"""Cells between two columns; one more where the width allows."""


def place(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """Choose the columns that fit into ``width``, and let them grow, left ones first."""
    chosen = {index for index, column in enumerate(columns) if not column.rank}
    used = sum(columns[index].width + GAP for index in chosen) - GAP
    for index in sorted(range(len(columns)), key=lambda index: columns[index].rank):
        need = columns[index].width + GAP
        if index not in chosen and used + need <= width:
            chosen.add(index)
            used += need
    spare = max(0, width - used)
    gap = GAP + min(1, spare // max(1, len(chosen) - 1))
    spare -= (gap - GAP) * (len(chosen) - 1)
    placed: list[Placed] = []
    for index in sorted(chosen):
        column = columns[index]
        grown = min(spare, max(0, column.most - column.width))
        spare -= grown
        wide = column.width + grown
        placed.append(Placed(index, wide, column.number, column.title, gap, column.name))
    return (placed[0]._replace(gap=0), *placed[1:])


def header_line(placed: Sequence[Placed], title: str) -> Line:
    """Return the heading of a table; the first column carries the name of the whole table."""
    spans: list[Span] = []
    for position, column in enumerate(placed):
        text = title if position == 0 else column.title
        fitted = text.rjust(column.width) if column.number else text.ljust(column.width)
        look = Look.TITLE if position == 0 else Look.MUTED
        spans += [Span(" " * column.gap), Span(clip(fitted, column.width), look)]
    return tuple(spans)


def row_line(row: Row, placed: Sequence[Placed]) -> Line:
    """Return one row of a table in its fixed columns."""
    spans: list[Span] = []
    for column in placed:
        cell = row.cells[column.cell]
        if column.number:
            text = clip_number(cell.text, column.width).rjust(column.width)
        else:
            fitted = (clip_middle if column.name else clip)(cell.text, column.width)
            text = fitted.ljust(column.width)
        spans += [Span(" " * column.gap), Span(text, cell.look)]
    return tuple(spans)
