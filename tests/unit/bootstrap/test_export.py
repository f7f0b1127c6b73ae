"""The books of a profile from its journal."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from krakked_tui.bootstrap.export import read_books
from krakked_tui.config.places import Places, places
from krakked_tui.domain.errors import ConfigError, NoDataError, UsageError
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.portfolio import CostBasis, Rate
from krakked_tui.domain.records import (
    ForeignOrderSaved,
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    LedgerEntrySaved,
    RateSaved,
    Record,
    SnapshotSaved,
    TradeSaved,
)
from krakked_tui.portfolio.tables import ExportBooks
from krakked_tui.ports import ListedPairs
from krakked_tui.storage.files import make_private_directory
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.universe_cache import UniverseFile
from tests.unit.portfolio.statements import PAIRS, START, books_of, read, trades_of

D = Decimal
MINUTE = timedelta(minutes=1)
STATEMENT = """
    deposit 50000 USD
    buy 1 XBTUSD @ 10000 fee 10 USD
    buy 1 XBTUSD @ 20000 fee 20 USD
    sell 1 XBTUSD @ 30000 fee 30 USD
    buy 2 ETHXBT @ 0.1 at 30000 XBT
"""
CONFIG = """
[portfolio]
cost_basis_method = "fifo"
strategy_tags = { "7" = "old_bot" }
"""


def record(event: Trade | LedgerEntry | Rate) -> Record:
    match event:
        case Trade():
            return TradeSaved(event)
        case LedgerEntry():
            return LedgerEntrySaved(event)
        case Rate():
            return RateSaved(event)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"KRAKKED_HOME": str(tmp_path)}


@pytest.fixture
def where(environment: dict[str, str]) -> Places:
    return places("paper", environment)


async def store(where: Places, *more: Record, pairs: bool = True) -> None:
    make_private_directory(where.data)
    journal = await SqliteJournal.open(where.database, lambda: "k7x")
    await journal.load("account")
    point = SnapshotSaved(START + 9 * MINUTE, D(1), D(2), D(3), D(4))
    await journal.commit([*map(record, read(STATEMENT)), ForeignOrderSaved("OT1", 7), point, *more])
    await journal.close()
    if pairs:
        old = ListedPairs(START, tuple(PAIRS.values()), ())
        stale = [msgspec.structs.replace(pair, base="WRONG") for pair in PAIRS.values()]
        await UniverseFile(where.data / "universe-kraken.json").save(old)
        older = ListedPairs(START - MINUTE, tuple(stale), ())
        await UniverseFile(where.data / "universe-sandbox-1.json").save(older)


class Shelf:
    """One profile, and what an export of it says."""

    def __init__(self, where: Places, environment: dict[str, str]) -> None:
        self.where, self.environment = where, environment

    def fill(self, *more: Record, pairs: bool = True) -> None:
        asyncio.run(store(self.where, *more, pairs=pairs))

    def books(
        self, cost_basis: CostBasis | None = None, until: datetime | None = None, profile: str = "paper"
    ) -> ExportBooks:
        return read_books(
            profile=profile, config=None, cost_basis=cost_basis, until=until, environment=self.environment
        )

    def configure(self, text: str) -> None:
        make_private_directory(self.where.config)
        self.where.config_file.write_text(text)
        self.where.config_file.chmod(0o600)


@pytest.fixture
def shelf(where: Places, environment: dict[str, str]) -> Shelf:
    return Shelf(where, environment)


def test_the_books_are_those_that_the_engine_keeps(shelf: Shelf) -> None:
    shelf.fill()
    books, ours = shelf.books(), books_of(STATEMENT)
    assert books.base_currency == "USD"
    assert [trade.trade_id for trade in books.trades] == ["T1", "T2", "T3", "T4"]
    assert sum(each.pnl_base for each in books.records) == ours.state.realized_pnl
    assert books.average_cost
    assert [(each.event_id, each.cost) for each in books.disposals] == [
        (each.event_id, each.cost) for each in ours.disposals
    ]
    first_in = books_of(STATEMENT, CostBasis.FIFO).disposals
    assert [each.acquired_at for each in books.disposals] == [each.acquired_at for each in first_in]
    assert tuple(books.flows) == ours.flows
    assert books.positions == tuple(ours.state.positions.values())
    assert [point.equity for point in books.snapshots] == [D(1)]
    assert books.warnings == ()


def test_another_cost_basis_is_another_gain(shelf: Shelf) -> None:
    shelf.fill()
    average, first = shelf.books(), shelf.books(CostBasis.FIFO)
    assert (average.disposals[0].cost, first.disposals[0].cost) == (D(15000), D(10000))
    shelf.configure(CONFIG)
    assert shelf.books().disposals == first.disposals
    assert shelf.books(CostBasis.WAC).disposals == average.disposals


def test_what_came_later_is_left_out(shelf: Shelf) -> None:
    shelf.fill()
    early = shelf.books(until=START + 3 * MINUTE)
    assert [trade.trade_id for trade in early.trades] == ["T1", "T2"]
    assert (early.disposals, early.snapshots) == ([], ())
    [xbt] = [each for each in early.positions if each.base == "XBT"]
    assert (xbt.size, xbt.cost) == (D(2), D(30000))
    before = shelf.books(until=START)
    assert (before.trades, before.flows, before.positions) == ((), [], ())


def test_trades_of_other_tools_belong_to_whom_the_configuration_says(shelf: Shelf) -> None:
    shelf.fill()
    assert {each.strategy_tag for each in shelf.books().records} == {"manual"}
    shelf.configure(CONFIG)
    owners = [(each.trade_id, each.strategy_tag, each.raw_userref) for each in shelf.books().records]
    assert owners[:2] == [("T1", "old_bot", 7), ("T2", "manual", None)]


def test_what_the_numbers_do_not_know_is_told(shelf: Shelf) -> None:
    gone = msgspec.structs.replace(next(iter(trades_of(STATEMENT))), trade_id="T8", pair="G\x1bNEUSD")
    odd = next(iter(trades_of("buy 1 ETHXBT @ 0.1")))
    shelf.fill(
        TradeSaved(gone), TradeSaved(msgspec.structs.replace(gone, trade_id="T9")),
        TradeSaved(msgspec.structs.replace(odd, trade_id="T6", time=START + 8 * MINUTE)),
        TradeSaved(msgspec.structs.replace(odd, trade_id="T7", time=START + 8 * MINUTE)),
        HistoryMarked(HistoryMark(HistoryKind.LEDGER, START, 50, 1000)),
        HistoryMarked(HistoryMark(HistoryKind.TRADES, START, 5, 5, done=True)),
    )  # fmt: skip
    part, unbooked, doubt = shelf.books().warnings
    assert part.startswith("the history of ledger is read in part only (50 of 1000 rows)")
    assert unbooked.startswith("2 trades on G?NEUSD, a pair that the list of pairs does not have")
    assert (
        doubt
        == "0.1 XBT in ETHXBT T6 has no price: its cost went over and nothing was made (and 1 more like this)"
    )


def test_excluded_assets_are_no_positions(shelf: Shelf) -> None:
    shelf.fill()
    shelf.configure('[portfolio]\nexclude_assets = ["XBT"]\n')
    assert [each.base for each in shelf.books().positions] == ["ETH"]


def test_without_books_there_is_nothing_to_export(shelf: Shelf) -> None:
    with pytest.raises(NoDataError, match="profile paper has no books yet"):
        shelf.books()
    assert not shelf.where.data.exists(), "looking makes nothing"


def test_without_a_list_of_pairs_it_says_how_to_get_one(shelf: Shelf) -> None:
    shelf.fill(pairs=False)
    with pytest.raises(NoDataError, match=r"no list of the exchange's pairs.*start Krakked"):
        shelf.books()


def test_a_profile_must_be_one_and_its_configuration_right(shelf: Shelf) -> None:
    with pytest.raises(UsageError):
        shelf.books(profile="../live")
    shelf.fill()
    shelf.configure("[portfolio]\ncost_basis_method = 5\n")
    with pytest.raises(ConfigError):
        shelf.books()


def test_the_demo_has_books_too(environment: dict[str, str]) -> None:
    demo = Shelf(places("demo", environment), environment)
    demo.fill()
    assert len(demo.books(profile="demo").trades) == 4
