"""The private channels: what happens to orders and balances, told as it happens."""

from typing import Final, assert_never

import msgspec

from krakked_tui.sandbox.account_rows import (
    Row,
    balance_row,
    ended_row,
    movement_row,
    new_row,
    open_order_row,
    past_trade_row,
    pending_row,
    trade_row,
)
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.market_streams import Subscriber
from krakked_tui.sandbox.orders import (
    ExchangeEvent,
    LedgerWritten,
    OrderAccepted,
    OrderEnded,
    OrderTraded,
)

SNAPSHOT_TRADES: Final = 50
_TRANSITIONS: Final = frozenset(("new", "filled", "canceled", "expired"))
"""What is left of the executions with ``order_status`` off: opening and closing."""


class Numbered:
    """One subscriber's private channel, its messages numbered from 1."""

    def __init__(
        self, channel: str, subscriber: Subscriber, exec_types: frozenset[str] | None = None
    ) -> None:
        self._channel = channel
        self._subscriber = subscriber
        self._exec_types = exec_types
        self._sequence = 0

    def send(self, kind: str, rows: list[Row]) -> None:
        """Send one message."""
        self._sequence += 1
        message = {"channel": self._channel, "type": kind, "data": rows, "sequence": self._sequence}
        self._subscriber.send(msgspec.json.encode(message).decode())

    def wants(self, exec_type: object) -> bool:
        """Say whether the subscriber asked for this kind of execution."""
        return self._exec_types is None or exec_type in self._exec_types


class AccountStreams:
    """All private subscriptions of all connections."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._executions: dict[Subscriber, Numbered] = {}
        self._balances: dict[Subscriber, Numbered] = {}
        exchange.listen(self._on_event)

    def join_executions(
        self, subscriber: Subscriber, *, snap_orders: bool, snap_trades: bool, order_status: bool
    ) -> None:
        """Add a subscriber and send it the snapshot it wants."""
        channel = Numbered("executions", subscriber, None if order_status else _TRANSITIONS)
        self._executions[subscriber] = channel
        if snap_orders or snap_trades:
            trades = self._past_trades() if snap_trades else []
            orders = self._open_orders() if snap_orders else []
            channel.send("snapshot", trades + orders)

    def join_balances(self, subscriber: Subscriber, *, snapshot: bool) -> None:
        """Add a subscriber and send it the balances if it wants them."""
        channel = Numbered("balances", subscriber)
        self._balances[subscriber] = channel
        if snapshot:
            rows = [balance_row(self._exchange, name) for name in self._exchange.account.balances]
            channel.send("snapshot", rows)

    def leave_executions(self, subscriber: Subscriber) -> None:
        """Remove a subscriber."""
        self._executions.pop(subscriber, None)

    def leave_balances(self, subscriber: Subscriber) -> None:
        """Remove a subscriber."""
        self._balances.pop(subscriber, None)

    def _open_orders(self) -> list[Row]:
        now = self._exchange.clock.now()
        orders = self._exchange.books.open_orders.values()
        return [open_order_row(self._exchange, order, now) for order in orders]

    def _past_trades(self) -> list[Row]:
        """The latest fills, newest first."""
        books = self._exchange.books
        latest = list(books.trades.values())[: -SNAPSHOT_TRADES - 1 : -1]
        return [
            past_trade_row(self._exchange, books.orders[trade.kraken_order_id], trade) for trade in latest
        ]

    def _on_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderAccepted(order):
                self._publish(pending_row(self._exchange, order))
                self._publish(new_row(order))
            case OrderTraded(order, trade):
                self._publish(trade_row(self._exchange, order, trade))
            case OrderEnded(order, at):
                self._publish(ended_row(self._exchange, order, at))
            case LedgerWritten(entry):
                for channel in self._balances.values():
                    channel.send("update", [movement_row(self._exchange, entry)])
            case _:
                assert_never(event)

    def _publish(self, row: Row) -> None:
        for channel in self._executions.values():
            if channel.wants(row["exec_type"]):
                channel.send("update", [row])
