"""The books of a paper account in one SQLite file."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec

from krakked_tui.domain.errors import AccountMismatchError, StorageError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.records import LedgerEntrySaved, Record, TradeSaved
from krakked_tui.storage.rows import EventReader, from_micros, statements, to_json, to_micros
from krakked_tui.storage.sqlite import Database, Parameters, Row, load_migrations, load_statements

_SQL = load_statements("paper")
_ACCOUNT = "account_id"
_OPENING = "opening"
_LARGEST = Decimal(10) ** 30
"""Above any amount there is, the product of a price and a volume included."""
_DETAIL_MAX = 100
_AWAY = "stop Krakked and move paper.db and krakked.db away, each with its -wal and -shm files"
_MEND = f"{_AWAY}, then put backups of the same moment in their places, or start over with none"


def _random() -> str:
    return secrets.token_hex(4)


class StorableOrder(Protocol):
    """An order as it is stored: ``body`` is all of it, the rest is what it is found by."""

    @property
    def number(self) -> int:
        """Counts the account's orders from 1."""

    @property
    def order_id(self) -> str:
        """The order's id, given once and for ever."""

    @property
    def cl_ord_id(self) -> str:
        """The client id it was sent with."""

    @property
    def is_open(self) -> bool:
        """Whether it can still fill or be canceled."""

    @property
    def body(self) -> str:
        """The order as JSON."""


class SqlitePaperBooks:
    """The paper account's ``PaperBooks`` in one file. Made by ``open``.

    One process at a time may use it: the latest to claim it, and no commit of another is written.
    A commit is on the disk, not in a cache, when it returns: neither a kill nor a power cut loses it.
    Every method raises ``StorageError``.
    """

    def __init__(self, database: Database, session: str, new_tag: Callable[[], str]) -> None:
        self._database = database
        self._session = session
        self._new_tag = new_tag

    @classmethod
    async def open(
        cls,
        path: Path,
        busy_timeout_seconds: float = 5.0,
        new_tag: Callable[[], str] = _random,
    ) -> "SqlitePaperBooks":
        """Open or create the books at ``path``. ``new_tag`` never gives a text twice.

        Raises:
            NewerSchemaError: The file was written by a newer Krakked.
            StorageError: The file is damaged, locked, or cannot be created or written.
        """
        database = await Database.open(path, load_migrations("paper"), _SQL["settings"], busy_timeout_seconds)
        return cls(database, new_tag(), new_tag)

    async def claim(self, owner: str, opening: str) -> tuple[str, str]:
        """Take the books into use, before anything is committed; return their account id and opening.

        New books get the account id ``<owner>-<tag>``, the tag random, and the text of its opening
        balances, for ever. Books of ``owner`` itself, made before there were tags, keep its name.
        Whoever had them in use can commit no more.

        Raises ``AccountMismatchError`` when they belong to somebody else.
        """
        stored = await self._meta()
        if not stored:
            await self._bind({_ACCOUNT: f"{owner}-{self._new_tag()}", _OPENING: opening})
            stored = await self._meta()
        if _ACCOUNT not in stored or _OPENING not in stored:
            raise StorageError(f"{self._database.path} does not say whose account it holds: {_MEND}")
        account_id = stored[_ACCOUNT]
        if account_id != owner and not account_id.startswith(f"{owner}-"):
            raise AccountMismatchError(
                f"{self._database.path} belongs to the paper account {account_id}, not to {owner}: choose"
                f" another profile with --profile, or {_AWAY}, to start over"
            )
        async with self._database.transaction() as transaction:
            await transaction.execute_many(_SQL["begin_session"], [{"session": self._session}])
        return account_id, stored[_OPENING]

    async def commit(
        self,
        orders: Sequence[StorableOrder],
        trades: Sequence[tuple[Trade, Decimal]],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Write everything in one transaction, durable when this returns; orders replace earlier rows.

        When cancelled, all or nothing has been written.
        """
        async with self._database.transaction() as transaction:
            if not await transaction.execute_many(_SQL["hold_session"], [{"session": self._session}]):
                raise StorageError(
                    f"{self._database.path} was taken over by another Krakked, so nothing is written to it"
                    " from here: stop this one"
                )
            await transaction.execute_many(_SQL["save_order"], [_order_row(order) for order in orders])
            rows = [{**_row(TradeSaved(trade)), "usd": str(usd)} for trade, usd in trades]
            await transaction.execute_many(_SQL["save_trade"], rows)
            written = [_row(LedgerEntrySaved(entry)) for entry in entries]
            await transaction.execute_many(_SQL["save_entry"], written)

    async def counts(self) -> tuple[int, int, int]:
        """How many orders, trades and ledger rows there are."""
        [(orders, trades, entries)] = await self._database.fetch(_SQL["counts"])
        return orders, trades, entries

    async def last_time(self) -> datetime | None:
        """The time of the newest ledger row."""
        [(micros,)] = await self._database.fetch(_SQL["last_time"])
        with self._sense():
            return None if micros is None else from_micros(micros)

    async def balances(self) -> Mapping[str, Decimal]:
        """The balance after the newest ledger row of each asset."""
        rows = await self._database.fetch(_SQL["balances"])
        with self._sense():
            balances = {asset: Decimal(balance) for asset, balance in rows}
            _check(balances.values(), least=ZERO)
            return balances

    async def turnover(self, since: datetime) -> Sequence[tuple[datetime, Decimal]]:
        """Time and worth in USD of every trade at or after ``since``, oldest first."""
        rows = await self._since("turnover", since)
        with self._sense():
            worth = [(from_micros(time), Decimal(usd)) for time, usd in rows]
            _check((usd for _, usd in worth), least=ZERO)
            return worth

    async def open_orders(self) -> Sequence[str]:
        """The open orders, oldest first."""
        return [body for (body,) in await self._database.fetch(_SQL["open_orders"])]

    async def find_orders(self, cl_ord_id: str) -> Sequence[str]:
        """All orders that carry a client id, oldest first."""
        rows = await self._database.fetch(_SQL["find_orders"], {"cl_ord_id": cl_ord_id})
        return [body for (body,) in rows]

    async def query_orders(self, order_ids: Sequence[str]) -> Sequence[str]:
        """The orders of these that exist, oldest first."""
        wanted: Parameters = {"order_ids": to_json(list(order_ids))}
        return [body for (body,) in await self._database.fetch(_SQL["query_orders"], wanted)]

    async def trades(self, since: datetime) -> Sequence[Trade]:
        """The trades at or after ``since``, oldest first."""
        rows = await self._since("trades", since)
        with self._sense():
            return _checked_trades(rows)

    async def entries(self, since: datetime) -> Sequence[LedgerEntry]:
        """The ledger rows at or after ``since``, oldest first."""
        rows = await self._since("entries", since)
        with self._sense():
            return _checked_entries(rows)

    async def trades_before(self, until: datetime, skip: int, rows: int) -> Sequence[Trade]:
        """At most ``rows`` trades at or before ``until``, newest first, without the first ``skip``."""
        found = await self._before("trades_before", until, skip, rows)
        with self._sense():
            return _checked_trades(found)

    async def entries_before(self, until: datetime, skip: int, rows: int) -> Sequence[LedgerEntry]:
        """At most ``rows`` ledger rows at or before ``until``, newest first, without the first ``skip``."""
        found = await self._before("entries_before", until, skip, rows)
        with self._sense():
            return _checked_entries(found)

    async def close(self) -> None:
        """Checkpoint and close; closing again does nothing."""
        await self._database.close()

    async def _meta(self) -> dict[str, str]:
        return dict(await self._database.fetch(_SQL["load_meta"]))

    async def _bind(self, meta: Mapping[str, str]) -> None:
        """Write what new books are for, unless somebody was faster."""
        async with self._database.transaction() as transaction:
            await transaction.execute_many(
                _SQL["save_meta"], [{"key": key, "value": value} for key, value in meta.items()]
            )

    async def _since(self, name: str, since: datetime) -> list[Row]:
        return await self._database.fetch(_SQL[name], {"since": to_micros(since)})

    async def _before(self, name: str, until: datetime, skip: int, rows: int) -> list[Row]:
        wanted: Parameters = {"until": to_micros(until), "skip": skip, "rows": rows}
        return await self._database.fetch(_SQL[name], wanted)

    @contextmanager
    def _sense(self) -> Iterator[None]:
        """Say which file it is whose rows cannot be read."""
        try:
            yield
        except (ValueError, ArithmeticError, msgspec.DecodeError) as error:
            detail = "no number" if isinstance(error, ArithmeticError) else str(error)[:_DETAIL_MAX]
            raise StorageError(
                f"{self._database.path} holds a row that makes no sense ({detail}): {_MEND}"
            ) from error


def _checked_trades(rows: Iterable[Row]) -> list[Trade]:
    reader = EventReader()
    trades = [reader.trade(row) for row in rows]
    for trade in trades:
        fees = (fee.amount for fee in trade.fees)
        _check((trade.price, trade.volume, trade.cost, *fees), least=ZERO)
    return trades


def _checked_entries(rows: Iterable[Row]) -> list[LedgerEntry]:
    reader = EventReader()
    entries = [reader.entry(row) for row in rows]
    for entry in entries:
        _check((entry.amount, entry.fee, entry.balance), least=-_LARGEST)
    return entries


def _check(amounts: Iterable[Decimal], *, least: Decimal) -> None:
    """Raise ``ValueError`` for an amount that no account has."""
    for amount in amounts:
        if not (amount.is_finite() and least <= amount < _LARGEST):
            raise ValueError(f"an amount of {amount}")


def _row(record: Record) -> Parameters:
    """Return a trade or a ledger row as the journal writes it."""
    [(_, parameters)] = statements(record)
    return parameters


def _order_row(order: StorableOrder) -> Parameters:
    return {
        "number": order.number,
        "order_id": order.order_id,
        "cl_ord_id": order.cl_ord_id,
        "is_open": order.is_open,
        "body": order.body,
    }
