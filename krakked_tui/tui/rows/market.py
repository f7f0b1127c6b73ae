"""The table of all pairs: its rows, their order, and the line above it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from krakked_tui.control.market_view import DataStatusView, MarketRow, MarketView
from krakked_tui.control.views import StatusView
from krakked_tui.domain.money import ZERO
from krakked_tui.tui.rows.line import Cell, Column, Line, Look, Row, Span
from krakked_tui.tui.rows.numbers import NOTHING, age, fixed, gain_look, signed

MARKET_COLUMNS = (
    Column("PAIR", 9, most=12),
    Column("LAST", 11, number=True, most=13),
    Column("24H %", 8, number=True),
    Column("SPR BP", 6, number=True, most=7),
    Column("VOL", 5, number=True, most=6),
    Column("AGE", 6, number=True),
    Column("NOTE", 6, most=40),
)

RESORT_SECONDS = 15.0
"""Rows keep their places for so long although the figures they are sorted by move."""

FRESH, STALE, NEVER = "fresh", "stale", "never"
ONLINE = "online"
_ROUNDS_UP = Decimal("999.5")


class MarketSort(StrEnum):
    """What the table is sorted by."""

    VOLUME = "volume, most first"
    CHANGE = "change, gains first"
    SPREAD = "spread, narrow first"
    NAME = "name"


def _high_first(value: Decimal | None) -> tuple[bool, Decimal]:
    return (value is None, -(value or ZERO))


_KEYS: dict[MarketSort, Callable[[MarketRow], tuple[bool, Decimal]]] = {
    MarketSort.VOLUME: lambda row: _high_first(row.volume_24h),
    MarketSort.CHANGE: lambda row: _high_first(row.change_pct_24h),
    MarketSort.SPREAD: lambda row: (row.spread_bps is None, row.spread_bps or ZERO),
    MarketSort.NAME: lambda _row: (False, ZERO),
}
"""Missing figures come last; what is equal goes by name."""


class MarketOrder:
    """Which pairs are shown, in which order. The order rests between sorts, so that rows can be read."""

    def __init__(self) -> None:
        self.sort = MarketSort.VOLUME
        self.wanted = ""
        """Part of a name; empty for all."""
        self._pairs: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()
        self._sorted_at: float | None = None

    def next_sort(self) -> None:
        """Sort by the next figure."""
        after = dict(pairwise(MarketSort))
        self.sort = after.get(self.sort, MarketSort.VOLUME)
        self._sorted_at = None

    def want(self, text: str) -> None:
        """Show only pairs with ``text`` in their name; all of them when it is empty."""
        self.wanted = text.strip().casefold()
        self._sorted_at = None

    def arrange(self, rows: Sequence[MarketRow], now: float) -> list[MarketRow]:
        """Return the rows to show; ``now`` is in monotonic seconds."""
        by_pair = {row.pair: row for row in rows}
        due = self._sorted_at is None or not 0 <= now - self._sorted_at < RESORT_SECONDS
        if due or by_pair.keys() != self._known:
            key = _KEYS[self.sort]
            found = (row for row in rows if self.wanted in row.pair.casefold())
            self._pairs = tuple(row.pair for row in sorted(found, key=lambda row: (key(row), row.pair)))
            self._known, self._sorted_at = frozenset(by_pair), now
        return [by_pair[pair] for pair in self._pairs]


def market_row(row: MarketRow) -> Row:
    """Return the cells of one pair. A price that is not fresh carries its age."""
    look = Look.STALE if row.freshness in {STALE, NEVER} else Look.PLAIN
    change = row.change_pct_24h
    moved = look if look is Look.STALE or change is None else gain_look(change)
    return Row(
        row.pair,
        (
            Cell(row.pair, Look.PLAIN if row.tradable else Look.MUTED),
            Cell(NOTHING if row.last is None else fixed(row.last, row.price_decimals), look),
            Cell(NOTHING if change is None else signed(change, 2), moved),
            Cell(NOTHING if row.spread_bps is None else fixed(row.spread_bps, 2), look),
            Cell(NOTHING if row.volume_24h is None else compact(row.volume_24h), look),
            Cell(_age(row), Look.MUTED if look is Look.PLAIN else look),
            _note(row),
        ),
    )


def _age(row: MarketRow) -> str:
    if row.freshness == FRESH:
        return ""
    if row.age is None:
        return NEVER
    return f"!{age(row.age)}" if row.freshness == STALE else age(row.age)


def _note(row: MarketRow) -> Cell:
    notes = ["● held"] if row.held else []
    if row.status != ONLINE:
        notes.append(f"✗ {row.status.replace('_', ' ') or 'status unknown'}")
    elif not row.tradable:
        notes.append("✗ not traded")
    barred = row.status != ONLINE or not row.tradable
    return Cell(", ".join(notes), Look.WARN if barred else Look.PLAIN)


def compact(value: Decimal) -> str:
    """Return a volume in three digits and a letter: 1.24B, 12.4M, 124k, 980."""
    for letter in ("", "k", "M", "B"):
        if abs(value) < _ROUNDS_UP:
            break
        if letter != "B":
            value /= 1000
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{fixed(value, decimals)}{letter}"


def head_line(order: MarketOrder, shown: int, market: MarketView, status: StatusView | None) -> Line:
    """Return what the table shows, first of all what is wrong with the connection and the prices."""
    spans: list[Span] = []
    if status is not None and status.connection != "up":
        detail = status.connection_detail or f"connection {status.connection}"
        spans += [Span(f"! {detail}", Look.WARN), Span("  ")]
    spans += _freshness(market.data)
    if order.wanted:
        spans += [Span(f"{shown} of {len(market.rows)} with “{order.wanted}”", Look.STRONG)]
        spans += [Span("  esc", Look.KEY), Span(" shows all", Look.MUTED), Span("  ")]
    spans.append(Span(f"by {order.sort}", Look.MUTED))
    return tuple(spans)


def _freshness(data: DataStatusView) -> list[Span]:
    """Return how many prices are not fresh; nothing while all are."""
    return [
        Span(f"{count} {word}  ", look)
        for count, word, look in (
            (data.checked, "checked", Look.MUTED),
            (data.quiet, "quiet", Look.MUTED),
            (data.stale, "stale", Look.STALE),
            (data.never, "without a price", Look.STALE),
        )
        if count
    ]


def empty_text(rows: Sequence[MarketRow], version: int, wanted: str) -> str:
    """Return why the table has no rows."""
    if rows:
        return f"No pair has “{wanted}” in its name. Esc shows all {len(rows)} again."
    if version:
        return "No pair passes the filters of the universe. Press 9 for its settings."
    return "Waiting for the first prices from the engine."
