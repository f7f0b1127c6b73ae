"""The chain of a decision from a profile's journal."""

import asyncio
from pathlib import Path

import pytest

from krakked_tui.bootstrap.explain import JournalFile, explain
from krakked_tui.config.places import Places, places
from krakked_tui.control.explanation_picture import explanation_of
from krakked_tui.control.risk_view import Explanation
from krakked_tui.domain.errors import NoDataError, UsageError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.chains import find_chain
from krakked_tui.ports import ListedPairs
from krakked_tui.storage.files import make_private_directory
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.universe_cache import UniverseFile
from tests.scenarios.stage import OTHER, STRATEGY, T0, Stage
from tests.unit.engine.risk_builders import Asked, D


class Shelf:
    """A profile in which two strategies bought and one was stopped out."""

    def __init__(self, pair: PairMetadata, home: Path) -> None:
        self.environment = {"KRAKKED_HOME": str(home)}
        self.where: Places = places("paper", self.environment)
        self.stage = Stage(pair, strategies=(OTHER, STRATEGY)).ready()
        self.entry = self.stage.bought_together((OTHER.id, D(48_000)), (STRATEGY.id, D(49_000)))
        self.stage.later(60)
        self.stage.crossed(D(48_990))
        self.stop = self.stage.sold(D(48_990))

    async def _store(self, *, pairs: bool) -> None:
        make_private_directory(self.where.data)
        journal = await SqliteJournal.open(self.where.database, lambda: "abc")
        await journal.load("account")
        await journal.commit(self.stage.records)
        await journal.close()
        if pairs:
            listed = ListedPairs(T0, (self.stage.pair,), ())
            await UniverseFile(self.where.data / "universe-kraken.json").save(listed)

    def store(self, *, pairs: bool = True) -> None:
        asyncio.run(self._store(pairs=pairs))

    def explain(self, name: str, profile: str = "paper") -> Explanation:
        return explain(name=name, profile=profile, config=None, environment=self.environment)


@pytest.fixture
def shelf(xbtusd: PairMetadata, tmp_path: Path) -> Shelf:
    return Shelf(xbtusd, tmp_path)


def test_it_says_what_a_running_engine_says(shelf: Shelf) -> None:
    shelf.store()
    asked = Asked(shelf.stage)
    for name in (shelf.entry.plan_id, shelf.stop.cl_ord_id, "TAAAAA-AAAAA-AAAAAA"):
        chain = find_chain(name, asked.traded(), asked.look)
        assert chain is not None
        assert shelf.explain(name) == explanation_of(chain)
    assert any(fill.pnl and fill.pnl < -10 for fill in shelf.explain(shelf.entry.plan_id).fills)


def test_without_a_list_of_pairs_only_what_was_made_is_missing(shelf: Shelf) -> None:
    shelf.store(pairs=False)
    found = shelf.explain(shelf.entry.plan_id)
    assert [fill.pnl for fill in found.fills] == [None, None]
    assert len(found.orders) == 2


def test_what_nobody_knows_and_where_there_is_nothing(shelf: Shelf) -> None:
    with pytest.raises(NoDataError, match="profile paper has no journal yet"):
        shelf.explain("k1")
    shelf.store()
    with pytest.raises(NoDataError, match=r"nothing is stored of 'k1': .*--profile names another"):
        shelf.explain("k1")
    with pytest.raises(UsageError, match="--profile"):
        shelf.explain("k1", profile="../paper")


def test_the_journal_is_looked_at_through_its_file(shelf: Shelf) -> None:
    shelf.store()
    look, told = JournalFile(shelf.where.database), Asked(shelf.stage).look
    assert look.decisions(10) == tuple(told.decisions(10))
    assert look.decisions(10, T0) == ()
    assert look.decision(shelf.entry.plan_id) == told.decision(shelf.entry.plan_id)
    assert look.transitions(shelf.stop.cl_ord_id) == tuple(told.transitions(shelf.stop.cl_ord_id))
