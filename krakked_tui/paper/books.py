"""Where a paper account is kept, and what is written there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

import msgspec

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.paper.orders import PaperOrder, makes_sense

MEND: Final = (
    "stop Krakked, move paper.db and krakked.db away, each with its -wal and -shm files, then put backups of"
    " the same moment in their places, or start over with none"
)
"""What to do about an account that cannot be read."""

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

    async def claim(self, owner: str, opening: str) -> tuple[str, str]:
        """Take the books into use, before anything is committed; return their account id and opening.

        New books get the account id ``<owner>-<tag>``, the tag random, and the text of its opening
        balances, for ever. Books of ``owner`` itself, made before there were tags, keep its name.
        Whoever had them in use can commit no more.

        Raises ``AccountMismatchError`` when they belong to somebody else.
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

    async def trades_before(self, until: datetime, skip: int, rows: int) -> Sequence[Trade]:
        """At most ``rows`` trades at or before ``until``, newest first, without the first ``skip``."""
        ...

    async def entries_before(self, until: datetime, skip: int, rows: int) -> Sequence[LedgerEntry]:
        """At most ``rows`` ledger rows at or before ``until``, newest first, without the first ``skip``."""
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
        order = _ORDER.decode(body)
    except msgspec.DecodeError as error:
        raise StorageError(
            f"The paper account holds an order that makes no sense ({error}): {MEND}"
        ) from error
    if not makes_sense(order):
        raise StorageError(f"Order {order.number} of the paper account makes no sense: {MEND}")
    return order
