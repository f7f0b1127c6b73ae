"""Consecutive numbers for a pair's trades, without making any day's candles to count them."""

from collections.abc import Callable


class DayCounts:
    """How many trades of each pair lie between a day and the start of another.

    Sums grow from an anchor day both ways, one day at a time, and are kept: asking for an instant
    costs the days not asked for before.
    """

    def __init__(self, trades: Callable[[str, int], int]) -> None:
        self._trades = trades
        self._sums: dict[tuple[str, int], tuple[list[int], list[int]]] = {}

    def clear(self) -> None:
        """Forget all sums: days have changed."""
        self._sums.clear()

    def before(self, name: str, day: int, anchor: int) -> int:
        """Return the trades from the start of day ``anchor`` to that of ``day``; negative if earlier."""
        ahead, back = self._sums.setdefault((name, anchor), ([0], [0]))
        while day - anchor >= len(ahead):
            ahead.append(ahead[-1] + self._trades(name, anchor + len(ahead) - 1))
        while anchor - day >= len(back):
            back.append(back[-1] - self._trades(name, anchor - len(back)))
        return ahead[day - anchor] if day >= anchor else back[anchor - day]
