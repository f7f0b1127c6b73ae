"""Candles as text: hollow when the price rose, filled when it fell, a cross when it stayed.

Two steps to a row. Only characters that every terminal font has, so that the shape says the direction
where there is no colour. The scale moves in steps, so that a tick repaints one candle and no more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from math import ceil, isfinite

from krakked_tui.control.market_view import FocusView, MarketBar
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.rows.closeup import Closeup, heading, loading, missing_lines
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, crop, wrap
from krakked_tui.tui.rows.overlays import draw_overlays, legend
from krakked_tui.tui.rows.scale import Grid, Scale, scale_of

_RISING, _FALLING = ("║", "╨", "╥"), ("█", "▀", "▄")
"""A body that fills a cell, its upper and its lower half."""

_WICK, _CROSS, _DASH = "│", "┼", "─"
_LEGEND = (Span("║ up  █ down  ┼ same", Look.MUTED),)
_LABEL_GAP = 10
_LABEL_WIDTH = 5
_GAPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080, 20160, 40320, 80640, 161280)
)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants of the display zone are compared with it
_OHLC_ROWS = 12
"""Height from which there is a line for the figures of the running candle."""


def chart_lines(closeup: Closeup, width: int, height: int, zone: tzinfo) -> list[Line]:
    """Return the chart with its timeframes, axes and last price in at most ``height`` lines."""
    if width < 1 or height < 1:
        return []
    lines = [_title(closeup, width)]
    bars = _finite(closeup.focus)
    if not bars:
        return [*lines, *missing_lines(closeup, "candles", width)][:height]
    if closeup.focus.trouble:
        lines += wrap(f"! {closeup.focus.trouble}", width, Look.WARN)[:2]
    if height >= _OHLC_ROWS:
        lines.append(crop(_figures(bars[-1], closeup), width))
    if closeup.overlays and (named := legend(closeup.focus)):
        lines.append(crop(named, width))
    lines += _plot(closeup, bars, width, height - len(lines), zone)
    return lines[:height]


def _finite(focus: FocusView) -> list[MarketBar]:
    every = focus.bars if focus.running is None else (*focus.bars, focus.running)
    return [bar for bar in every if all(isfinite(each) for each in (bar.open, bar.high, bar.low, bar.close))]


def _title(closeup: Closeup, width: int) -> Line:
    spans = [Span(closeup.pair or "CHART", Look.STRONG), Span("  ")]
    for each in Timeframe:
        chosen = each is closeup.timeframe
        spans.append(Span(f"[{each}]" if chosen else f" {each} ", Look.KEY if chosen else Look.MUTED))
    focus = closeup.focus
    shown = f"{focus.pair} {focus.timeframe}" if focus.pair else ""
    if closeup.chart_late and closeup.pair:
        return heading(tuple(spans), width, *loading(shown))
    return heading(tuple(spans), width, _LEGEND, EMPTY)


def _figures(bar: MarketBar, closeup: Closeup) -> Line:
    prices = (("O", bar.open), ("H", bar.high), ("L", bar.low), ("C", bar.close))
    shown = f"{closeup.focus.pair} {closeup.focus.timeframe}: " if closeup.chart_late else ""
    spans = [Span(shown, Look.WARN)]
    spans += [Span(f"{name} {_price(value, closeup)}  ", Look.MUTED) for name, value in prices]
    return (*spans, Span(f"V {bar.volume:,.4g}" if isfinite(bar.volume) else "", Look.MUTED))


def _price(value: float, closeup: Closeup) -> str:
    return f"{value:,.{closeup.price_decimals}f}"


def _plot(closeup: Closeup, bars: Sequence[MarketBar], width: int, height: int, zone: tzinfo) -> list[Line]:
    rows = height - 1
    last = float(closeup.last) if closeup.last is not None else None
    room = max(len(_price(price, closeup)) for price in (max(bar.high for bar in bars), last or 0.0))
    columns = width - room - 2
    if rows < 1 or columns < 1:
        return []
    length = closeup.focus.timeframe.length
    start = bars[-1].time - length * (columns - 1)
    seen = [bar for bar in bars if start <= bar.time]
    prices = [price for bar in seen for price in (bar.low, bar.high)]
    scale = scale_of([*prices, last] if last is not None else prices, rows, 10.0**-closeup.price_decimals)
    grid: Grid = [[(" ", Look.PLAIN)] * columns for _ in range(rows)]
    for bar in seen:
        _draw(grid, (bar.time - start) // length, bar, scale, muted=closeup.chart_late)
    if closeup.overlays:
        draw_overlays(grid, closeup.focus, start, scale, muted=closeup.chart_late)
    labels = _labels(scale, closeup, last)
    lines = [
        (*_spans(cells), *_axis(labels.get(row), room)) for row, cells in zip(_down(rows), grid, strict=True)
    ]
    times = [start + length * column for column in range(columns)]
    return [*lines, (Span(time_axis(times, zone), Look.MUTED),)]


def _down(rows: int) -> range:
    return range(rows - 1, -1, -1)


def _draw(grid: Grid, column: int, bar: MarketBar, scale: Scale, *, muted: bool) -> None:
    look = Look.GAIN if bar.close > bar.open else Look.LOSS if bar.close < bar.open else Look.PLAIN
    for row, text in candle(bar, scale).items():
        grid[len(grid) - 1 - row][column] = (text, Look.MUTED if muted else look)


def candle(bar: MarketBar, scale: Scale) -> dict[int, str]:
    """Return the characters of one candle by row, 0 at the bottom."""
    low, high = scale.half(bar.low), scale.half(bar.high)
    bottom, top = scale.half(min(bar.open, bar.close)), scale.half(max(bar.open, bar.close))
    cells = dict.fromkeys(range(low // 2, high // 2 + 1), _WICK)
    if bar.open == bar.close:
        cells[bottom // 2] = _CROSS if high > low else _DASH
        return cells
    full, upper, lower = _RISING if bar.close > bar.open else _FALLING
    for row in range(bottom // 2, top // 2 + 1):
        has_lower, has_upper = bottom <= row * 2 <= top, bottom <= row * 2 + 1 <= top
        cells[row] = full if has_lower and has_upper else upper if has_upper else lower
    return cells


def _spans(cells: Sequence[tuple[str, Look]]) -> list[Span]:
    return [
        Span("".join(text for text, _ in run), look) for look, run in groupby(cells, key=lambda cell: cell[1])
    ]


def _labels(scale: Scale, closeup: Closeup, last: float | None) -> dict[int, tuple[str, bool]]:
    labels: dict[int, tuple[str, bool]] = {}
    count = ceil(scale.low / scale.step - 1e-9)
    while count * scale.step < scale.high and len(labels) < scale.rows:
        price = count * scale.step
        labels[scale.half(price) // 2] = (_price(price, closeup), False)
        count += 1
    if last is not None:
        labels[scale.half(last) // 2] = (_price(last, closeup), True)
    return labels


def _axis(label: tuple[str, bool] | None, room: int) -> Line:
    if label is None:
        return (Span("│", Look.MUTED),)
    text, is_last = label
    if is_last:
        return (Span(f"◄ {text.rjust(room)}", Look.STRONG),)
    return (Span(f"┤ {text.rjust(room)}", Look.MUTED),)


def time_axis(times: Sequence[datetime], zone: tzinfo) -> str:
    """Return times of day under their columns, dates where a day begins."""
    local = [at.astimezone(zone).replace(tzinfo=None) for at in times]
    if len(local) < 2:
        return ""
    least = (local[1] - local[0]) * _LABEL_GAP
    gap = next((each for each in _GAPS if each >= least), _GAPS[-1])
    axis = [" "] * len(local)
    free = 0
    for column in range(1, len(local)):
        begins = (local[column] - _EPOCH) // gap != (local[column - 1] - _EPOCH) // gap
        if begins and free <= column <= len(local) - _LABEL_WIDTH:
            new_day = gap >= _DAY or local[column].date() != local[column - 1].date()
            axis[column : column + _LABEL_WIDTH] = local[column].strftime("%m-%d" if new_day else "%H:%M")
            free = column + _LABEL_WIDTH + 1
    return "".join(axis).rstrip()
