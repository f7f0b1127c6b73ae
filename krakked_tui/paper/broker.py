"""A paper account as the ``Broker`` port: real prices, simulated orders.

An accepted order and its fills are on the disk before anyone hears of them. Whatever was booked in
memory and could not be stored is thrown away, and the account is read anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.errors import ExchangeError, StorageError
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import Accepted, OrderReport, OrderRequest, SubmitOutcome, Unknown, Withheld
from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.paper.account import PaperAccount
from krakked_tui.paper.books import PaperBooks, order_of
from krakked_tui.paper.checks import check_deadline
from krakked_tui.paper.floor import Event, PaperFloor
from krakked_tui.paper.market import PaperMarket
from krakked_tui.paper.refusals import UNAVAILABLE, OrderRefusal, outcome_of
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.ports import AccountSink, Clock, Headroom, HistoryPage, StreamState

RETRY_SECONDS: Final = 5.0
"""Wall seconds until an account that could not be read or stored is tried again."""
HEARD_MAX: Final = 10_000
"""Prices that wait for the disk; beyond them all are dropped, and what traded meanwhile is not seen."""

PAGE_ROWS: Final = 50
"""Rows of a page of a history."""

RowT = TypeVar("RowT")
AskPrices = Callable[[], Awaitable[Mapping[str, Quote]]]


_log = logging.getLogger(__name__)


class PaperBroker:
    """Implements ``ports.Broker``. Made by ``open``; used from one event loop only.

    An order that arrives takes what the live price offers (see ``depth``); what rests fills at its own
    limit when the market trades through it, and no more than has traded since the price before. That
    is known only while prices come in: nothing fills for the time the program or the connection was
    down, nor for a silence longer than ``PaperTerms.max_price_age``.
    """

    def __init__(
        self, owner: str, books: PaperBooks, clock: Clock, terms: PaperTerms, ask_prices: AskPrices | None
    ) -> None:
        self._books = books
        self._clock = clock
        self._latency = terms.latency_ms / 1000
        self._ask_prices = ask_prices
        self._market = PaperMarket(terms.max_price_age)
        self._account = PaperAccount(owner, books, terms, self._market)
        self._floor: PaperFloor | None = None
        self._failed = False
        self._connected = True
        self._last: datetime | None = None
        self._heard: list[Quote] = []
        self._stirred = asyncio.Event()
        self._lock = asyncio.Lock()
        self._sinks: list[AccountSink] = []

    @classmethod
    async def open(
        cls,
        account_id: str,
        books: PaperBooks,
        clock: Clock,
        terms: PaperTerms,
        ask_prices: AskPrices | None = None,
    ) -> "PaperBroker":
        """Open the account in ``books``, or a new one with the terms' starting balances.

        ``account_id`` names the owner of the account (``paper:<instance>``). A new account's own id is
        that and a tag the books make, so that one begun anew is never taken for the one before; the
        property ``account_id`` tells it. An account that exists keeps its id and its balances, whatever
        the terms say. ``ask_prices`` is asked once when an order arrives and the pair's price is missing
        or too old; without it the order is refused. The books are closed by ``close``, and here when
        this fails.

        Raises:
            AccountMismatchError: The books belong to another owner.
            StorageError: The books cannot be read or written, or make no sense.
        """
        broker = cls(account_id, books, clock, terms, ask_prices)
        try:
            await broker._account.claim()
            # Read once for nothing, so that books that make no sense are refused at the start.
            await broker._account.load(clock.now())
        except BaseException:
            await books.close()
            raise
        return broker

    @property
    def account_id(self) -> str:
        """Which account this is, and no other: books begun anew have another id."""
        return self._account.account_id

    async def submit(
        self, request: OrderRequest, withhold: Callable[[], str], *, emergency: bool = False
    ) -> SubmitOutcome | Withheld:
        """Send one order, once. Raises nothing but cancellation, which means unknown.

        ``withhold`` is asked before the latency begins. An ``emergency`` waits for nothing that any other
        order does not wait for.
        """
        del emergency
        if reason := withhold():
            return Withheld(request.cl_ord_id, reason)
        try:
            await self._travel()
            await self._refresh(request.pair)
            return await self._place(request)
        except StorageError as error:
            return Unknown(request.cl_ord_id, f"The paper account may not have stored it: {error}")
        except Exception as error:  # noqa: BLE001 - whatever broke, the order may be in the books
            _log.exception("A paper order broke")
            return Unknown(request.cl_ord_id, f"The paper order broke: {type(error).__name__}")

    async def cancel(self, cl_ord_ids: Sequence[str], *, emergency: bool = False) -> None:
        """Cancel these; ones already gone are no error. Idempotent.

        Raises ``ExchangeError`` when the account cannot be stored, or a pair's mode allows no cancels.
        """
        del emergency
        await self._travel()
        with _as_exchange():
            async with self._turn() as floor:
                refused = floor.cancel(cl_ord_ids, self._now())
        if refused:
            raise ExchangeError(
                f"The paper account refused a cancel: {UNAVAILABLE} ({', '.join(refused)} in maintenance)"
            )

    async def open_orders(self) -> Sequence[OrderReport]:
        """All open orders of the account."""
        with _as_exchange():
            async with self._turn() as floor:
                return [order.report() for order in floor.orders.values()]

    async def find_orders(self, cl_ord_id: str) -> Sequence[OrderReport]:
        """Everything open or closed that carries this client id."""
        with _as_exchange():
            await self._catch_up()
            return [order_of(body).report() for body in await self._books.find_orders(cl_ord_id)]

    async def query_orders(self, kraken_order_ids: Sequence[str]) -> Sequence[OrderReport]:
        """These orders, whatever their status; ones never minted are left out."""
        with _as_exchange():
            await self._catch_up()
            return [order_of(body).report() for body in await self._books.query_orders(kraken_order_ids)]

    async def trades(self, since: datetime) -> Sequence[Trade]:
        """All trades at or after ``since``, oldest first."""
        with _as_exchange():
            await self._catch_up()
            return await self._books.trades(since)

    async def ledger(self, since: datetime) -> Sequence[LedgerEntry]:
        """All ledger rows at or after ``since``, oldest first."""
        with _as_exchange():
            await self._catch_up()
            return await self._books.entries(since)

    async def trades_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[Trade]:
        """Trades at or before ``until``, newest first, without the first ``skip``."""
        with _as_exchange():
            await self._catch_up()
            found = await self._books.trades_before(_end(until), skip, PAGE_ROWS + 1)
            _, total, _ = await self._books.counts()
            return _page(found, total if until is None else None)

    async def entries_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[LedgerEntry]:
        """Ledger rows at or before ``until``, newest first, without the first ``skip``."""
        with _as_exchange():
            await self._catch_up()
            found = await self._books.entries_before(_end(until), skip, PAGE_ROWS + 1)
            _, _, total = await self._books.counts()
            return _page(found, total if until is None else None)

    async def balances(self) -> Mapping[str, AssetBalance]:
        """Holdings by normalised asset name, holds included."""
        with _as_exchange():
            async with self._turn() as floor:
                return floor.clearing.balances()

    async def taker_fees(self, pairs: Sequence[str]) -> Mapping[str, Decimal]:
        """What the account pays now as a taker, in percent, by canonical pair; only of pairs it knows."""
        with _as_exchange():
            async with self._turn() as floor:
                return floor.clearing.taker_fees(pairs, self._clock.now())

    def headroom(self) -> Sequence[Headroom]:
        """There are no rate limits."""
        return ()

    async def stream(self, sink: AccountSink) -> None:
        """Keep order reports and fills flowing into ``sink`` until cancelled.

        Resting orders fill only while this runs. When the account cannot be stored the sink hears that
        the stream is closed, and open again once it can.
        """
        self._sinks.append(sink)
        try:
            await self._follow(sink, connected=None)
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                await self._follow(sink, connected=True)
        finally:
            self._sinks.remove(sink)

    async def close(self) -> None:
        """Close the account's books."""
        async with self._lock:
            await self._books.close()

    def on_quote(self, quote: Quote) -> None:
        """Hear a price from the live stream. Quick, never awaits."""
        if not self._connected or self._floor is None or not self._floor.watches(quote.pair):
            self._market.learn(quote)
            return
        if len(self._heard) >= HEARD_MAX:
            _log.warning("Paper fills: %d prices were dropped, the disk is too slow", len(self._heard))
            self._lose_prices()
        self._heard.append(quote)
        self._stirred.set()

    def on_quotes(self, quotes: Iterable[Quote]) -> None:
        """Hear prices that were asked for: good for orders that arrive, not for what traded."""
        self._market.learn_all(quotes)

    def on_pairs(self, pairs: Sequence[PairMetadata], assets: Sequence[AssetInfo]) -> None:
        """Hear the exchange's whole listing."""
        self._market.list_pairs(pairs, assets)

    def on_market_state(self, state: StreamState) -> None:
        """Hear whether the live stream is open; the prices of a lost one are forgotten."""
        if self._connected and not state.connected:
            self._lose_prices()
        self._connected = state.connected

    def _lose_prices(self) -> None:
        self._heard.clear()
        self._market.lose()

    async def _travel(self) -> None:
        if self._latency:
            await self._clock.sleep(self._latency)

    async def _place(self, request: OrderRequest) -> SubmitOutcome:
        async with self._turn() as floor:
            try:
                check_deadline(request, self._clock.now())
                order = floor.place(request, self._now(), self._clock.monotonic())
            except OrderRefusal as refusal:
                return outcome_of(request.cl_ord_id, refusal)
        return Accepted(request.cl_ord_id, order.order_id)

    async def _refresh(self, name: str) -> None:
        """Ask for the price of a pair when there is none that is fresh."""
        if self._ask_prices is None or self._market.live(name, self._clock.monotonic()) is not None:
            return
        try:
            self._market.learn_all((await self._ask_prices()).values())
        except ExchangeError as error:
            _log.warning("Paper order on %s: its price cannot be asked for: %s", name, error)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[PaperFloor]:
        """Have the floor alone, up to date; what is booked on it is stored, then told.

        When anything fails, cancellation included, the floor is dropped and read anew the next time.
        """
        async with self._lock:
            try:
                floor = self._floor or await self._load()
                self._floor = floor
                self._listen(floor)
                yield floor
                changes, events = floor.take_changes()
                if any(changes):
                    await self._books.commit(*changes)
            except BaseException:
                self._floor, self._failed = None, True
                self._stirred.set()
                raise
            self._publish(events)

    async def _load(self) -> PaperFloor:
        floor, last = await self._account.load(self._clock.now())
        self._last = max(last, self._last) if last and self._last else last or self._last
        return floor

    def _listen(self, floor: PaperFloor) -> None:
        """Apply the prices heard since the last turn, in order."""
        heard, self._heard = self._heard, []
        now = self._clock.monotonic()
        for quote in heard:
            if self._market.is_fresh(quote, now):
                floor.hear(quote, self._now())
            else:
                self._market.look_away(quote.pair)

    async def _catch_up(self) -> None:
        async with self._turn():
            pass

    async def _follow(self, sink: AccountSink, *, connected: bool | None) -> None:
        """Bring the account up to date, and tell the sink when that fails and when it works again.

        ``connected`` is what the sink heard last, None for nothing yet.
        """
        while True:
            try:
                await self._catch_up()
                break
            except StorageError as error:
                if connected is not False:
                    connected = False
                    _log.warning("The paper account cannot be read or stored: %s", error)
                    sink.on_stream_state(StreamState("account", connected=False, detail=str(error)))
                await self._clock.sleep(RETRY_SECONDS)
        if not connected:
            sink.on_stream_state(StreamState("account", connected=True))

    def _publish(self, events: Sequence[Event]) -> None:
        """Tell all sinks what has been stored; after a failure have them ask for what they missed."""
        for sink in self._sinks:
            for event in events:
                if isinstance(event, Trade):
                    sink.on_trade(event)
                else:
                    sink.on_report(event)
            if self._failed:
                state = StreamState("account", connected=True, detail="the paper account was read anew")
                sink.on_stream_state(state)
        self._failed = False

    def _now(self) -> datetime:
        """Exchange time, never earlier than anything booked before."""
        now = self._clock.now()
        self._last = now if self._last is None else max(now, self._last)
        return self._last


def _end(until: datetime | None) -> datetime:
    """Return the whole second up to which is read."""
    if until is None:
        return datetime.max.replace(tzinfo=UTC)
    return until if not until.microsecond else until.replace(microsecond=0) + timedelta(seconds=1)


def _page(found: Sequence[RowT], total: int | None) -> HistoryPage[RowT]:
    """Make a page of what was read, which is one row more when there are older ones."""
    return HistoryPage(tuple(found[:PAGE_ROWS]), total, last=len(found) <= PAGE_ROWS)


@contextmanager
def _as_exchange() -> Iterator[None]:
    """Turn a failure of the books into the error that reads of a broker raise."""
    try:
        yield
    except StorageError as error:
        raise ExchangeError(f"The paper account cannot be read or stored: {error}") from error
