"""The private channels: what happens to orders and balances, told as it happens."""

from typing import Final, assert_never

import msgspec

from krakked_tui.sandbox.account_rows import (
    Row,
    amended_row,
    balance_row,
    ended_row,
    movement_row,
    new_row,
    open_order_row,
    past_trade_row,
    pending_row,
    trade_row,
    trigger_row,
)
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.orders import (
    ExchangeEvent,
    LedgerWritten,
    Order,
    OrderAccepted,
    OrderAmended,
    OrderEnded,
    OrderTraded,
    PairChanged,
    SystemChanged,
    TriggerChanged,
)
from krakked_tui.sandbox.topics import Subscriber
from krakked_tui.sandbox.wire import number

SNAPSHOT_TRADES: Final = 50
_TRANSITIONS: Final = frozenset(("new", "filled", "canceled", "expired"))
"""What is left of the executions with ``order_status`` off: opening and closing."""

RATE_COUNTER: Final = "ratecount"
"""The field of an execution with the pair's trading counter. Its name in Kraken's v2 is not known;
this is v1's."""

_COUNTER_DECIMALS: Final = 2


class Numbered:
    """One subscriber's private channel, its messages numbered from 1."""

    def __init__(
        self,
        channel: str,
        subscriber: Subscriber,
        exec_types: frozenset[str] | None = None,
        *,
        counted: bool = False,
    ) -> None:
        self._channel = channel
        self._subscriber = subscriber
        self._exec_types = exec_types
        self.counted = counted
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
        self,
        subscriber: Subscriber,
        *,
        snap_orders: bool,
        snap_trades: bool,
        order_status: bool,
        ratecounter: bool = False,
    ) -> None:
        """Add a subscriber and send it the snapshot it wants."""
        exec_types = None if order_status else _TRANSITIONS
        channel = Numbered("executions", subscriber, exec_types, counted=ratecounter)
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
        exchange = self._exchange
        match event:
            case OrderAccepted(order):
                self._publish(order, pending_row(exchange, order))
                self._publish(order, new_row(order))
            case OrderTraded(order, trade):
                self._publish(order, trade_row(exchange, order, trade))
            case OrderAmended(order, at, reason, restated):
                self._publish(order, amended_row(exchange, order, at, reason, restated=restated))
            case TriggerChanged(order, at):
                self._publish(order, trigger_row(exchange, order, at))
            case OrderEnded(order, at):
                self._publish(order, ended_row(exchange, order, at))
            case LedgerWritten(entry):
                for channel in self._balances.values():
                    channel.send("update", [movement_row(exchange, entry)])
            case SystemChanged() | PairChanged():
                pass
            case _:
                assert_never(event)

    def _publish(self, order: Order, row: Row) -> None:
        for channel in self._executions.values():
            if not channel.wants(row["exec_type"]):
                continue
            if channel.counted:
                count = number(self._exchange.trading_counter(order.draft.pair), _COUNTER_DECIMALS)
                channel.send("update", [{**row, RATE_COUNTER: count}])
            else:
                channel.send("update", [row])
