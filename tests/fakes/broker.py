"""A broker that does what it is told and remembers what it was asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import Accepted, OrderReport, OrderRequest, SubmitOutcome, Withheld
from krakked_tui.ports import AccountSink, Headroom, StreamState


class FakeBroker:
    """Implements ``Broker``. ``failure`` makes every call fail; ``hold`` keeps submissions waiting."""

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
        return []

    async def ledger(self, since: datetime) -> Sequence[LedgerEntry]:
        self._fail()
        return []

    async def balances(self) -> Mapping[str, AssetBalance]:
        self._fail()
        return {}

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


def go_ahead() -> str:
    """Withhold nothing."""
    return ""
