"""A broker that does what it is told and remembers what it was asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import TypeVar

from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import Accepted, OrderReport, OrderRequest, SubmitOutcome, Withheld
from krakked_tui.ports import AccountSink, Headroom, HistoryPage, StreamState

RowT = TypeVar("RowT", Trade, LedgerEntry)


PAGE_ROWS = 50


class FakeBroker:
    """Implements ``Broker``. ``failure`` makes every call fail; ``hold`` keeps submissions waiting.

    ``traded`` and ``booked`` are its histories, in any order, ``held`` its balances; ``pages`` are the pages
    that were read of the histories.
    """

    account_id = "fake"

    def __init__(self) -> None:
        self.submitted: list[OrderRequest] = []
        self.canceled: list[str] = []
        self.emergencies: list[str] = []
        self.orders: dict[str, OrderReport] = {}
        self.failure: ExchangeError | None = None
        self.hold: asyncio.Event | None = None
        self.in_flight_most = 0
        self._in_flight = 0
        self.traded: list[Trade] = []
        self.booked: list[LedgerEntry] = []
        self.held: dict[str, AssetBalance] = {}
        self.fees: dict[str, Decimal] = {}
        self.pages: list[tuple[str, datetime | None, int]] = []

    async def submit(
        self, request: OrderRequest, withhold: Callable[[], str], *, emergency: bool = False
    ) -> SubmitOutcome | Withheld:
        self._in_flight += 1
        self.in_flight_most = max(self.in_flight_most, self._in_flight)
        if self.hold is not None:
            await self.hold.wait()
        self._in_flight -= 1
        self._fail()
        if reason := withhold():
            return Withheld(request.cl_ord_id, reason)
        self.submitted.append(request)
        if emergency:
            self.emergencies.append(request.cl_ord_id)
        return Accepted(request.cl_ord_id, f"O{len(self.submitted):05}-AAAAA-AAAAAA")

    async def cancel(self, cl_ord_ids: Sequence[str], *, emergency: bool = False) -> None:
        self._fail()
        if emergency:
            self.emergencies += cl_ord_ids
        self.canceled += cl_ord_ids

    async def open_orders(self) -> Sequence[OrderReport]:
        self._fail()
        return list(self.orders.values())

    async def find_orders(self, cl_ord_id: str) -> Sequence[OrderReport]:
        self._fail()
        return [report for report in self.orders.values() if report.cl_ord_id == cl_ord_id]

    async def query_orders(self, kraken_order_ids: Sequence[str]) -> Sequence[OrderReport]:
        self._fail()
        return [self.orders[i] for i in kraken_order_ids if i in self.orders]

    async def trades(self, since: datetime) -> Sequence[Trade]:
        self._fail()
        return sorted((trade for trade in self.traded if trade.time >= since), key=lambda row: row.time)

    async def ledger(self, since: datetime) -> Sequence[LedgerEntry]:
        self._fail()
        return sorted((entry for entry in self.booked if entry.time >= since), key=lambda row: row.time)

    async def trades_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[Trade]:
        self._fail()
        self.pages.append(("trades", until, skip))
        return _page(self.traded, until, skip)

    async def entries_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[LedgerEntry]:
        self._fail()
        self.pages.append(("ledger", until, skip))
        return _page(self.booked, until, skip)

    async def balances(self) -> Mapping[str, AssetBalance]:
        self._fail()
        return self.held

    async def taker_fees(self, pairs: Sequence[str]) -> Mapping[str, Decimal]:
        self._fail()
        return {pair: self.fees[pair] for pair in pairs if pair in self.fees}

    def headroom(self) -> Sequence[Headroom]:
        return [Headroom("private calls", used=1.0, limit=20.0, spenders=(("BalanceEx", 1.0),))]

    async def stream(self, sink: AccountSink) -> None:
        sink.on_stream_state(StreamState("account", connected=True))
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def _page(rows: Sequence[RowT], until: datetime | None, skip: int) -> HistoryPage[RowT]:
    found = sorted(rows, key=lambda row: row.time)[::-1]
    if until is not None:
        found = [row for row in found if row.time.timestamp() <= ceil(until.timestamp())]
    page = tuple(found[skip : skip + PAGE_ROWS])
    return HistoryPage(page, len(found), last=len(page) < PAGE_ROWS)


def go_ahead() -> str:
    """Withhold nothing."""
    return ""
