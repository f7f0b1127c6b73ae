"""A journal in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from krakked_tui.domain.errors import AccountMismatchError, JournalError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import (
    DayStartSaved,
    ExternalJudged,
    FlattenSaved,
    ForeignOrderSaved,
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    KillSwitchSaved,
    LedgerEntrySaved,
    OrderSaved,
    PausedSaved,
    RateSaved,
    Record,
    ShareMarked,
    SnapshotSaved,
    SnapshotsPruned,
    StoredState,
    TradeSaved,
)
from krakked_tui.domain.safety import KillSwitch

R = TypeVar("R")
D = TypeVar("D")


@dataclass
class Disk:
    """What outlives a journal: hand it to the next one to play a restart."""

    instance_id: str = "abc"
    account_id: str | None = None
    commits: list[tuple[Record, ...]] = field(default_factory=list)

    def records(self) -> list[Record]:
        """Everything committed, oldest first."""
        return [record for commit in self.commits for record in commit]


class MemoryJournal:
    """``ports.Journal`` in memory. With ``failure`` set, commits are refused with that sentence."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = Disk() if disk is None else disk
        self.failure = ""
        self._closed = False

    async def load(self, account_id: str) -> StoredState:
        if self.disk.account_id is None:
            self.disk.account_id = account_id
        if self.disk.account_id != account_id:
            raise AccountMismatchError(f"the journal belongs to {self.disk.account_id}, not to {account_id}")
        return stored_on(self.disk)

    async def commit(self, records: Sequence[Record]) -> None:
        if self._closed:
            raise JournalError("the journal is closed")
        if self.failure:
            raise JournalError(self.failure)
        _check_client_ids([*self.disk.records(), *records])
        self.disk.commits.append(tuple(records))

    async def close(self) -> None:
        self._closed = True


def _check_client_ids(records: Sequence[Record]) -> None:
    owners: dict[str, str] = {}
    for record in records:
        if isinstance(record, OrderSaved):
            order = record.order
            if owners.setdefault(order.cl_ord_id, order.local_id) != order.local_id:
                raise JournalError(f"client id {order.cl_ord_id} belongs to another order")


def stored_on(disk: Disk) -> StoredState:
    """What a journal knows when it is opened."""
    assert disk.account_id is not None
    records = disk.records()
    orders = {record.order.local_id: record.order for record in records if isinstance(record, OrderSaved)}
    snapshots: dict[datetime, SnapshotSaved] = {}
    trades: dict[str, Trade] = {}
    entries: dict[str, LedgerEntry] = {}
    rates: dict[tuple[str, str], Rate] = {}
    marks: dict[HistoryKind, HistoryMark] = {}
    foreign: dict[str, ForeignOrderSaved] = {}
    for record in records:
        match record:
            case TradeSaved(trade):
                trades.setdefault(trade.trade_id, trade)
            case LedgerEntrySaved(entry):
                entries.setdefault(entry.entry_id, entry)
            case RateSaved(rate):
                rates.setdefault((rate.event_id, rate.asset), rate)
            case HistoryMarked(mark):
                marks[mark.kind] = mark
            case ForeignOrderSaved(kraken_order_id):
                foreign[kraken_order_id] = record
            case SnapshotSaved():
                snapshots[record.at] = record
            case SnapshotsPruned(times):
                for at in times:
                    snapshots.pop(at, None)
            case _:
                pass
    return StoredState(
        instance_id=disk.instance_id,
        account_id=disk.account_id,
        orders=tuple(orders.values()),
        trades=tuple(sorted(trades.values(), key=lambda trade: trade.time)),
        entries=tuple(sorted(entries.values(), key=lambda entry: entry.time)),
        rates=tuple(rate for _, rate in sorted(rates.items())),
        history=tuple(mark for _, mark in sorted(marks.items())),
        foreign_orders=tuple(order for _, order in sorted(foreign.items())),
        share_marks=_share_marks(records),
        snapshots=tuple(sorted(snapshots.values(), key=lambda snapshot: snapshot.at)),
        kill_switch=_last(records, KillSwitchSaved, KillSwitchSaved(KillSwitch())).kill_switch,
        paused=_last(records, PausedSaved, PausedSaved(paused=False)).paused,
        day_start=start.day_start if (start := _last(records, DayStartSaved, None)) else None,
        flatten=_last(records, FlattenSaved, FlattenSaved(None)).progress,
        judged_until=judged.until if (judged := _last(records, ExternalJudged, None)) else None,
    )


def _share_marks(records: Sequence[Record]) -> tuple[ShareMarked, ...]:
    marks = {(mark.pair, mark.strategy_id): mark for mark in records if isinstance(mark, ShareMarked)}
    return tuple(mark for _, mark in sorted(marks.items()))


def _last(records: Sequence[Record], kind: type[R], default: D) -> R | D:
    return next((record for record in reversed(records) if isinstance(record, kind)), default)
