"""What every journal does."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.domain.errors import AccountMismatchError, JournalError
from krakked_tui.domain.orders import OrderStatus
from krakked_tui.domain.records import (
    ControlLogged,
    DayStartSaved,
    DecisionSaved,
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
    SnapshotSaved,
    SnapshotsPruned,
    StoredState,
    TradeSaved,
)
from krakked_tui.domain.safety import (
    DayStart,
    FlattenPhase,
    FlattenProgress,
    FlowCount,
    KillCause,
    KillSwitch,
)
from krakked_tui.ports import Journal
from krakked_tui.storage.journal import SqliteJournal
from tests.fakes.journal import Disk, MemoryJournal
from tests.unit.storage.samples import (
    at,
    bare_order,
    decision,
    entry,
    mark,
    order,
    rate,
    share_mark,
    shared_order,
    snapshot,
    trade,
    transition,
)

Open = Callable[[], Awaitable[Journal]]

KILLED = KillSwitch(
    active=True, cause=KillCause.DRAWDOWN, reason="5.1 %", since=at(3), by="engine", forced=(KillCause.DRIFT,)
)
FLATTENING = FlattenProgress(
    FlattenPhase.CLOSING, "panic", "tui", at(4), attempts={"XBTUSD": 1}, left={"ETHUSD": "no price"}
)


def opener(kind: str, directory: Path) -> Open:
    """A way to open the same journal again and again."""
    disk = Disk()

    async def open_memory() -> Journal:
        return MemoryJournal(disk)

    async def open_sqlite() -> Journal:
        return await SqliteJournal.open(directory / "krakked.db", lambda: "abc")

    return {"memory": open_memory, "sqlite": open_sqlite}[kind]


@pytest.fixture(params=["memory", "sqlite"])
def open_journal(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return opener(request.param, tmp_path)


@pytest.fixture
async def journal(open_journal: Open) -> AsyncIterator[Journal]:
    opened = await open_journal()
    yield opened
    await opened.close()


async def test_a_new_journal_is_bound_to_the_account_and_empty(journal: Journal) -> None:
    assert await journal.load("sandbox-7") == StoredState(instance_id="abc", account_id="sandbox-7")


async def test_another_account_is_refused(journal: Journal) -> None:
    await journal.load("sandbox-7")
    with pytest.raises(AccountMismatchError, match=r"sandbox-7.*live-1"):
        await journal.load("live-1")


async def test_everything_comes_back_to_the_last_digit_after_a_restart(
    journal: Journal, open_journal: Open
) -> None:
    await journal.load("sandbox-7")
    await journal.commit(
        [
            OrderSaved(order(1), transition(1)),
            OrderSaved(bare_order(2)),
            OrderSaved(shared_order(3)),
            TradeSaved(trade(1)),
            LedgerEntrySaved(entry(1)),
            RateSaved(rate(1)),
            HistoryMarked(mark(1)),
            HistoryMarked(HistoryMark(HistoryKind.LEDGER, done=True)),
            ForeignOrderSaved("OABCDE-AAAAA-AAAAAA", 4711),
            ForeignOrderSaved("OABCDE-AAAAA-AAAAAB"),
            share_mark(1),
            DecisionSaved(decision(1)),
            KillSwitchSaved(KILLED),
            PausedSaved(paused=True),
            DayStartSaved(DayStart("2026-03-01", trade(1).cost)),
            FlattenSaved(FLATTENING),
            ExternalJudged(at(1)),
            ExternalJudged(at(2)),
            ControlLogged(at(1), "tui", "SetKillSwitch", "{}", "accepted"),
            SnapshotSaved(*msgspec.structs.astuple(snapshot(1))),
        ]
    )
    await journal.close()

    reopened = await open_journal()
    stored = await reopened.load("sandbox-7")
    await reopened.close()

    assert stored == StoredState(
        instance_id="abc",
        account_id="sandbox-7",
        orders=(order(1), bare_order(2), shared_order(3)),
        trades=(trade(1),),
        entries=(entry(1),),
        rates=(rate(1),),
        history=(HistoryMark(HistoryKind.LEDGER, done=True), mark(1)),
        foreign_orders=(
            ForeignOrderSaved("OABCDE-AAAAA-AAAAAA", 4711),
            ForeignOrderSaved("OABCDE-AAAAA-AAAAAB"),
        ),
        share_marks=(share_mark(1),),
        snapshots=(snapshot(1),),
        kill_switch=KILLED,
        judged_until=at(2),
        paused=True,
        day_start=DayStart("2026-03-01", trade(1).cost),
        flatten=FLATTENING,
    )
    assert [str(number) for number in (stored.trades[0].cost, stored.orders[1].request.volume)] == [
        "600.20000",
        "1E+2",
    ]


async def test_saving_an_order_again_replaces_it_where_it_stands(journal: Journal) -> None:
    await journal.commit([OrderSaved(order(1), transition(1)), OrderSaved(bare_order(2))])
    filled = order(1, OrderStatus.FILLED)
    await journal.commit([OrderSaved(order(1, OrderStatus.OPEN)), OrderSaved(filled)])
    assert (await journal.load("a")).orders == (filled, bare_order(2))


async def test_saving_an_order_again_replaces_every_field(journal: Journal) -> None:
    changed = msgspec.structs.replace(bare_order(2), local_id=order(1).local_id)
    await journal.commit([OrderSaved(order(1))])
    await journal.commit([OrderSaved(changed)])
    assert (await journal.load("a")).orders == (changed,)


async def test_a_trade_or_ledger_row_counts_once_as_it_came_first(journal: Journal) -> None:
    await journal.commit([TradeSaved(trade(1)), LedgerEntrySaved(entry(1))])
    await journal.commit(
        [
            TradeSaved(msgspec.structs.replace(trade(1), maker=False)),
            LedgerEntrySaved(msgspec.structs.replace(entry(1), asset="XBT")),
        ]
    )
    stored = await journal.load("a")
    assert (stored.trades, stored.entries) == ((trade(1),), (entry(1),))


async def test_the_first_rate_found_for_an_event_and_asset_is_kept(journal: Journal) -> None:
    other = msgspec.structs.replace(rate(1), asset="ETH")
    await journal.commit([RateSaved(rate(1))])
    await journal.commit([RateSaved(rate(1, "1")), RateSaved(other), RateSaved(rate(2))])
    assert (await journal.load("a")).rates == (other, rate(1), rate(2))


async def test_the_mark_of_a_history_is_replaced_with_the_rows_it_is_about(journal: Journal) -> None:
    done = msgspec.structs.replace(mark(2), done=True)
    await journal.commit([TradeSaved(trade(1)), HistoryMarked(mark(1))])
    stolen = msgspec.structs.replace(order(1), local_id="another order")
    refused: list[Record] = [
        TradeSaved(trade(2)),
        HistoryMarked(done),
        OrderSaved(order(1)),
        OrderSaved(stolen),
    ]
    with pytest.raises(JournalError):
        await journal.commit(refused)
    assert (await journal.load("a")).history == (mark(1),)
    await journal.commit([TradeSaved(trade(2)), HistoryMarked(done)])
    stored = await journal.load("a")
    assert (stored.history, stored.trades) == ((done,), (trade(1), trade(2)))


async def test_the_highest_price_of_a_share_is_replaced(journal: Journal) -> None:
    await journal.commit([share_mark(1), share_mark(2), share_mark(1, "60000")])
    reopened = msgspec.structs.replace(share_mark(2), opened_at=at(7))
    await journal.commit([reopened])
    assert (await journal.load("a")).share_marks == (share_mark(1, "60000"), reopened)


async def test_pruned_snapshots_are_gone_and_no_others(journal: Journal) -> None:
    saved = [snapshot(number) for number in range(5)]
    await journal.commit([*saved, SnapshotsPruned((saved[0].at,))])
    await journal.commit([SnapshotsPruned((saved[1].at, saved[3].at, at(77)))])
    assert (await journal.load("a")).snapshots == (saved[2], saved[4])


async def test_trades_and_ledger_rows_come_back_by_exchange_time(journal: Journal) -> None:
    twin = msgspec.structs.replace(trade(9), time=trade(2).time)
    await journal.commit([TradeSaved(trade(2)), LedgerEntrySaved(entry(2)), TradeSaved(twin)])
    await journal.commit([TradeSaved(trade(1)), LedgerEntrySaved(entry(1))])
    stored = await journal.load("a")
    assert stored.trades == (trade(1), trade(2), twin)
    assert stored.entries == (entry(1), entry(2))


async def test_a_failing_record_takes_its_whole_commit_with_it_and_nothing_more(journal: Journal) -> None:
    await journal.commit([OrderSaved(order(1), transition(1))])
    before = await journal.load("a")
    stolen_id = msgspec.structs.replace(order(1), local_id="another order")

    with pytest.raises(JournalError):
        await journal.commit([TradeSaved(trade(1)), PausedSaved(paused=True), OrderSaved(stolen_id)])

    assert await journal.load("a") == before
    await journal.commit([TradeSaved(trade(2))])
    assert (await journal.load("a")).trades == (trade(2),)


async def test_a_finished_flatten_can_be_cleared(journal: Journal) -> None:
    await journal.commit([FlattenSaved(FLATTENING)])
    await journal.commit([FlattenSaved(None)])
    assert (await journal.load("a")).flatten is None


async def test_an_empty_commit_is_fine(journal: Journal) -> None:
    await journal.commit([])


async def test_nothing_is_accepted_after_closing(journal: Journal) -> None:
    await journal.close()
    await journal.close()
    with pytest.raises(JournalError):
        await journal.commit([PausedSaved(paused=True)])


RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(OrderSaved, st.builds(order, st.integers(0, 5), st.sampled_from(OrderStatus))),
    st.builds(TradeSaved, st.builds(trade, st.integers(0, 5))),
    st.builds(LedgerEntrySaved, st.builds(entry, st.integers(0, 5))),
    st.builds(snapshot, st.integers(0, 5)),
    st.builds(RateSaved, st.builds(rate, st.integers(0, 3), st.sampled_from(["1", "2.50"]))),
    st.builds(HistoryMarked, st.builds(mark, st.integers(0, 3), st.sampled_from(HistoryKind))),
    st.builds(ForeignOrderSaved, st.sampled_from(["OA", "OB"]), st.sampled_from([None, -4, 7])),
    st.builds(share_mark, st.integers(0, 3), st.sampled_from(["50000.10", "5E+4"])),
    st.builds(OrderSaved, st.builds(shared_order, st.integers(6, 8))),
    st.builds(PausedSaved, st.booleans()),
    st.builds(KillSwitchSaved, st.sampled_from([KillSwitch(), KILLED])),
    st.builds(FlattenSaved, st.sampled_from([None, FLATTENING])),
    st.just(OrderSaved(msgspec.structs.replace(order(1), local_id="another order"))),
)


@settings(max_examples=25)
@given(st.lists(st.lists(RECORDS, max_size=6), max_size=6))
async def test_memory_and_sqlite_agree_on_any_history(commits: list[list[Record]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        states = []
        for kind in ("memory", "sqlite"):
            journal = await opener(kind, Path(directory))()
            refused = []
            for number, commit in enumerate(commits):
                try:
                    await journal.commit(commit)
                except JournalError:
                    refused.append(number)
            states.append((await journal.load("a"), refused))
            await journal.close()
        assert states[0] == states[1]


async def test_what_kind_of_trade_it_was_and_what_a_day_has_counted_come_back(open_journal: Open) -> None:
    kinds = [(maker, margin) for maker in (False, True) for margin in (False, True)]
    trades = [
        msgspec.structs.replace(trade(number), maker=maker, margin=margin)
        for number, (maker, margin) in enumerate(kinds, start=1)
    ]
    counted = FlowCount(trade(1).cost, trade(1).price, {"XBT": trade(1).volume})
    start = DayStart("2026-03-01", trade(1).cost, prices={"XBT": trade(1).price}, flows=counted)
    journal = await open_journal()
    await journal.load("sandbox-7")
    await journal.commit([*map(TradeSaved, trades), DayStartSaved(start)])
    await journal.close()
    again = await open_journal()
    stored = await again.load("sandbox-7")
    await again.close()
    assert [*stored.trades] == trades
    assert stored.day_start == start
