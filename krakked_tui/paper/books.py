"""Where a paper account is kept, and what is written there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

import msgspec

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.paper.orders import PaperOrder

_ORDER = msgspec.json.Decoder(PaperOrder)


class OrderRow(msgspec.Struct, frozen=True):
    """An order as it is stored; ``body`` is all of it as JSON, the rest is what it is found by."""

    number: int
    order_id: str
    cl_ord_id: str
    is_open: bool
    body: str


class Changes(NamedTuple):
    """What is written together. Each trade comes with its worth in USD, which the fee tier counts."""

    orders: Sequence[OrderRow] = ()
    trades: Sequence[tuple[Trade, Decimal]] = ()
    entries: Sequence[LedgerEntry] = ()


class PaperBooks(Protocol):
    """The account on disk. Every method raises ``StorageError``. Orders are the rows' bodies."""

    async def claim(self, account_id: str, opening: str) -> str:
        """Bind new books to an account and the text of its opening balances; return the text they have.

        Raises ``AccountMismatchError`` when they belong to another account.
        """
        ...

    async def commit(
        self,
        orders: Sequence[OrderRow],
        trades: Sequence[tuple[Trade, Decimal]],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Write everything in one transaction, durable when this returns; orders replace earlier rows."""
        ...

    async def counts(self) -> tuple[int, int, int]:
        """How many orders, trades and ledger rows there are."""
        ...

    async def last_time(self) -> datetime | None:
        """The time of the newest ledger row."""
        ...

    async def balances(self) -> Mapping[str, Decimal]:
        """The balance after the newest ledger row of each asset."""
        ...

    async def turnover(self, since: datetime) -> Sequence[tuple[datetime, Decimal]]:
        """Time and worth in USD of every trade at or after ``since``, oldest first."""
        ...

    async def open_orders(self) -> Sequence[str]:
        """The open orders, oldest first."""
        ...

    async def find_orders(self, cl_ord_id: str) -> Sequence[str]:
        """All orders that carry a client id, oldest first."""
        ...

    async def query_orders(self, order_ids: Sequence[str]) -> Sequence[str]:
        """The orders of these that exist, oldest first."""
        ...

    async def trades(self, since: datetime) -> Sequence[Trade]:
        """The trades at or after ``since``, oldest first."""
        ...

    async def entries(self, since: datetime) -> Sequence[LedgerEntry]:
        """The ledger rows at or after ``since``, oldest first."""
        ...

    async def close(self) -> None:
        """Write everything down and close; closing again does nothing."""
        ...


def row_of(order: PaperOrder) -> OrderRow:
    """Return an order as a row."""
    return OrderRow(
        number=order.number,
        order_id=order.order_id,
        cl_ord_id=order.request.cl_ord_id,
        is_open=order.is_open,
        body=msgspec.json.encode(order).decode(),
    )


def order_of(body: str) -> PaperOrder:
    """Undo ``row_of``. Raises ``StorageError`` for what is no order."""
    try:
        return _ORDER.decode(body)
    except msgspec.DecodeError as error:
        raise StorageError(
            f"The paper account holds an order that makes no sense ({error}): put a backup of paper.db in its"
            " place, or move it away to start over"
        ) from error
