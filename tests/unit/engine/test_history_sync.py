"""The first reading of a history: ended at any page, it goes on and nothing is lost or doubled."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Effect, Log
from krakked_tui.decision.state import CoreSettings, State, open_state
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.fills import AssetBalance, Fee, LedgerEntry, Trade
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import (
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    LedgerEntrySaved,
    Record,
    StoredState,
    TradeSaved,
)
from krakked_tui.engine.history_sync import HistorySync, begin
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.runner import Runner
from krakked_tui.ports import HistoryPage
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock
from tests.fakes.journal import Disk, MemoryJournal
from tests.scenarios.stage import STRATEGY

D = Decimal
START = datetime(2026, 1, 2, tzinfo=UTC)
TRADES, DEPOSITS = 230, 10
PAGES = 5 + 10
SETTINGS = CoreSettings(strategies=(STRATEGY,))


def trade(number: int, at: datetime) -> Trade:
    return Trade(
        trade_id=f"T{number:05}", kraken_order_id=f"O{number // 3:05}", pair="XBTUSD",
        side="sell" if number % 3 == 2 else "buy", price=D(50_000 + number), volume=D("0.001"),
        cost=D(50_000 + number) / 1000, fees=(Fee("USD", D("0.2")),), time=at, maker=False,
    )  # fmt: skip


def when(number: int) -> datetime:
    """Some at every moment, and more than two pages in one second."""
    if 60 <= number < 180:
        return START + timedelta(seconds=900, microseconds=number // 4)
    return START + timedelta(seconds=10 * number, milliseconds=300 * (number % 4))


def rows_of(trade: Trade) -> Iterator[LedgerEntry]:
    sign = 1 if trade.side == "buy" else -1
    for asset, amount, fee in (("XBT", sign * trade.volume, D(0)), ("USD", -sign * trade.cost, D("0.2"))):
        yield LedgerEntry(
            f"L{trade.trade_id}{asset}", trade.trade_id, trade.time, "trade", "", asset, amount, fee, D(0)
        )


def deposit(number: int, at: datetime) -> LedgerEntry:
    return LedgerEntry(f"LD{number:05}", f"RD{number}", at, "deposit", "", "USD", D(1000), D(0), D(0))


def full(broker: FakeBroker) -> FakeBroker:
    """An account with a past."""
    broker.traded = [trade(number, when(number)) for number in range(TRADES)]
    broker.booked = [deposit(number, START - timedelta(days=number)) for number in range(DEPOSITS)]
    broker.booked += [row for one in broker.traded for row in rows_of(one)]
    return broker


class KilledError(BaseException):
    """The process is gone."""


class DyingBroker(FakeBroker):
    """Dies at a chosen page, before it is there."""

    def __init__(self, at_page: int) -> None:
        super().__init__()
        self.at_page = at_page

    def _count(self) -> None:
        if len(self.pages) == self.at_page:
            raise KilledError

    async def trades_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[Trade]:
        self._count()
        return await super().trades_before(until, skip)

    async def entries_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[LedgerEntry]:
        self._count()
        return await super().entries_before(until, skip)


class DyingJournal(MemoryJournal):
    """Dies right before, or right after, it has stored so many pages."""

    def __init__(self, disk: Disk, at_page: int, *, stored: bool) -> None:
        super().__init__(disk)
        self.at_page, self.stored = at_page, stored

    async def commit(self, records: list[Record]) -> None:  # type: ignore[override]
        pages = sum(isinstance(record, HistoryMarked) and bool(record.mark.oldest) for record in records)
        dies = pages > 0 and self.at_page == 0
        self.at_page -= pages
        if dies and not self.stored:
            raise KilledError
        await super().commit(records)
        if dies:
            raise KilledError


class Rig:
    """One process on a disk."""

    def __init__(self, pair: PairMetadata, broker: FakeBroker, journal: MemoryJournal) -> None:
        self.broker, self.journal = broker, journal
        self.clock, self.inbox = FakeClock(auto=True), Inbox()
        self.known = {pair.canonical: pair}
        self.state: State
        self.effects: list[Effect] = []
        self.told: list[str] = []

    def perform(self, effect: Effect) -> None:
        self.effects.append(effect)

    async def run(self) -> State:
        stored = await self.journal.load("fake")
        self.state = open_state(stored, SETTINGS, self.known, 1)
        begin(stored, self.inbox, self.clock.now())
        runner = Runner(
            state=self.state, inbox=self.inbox, journal=self.journal, performer=self, clock=self.clock,
            published=lambda _state: None,
        )  # fmt: skip
        while await runner.turn():
            pass
        sync = HistorySync(
            broker=self.broker, state=self.state, inbox=self.inbox, clock=self.clock, tell=self.told.append
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(runner.run())
            try:
                await sync.run()
            finally:
                running.cancel()
        return self.state


@contextmanager
def killed() -> Iterator[None]:
    with pytest.raises(BaseExceptionGroup) as caught:
        yield
    assert caught.group_contains(KilledError)


def check(disk: Disk, broker: FakeBroker, state: State, pair: PairMetadata) -> None:
    """Everything is stored, once; the books are those of somebody who knew all from the beginning."""
    trades = [record.trade for record in disk.records() if isinstance(record, TradeSaved)]
    entries = [record.entry for record in disk.records() if isinstance(record, LedgerEntrySaved)]
    assert sorted(trades, key=lambda row: row.trade_id) == sorted(broker.traded, key=lambda row: row.trade_id)
    assert sorted(entries, key=lambda row: row.entry_id) == sorted(
        broker.booked, key=lambda row: row.entry_id
    )
    assert not state.history_pending
    assert [mark.read for mark in state.history.values()] == [len(broker.traded), len(broker.booked)]
    told = StoredState("abc", "fake", trades=tuple(broker.traded), entries=tuple(broker.booked))
    at_once = open_state(told, SETTINGS, {pair.canonical: pair}, 1)
    assert state.books.state == at_once.books.state
    assert list(state.recent_trades) == list(at_once.recent_trades)


async def test_all_is_read_in_pages_and_booked_at_the_end(xbtusd: PairMetadata) -> None:
    broker, disk = full(FakeBroker()), Disk()
    rig = Rig(xbtusd, broker, MemoryJournal(disk))
    state = await rig.run()
    check(disk, broker, state, xbtusd)
    marks = {record.mark.kind: record.mark for record in disk.records() if isinstance(record, HistoryMarked)}
    assert all(mark.done and mark.total == mark.read for mark in marks.values())
    assert marks[HistoryKind.TRADES].newest == max(row.time for row in broker.traded)
    assert len(broker.pages) <= PAGES + 2, "pages are read twice"
    assert rig.told[0] == "trades: not begun, ledger: not begun"
    assert "trades: 2 of 5 pages read, ledger: 1 of 10 pages read" in rig.told
    assert "trades: all read, ledger: 9 of 10 pages read" in rig.told
    lines = [effect.event for effect in rig.effects if isinstance(effect, Log)]
    assert lines == ["history_read"], "a fill of the past is no news"


@pytest.mark.parametrize("page", range(PAGES))
@pytest.mark.parametrize("moment", ["before it came", "before it was stored", "after it was stored"])
async def test_killed_at_any_page_it_goes_on_there(xbtusd: PairMetadata, page: int, moment: str) -> None:
    disk = Disk()
    broker = full(DyingBroker(page if moment == "before it came" else -1))
    journal = MemoryJournal(disk)
    if moment != "before it came":
        journal = DyingJournal(disk, page, stored=moment == "after it was stored")
    with killed():
        await Rig(xbtusd, broker, journal).run()
    before = len(broker.pages)
    broker = full(FakeBroker())
    state = await Rig(xbtusd, broker, MemoryJournal(disk)).run()
    check(disk, broker, state, xbtusd)
    assert before + len(broker.pages) <= PAGES + 9, "it began anew"


async def test_killed_again_and_again_it_gets_there(xbtusd: PairMetadata) -> None:
    disk = Disk()
    for _ in range(PAGES):
        with killed():
            await Rig(xbtusd, full(FakeBroker()), DyingJournal(disk, 0, stored=True)).run()
        if all(mark.done for mark in (await MemoryJournal(disk).load("fake")).history):
            break
    broker = full(FakeBroker())
    check(disk, broker, await Rig(xbtusd, broker, MemoryJournal(disk)).run(), xbtusd)


async def test_an_exchange_that_fails_in_the_middle_is_asked_again_from_there(xbtusd: PairMetadata) -> None:
    disk, broker = Disk(), full(FakeBroker())
    rig = Rig(xbtusd, broker, MemoryJournal(disk))

    class Failing(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if len(self) == 4:
                broker.failure = ExchangeError("EService:Unavailable")

    rig.told = Failing()
    with pytest.raises(BaseExceptionGroup) as caught:
        await rig.run()
    assert caught.group_contains(ExchangeError, match="Unavailable")
    broker.failure = None
    again = Rig(xbtusd, broker, MemoryJournal(disk))
    check(disk, broker, await again.run(), xbtusd)
    assert again.told[0] == rig.told[3] == "trades: 2 of 5 pages read, ledger: 1 of 10 pages read"


async def test_what_happens_meanwhile_and_what_comes_late_is_neither_lost_nor_doubled(
    xbtusd: PairMetadata,
) -> None:
    disk, broker = Disk(), full(FakeBroker())
    rig = Rig(xbtusd, broker, MemoryJournal(disk))
    fresh = trade(900, when(TRADES) + timedelta(hours=1))
    early = trade(901, START - timedelta(seconds=30))
    late = trade(902, START + timedelta(seconds=1500))

    class Busy(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if len(self) == 2:
                # Told by the stream, and as a row that the next reading will find.
                rig.inbox.put(e.TradeReported(rig.clock.now(), fresh, "stream"))
                broker.traded += [fresh, early, late]
                broker.booked += [row for one in (fresh, early, late) for row in rows_of(one)]

    rig.told = Busy()
    state = await rig.run()
    stored = {record.trade.trade_id for record in disk.records() if isinstance(record, TradeSaved)}
    assert early.trade_id in stored, "it is older than what was read when it came"
    assert fresh in state.recent_trades
    since = state.history[HistoryKind.TRADES].newest
    assert since is not None
    assert since < fresh.time, "a gap before what the stream told"


async def test_a_new_account_has_nothing_to_read(xbtusd: PairMetadata) -> None:
    disk, broker = Disk(), FakeBroker()
    state = await Rig(xbtusd, broker, MemoryJournal(disk)).run()
    assert state.history == {kind: HistoryMark(kind, read=0, total=0, done=True) for kind in HistoryKind}
    assert broker.pages == [("trades", None, 0), ("ledger", None, 0)]


async def test_a_short_history_is_a_reading_of_the_account_together_with_the_rest(
    xbtusd: PairMetadata,
) -> None:
    disk, broker = Disk(), FakeBroker()
    broker.booked = [deposit(number, START) for number in range(3)]
    broker.held = {"USD": AssetBalance("USD", D(3000))}
    rig = Rig(xbtusd, broker, MemoryJournal(disk))
    state = await rig.run()
    account = state.account
    assert (account.balances, account.drift) == (broker.held, ())
    assert account.compared == state.activity
    assert account.synced_wall is not None
    assert account.synced_wall == account.asked_wall
    check(disk, broker, state, xbtusd)
    broker.held = {"USD": AssetBalance("USD", D(2000))}
    other = await Rig(xbtusd, broker, MemoryJournal(Disk())).run()
    assert [finding.asset for finding in other.account.drift] == ["USD"]


async def test_a_long_one_is_not(xbtusd: PairMetadata) -> None:
    broker = full(FakeBroker())
    broker.traded = []
    state = await Rig(xbtusd, broker, MemoryJournal(Disk())).run()
    assert (state.history_pending, state.account.synced_wall, state.account.drift) == (False, None, ())


async def test_a_database_made_before_there_were_marks_counts_as_read(xbtusd: PairMetadata) -> None:
    disk, broker = Disk(), full(FakeBroker())
    disk.commits.append((TradeSaved(broker.traded[0]),))
    state = await Rig(xbtusd, broker, MemoryJournal(disk)).run()
    assert (state.history_pending, broker.pages) == (False, [])
    assert state.books.last_trade_time == broker.traded[0].time


async def test_a_journal_that_cannot_be_written_stops_the_reading(xbtusd: PairMetadata) -> None:
    disk, broker = Disk(), full(FakeBroker())
    rig = Rig(xbtusd, broker, MemoryJournal(disk))

    class Breaking(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if len(self) == 2:
                rig.journal.failure = "the disk is full"

    rig.told = Breaking()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(rig.run())
        for _ in range(2000):
            await asyncio.sleep(0)
        assert len(broker.pages) <= 3, "it read on although nothing was stored"
        running.cancel()
