"""The dashboard: everything at a glance."""

from collections.abc import Set
from datetime import tzinfo

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.rows.banner import banner_lines
from krakked_tui.tui.rows.chart import equity_lines
from krakked_tui.tui.rows.dashboard import account_lines, allocation_lines, counts_lines, event_lines
from krakked_tui.tui.rows.tables import FILL_COLUMNS, POSITION_COLUMNS, fill_rows, position_rows
from krakked_tui.tui.store import Topic
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

_NO_POSITIONS = "No position. Strategies open them when a signal fires and risk allows it."
_NO_FILLS = "No fills yet. They appear here as soon as the exchange reports them."


class DashboardPane(Vertical):
    """Banner, account, equity curve, allocation, positions, fills and, with room, events."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.DASHBOARD)
        self.zone = zone
        self._in_use = "positions"

    def compose(self) -> ComposeResult:
        """Lay the parts out from top to bottom."""
        yield Lines("banner")
        with Horizontal(id="summary"):
            yield Lines("account")
            yield Lines("equity")
            yield Lines("allocation")
        yield LiveTable("positions", POSITION_COLUMNS, "POSITIONS", _NO_POSITIONS)
        yield LiveTable("fills", FILL_COLUMNS, "FILLS", _NO_FILLS)
        yield Lines("events")

    def update(self, view: EngineView, dirty: Set[Topic]) -> None:
        """Show what changed."""
        if dirty & {Topic.STATUS, Topic.PORTFOLIO, Topic.POSITIONS, Topic.FLATTEN}:
            banner = self._part("banner")
            banner.show(banner_lines(view, *banner.size, self.zone))
        if dirty & {Topic.STATUS, Topic.PORTFOLIO, Topic.COUNTS, Topic.RATE_LIMITS}:
            account = self._part("account")
            account.show([*account_lines(view, account.size.width), *counts_lines(view, account.size.width)])
        if dirty & {Topic.EQUITY_CURVE, Topic.PORTFOLIO}:
            equity, portfolio = self._part("equity"), view.portfolio
            growth = portfolio.growth_pct if portfolio is not None else None
            equity.show(equity_lines(view.equity_curve, growth, *equity.size))
        if dirty & {Topic.ALLOCATION, Topic.PORTFOLIO}:
            allocation = self._part("allocation")
            allocation.show(allocation_lines(view.allocation, view.portfolio, *allocation.size))
        if Topic.MESSAGES in dirty:
            events = self._part("events")
            events.show(event_lines(view.messages, *events.size))
        if Topic.POSITIONS in dirty:
            self.query_one("#positions", LiveTable).show(position_rows(view.positions))
        if Topic.RECENT_TRADES in dirty:
            rows = fill_rows(view.recent_trades, self.zone)
            self.query_one("#fills", LiveTable).show_newest([row.key for row in rows], rows.__getitem__)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the table in use: an unfocused terminal takes the focus away."""
        self._in_use = event.widget.id or self._in_use

    def explainable(self, view: EngineView) -> str:
        """Return what can be explained: the fill, or the position's newest purchase, under the cursor."""
        key = self.query_one(f"#{self._in_use}", LiveTable).selected or ""
        if self._in_use == "fills":
            return key
        orders = [each for each in (*view.open_orders, *view.recent_orders) if each.pair == key]
        newest = max(orders, key=lambda each: (each.side == "buy", each.created_at), default=None)
        return newest.cl_ord_id if newest is not None else ""

    def _part(self, name: str) -> Lines:
        return self.query_one(f"#{name}", Lines)
