"""Reads the account's whole history once: page by page, each stored before the next is asked for.

A start that ends in the middle goes on at the last page that was stored: it is read again from the second of
its oldest row on, so that nothing is lost where several rows have the same time, and ids tell what is known.
Rows that arrive meanwhile are newer than the first page, and are left to the reading that follows.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import ceil

from krakked_tui.decision import events as e
from krakked_tui.decision.state import State
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.records import HistoryKind, HistoryMark, StoredState
from krakked_tui.engine.inbox import Inbox
from krakked_tui.ports import Broker, Clock

POLL_SECONDS = 0.02


def begin(stored: StoredState, inbox: Inbox, at: datetime) -> None:
    """Have the histories of a new database marked as not read. To be called before anything else happens.

    A database with rows and without marks was made when all was read at once: it is complete.
    """
    if stored.history or stored.trades or stored.entries:
        return
    for kind in HistoryKind:
        inbox.put(e.HistoryRead(at, (), (), HistoryMark(kind)))


class HistorySync:
    """Reads what is not read yet. ``run`` may be called again after it failed."""

    def __init__(
        self, *, broker: Broker, state: State, inbox: Inbox, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        """``tell`` is told how far the reading is."""
        self._broker = broker
        self._state = state
        self._inbox = inbox
        self._clock = clock
        self._tell = tell

    async def run(self) -> None:
        """Read until nothing is left. Raises ``ExchangeError``; what was read until then is stored."""
        if self._state.history == {kind: HistoryMark(kind) for kind in HistoryKind}:
            await self._begin()
        for kind in HistoryKind:
            await self._read(kind)

    async def _begin(self) -> None:
        """Read the first pages, and before them the rest of the account.

        Together they are a reading of all of it if there are no other pages: nothing is asked for twice.
        """
        self._tell(self._state.history_progress)
        broker, clock, activity = self._broker, self._clock, self._state.activity
        balances_at = clock.now()
        balances = dict(await broker.balances())
        open_orders = tuple(await broker.open_orders())
        trades = await broker.trades_before(None)
        mark = self._moved(HistoryMark(HistoryKind.TRADES), trades.rows, trades.total, last=trades.last)
        await self._store(e.HistoryRead(clock.now(), trades.rows, (), mark))
        self._tell(self._state.history_progress)
        entries = await broker.entries_before(None)
        mark = self._moved(HistoryMark(HistoryKind.LEDGER), entries.rows, entries.total, last=entries.last)
        account = e.AccountSynced(
            at=clock.now(), wall=clock.monotonic(), activity=activity, balances_at=balances_at,
            open_orders=open_orders, trades=trades.rows[::-1], entries=entries.rows[::-1], balances=balances,
        )  # fmt: skip
        complete = trades.last and entries.last
        await self._store(e.HistoryRead(clock.now(), (), entries.rows, mark, account if complete else None))

    async def _read(self, kind: HistoryKind) -> None:
        mark = self._state.history.get(kind)
        skip = 0
        while mark is not None and not mark.done:
            self._tell(self._state.history_progress)
            until = mark.oldest
            trades, entries, total, last = await self._page(kind, until, skip)
            rows: tuple[Trade | LedgerEntry, ...] = (*trades, *entries)
            mark = self._moved(mark, rows, total, last=last)
            # By time as long as that leads anywhere, past rows of the same second by their number.
            skip = skip + len(rows) if _second(mark.oldest) == _second(until) else 0
            await self._store(e.HistoryRead(self._clock.now(), trades, entries, mark))

    async def _page(
        self, kind: HistoryKind, until: datetime | None, skip: int
    ) -> tuple[tuple[Trade, ...], tuple[LedgerEntry, ...], int | None, bool]:
        if kind is HistoryKind.TRADES:
            trades = await self._broker.trades_before(until, skip)
            return trades.rows, (), trades.total, trades.last
        entries = await self._broker.entries_before(until, skip)
        return (), entries.rows, entries.total, entries.last

    def _moved(
        self, mark: HistoryMark, rows: Sequence[Trade | LedgerEntry], total: int | None, *, last: bool
    ) -> HistoryMark:
        """Return the mark after a page."""
        awaiting = self._state.awaiting
        known = awaiting.trades if mark.kind is HistoryKind.TRADES else awaiting.entries
        read = mark.read + sum(_id(row) not in known for row in rows)
        total = total if mark.oldest is None else mark.total
        now = self._clock.now()
        return HistoryMark(
            kind=mark.kind,
            oldest=_least((row.time for row in rows), mark.oldest),
            read=read,
            total=read if last else None if total is None else max(total, read),
            done=last,
            # A row dated in the future must not hide those that come until then.
            newest=mark.newest or max((min(row.time, now) for row in rows), default=None),
        )

    async def _store(self, event: e.HistoryRead) -> None:
        """Have a page stored; wait until it is, and as long as the journal cannot be written."""
        self._inbox.put(event)
        state = self._state
        while state.history.get(event.mark.kind) != event.mark or state.storage_trouble:
            await self._clock.sleep(POLL_SECONDS)


def _id(row: Trade | LedgerEntry) -> str:
    return row.trade_id if isinstance(row, Trade) else row.entry_id


def _least(times: Iterable[datetime], known: datetime | None) -> datetime | None:
    return min((*times, *(() if known is None else (known,))), default=None)


def _second(at: datetime | None) -> int | None:
    return None if at is None else ceil(at.timestamp())
