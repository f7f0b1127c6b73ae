"""The orders pane: what is open, and the latest orders with what became of them."""

from collections.abc import Set
from datetime import tzinfo

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from krakked_tui.control.views import EngineView, OrderView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.rows.tables import (
    OPEN_COLUMNS,
    RECENT_COLUMNS,
    open_order_rows,
    recent_order_rows,
)
from krakked_tui.tui.store import Topic
from krakked_tui.tui.widgets.table import LiveTable

_OPEN = "open-orders"
_RECENT = "recent-orders"
_NO_OPEN = "No open orders. They appear here when a strategy's plan is sent to the exchange."
_NO_RECENT = "No orders yet. Press 1 to see when the next cycle decides."


class OrdersPane(Vertical):
    """Two tables, each with a cursor; Tab changes between them."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.ORDERS)
        self.zone = zone
        self._in_use = _OPEN

    def compose(self) -> ComposeResult:
        """Open orders above, the latest ones below."""
        yield LiveTable(_OPEN, OPEN_COLUMNS, "OPEN", _NO_OPEN)
        yield LiveTable(_RECENT, RECENT_COLUMNS, "RECENT", _NO_RECENT)

    def update(self, view: EngineView, dirty: Set[Topic]) -> None:
        """Show what changed."""
        if Topic.OPEN_ORDERS in dirty:
            self._table(_OPEN).show(open_order_rows(view.open_orders, self.zone))
        if Topic.RECENT_ORDERS in dirty:
            rows = recent_order_rows(view.recent_orders, self.zone)
            self._table(_RECENT).show_newest([row.key for row in rows], rows.__getitem__)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the table in use: an unfocused terminal takes the focus away."""
        self._in_use = event.widget.id or _OPEN

    def selected_order(self, view: EngineView) -> OrderView | None:
        """Return the order under the cursor of the table in use."""
        orders = view.open_orders if self._in_use == _OPEN else view.recent_orders
        key = self._table(self._in_use).selected
        return next((order for order in orders if order.cl_ord_id == key), None)

    def _table(self, name: str) -> LiveTable:
        return self.query_one(f"#{name}", LiveTable)
