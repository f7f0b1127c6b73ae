"""The market pane: all pairs in a table; chart, order book and tape of the one under its cursor."""

from collections.abc import Set
from datetime import tzinfo
from enum import StrEnum
from itertools import pairwise

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Input

from krakked_tui.control.market_view import MarketRow, MarketView
from krakked_tui.control.views import EngineView, StatusView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.rows.book import book_lines, tape_lines
from krakked_tui.tui.rows.candles import chart_lines
from krakked_tui.tui.rows.closeup import Closeup
from krakked_tui.tui.rows.line import crop
from krakked_tui.tui.rows.market import (
    MARKET_COLUMNS,
    MarketOrder,
    empty_text,
    head_line,
    market_row,
)
from krakked_tui.tui.store import Topic
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

FILTER_MAX = 20
_FILTER, _PAIRS = "market-filter", "market-pairs"
_ALLOWED = r"[A-Za-z0-9./ _-]*"


class Part(StrEnum):
    """What stands below the pairs where there is no room for everything."""

    CHART = "chart"
    BOOK = "book"
    TAPE = "tape"


class MarketPane(Container):
    """Takes markets in and paints them; says which pair and timeframe the operator looks at."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.MARKET, classes=f"-{Part.CHART}")
        self.zone = zone
        self.timeframe = Timeframe.M1
        self.part = Part.CHART
        self._market = MarketView()
        self._rows: dict[str, MarketRow] = {}
        self._order = MarketOrder()
        self._pair = ""
        self._now = 0.0
        self._charted: tuple[object, ...] = ()
        self._status: StatusView | None = None
        self._overlays = True

    def compose(self) -> ComposeResult:
        """Pairs first; the parts of one pair below, or beside where there is room."""
        with Vertical(id="market-list"):
            yield Lines("market-head")
            yield Input(
                placeholder="part of a name; Enter keeps, Esc shows all",
                id=_FILTER, compact=True, restrict=_ALLOWED, max_length=FILTER_MAX,
            )  # fmt: skip
            yield LiveTable(_PAIRS, MARKET_COLUMNS, "PAIR", "")
        with Vertical(id="market-parts"):
            yield Lines("market-chart")
            with Horizontal(id="market-depth"):
                yield Lines("market-book")
                yield Lines("market-tape")

    @property
    def pair(self) -> str:
        """The pair that is looked at: under the cursor, or last under it while the table is empty."""
        return self._pair

    def take(self, market: MarketView, now: float) -> None:
        """Take the newest market, to be shown with the next update; ``now`` is in monotonic seconds."""
        self._now = now
        if market is not self._market:
            self._market = market
            self._rows = {row.pair: row for row in market.rows}

    def update(self, view: EngineView, _dirty: Set[Topic]) -> None:
        """Show everything; the widgets repaint what differs."""
        self._status = view.status
        self._show_pairs()
        self._show_closely()

    def _show_pairs(self) -> None:
        market, order, table = self._market, self._order, self._table
        shown = order.arrange(market.rows, self._now)
        table.empty = empty_text(market.rows, market.version, order.wanted)
        table.show_lazily([row.pair for row in shown], lambda place: market_row(shown[place]))
        head = self.query_one("#market-head", Lines)
        head.show([crop(head_line(order, len(shown), market, self._status), head.size.width)])

    @on(LiveTable.Moved)
    def _show_closely(self) -> None:
        """Show what is there of the pair under the cursor."""
        self._pair = self._table.selected or self._pair
        focus = self._market.focus
        row = self._rows.get(focus.pair)
        closeup = Closeup(self._pair, self.timeframe, focus, now=self._now, overlays=self._overlays)
        if row is not None:
            closeup = closeup._replace(
                price_decimals=row.price_decimals, volume_decimals=row.volume_decimals, last=row.last
            )
        self._show_chart(closeup)
        book, tape = self.query_one("#market-book", Lines), self.query_one("#market-tape", Lines)
        book.show(book_lines(closeup, *book.size))
        tape.show(tape_lines(closeup, *tape.size, self.zone))

    def _show_chart(self, closeup: Closeup) -> None:
        chart = self.query_one("#market-chart", Lines)
        focus = closeup.focus
        drawn = (
            focus.bars, focus.running, focus.pair, focus.timeframe, focus.trouble,
            closeup.pair, closeup.timeframe, closeup.last, chart.size, self.zone,
            closeup.overlays, focus.lines, focus.fills,
        )  # fmt: skip
        if drawn != self._charted:
            self._charted = drawn
            chart.show(chart_lines(closeup, *chart.size, self.zone))

    def next_sort(self) -> None:
        """Sort by the next figure, with the cursor on its pair."""
        self._order.next_sort()

    def change_timeframe(self, steps: int) -> None:
        """Go to a longer (or, with less than 0, shorter) timeframe; at the end it stays."""
        every = list(Timeframe)
        self.timeframe = every[min(max(0, every.index(self.timeframe) + steps), len(every) - 1)]

    def next_part(self) -> None:
        """Show the next part where only one has room."""
        after = dict(pairwise(Part))
        self.part = after.get(self.part, Part.CHART)
        for part in Part:
            self.set_class(part is self.part, f"-{part}")

    def toggle_overlays(self) -> None:
        """Show indicators and fills, or candles only."""
        self._overlays = not self._overlays

    def edit_filter(self) -> None:
        """Let the operator type."""
        self.add_class("-filtering")
        self.query_one(f"#{_FILTER}", Input).focus()

    def clear_filter(self) -> None:
        """Show all pairs again."""
        field = self.query_one(f"#{_FILTER}", Input)
        with field.prevent(Input.Changed):
            field.value = ""
        self._order.want("")
        self._end_filter()

    def _end_filter(self) -> None:
        self._table.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Give the place of the field back as soon as it is left for the table."""
        self.set_class(event.widget.id == _FILTER, "-filtering")

    @on(Input.Changed, f"#{_FILTER}")
    def _narrow(self, message: Input.Changed) -> None:
        self._order.want(message.value)
        self._show_pairs()
        self._show_closely()

    @on(Input.Submitted, f"#{_FILTER}")
    def _keep(self) -> None:
        self._end_filter()

    @property
    def _table(self) -> LiveTable:
        return self.query_one(f"#{_PAIRS}", LiveTable)
