"""The exchange's memory: its books and identity in one SQLite file, or in memory only."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from krakked_tui.domain.errors import NewerSchemaError, RefusedError, StorageError
from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.orders import ExchangeStatus, OrderType, Side, TimeInForce
from krakked_tui.sandbox.books import Books, Changes
from krakked_tui.sandbox.orders import Draft, Order

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x4B72_7362
"""Marks the file as ours in SQLite's header."""


class StateFile:
    """One exchange's durable record. Everything saved together becomes durable together.

    Raises ``StorageError`` when the file cannot be used (not ours, unreadable, disk full) and
    ``RefusedError`` while another sandbox uses it.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = "the sandbox's memory" if path is None else str(path)
        self._queries = _read_queries()
        with self._translated():
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._prepare()

    def facts(self) -> dict[str, str]:
        """What is known about the exchange itself; empty for a new one."""
        with self._translated():
            return {row["name"]: row["value"] for row in self._db.execute(self._queries["facts"])}

    def books(self) -> Books:
        """Read all records."""
        with self._translated():
            trades = [_trade(row) for row in self._db.execute(self._queries["trades"])]
            trade_ids: defaultdict[str, list[str]] = defaultdict(list)
            for trade in trades:
                trade_ids[trade.kraken_order_id].append(trade.trade_id)
            orders = [
                _order(row, tuple(trade_ids[row["order_id"]]))
                for row in self._db.execute(self._queries["orders"])
            ]
            entries = [_entry(row) for row in self._db.execute(self._queries["ledger"])]
        return Books(orders, trades, entries)

    def save(self, changes: Changes, facts: Mapping[str, str], books: Books) -> None:
        """Store changed rows and facts in one transaction, on disk when this returns."""
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for order in changes.orders.values():
                    self._db.execute(self._queries["put_order"], _order_row(order))
                for trade in changes.trades:
                    number = books.trade_number(trade.trade_id)
                    self._db.execute(self._queries["put_trade"], _trade_row(trade, number))
                for entry in changes.entries:
                    self._db.execute(self._queries["put_entry"], _entry_row(entry))
                rows = [{"name": name, "value": value} for name, value in facts.items()]
                self._db.executemany(self._queries["put_fact"], rows)
                self._db.execute("COMMIT")
            except sqlite3.Error:
                self._db.rollback()
                raise

    def close(self) -> None:
        """Close the file; it is complete on disk already."""
        with self._translated():
            self._db.close()

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        owner = self._db.execute("PRAGMA application_id").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and owner != _APPLICATION_ID:
            raise StorageError(f"{self._name} is not a sandbox state file: give --state another path.")
        if version > SCHEMA_VERSION:
            raise NewerSchemaError(
                f"{self._name} was written by a newer version of Krakked (format {version}, this one knows "
                f"{SCHEMA_VERSION}): upgrade Krakked or give --state another path."
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not tables:
            self._db.executescript(
                f"BEGIN EXCLUSIVE;\n{_sql('schema.sql')}\nPRAGMA application_id = {_APPLICATION_ID};\n"
                f"PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise RefusedError(
                    f"{self._name} is in use by another sandbox: stop that one first."
                ) from error
            raise StorageError(f"The sandbox state {self._name} cannot be used: {error}.") from error
        except sqlite3.Error as error:
            raise StorageError(f"The sandbox state {self._name} cannot be used: {error}.") from error


def _sql(name: str) -> str:
    return resources.files("krakked_tui.sandbox").joinpath("sql", name).read_text("utf-8")


def _read_queries() -> dict[str, str]:
    """Split the query file at its ``-- name`` lines."""
    parts = (part.partition("\n") for part in _sql("queries.sql").split("-- ")[1:])
    return {name.strip(): text.strip() for name, _, text in parts}


def _maybe_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _order(row: sqlite3.Row, trade_ids: tuple[str, ...]) -> Order:
    draft = Draft(
        pair=row["pair"],
        side=Side(row["side"]),
        order_type=OrderType(row["order_type"]),
        volume=Decimal(row["volume"]),
        price=None if row["price"] is None else Decimal(row["price"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        post_only=bool(row["post_only"]),
        cl_ord_id=row["cl_ord_id"],
        userref=row["userref"],
    )
    return Order(
        order_id=row["order_id"],
        number=row["number"],
        draft=draft,
        arrived_at=datetime.fromisoformat(row["arrived_at"]),
        status=ExchangeStatus(row["status"]),
        filled=Decimal(row["filled"]),
        cost=Decimal(row["cost"]),
        fee=Decimal(row["fee"]),
        closed_at=_maybe_time(row["closed_at"]),
        reason=row["reason"],
        trade_ids=trade_ids,
    )


def _trade(row: sqlite3.Row) -> Trade:
    return Trade(
        trade_id=row["trade_id"],
        kraken_order_id=row["order_id"],
        pair=row["pair"],
        side=row["side"],
        price=Decimal(row["price"]),
        volume=Decimal(row["volume"]),
        cost=Decimal(row["cost"]),
        fees=(Fee(row["fee_asset"], Decimal(row["fee"])),),
        time=datetime.fromisoformat(row["time"]),
        maker=bool(row["maker"]),
        cl_ord_id=row["cl_ord_id"],
    )


def _entry(row: sqlite3.Row) -> LedgerEntry:
    return LedgerEntry(
        entry_id=row["entry_id"],
        refid=row["refid"],
        time=datetime.fromisoformat(row["time"]),
        type=row["type"],
        subtype=row["subtype"],
        asset=row["asset"],
        amount=Decimal(row["amount"]),
        fee=Decimal(row["fee"]),
        balance=Decimal(row["balance"]),
    )


def _plain(amount: Decimal) -> str:
    """Spell money so that a person can read it in the file: without an exponent."""
    return format(amount, "f")


def _order_row(order: Order) -> dict[str, Any]:
    draft = order.draft
    return {
        "number": order.number,
        "order_id": order.order_id,
        "pair": draft.pair,
        "side": draft.side,
        "order_type": draft.order_type,
        "volume": _plain(draft.volume),
        "price": None if draft.price is None else _plain(draft.price),
        "time_in_force": draft.time_in_force,
        "post_only": draft.post_only,
        "cl_ord_id": draft.cl_ord_id,
        "userref": draft.userref,
        "arrived_at": order.arrived_at.isoformat(),
        "status": order.status,
        "filled": _plain(order.filled),
        "cost": _plain(order.cost),
        "fee": _plain(order.fee),
        "closed_at": None if order.closed_at is None else order.closed_at.isoformat(),
        "reason": order.reason,
    }


def _trade_row(trade: Trade, number: int) -> dict[str, Any]:
    (fee,) = trade.fees
    return {
        "number": number,
        "trade_id": trade.trade_id,
        "order_id": trade.kraken_order_id,
        "price": _plain(trade.price),
        "volume": _plain(trade.volume),
        "cost": _plain(trade.cost),
        "fee_asset": fee.asset,
        "fee": _plain(fee.amount),
        "time": trade.time.isoformat(),
        "maker": trade.maker,
    }


def _entry_row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "refid": entry.refid,
        "time": entry.time.isoformat(),
        "type": entry.type,
        "subtype": entry.subtype,
        "asset": entry.asset,
        "amount": _plain(entry.amount),
        "fee": _plain(entry.fee),
        "balance": _plain(entry.balance),
    }
