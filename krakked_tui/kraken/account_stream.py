"""What the private WebSocket channels say about our account, handed to an ``AccountSink``.

Each connection starts with a fresh token, a fresh merger and the exchange's snapshot of open
orders. The sink hears that the stream is open only once every channel is acked: whatever it then
asks for over REST cannot fall between the answer and the stream.
"""

import msgspec

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.executions import ExecutionMerger
from krakked_tui.kraken.frames import BalancesFrame, DataFrame, ExecutionsFrame
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.session import Plan, Subscription
from krakked_tui.kraken.symbols import SymbolMap
from krakked_tui.ports import AccountSink, StreamState

_CHANNELS = (Subscription("executions"), Subscription("balances"))


class AccountStream:
    """Prepares each connection of one account stream and translates what comes over it."""

    def __init__(self, rest: KrakenRest, listing: Listing, sink: AccountSink) -> None:
        self._rest = rest
        self._listing = listing
        self._sink = sink
        self._merger = ExecutionMerger(SymbolMap({}, {}))
        self._open: StreamState | None = None

    async def prepare(self) -> Plan:
        """Return what to subscribe to, with a new token. Raises ``KrakenError``."""
        self._merger = ExecutionMerger(await self._listing.symbols())
        token = await self._rest.call(endpoints.GET_WEBSOCKETS_TOKEN)
        return Plan(_CHANNELS, token)

    def on_state(self, state: StreamState) -> None:
        """Pass on that the stream is lost, or open in full."""
        self._open = state if state.connected and state.acked == state.wanted else None
        if self._open is not None or not state.connected:
            self._sink.on_stream_state(state)

    def on_frame(self, frame: DataFrame) -> None:
        """Tell the sink fills and changed orders. Raises ``KrakenProtocolError`` for a fill cut short."""
        if isinstance(frame, ExecutionsFrame):
            for row in frame.data:
                trade, report = self._merger.apply(row, snapshot=frame.type == "snapshot")
                if trade is not None:
                    self._sink.on_trade(trade)
                if report is not None:
                    self._sink.on_report(report)
        elif isinstance(frame, BalancesFrame) and frame.type == "update":
            self._on_balances(frame)

    def _on_balances(self, frame: BalancesFrame) -> None:
        """Have the sink ask anew when something but a trade moved a balance.

        The channel does not say what is on hold, so it cannot stand in for asking.
        """
        moved = sorted({f"{row.asset} ({row.type})" for row in frame.data if row.type != "trade"})
        if moved and self._open is not None:
            detail = f"moved outside trading: {', '.join(moved)}"
            self._sink.on_stream_state(msgspec.structs.replace(self._open, detail=detail))
