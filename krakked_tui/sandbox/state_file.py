"""The exchange's memory: its books and identity in one SQLite file, or in memory only."""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

from krakked_tui.domain.errors import NewerSchemaError, RefusedError, StorageError
from krakked_tui.sandbox.books import Books, Changes
from krakked_tui.sandbox.state_rows import (
    change_row,
    entry_row,
    order_row,
    read_change,
    read_entry,
    read_order,
    read_trade,
    trade_row,
)

SCHEMA_VERSION = 2
_SCHEMAS = ("schema.sql", "schema_2.sql")
"""What leads from each version of the format to the next; the first makes an empty file version 1."""

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
            if path is not None:
                _make_private(path)
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
            trades = [read_trade(row) for row in self._db.execute(self._queries["trades"])]
            trade_ids: defaultdict[str, list[str]] = defaultdict(list)
            for trade in trades:
                trade_ids[trade.kraken_order_id].append(trade.trade_id)
            orders = [
                read_order(row, tuple(trade_ids[row["order_id"]]))
                for row in self._db.execute(self._queries["orders"])
            ]
            entries = [read_entry(row) for row in self._db.execute(self._queries["ledger"])]
            changes = [read_change(row) for row in self._db.execute(self._queries["market_changes"])]
        return Books(orders, trades, entries, changes)

    def save(self, changes: Changes, facts: Mapping[str, str], books: Books) -> None:
        """Store changed rows and facts in one transaction, on disk when this returns.

        When it raises, whatever it raises, nothing of it is on disk, and it may be tried again.
        """
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for order in changes.orders.values():
                    self._db.execute(self._queries["put_order"], order_row(order))
                for trade in changes.trades:
                    number = books.trade_number(trade.trade_id)
                    self._db.execute(self._queries["put_trade"], trade_row(trade, number))
                for entry in changes.entries:
                    self._db.execute(self._queries["put_entry"], entry_row(entry))
                for change in changes.market:
                    self._db.execute(self._queries["put_market_change"], change_row(change))
                rows = [{"name": name, "value": value} for name, value in facts.items()]
                self._db.executemany(self._queries["put_fact"], rows)
                self._db.execute("COMMIT")
            except BaseException:
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
        for step in range(version, SCHEMA_VERSION):
            self._db.executescript(
                f"BEGIN EXCLUSIVE;\n{_sql(_SCHEMAS[step])}\nPRAGMA application_id = {_APPLICATION_ID};\n"
                f"PRAGMA user_version = {step + 1};\nCOMMIT;"
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
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            # The latter two come from a value that the file has no room or no letters for.
            raise StorageError(f"The sandbox state {self._name} cannot be used: {error}.") from error


def _make_private(path: Path) -> None:
    """Make the file, for its owner only, before SQLite does; what is beside it gets the same mode."""
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StorageError(f"The sandbox state {path} cannot be used: {error.strerror}.") from error


def _sql(name: str) -> str:
    return resources.files("krakked_tui.sandbox").joinpath("sql", name).read_text("utf-8")


def _read_queries() -> dict[str, str]:
    """Split the query file at its ``-- name`` lines."""
    parts = (part.partition("\n") for part in _sql("queries.sql").split("-- ")[1:])
    return {name.strip(): text.strip() for name, _, text in parts}
