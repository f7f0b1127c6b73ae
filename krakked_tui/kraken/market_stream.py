"""What the public WebSocket channels say about the market, handed to a ``FeedSink``.

Kraken serves one candle interval per symbol and connection ("Already subscribed to one ohlc
interval on this symbol"), so each timeframe has a connection of its own; prices share the first, and
so do the books and trades of the pairs somebody watches, and the statuses of all pairs and of the
exchange. The sink sees them as one stream, which is
connected while all of them are.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.kraken.book import Book, Precision
from krakked_tui.kraken.frames import CandleFrame, InstrumentFrame, TickerFrame, TradeFrame, TradeRow
from krakked_tui.kraken.link import ignored
from krakked_tui.kraken.session import BookChanged, News
from krakked_tui.kraken.statuses import pair_status, system_status
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.topics import Plan, Subscription
from krakked_tui.ports import Clock, FeedSink, StreamState


class Watch(msgspec.Struct, frozen=True):
    """What to follow of one pair besides its price: its book down to ``depth`` levels, its trades."""

    depth: int | None = None
    trades: bool = False


class Watcher(Protocol):
    """Where books and trades go. Every method is quick and never awaits."""

    def on_book(self, pair: str, book: Book) -> None:
        """A pair's book changed, or stopped being ``valid``. It goes on changing: copy what you keep.

        It is not valid after a wrong checksum, while it is subscribed to anew; after its connection was
        lost; and once it is not followed any more. A valid one may come as another object.
        """
        ...

    def on_trades(self, pair: str, trades: Sequence[TradeRow]) -> None:
        """Public trades, oldest first; the latest 50 at the start."""
        ...


class Watching(msgspec.Struct, frozen=True):
    """What to follow of which pairs (by canonical name), and who is told.

    ``others`` describes pairs of these that are followed although nothing else of them is carried.
    """

    pairs: Mapping[str, Watch]
    watcher: Watcher
    others: Sequence[PairMetadata] = ()


def _unlisted(_symbol: str) -> None:
    """Know no pairs but those that are carried."""


class MarketStream:
    """Carries prices and candles of some pairs. Pairs without a WebSocket name are left out."""

    def __init__(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink, clock: Clock,
        watching: Watching | None = None, canonical: Callable[[str], str | None] = _unlisted,
    ) -> None:  # fmt: skip
        """``canonical`` names the pairs, by WebSocket symbol, that are listed but not carried."""
        self._canonical = canonical
        self._pairs = tuple(pairs)
        self._watching = watching
        self._carried: Mapping[str, str] = {}
        """WebSocket names to ours of the pairs whose prices and candles are carried."""
        self._names: Mapping[str, str] = {}
        """The same, with those of which only more than that is followed."""
        self._precisions: dict[str, Precision] = {}
        self._former: Mapping[str, str] = {}
        """The names before the last change: books of pairs that are gone say that they are."""
        self._timeframes = {timeframe.minutes: timeframe for timeframe in timeframes}
        self._sink = sink
        self._clock = clock
        self._name_pairs()
        self._plans = self._planned()
        self._prepared: dict[int, Plan] = {}
        """What each connection that has not answered yet was opened for."""
        self._outdated = asyncio.Event()
        self._connections: list[KrakenStream] = []
        self._states: dict[str, StreamState] = {}
        self._spoken: set[str] = set()
        """The connections that have said something of their state."""

    async def run(self, stream: KrakenStream) -> None:
        """Keep all connections up, ``stream`` and more like it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(len(self._plans)):
                connection = stream.sibling(f"{stream.name} {number + 1}")
                self._connections.append(connection)
                self._states[connection.name] = StreamState(
                    connection.name, connected=False, detail="not connected yet"
                )
                group.create_task(self._carry(connection, number, stream.name))
            group.create_task(self._catch_up())

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        """Carry these pairs from here on; what is watched of others is not any more."""
        self._pairs = tuple(pairs)
        await self._replan()

    async def renew(self, pairs: Sequence[str]) -> None:
        """Leave and subscribe anew all there is about these pairs, by canonical name, and nothing else."""
        symbols = {symbol for symbol, name in self._names.items() if name in pairs}
        for connection in self._connections:
            await connection.renew(symbols)

    async def watch(
        self, pairs: Mapping[str, Watch], watcher: Watcher, others: Sequence[PairMetadata] = ()
    ) -> None:
        """Follow books and trades of these pairs (see ``Watching``), and of no others.

        A pair that is neither carried nor described is left out until it is.
        """
        self._watching = Watching(dict(pairs), watcher, others)
        await self._replan()

    def heard(self, channel: str, pair: str | None = None) -> float | None:
        """Return the wall second of the last message of a channel (about a pair), None without any.

        A connection that falls silent is opened anew by itself; a single topic that does is not, since
        a quiet market says nothing either. Whoever relies on one compares it with others of its kind
        and, when it alone is silent, calls ``renew``.
        """
        symbol = next((ws for ws, name in self._names.items() if name == pair), None)
        if pair is not None and symbol is None:
            return None
        times = (connection.heard(channel, symbol) for connection in self._connections)
        return max((at for at in times if at is not None), default=None)

    async def _carry(self, connection: KrakenStream, number: int, name: str) -> None:
        async def prepare() -> Plan:
            self._prepared[number] = self._plans[number]
            return self._plans[number]

        def on_state(state: StreamState) -> None:
            self._states[state.name] = state
            self._spoken.add(state.name)
            prepared = self._prepared.pop(number, None) if state.connected else None
            if prepared is not None and prepared is not self._plans[number]:
                # The plan changed while the connection was being opened, and nobody could be told.
                self._outdated.set()
            if state.connected and len(self._spoken) < len(self._connections):
                return  # the others are being opened still, which is no trouble
            self._sink.on_stream_state(self._combined(name))

        # One connection speaks for all: two would be heard in an order that is nobody's.
        on_status = self.on_status if number == 0 else ignored
        await connection.run(prepare, self.on_frame, on_state, on_status)

    async def _catch_up(self) -> None:
        while True:
            await self._outdated.wait()
            self._outdated.clear()
            await self._tell_connections()

    async def _replan(self) -> None:
        self._former = self._names
        self._name_pairs()
        self._plans = self._planned()
        await self._tell_connections()

    async def _tell_connections(self) -> None:
        for number, connection in enumerate(self._connections):
            # The plan as of now: it may have changed while the one before was told.
            await connection.want(self._plans[number].subscriptions)

    def _name_pairs(self) -> None:
        others = self._watching.others if self._watching is not None else ()
        self._carried = _names(self._pairs)
        self._names = {**_names(others), **self._carried}
        self._precisions.clear()
        self._precisions.update(_precisions((*others, *self._pairs)))

    def _planned(self) -> list[Plan]:
        """Spread the channels over connections: one interval on each, all else on the first."""
        symbols = tuple(self._carried)
        first = [Subscription("ticker", symbols)] if symbols else []
        if self._watching is not None:
            first += _watched(self._names, self._watching.pairs)
        first.append(Subscription("instrument"))
        candles = [
            [Subscription("ohlc", symbols, minutes)] if symbols else [] for minutes in self._timeframes
        ]
        spread = [[*first, *(candles[0] if candles else [])], *candles[1:]]
        return [Plan(tuple(subscriptions), precision=self._precisions.get) for subscriptions in spread]

    def _combined(self, name: str) -> StreamState:
        states = self._states.values()
        details = dict.fromkeys(state.detail for state in states if state.detail)
        return StreamState(
            name=name,
            connected=all(state.connected for state in states),
            detail="; ".join(details),
            wanted=sum(
                len(subscription.symbols) or 1 for plan in self._plans for subscription in plan.subscriptions
            ),
            acked=sum(state.acked for state in states),
            failed=tuple(topic for state in states for topic in state.failed),
            parts=tuple(states) if len(states) > 1 else (),
        )

    def on_frame(self, news: News, now: float) -> None:
        """Translate what a connection said; ``now`` is the wall second of receipt."""
        if type(news) is TickerFrame:
            for row in news.data:
                pair = self._names.get(row.symbol)
                if pair is not None:
                    # In the order of the fields: this runs for every price of every pair.
                    quote = Quote(
                        pair, row.bid, row.ask, row.last, row.timestamp or self._clock.now(), now, row
                    )  # fmt: skip
                    self._sink.on_quote(quote)
        elif type(news) is CandleFrame:
            self._on_candles(news)
        elif type(news) is InstrumentFrame:
            self._on_pairs(news)
        elif self._watching is None:
            return
        elif type(news) is BookChanged:
            book = news.book
            pair = self._names.get(book.symbol) or self._former.get(book.symbol)
            if pair is not None:
                self._watching.watcher.on_book(pair, book)
        elif type(news) is TradeFrame:
            self._on_trades(news.data, self._watching.watcher)

    def on_status(self, system: str) -> None:
        """Translate what the exchange calls its own state."""
        self._sink.on_system_status(system_status(system))

    def _on_pairs(self, frame: InstrumentFrame) -> None:
        named = (
            (self._names.get(row.symbol) or self._canonical(row.symbol), row.status)
            for row in frame.data.pairs
        )
        statuses = {pair: pair_status(status) for pair, status in named if pair is not None}
        if statuses:
            self._sink.on_pair_statuses(statuses)

    def _on_candles(self, frame: CandleFrame) -> None:
        seen = frame.timestamp or self._clock.now()
        for row in frame.data:
            pair, timeframe = self._names.get(row.symbol), self._timeframes.get(row.interval)
            if pair is not None and timeframe is not None:
                candle = Candle(
                    pair, timeframe, row.interval_begin, row.open, row.high, row.low, row.close, row.volume,
                    row.vwap, row.trades,
                )  # fmt: skip
                self._sink.on_candle(candle, seen)

    def _on_trades(self, rows: list[TradeRow], watcher: Watcher) -> None:
        if len(rows) == 1:
            pair = self._names.get(rows[0].symbol)
            if pair is not None:
                watcher.on_trades(pair, rows)
            return
        by_pair: dict[str, list[TradeRow]] = {}
        for row in rows:
            if row.symbol in self._names:
                by_pair.setdefault(self._names[row.symbol], []).append(row)
        for pair, of_pair in by_pair.items():
            watcher.on_trades(pair, of_pair)


def _names(pairs: Sequence[PairMetadata]) -> dict[str, str]:
    """Map WebSocket names to ours."""
    return {pair.ws_symbol: pair.canonical for pair in pairs if pair.ws_symbol}


def _precisions(pairs: Sequence[PairMetadata]) -> dict[str, Precision]:
    """Map WebSocket names to the decimals of their pairs."""
    return {
        pair.ws_symbol: Precision(pair.price_decimals, pair.volume_decimals)
        for pair in pairs
        if pair.ws_symbol
    }


def _watched(names: Mapping[str, str], watched: Mapping[str, Watch]) -> list[Subscription]:
    """Return the subscriptions to books, one per depth, and to trades."""
    carried = [(symbol, watched[pair]) for symbol, pair in names.items() if pair in watched]
    depths = sorted({watch.depth for _, watch in carried if watch.depth is not None})
    books = [
        Subscription("book", tuple(s for s, watch in carried if watch.depth == depth), depth=depth)
        for depth in depths
    ]
    trades = tuple(symbol for symbol, watch in carried if watch.trades)
    return books + ([Subscription("trade", trades, options=(("snapshot", True),))] if trades else [])
