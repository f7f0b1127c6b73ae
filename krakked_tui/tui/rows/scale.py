"""The scale of a chart: which row a price is in."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from krakked_tui.tui.rows.line import Look

_LABEL_ROWS = 3
_QUANTA = 12
"""Into how many steps of the scale the prices should at least be divided."""

Grid = list[list[tuple[str, Look]]]
"""Characters by row, top row first, and column."""


class Scale(NamedTuple):
    """Prices from ``low`` to ``high`` over so many rows; ``step`` lies between two labels."""

    low: float
    high: float
    rows: int
    step: float

    def half(self, price: float) -> int:
        """Return the half row of a price, 0 at the bottom; what lies outside is at the edge."""
        share = min(1.0, max(0.0, (price - self.low) / (self.high - self.low)))
        return min(self.rows * 2 - 1, floor(share * self.rows * 2 + 1e-9))

    def third(self, price: float) -> int | None:
        """Return the third of a row of a price, 0 at the bottom; None for what lies outside."""
        share = (price - self.low) / (self.high - self.low)
        return min(self.rows * 3 - 1, floor(share * self.rows * 3 + 1e-9)) if 0 <= share <= 1 else None


def scale_of(prices: Sequence[float], rows: int, tick: float) -> Scale:
    """Return a scale that holds all prices and changes in steps only; ``tick`` is the smallest step."""
    low, high = min(prices), max(prices)
    if high - low < tick:
        pad = max(tick, abs(high) * 0.0005)
        low, high = low - pad, high + pad
    quantum = max(tick, nice((high - low) / _QUANTA))
    low, high = floor(low / quantum + 1e-9) * quantum, ceil(high / quantum - 1e-9) * quantum
    return Scale(low, high, rows, max(tick, nice((high - low) * _LABEL_ROWS / rows)))


def nice(value: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is not below ``value`` (above zero)."""
    power = 10.0 ** floor(log10(value))
    return next((power * each for each in (1, 2, 5) if power * each >= value * (1 - 1e-9)), power * 10)
