"""The equity curve as text: an area of block characters, eight steps to a row."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from krakked_tui.control.views import EquityPoint
from krakked_tui.tui.rows.line import Line, Look, Span, spread, wrap
from krakked_tui.tui.rows.numbers import gain_look, signed_percent, span, usd

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def equity_lines(
    points: Sequence[EquityPoint], growth_pct: Decimal | None, width: int, height: int
) -> list[Line]:
    """Return a heading and the curve with its highest and lowest value at the right edge.

    ``growth_pct`` is what was made, deposits and withdrawals apart, None when nobody knows: then the heading
    says how long the time is that the curve shows, and nothing of gain or loss.
    """
    title = Span("EQUITY", Look.TITLE)
    if len(points) < 2:
        return [(title,), *wrap("The curve starts with the second snapshot.", width, Look.MUTED)]
    length = span(points[-1].at - points[0].at)
    note = Span(f"last {length}", Look.MUTED)
    if growth_pct is not None:
        note = Span(f"{signed_percent(growth_pct)} in {length}", gain_look(growth_pct))
    low, high = min(point.equity for point in points), max(point.equity for point in points)
    labels = (usd(high), usd(low))
    room = max(len(label) for label in labels)
    curve_width = width - room - 1
    rows = curve(points, curve_width, height - 1)
    lines: list[Line] = [spread((title,), (note,), width)]
    for index, text in enumerate(rows):
        label = {0: labels[0], len(rows) - 1: labels[1]}.get(index, "")
        lines.append((Span(text, Look.SHAPE), Span(f" {label.rjust(room)}", Look.MUTED)))
    return lines


def curve(points: Sequence[EquityPoint], width: int, height: int) -> list[str]:
    """Draw the points as the edge of an area, the whole time range across ``width`` cells."""
    if width < 1 or height < 1:
        return []
    levels = _levels(_columns(points, width), height * 8)
    return ["".join(_EIGHTHS[min(8, max(0, level - below))] for level in levels) for below in _floors(height)]


def _floors(height: int) -> range:
    """Return how many eighths lie below each row, top row first."""
    return range((height - 1) * 8, -1, -8)


def _columns(points: Sequence[EquityPoint], count: int) -> list[float]:
    """Return the value that held at each of ``count`` instants spread over the time range."""
    start, end = points[0].at, points[-1].at
    step = (end - start) / max(1, count - 1)
    values: list[float] = []
    index = 0
    for column in range(count):
        at: datetime = start + step * column
        while index + 1 < len(points) and points[index + 1].at <= at:
            index += 1
        values.append(float(points[index].equity))
    return values


def _levels(values: Sequence[float], steps: int) -> list[int]:
    """Scale values to 1 (lowest, so that it can be seen) up to ``steps``."""
    low, high = min(values), max(values)
    if high == low:
        return [steps // 2] * len(values)
    scale = (steps - 1) / (high - low)
    return [1 + round((value - low) * scale) for value in values]
