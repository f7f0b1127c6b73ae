"""Indicators and our own fills on a chart of candles.

Indicators go where no candle is, so that candles stay readable; each has a shape of its own, three steps
to a row, so that they can be told apart without colour.
"""

from datetime import datetime
from math import isfinite

from krakked_tui.control.market_view import FocusView
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip
from krakked_tui.tui.rows.scale import Grid, Scale

_SHAPES = (("_-¯", Look.CURVE), (".·'", Look.CURVE2), ("~~~", Look.CURVE), ("===", Look.CURVE2))
"""Lower, middle and upper third of a row."""

_MARKS = {"buy": "▲", "sell": "▼"}
_BOTH = "±"
_OTHER = "?"
_NAME_MAX = 30


def legend(focus: FocusView) -> Line:
    """Return what the shapes in the chart mean; nothing where there are none."""
    spans: list[Span] = []
    for line, (shape, look) in zip(focus.lines, _SHAPES, strict=False):
        spans += [Span(shape, look), Span(f" {clip(line.name, _NAME_MAX)}   ", Look.MUTED)]
    if focus.fills:
        spans += [Span("▲", Look.STRONG), Span(" bought ", Look.MUTED)]
        spans += [Span("▼", Look.STRONG), Span(" sold", Look.MUTED)]
    return tuple(spans) or EMPTY


def draw_overlays(grid: Grid, focus: FocusView, start: datetime, scale: Scale, *, muted: bool) -> None:
    """Draw over candles whose first column is the bar at ``start``."""
    columns = len(grid[0])
    length = focus.timeframe.length
    for line, (shape, look) in zip(focus.lines, _SHAPES, strict=False):
        for bar, value in zip(focus.bars, line.values, strict=False):
            column = (bar.time - start) // length
            if value is not None and isfinite(value) and 0 <= column < columns:
                _draw_value(grid, column, value, scale, shape, Look.MUTED if muted else look)
    for fill in focus.fills:
        column = (fill.time - start) // length
        if isfinite(fill.price) and 0 <= column < columns:
            _mark(grid, column, scale.half(fill.price) // 2, fill.side)


def _draw_value(grid: Grid, column: int, value: float, scale: Scale, shape: str, look: Look) -> None:
    third = scale.third(value)
    if third is None:
        return
    row = grid[len(grid) - 1 - third // 3]
    if row[column][0] == " ":
        row[column] = (shape[third % 3], look)


def _mark(grid: Grid, column: int, height: int, side: str) -> None:
    row = grid[len(grid) - 1 - height]
    mark, there = _MARKS.get(side, _OTHER), row[column][0]
    both = there in {*_MARKS.values(), _BOTH} and there != mark
    row[column] = (_BOTH if both else mark, Look.STRONG)
