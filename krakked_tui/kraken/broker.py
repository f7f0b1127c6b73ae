"""A Kraken account as the ``Broker`` port."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import assert_never

from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import (
    Accepted,
    NotSent,
    OrderReport,
    OrderRequest,
    Refused,
    SubmitOutcome,
    Unknown,
    Withheld,
)
from krakked_tui.kraken import decode, encode, endpoints, error_codes, paging, wire
from krakked_tui.kraken.account_stream import AccountStream
from krakked_tui.kraken.endpoints import Priority
from krakked_tui.kraken.errors import ErrorClass, InvalidArgumentsError, KrakenError, OrderRejectedError
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.order_entry import NotOverWebSocketError, StreamOrderEntry
from krakked_tui.kraken.rest import CallWithheldError, KrakenRest
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.ports import AccountSink, Headroom, HistoryPage

IDS_PER_CALL = 50

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NO_SUCH_ORDER = frozenset({error_codes.UNKNOWN_ORDER, error_codes.INVALID_ORDER})

_log = logging.getLogger(__name__)


class KrakenBroker:
    """Implements ``ports.Broker`` for one account, over REST and the private WebSocket.

    Orders and cancels go over REST, or over the WebSocket when there is an ``entry`` for it; what is
    urgent always goes over REST, where it overtakes, and so does a cancel that the WebSocket cannot
    carry.
    """

    def __init__(
        self,
        account_id: str,
        rest: KrakenRest,
        listing: Listing,
        stream: KrakenStream,
        entry: StreamOrderEntry | None = None,
    ) -> None:
        """``account_id`` names the account for ever; ``rest`` holds its key."""
        self._account_id = account_id
        self._rest = rest
        self._listing = listing
        self._stream = stream
        self._entry = entry

    @property
    def account_id(self) -> str:
        """Which account this is."""
        return self._account_id

    async def submit(
        self, request: OrderRequest, withhold: Callable[[], str], *, emergency: bool = False
    ) -> SubmitOutcome | Withheld:
        """Send one order, once. Raises nothing but cancellation, which means unknown.

        ``withhold`` may call it off until its first byte is written. An ``emergency`` (flattening) goes
        before everything else and may use the part of the rate limit that is kept for it.
        """
        try:
            order_id = await self._place(request, withhold, emergency=emergency)
        except CallWithheldError as error:
            return Withheld(request.cl_ord_id, str(error))
        except KrakenError as error:
            return _outcome(request.cl_ord_id, error)
        except Exception as error:  # noqa: BLE001 - whatever broke, the order may be at the exchange
            _log.exception("An order request broke")
            return Unknown(request.cl_ord_id, f"the request broke: {type(error).__name__}")
        if not order_id:
            return Unknown(request.cl_ord_id, "Kraken answered without an order id")
        return Accepted(request.cl_ord_id, order_id)

    async def cancel(self, cl_ord_ids: Sequence[str], *, emergency: bool = False) -> None:
        """Ask for these to be canceled; ones already gone are no error. Idempotent.

        Cancels go before orders and reads; an ``emergency`` goes before other cancels too.

        Raises ``KrakenError`` when some of the requests could not be made; the others were.
        """
        if self._entry is not None and not emergency and await self._canceled_by_stream(cl_ord_ids):
            return
        failure: KrakenError | None = None
        for chunk in paging.chunks(cl_ord_ids, IDS_PER_CALL):
            try:
                await self._cancel_together(chunk, Priority.EMERGENCY if emergency else Priority.CANCEL)
            except KrakenError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def open_orders(self) -> Sequence[OrderReport]:
        """All open orders of the account, foreign ones included."""
        answer = await self._rest.call(endpoints.OPEN_ORDERS)
        reports = await self._reports(answer.open)
        for report in reports:
            # What a cancel costs depends on the order's age, which starts anew when it is amended.
            amended = "amended" in answer.open[report.kraken_order_id].misc
            ids = tuple(each for each in (report.kraken_order_id, report.cl_ord_id) if each)
            self._rest.saw_order(report.pair, ids, None if amended else report.opened_at)
        return reports

    async def find_orders(self, cl_ord_id: str) -> Sequence[OrderReport]:
        """Everything open or closed that carries this client id.

        Open orders are asked for first: an order that ends in between is then seen twice, never
        missed, and counts as what it was last. It is asked for an order whose fate is unknown, so it
        goes before other reads.
        """

        async def page(offset: int) -> paging.Page[wire.Order]:
            params = {"cl_ord_id": cl_ord_id, "ofs": str(offset)}
            answer = await self._rest.call(endpoints.CLOSED_ORDERS, params, priority=Priority.ORDER)
            return answer.closed, answer.count

        still_open = await self._rest.call(
            endpoints.OPEN_ORDERS, {"cl_ord_id": cl_ord_id}, priority=Priority.ORDER
        )
        closed = await paging.read_all(page, _EVER)
        found = {**still_open.open, **dict(closed)}
        return await self._reports({i: row for i, row in found.items() if row.cl_ord_id == cl_ord_id})

    async def query_orders(self, kraken_order_ids: Sequence[str]) -> Sequence[OrderReport]:
        """These orders, whatever their status; ones never minted are left out."""
        chunks = [await self._query(chunk) for chunk in paging.chunks(kraken_order_ids, IDS_PER_CALL)]
        return await self._reports({i: row for chunk in chunks for i, row in chunk.items()})

    async def trades(self, since: datetime) -> Sequence[Trade]:
        """All trades at or after ``since``, oldest first, each fill on its own."""

        async def page(offset: int) -> paging.Page[wire.Trade]:
            # Merged taker fills would carry other ids than the stream reports.
            params = {"start": start, "ofs": str(offset), "consolidate_taker": "false"}
            answer = await self._rest.call(endpoints.TRADES_HISTORY, params)
            return answer.trades, answer.count

        start = paging.start_before(since)
        symbols = await self._listing.symbols()
        return [decode.trade(i, row, symbols) for i, row in await paging.read_all(page, since)]

    async def ledger(self, since: datetime) -> Sequence[LedgerEntry]:
        """All ledger rows at or after ``since``, oldest first."""

        async def page(offset: int) -> paging.Page[wire.LedgerRow]:
            answer = await self._rest.call(endpoints.LEDGERS, {"start": start, "ofs": str(offset)})
            return answer.ledger, answer.count

        start = paging.start_before(since)
        symbols = await self._listing.symbols()
        return [decode.ledger_entry(i, row, symbols) for i, row in await paging.read_all(page, since)]

    async def trades_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[Trade]:
        """One page of trades at or before ``until``, newest first, without the first ``skip``."""
        params = {"ofs": str(skip), "consolidate_taker": "false", **paging.up_to(until)}
        answer = await self._rest.call(endpoints.TRADES_HISTORY, params)
        symbols = await self._listing.symbols()
        rows = tuple(decode.trade(i, row, symbols) for i, row in answer.trades.items())
        return HistoryPage(rows, answer.count, paging.is_last(len(rows), skip, answer.count))

    async def entries_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[LedgerEntry]:
        """One page of ledger rows at or before ``until``, newest first, without the first ``skip``."""
        answer = await self._rest.call(endpoints.LEDGERS, {"ofs": str(skip), **paging.up_to(until)})
        symbols = await self._listing.symbols()
        rows = tuple(decode.ledger_entry(i, row, symbols) for i, row in answer.ledger.items())
        return HistoryPage(rows, answer.count, paging.is_last(len(rows), skip, answer.count))

    async def balances(self) -> Mapping[str, AssetBalance]:
        """Holdings by normalised asset name, holds included."""
        symbols = await self._listing.symbols()
        rows = await self._rest.call(endpoints.BALANCE_EX)
        return decode.balances(rows, symbols)

    async def taker_fees(self, pairs: Sequence[str]) -> Mapping[str, Decimal]:
        """What the account pays now as a taker, in percent, by canonical pair."""
        answer = await self._rest.call(endpoints.TRADE_VOLUME, {"pair": ",".join(pairs)})
        return decode.taker_fees(answer, await self._listing.symbols())

    def headroom(self) -> Sequence[Headroom]:
        """The exchange's rate limits and what is left of them. Never waits."""
        return self._rest.headroom()

    async def stream(self, sink: AccountSink) -> None:
        """Keep order reports and fills flowing into ``sink`` until cancelled, reconnecting by itself."""
        account = AccountStream(self._rest, self._listing, sink)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stream.run(account.prepare, account.on_frame, account.on_state))
            if self._entry is not None:
                group.create_task(self._entry.keep_ready())

    async def close(self) -> None:
        """Close all connections."""
        await self._rest.close()

    async def _place(self, request: OrderRequest, withhold: Callable[[], str], *, emergency: bool) -> str:
        if self._entry is not None and not emergency:
            with suppress(NotOverWebSocketError):
                return await self._entry.add(request, withhold)
        return await self._add(request, withhold, Priority.EMERGENCY if emergency else None)

    async def _add(
        self, request: OrderRequest, withhold: Callable[[], str], priority: Priority | None
    ) -> str:
        params = encode.add_order(request)
        answer = await self._rest.call(endpoints.ADD_ORDER, params, withhold, priority=priority)
        return answer.txid[0] if answer.txid else ""

    async def _canceled_by_stream(self, cl_ord_ids: Sequence[str]) -> bool:
        """Cancel over the WebSocket; return False when they must be asked for once more, over REST."""
        assert self._entry is not None
        try:
            await self._entry.cancel(cl_ord_ids)
        except KrakenError as error:
            _log.warning("Cancels over the WebSocket failed, so they go over REST: %s", error)
            return False
        return True

    async def _cancel_together(self, cl_ord_ids: Sequence[str], priority: Priority) -> None:
        """Cancel up to 50 orders in one request, or one by one when it is refused or misses some.

        A batch does not say which orders it missed, nor whether they were gone.
        """
        reached = await self._batch_reached(cl_ord_ids, priority)
        if reached is not None and reached >= len(cl_ord_ids):
            return
        failure: KrakenError | None = None
        for cl_ord_id in cl_ord_ids:
            try:
                await self._cancel_one(cl_ord_id, priority)
            except KrakenError as error:
                if error.code not in error_codes.NOTHING_TO_CANCEL:
                    failure = failure or error
        if failure is not None:
            raise failure

    async def _batch_reached(self, cl_ord_ids: Sequence[str], priority: Priority) -> int | None:
        """Cancel in one request; return how many orders it reached, None when it was refused."""
        params = {"cl_ord_ids": cl_ord_ids}
        try:
            return (await self._rest.call(endpoints.CANCEL_ORDER_BATCH, params, priority=priority)).count
        except KrakenError as error:
            if error.listed and not isinstance(error, (OrderRejectedError, InvalidArgumentsError)):
                raise
            return None

    async def _cancel_one(self, cl_ord_id: str, priority: Priority) -> None:
        """Cancel one order: in a batch of its own where the pair's counter would make it wait."""
        params = {"cl_ord_id": cl_ord_id}
        if not self._rest.fits(endpoints.CANCEL_ORDER, params):
            reached = await self._batch_reached([cl_ord_id], priority)
            # What a batch does not reach is gone, or was never there: an emergency does not wait to know.
            if reached or (reached is not None and priority is Priority.EMERGENCY):
                return
        await self._rest.call(endpoints.CANCEL_ORDER, params, priority=priority)

    async def _query(self, order_ids: Sequence[str]) -> Mapping[str, wire.Order]:
        """Look orders up together, or one by one when one of the ids spoils the request."""
        try:
            return await self._rest.call(endpoints.QUERY_ORDERS, {"txid": ",".join(order_ids)})
        except KrakenError as error:
            if error.code not in _NO_SUCH_ORDER:
                raise
        if len(order_ids) == 1:
            return {}
        found = [await self._query([order_id]) for order_id in order_ids]
        return dict(chain.from_iterable(rows.items() for rows in found))

    async def _reports(self, rows: Mapping[str, wire.Order]) -> Sequence[OrderReport]:
        symbols = await self._listing.symbols()
        return [decode.report(order_id, row, symbols) for order_id, row in rows.items()]


def _outcome(cl_ord_id: str, error: KrakenError) -> SubmitOutcome:
    """Say what an error proves about the order it answered."""
    if error.code == error_codes.INVALID_NONCE:
        # Said not to be executed, but only a look at the exchange is worth betting money on.
        return Unknown(cl_ord_id, str(error))
    match error.error_class:
        case ErrorClass.PERMANENT | ErrorClass.AUTH:
            return Refused(cl_ord_id, error.code or type(error).__name__, str(error))
        case ErrorClass.RATE | ErrorClass.NOT_EXECUTED:
            return NotSent(cl_ord_id, str(error), error.retry_after)
        case ErrorClass.AMBIGUOUS:
            return Unknown(cl_ord_id, str(error))
        case _ as unreachable:
            assert_never(unreachable)
