"""When reports on the portfolio are made, and who makes them."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from krakked_tui.control.portfolio_desk import QUERIES_MAX, PortfolioDesk
from krakked_tui.control.portfolio_view import PortfolioQuery, PortfolioReport
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.moment import Moment
from tests.scenarios.stage import Stage
from tests.unit.portfolio.statements import make_trade

D = Decimal
ALL = PortfolioQuery()
DAY = PortfolioQuery(period="day")
DETAIL = PortfolioQuery(trade_id="T1")


class Rig:
    """A desk whose work waits until it is let go, and an engine that trades."""

    def __init__(self, pair: PairMetadata) -> None:
        self.now = 0.0
        self.failing = False
        self.stage = Stage(pair).ready()
        self.work: list[Callable[[], None]] = []
        self.rows_read = 0
        self.desk = PortfolioDesk(lambda: self.now, self._rows, self.work.append)
        self.moment = Moment(at=self.stage.at, state=self.stage.state)
        self._trades = 0

    def _rows(self, _trade_id: str) -> tuple[LedgerEntry, ...]:
        self.rows_read += 1
        if self.failing:
            raise RuntimeError("a bug")
        return ()

    def look(self, query: PortfolioQuery = ALL) -> PortfolioReport | None:
        """Ask as a controller does; whatever is ordered is made at once."""
        report = self.desk.ask(query)
        if self.desk.order(query):
            self.desk.collect(self.moment)
            self.make()
        return report

    def make(self) -> None:
        while self.work:
            self.work.pop()()

    def later(self, seconds: float) -> None:
        self.now += seconds

    def trade(self) -> None:
        self._trades += 1
        at = self.stage.at + timedelta(seconds=self._trades)
        self.stage.synced(trades=[make_trade("buy 0.1 XBTUSD @ 50000", f"T{self._trades}", at)])
        self.stage.synced()


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(xbtusd)


def test_the_first_call_orders_a_report_and_the_next_one_gets_it(rig: Rig) -> None:
    assert rig.look() is None
    report = rig.look()
    assert report is not None
    assert (report.query, report.version, report.flows_found) == (ALL, 1, 1)


def test_nothing_is_ordered_twice(rig: Rig) -> None:
    rig.desk.ask(ALL)
    assert rig.desk.order(ALL)
    assert not rig.desk.order(ALL)
    rig.desk.collect(rig.moment)
    assert not rig.desk.order(ALL), "it is being made"
    rig.make()
    assert not rig.desk.order(ALL), "it is new"
    rig.later(0.5)
    assert rig.desk.order(ALL)


def test_a_new_query_is_answered_at_once(rig: Rig) -> None:
    rig.look()
    assert rig.look(DAY) is None
    answer = rig.look(DAY)
    assert answer is not None
    assert answer.query == DAY
    assert rig.look(ALL) is not None, "the other one is still there"


def test_what_is_asked_while_another_is_made_is_made_with_it(rig: Rig) -> None:
    rig.desk.ask(ALL)
    assert rig.desk.order(ALL)
    rig.desk.collect(rig.moment)
    rig.desk.ask(DAY)
    rig.make()
    assert rig.desk.ask(DAY) is not None


def test_a_report_is_made_anew_when_something_changed_and_only_then(rig: Rig) -> None:
    rig.look()
    first = rig.look()
    rig.later(1)
    rig.look()
    assert rig.look() is first
    rig.trade()
    rig.later(0.4)
    rig.look()
    assert rig.look() is first, "too soon"
    rig.later(0.1)
    rig.look()
    second = rig.look()
    assert first is not None
    assert second is not None
    assert (second.version, second.trades_found, first.trades_found) == (2, 1, 0)


def test_a_new_price_changes_what_is_held_but_reads_no_ledger_rows_again(rig: Rig) -> None:
    rig.trade()
    rig.look(DETAIL)
    before = rig.look(DETAIL)
    rig.stage.priced(D(40000))
    rig.later(0.5)
    rig.look(DETAIL)
    after = rig.look(DETAIL)
    assert before is not None
    assert after is not None
    assert after.version > before.version
    assert [line.value for line in after.holdings] != [line.value for line in before.holdings]
    assert after.detail is before.detail
    assert rig.rows_read == 1


def test_the_next_day_is_another_day(rig: Rig) -> None:
    rig.trade()
    rig.look(DAY)
    today = rig.look(DAY)
    rig.moment.at += timedelta(days=1)
    rig.stage.priced(D(40000))
    rig.later(1)
    rig.look(DAY)
    tomorrow = rig.look(DAY)
    assert today is not None
    assert tomorrow is not None
    assert (today.trades_found, tomorrow.trades_found) == (1, 0)


def test_nobody_looks_so_nothing_is_kept(rig: Rig) -> None:
    rig.look()
    assert rig.look() is not None
    rig.later(59)
    rig.desk.rest()
    assert rig.desk.ask(ALL) is not None
    rig.later(60)
    rig.desk.rest()
    assert rig.look() is None
    assert rig.look() is not None


def test_of_many_queries_the_last_are_kept(rig: Rig) -> None:
    queries = [PortfolioQuery(rows=rows) for rows in range(QUERIES_MAX + 1)]
    for query in queries:
        rig.look(query)
    assert rig.desk.ask(queries[1]) is not None
    assert rig.desk.ask(queries[0]) is None


def test_before_the_engine_knows_anything_there_is_no_report(rig: Rig) -> None:
    rig.moment.state = None
    assert rig.look() is None
    assert rig.look() is None
    assert rig.desk.order(ALL), "and it may be asked again"


def test_an_engine_that_has_ended_leaves_what_it_knew(rig: Rig) -> None:
    rig.look()
    rig.desk.ask(DAY)
    assert rig.desk.order(DAY)
    rig.desk.cancel_order()
    rig.make()
    assert rig.desk.ask(DAY) is not None
    rig.later(1)
    assert rig.desk.order(DAY)
    rig.desk.cancel_order()
    assert not rig.work, "nothing is left to be worked out"


def test_an_engine_that_never_ran_leaves_nothing(rig: Rig) -> None:
    rig.desk.ask(ALL)
    assert rig.desk.order(ALL)
    rig.desk.cancel_order()
    assert not rig.work
    assert rig.desk.order(ALL)


def test_a_report_that_never_came_says_that_it_failed(rig: Rig) -> None:
    rig.failing = True
    rig.trade()
    rig.look(DETAIL)
    report = rig.look(DETAIL)
    assert report is not None
    assert (report.version, report.query) == (0, DETAIL)
    assert "the log (8) says why" in report.trouble


def test_a_failure_is_told_once_and_the_last_report_stays(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.trade()
    rig.look(DETAIL)
    before = rig.look(DETAIL)
    caplog.set_level(logging.ERROR)
    rig.failing = True
    rig.trade()
    for _ in range(3):
        rig.later(1)
        rig.stage.priced(D(50001))
        rig.look(DETAIL)
    assert before is not None
    kept = rig.look(DETAIL)
    assert kept is not None
    assert (kept.trades, kept.version) == (before.trades, before.version)
    assert (before.trouble, kept.trouble[:13]) == ("", "working these")
    assert len(caplog.records) == 1
    rig.failing = False
    rig.trade()
    rig.later(1)
    rig.look(DETAIL)
    after = rig.look(DETAIL)
    assert after is not None
    assert (after.trades_found, after.trouble) == (3, "")


def test_facts_that_cannot_be_taken_leave_the_desk_open(rig: Rig) -> None:
    rig.desk.ask(ALL)
    assert rig.desk.order(ALL)
    rig.moment.state = object()  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        rig.desk.collect(rig.moment)
    assert rig.desk.order(ALL)


def test_reports_are_made_in_a_thread_of_their_own(xbtusd: PairMetadata) -> None:
    made = threading.Event()
    names: list[str] = []

    def rows(_trade_id: str) -> tuple[LedgerEntry, ...]:
        names.append(threading.current_thread().name)
        made.set()
        return ()

    rig = Rig(xbtusd)
    rig.trade()
    desk = PortfolioDesk(lambda: rig.now, rows)
    desk.ask(DETAIL)
    assert desk.order(DETAIL)
    desk.collect(rig.moment)
    assert made.wait(10)
    assert names == ["portfolio"]


def test_times_are_those_of_the_exchange(rig: Rig) -> None:
    rig.moment.at = datetime.fromisoformat("2026-01-05T12:00:00+00:00")
    rig.look()
    report = rig.look()
    assert report is not None
    assert report.at == rig.moment.at
