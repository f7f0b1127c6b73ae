"""What the private WebSocket channels say about our account, handed to an ``AccountSink``.

Each connection starts with a fresh token, a fresh merger and the exchange's snapshot of open
orders. The sink hears that the stream is open only once every channel is acked: whatever it then
asks for over REST cannot fall between the answer and the stream. A gap in the stream makes it ask
at once, and again once the channel's new snapshot is on its way.
"""

from typing import Protocol

import msgspec

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.executions import ExecutionMerger
from krakked_tui.kraken.frame_rows import ExecutionRow
from krakked_tui.kraken.frames import BalancesFrame, ExecutionsFrame
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.session import Gap, News, TradingMaximum
from krakked_tui.kraken.symbols import SymbolMap
from krakked_tui.kraken.topics import Plan, Subscription
from krakked_tui.ports import AccountSink, StreamState

CHANNELS = (Subscription("executions", options=(("ratecounter", True),)), Subscription("balances"))


class TradingCounters(Protocol):
    """Who keeps account of Kraken's trading rate counters."""

    def trading_maximum(self, units: float) -> None:
        """The maximum for this account."""
        ...

    def trading_count(self, pair: str, units: float, now: float) -> None:
        """A pair's counter at a wall second; ``pair`` is our name."""
        ...


class AccountStream:
    """Prepares each connection of one account stream and translates what comes over it."""

    def __init__(
        self, rest: KrakenRest, listing: Listing, sink: AccountSink, counters: TradingCounters | None = None
    ) -> None:
        """``counters`` is told what the exchange says about our trading rate; by default the limiter."""
        self._rest = rest
        self._listing = listing
        self._sink = sink
        self._counters: TradingCounters = rest.limiter if counters is None else counters
        self._symbols = SymbolMap({}, {})
        self._merger = ExecutionMerger(self._symbols)
        self._open: StreamState | None = None

    async def prepare(self) -> Plan:
        """Return what to subscribe to, with a new token. Raises ``KrakenError``."""
        self._symbols = await self._listing.symbols()
        self._merger = ExecutionMerger(self._symbols)
        token = await self._rest.call(endpoints.GET_WEBSOCKETS_TOKEN)
        return Plan(CHANNELS, token)

    def on_state(self, state: StreamState) -> None:
        """Pass on that the stream is lost, or open in full."""
        self._open = state if state.connected and state.acked == state.wanted else None
        if self._open is not None or not state.connected:
            self._sink.on_stream_state(state)

    def on_frame(self, news: News, now: float) -> None:
        """Tell the sink fills and changed orders. Raises ``KrakenProtocolError`` for a fill cut short.

        ``now`` is the wall second of receipt.
        """
        match news:
            case ExecutionsFrame():
                for row in news.data:
                    self._on_execution(row, now, snapshot=news.type == "snapshot")
            case BalancesFrame():
                if news.type == "update":
                    self._on_balances(news)
            case Gap(reason):
                self._ask_anew(reason)
            case TradingMaximum(count):
                self._counters.trading_maximum(count)
            case _:
                pass

    def _on_execution(self, row: ExecutionRow, now: float, *, snapshot: bool) -> None:
        trade, report = self._merger.apply(row, snapshot=snapshot)
        if trade is not None:
            self._sink.on_trade(trade)
        if report is not None:
            self._sink.on_report(report)
        symbol = row.symbol or self._merger.symbol(row.order_id)
        if row.rate is not None and symbol is not None:
            self._counters.trading_count(self._symbols.pair(symbol).canonical, float(row.rate), now)

    def _on_balances(self, frame: BalancesFrame) -> None:
        """Have the sink ask anew when something but a trade moved a balance.

        The channel does not say what is on hold, so it cannot stand in for asking.
        """
        moved = sorted({f"{row.asset} ({row.type})" for row in frame.data if row.type != "trade"})
        if moved:
            self._ask_anew(f"moved outside trading: {', '.join(moved)}")

    def _ask_anew(self, reason: str) -> None:
        """Have the sink read the account; before the stream is open it will do so anyway."""
        if self._open is not None:
            self._sink.on_stream_state(msgspec.structs.replace(self._open, detail=reason))
