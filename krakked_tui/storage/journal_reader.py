"""A journal, looked at beside whoever writes it.

Every look has a connection of its own that can only read: in WAL mode it neither waits for a writer nor
keeps one waiting, and it sees one moment. All functions block on the disk, and raise ``StorageError``.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from krakked_tui.domain.errors import NewerSchemaError, StorageError
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.orders import OrderTransition
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.domain.records import StoredState
from krakked_tui.storage import rows
from krakked_tui.storage.sqlite import load_migrations, load_statements, one_line

WAIT_SECONDS = 5.0
"""For a writer that is just closing or recovering the file."""
ROWS_MAX = 1_000
"""Rows of one answer at most: ledger rows of an event, decisions, steps of an order."""
_ALWAYS = 2**63 - 1

_SQL = load_statements("journal")
_LOOK = load_statements("journal_reader")
_VERSION = load_statements("database")["schema_version"]


def read_journal(path: Path) -> StoredState | None:
    """Return what the books are made of: trades, ledger rows, rates, orders, snapshots, marks.

    None when there is no journal yet, or one that belongs to no account. The safety state is not read.
    """
    if not path.exists():
        return None
    with _opened(path) as connection:
        reader = rows.EventReader()
        meta = dict(connection.execute(_SQL["load_meta"]).fetchall())
        if not meta:
            return None
        return StoredState(
            instance_id=meta["instance_id"],
            account_id=meta["account_id"],
            orders=tuple(map(rows.read_order, connection.execute(_SQL["load_orders"]))),
            trades=tuple(map(reader.trade, connection.execute(_SQL["load_trades"]))),
            entries=tuple(map(reader.entry, connection.execute(_SQL["load_entries"]))),
            rates=tuple(map(rows.read_rate, connection.execute(_SQL["load_rates"]))),
            history=tuple(map(rows.read_mark, connection.execute(_SQL["load_history_marks"]))),
            foreign_orders=tuple(
                map(rows.read_foreign_order, connection.execute(_SQL["load_foreign_orders"]))
            ),
            share_marks=tuple(map(rows.read_share_mark, connection.execute(_SQL["load_share_marks"]))),
            snapshots=tuple(map(rows.read_snapshot, connection.execute(_SQL["load_snapshots"]))),
        )


def read_entries_of(path: Path, event: str) -> Sequence[LedgerEntry]:
    """Return the ledger rows of a trade, or of the event that a row is of, by its id; oldest first."""
    if not path.exists():
        return ()
    with _opened(path) as connection:
        found = connection.execute(_LOOK["load_entries_of"], {"event": event, "most": ROWS_MAX})
        return tuple(map(rows.EventReader().entry, found))


def read_decisions(path: Path, limit: int = 100, before: datetime | None = None) -> Sequence[DecisionRecord]:
    """Return the newest decisions, newest first; of those made ``before`` a time, when one is given."""
    if not path.exists():
        return ()
    until = _ALWAYS if before is None else rows.to_micros(before)
    with _opened(path) as connection:
        found = connection.execute(_LOOK["load_decisions"], {"before": until, "most": min(limit, ROWS_MAX)})
        return tuple(map(rows.read_decision, found))


def read_decision(path: Path, plan_id: str) -> DecisionRecord | None:
    """Return the decision of a plan; None when there is none of that id."""
    if not path.exists():
        return None
    with _opened(path) as connection:
        found = connection.execute(_LOOK["load_decision"], {"plan_id": plan_id}).fetchone()
        return None if found is None else rows.read_decision(found)


def read_transitions(path: Path, cl_ord_id: str) -> Sequence[OrderTransition]:
    """Return the history of an order, oldest first."""
    if not path.exists():
        return ()
    with _opened(path) as connection:
        found = connection.execute(_LOOK["load_transitions"], {"cl_ord_id": cl_ord_id, "most": ROWS_MAX})
        return tuple(map(rows.read_transition, found))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal of our schema, at one moment."""
    known = len(load_migrations("journal"))
    try:
        with closing(_connect(path)) as connection:
            connection.execute(_LOOK["settings"])
            connection.execute(_LOOK["begin"])
            _check_version(path, connection.execute(_VERSION).fetchone()[0], known)
            yield connection
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be read ({one_line(error)}): see krakked-tui doctor") from error
    except (ValueError, ArithmeticError, KeyError, msgspec.DecodeError) as error:
        raise StorageError(
            f"{path} holds a row that makes no sense ({one_line(error)}): see krakked-tui doctor"
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None)


def _check_version(path: Path, version: int, known: int) -> None:
    if version > known:
        raise NewerSchemaError(
            f"{path} has schema version {version}, but this Krakked knows versions up to {known}:"
            " update Krakked"
        )
    if version < known:
        raise StorageError(
            f"{path} has schema version {version}, and this Krakked reads version {known}: start Krakked on"
            " the profile once, which brings it up to date"
        )
