"""Reports are clean, and one that answers another question is never shown."""

import msgspec

from krakked_tui.control.portfolio_view import PortfolioQuery
from krakked_tui.tui.portfolio_store import PortfolioStore
from tests.fakes.portfolio import FakePortfolio, HostilePortfolio

HOSTILE = "\x1b[2Jpair\u202e"
SHOWN = "␛[2Jpair\\u202e"
ALL, DAY = PortfolioQuery(), PortfolioQuery(period="day")


def test_every_text_is_clean_and_names_go_back_as_they_came() -> None:
    store, query = PortfolioStore(), PortfolioQuery(trade_id=HOSTILE)
    store.apply(query, HostilePortfolio(HOSTILE).ask(query))
    assert store.report is not None
    assert HOSTILE not in str(msgspec.json.encode(msgspec.structs.replace(store.report, query=ALL)))
    assert (store.report.pairs, store.report.groups[0].key) == ((SHOWN,), SHOWN)
    assert store.detail is not None
    assert store.detail.findings == (SHOWN,)
    assert store.name_at_the_engine(SHOWN) == HOSTILE
    assert store.name_at_the_engine("XBTUSD") == "XBTUSD"


def test_a_report_of_another_query_is_not_shown() -> None:
    books, store = FakePortfolio(), PortfolioStore()
    shown = []
    for query, report in ((ALL, ALL), (DAY, None), (DAY, ALL), (DAY, DAY)):
        store.apply(query, None if report is None else books.ask(report))
        shown.append(None if store.report is None else store.report.query)
    assert shown == [ALL, None, None, DAY]


def test_no_news_of_the_same_query_keeps_what_is_there() -> None:
    books, store = FakePortfolio(), PortfolioStore()
    store.apply(ALL, books.ask(ALL))
    before = store.report
    store.apply(ALL, None)
    store.apply(ALL, books.ask(ALL))
    assert store.report is before
    books.change(currency="EUR")
    store.apply(ALL, books.ask(ALL))
    assert store.report is not None
    assert store.report.currency == "EUR"


def test_looking_at_a_trade_keeps_the_tables_and_brings_its_detail_when_it_comes() -> None:
    books, store = FakePortfolio(), PortfolioStore()
    store.apply(ALL, books.ask(ALL))
    before = store.report
    first = PortfolioQuery(trade_id=books.trades[0].trade_id)
    store.apply(first, None)
    assert (store.report, store.detail, store.detailed) == (before, None, False)
    store.apply(first, books.ask(first))
    assert store.detail is not None
    assert store.detail.trade == books.trades[0]
    store.apply(ALL, books.ask(ALL))
    assert store.report == before


def test_the_detail_of_another_trade_is_not_shown() -> None:
    books, store = FakePortfolio(), PortfolioStore()
    first, second = (PortfolioQuery(trade_id=trade.trade_id) for trade in books.trades[:2])
    store.apply(first, books.ask(first))
    store.apply(second, books.ask(first))
    assert (store.detail, store.detailed) == (None, False)


def test_a_trade_that_nobody_knows_is_told_from_one_that_is_read() -> None:
    books, store, query = FakePortfolio(), PortfolioStore(), PortfolioQuery(trade_id="gone")
    store.apply(query, books.ask(query))
    assert (store.detail, store.detailed) == (None, True)
