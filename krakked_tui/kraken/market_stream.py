"""What the public WebSocket channels say about the market, handed to a ``FeedSink``.

Kraken serves one candle interval per symbol and connection ("Already subscribed to one ohlc
interval on this symbol"), so each timeframe has a connection of its own; prices share the first.
The sink sees them as one stream, which is connected while all of them are.
"""

import asyncio
from collections.abc import Sequence

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.kraken.frames import CandleFrame, CandleRow, DataFrame, TickerFrame, TickerRow
from krakked_tui.kraken.session import Plan, Subscription
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.ports import Clock, FeedSink, StreamState


class MarketStream:
    """Carries prices and candles of some pairs. Pairs without a WebSocket name are left out."""

    def __init__(
        self,
        pairs: Sequence[PairMetadata],
        timeframes: Sequence[Timeframe],
        sink: FeedSink,
        clock: Clock,
    ) -> None:
        self._names = {pair.ws_symbol: pair.canonical for pair in pairs if pair.ws_symbol}
        self._timeframes = {timeframe.minutes: timeframe for timeframe in timeframes}
        self._sink = sink
        self._clock = clock
        self._plans = _plans(tuple(self._names), timeframes)
        self._states: dict[str, StreamState] = {}

    async def run(self, stream: KrakenStream) -> None:
        """Keep all connections up, ``stream`` and more like it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, plan in enumerate(self._plans):
                connection = stream.sibling(f"{stream.name} {number + 1}")
                self._states[connection.name] = StreamState(
                    connection.name, connected=False, detail="not connected yet"
                )
                group.create_task(self._carry(connection, plan, stream.name))

    async def _carry(self, connection: KrakenStream, plan: Plan, name: str) -> None:
        async def prepare() -> Plan:
            return plan

        def on_state(state: StreamState) -> None:
            self._states[state.name] = state
            self._sink.on_stream_state(self._combined(name))

        await connection.run(prepare, self._on_frame, on_state)

    def _combined(self, name: str) -> StreamState:
        states = self._states.values()
        details = dict.fromkeys(state.detail for state in states if state.detail)
        return StreamState(
            name=name,
            connected=all(state.connected for state in states),
            detail="; ".join(details),
            wanted=sum(
                len(subscription.symbols) for plan in self._plans for subscription in plan.subscriptions
            ),
            acked=sum(state.acked for state in states),
            failed=tuple(topic for state in states for topic in state.failed),
        )

    def _on_frame(self, frame: DataFrame) -> None:
        if isinstance(frame, TickerFrame):
            received = self._clock.monotonic()
            for row in frame.data:
                if row.symbol in self._names:
                    self._sink.on_quote(self._quote(row, received))
        elif isinstance(frame, CandleFrame):
            seen = frame.timestamp or self._clock.now()
            for candle in frame.data:
                if candle.symbol in self._names and candle.interval in self._timeframes:
                    self._sink.on_candle(self._candle(candle), seen)

    def _quote(self, row: TickerRow, received: float) -> Quote:
        return Quote(
            pair=self._names[row.symbol],
            bid=row.bid,
            ask=row.ask,
            last=row.last,
            time=row.timestamp or self._clock.now(),
            received=received,
            bid_size=row.bid_qty,
            ask_size=row.ask_qty,
            volume_24h=row.volume,
            vwap_24h=row.vwap,
            change_pct_24h=row.change_pct,
        )

    def _candle(self, row: CandleRow) -> Candle:
        return Candle(
            pair=self._names[row.symbol],
            timeframe=self._timeframes[row.interval],
            time=row.interval_begin,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=row.volume,
            vwap=row.vwap,
            trades=row.trades,
        )


def _plans(symbols: tuple[str, ...], timeframes: Sequence[Timeframe]) -> list[Plan]:
    """Spread the channels over connections: one interval on each, prices on the first."""
    if not symbols:
        return [Plan(())]
    prices = Subscription("ticker", symbols)
    candles = [Subscription("ohlc", symbols, timeframe.minutes) for timeframe in dict.fromkeys(timeframes)]
    return [Plan((prices, *candles[:1])), *(Plan((subscription,)) for subscription in candles[1:])]
