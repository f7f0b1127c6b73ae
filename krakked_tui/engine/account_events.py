"""The broker's account stream, as events."""

from krakked_tui.decision import events as e
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import OrderReport
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.moment import Moment
from krakked_tui.ports import Clock, StreamState


class AccountEvents:
    """Implements ``AccountSink``."""

    def __init__(self, inbox: Inbox, clock: Clock, moment: Moment) -> None:
        self._inbox = inbox
        self._clock = clock
        self._moment = moment
        self.opened_wall: float | None = None
        """When the stream opened last, in wall seconds; None before it ever did."""

    def on_report(self, report: OrderReport) -> None:
        """Queue an order report."""
        self._inbox.put(e.OrderReported(self._clock.now(), report, "stream"))

    def on_trade(self, trade: Trade) -> None:
        """Queue a fill."""
        self._inbox.put(e.TradeReported(self._clock.now(), trade, "stream"))

    def on_stream_state(self, state: StreamState) -> None:
        """Show the stream's state; have the core read the account whenever the stream is (again) open."""
        before, self._moment.account_stream = self._moment.account_stream, state
        at, wall = self._clock.now(), self._clock.monotonic()
        if state.connected and not before.connected:
            self.opened_wall = wall
        if before.connected != state.connected:
            self._inbox.put(e.AccountStreamChanged(at, wall, state.connected, state.detail))
        elif state.connected:
            self._inbox.put(e.SyncRequested(at, wall))
