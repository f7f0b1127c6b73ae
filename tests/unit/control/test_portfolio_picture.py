"""The portfolio as the Trades & PnL screen sees it."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.portfolio_picture import LedgerRows, make_report, no_rows, traded_part
from krakked_tui.control.portfolio_view import (
    EntryLine,
    FeeLine,
    FlowLine,
    HistoryView,
    HoldingLine,
    HoldLine,
    LotLine,
    PartLine,
    PerformanceView,
    PnLLine,
    PortfolioQuery,
    PortfolioReport,
    TradeLine,
)
from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.fills import AssetBalance, LedgerEntry
from krakked_tui.domain.orders import (
    ExchangeStatus,
    LocalOrder,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
)
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.portfolio import NO_PAIR, CostBasis, HeldAs
from krakked_tui.domain.records import HistoryKind, HistoryMark
from krakked_tui.engine.portfolio_service import PortfolioFacts, PortfolioService
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.reconcile import DriftFinding
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import value
from tests.scenarios.stage import Stage
from tests.unit.engine.test_portfolio_service import NOW, PRICES, STATEMENT, facts_of
from tests.unit.portfolio.statements import PAIRS, START, books_of, make_entry

D = Decimal
MINUTE = timedelta(minutes=1)
EVERYTHING = PortfolioQuery()


def report_of(
    query: PortfolioQuery = EVERYTHING, facts: PortfolioFacts | None = None, rows: LedgerRows = no_rows
) -> PortfolioReport:
    service = PortfolioService(facts or facts_of())
    return make_report(service, query, traded_part(service, query, rows), 3)


def test_everything_about_everything() -> None:
    report = report_of()
    assert (report.version, report.query, report.at) == (3, EVERYTHING, NOW)
    assert (report.cost_basis, report.currency) == (CostBasis.WAC, "USD")
    assert report.total == PnLLine("total", 5, D(1999), D(42), D(1957))
    assert report.groups == (PnLLine("2026-03-01", 5, D(1999), D(42), D(1957)),)
    assert (report.trades_found, report.flows_found) == (5, 2)
    assert report.trades[2] == TradeLine(
        trade_id="T3", order_id="OT3", time=START + 3 * MINUTE, pair="XBTUSD", side="sell", volume=D(1),
        price=D(12000), cost=D(12000), price_decimals=1, volume_decimals=8, fee_text="12 USD", fee=D(12),
        pnl=D(1988), strategy="manual", maker=False,
    )  # fmt: skip
    assert report.flows[0] == FlowLine("L2", START + 4 * MINUTE, "withdrawal", "USD", D(-1000), D(-1000), "")
    assert report.fees == (FeeLine("USD", D(42), D(42)),)
    assert report.fees_percent_of_gross == D(42) / D(1999) * 100
    assert (report.pairs, report.strategies) == (("DOTUSD", "ETHUSD", "XBTUSD"), ("manual",))
    assert (report.detail, report.findings, report.drift, report.history) == (None, (), (), ())
    assert report.performance.win_rate_pct == 50
    assert report.performance.return_pct is not None
    assert report.performance.holding_seconds is not None


@pytest.mark.parametrize(
    ("query", "trades"),
    [
        (PortfolioQuery(pair="XBTUSD"), ["T3", "T1"]),
        (PortfolioQuery(side="sell"), ["T5", "T3"]),
        (PortfolioQuery(rows=2), ["T5", "T4"]),
        (PortfolioQuery(rows=-1), []),
        (PortfolioQuery(period="day"), ["T5", "T4", "T3", "T2", "T1"]),
        (PortfolioQuery(period="custom", since=START + 5 * MINUTE), ["T5", "T4"]),
        (PortfolioQuery(since=START + 5 * MINUTE), ["T5", "T4", "T3", "T2", "T1"]),
        (PortfolioQuery(include_manual=False), []),
        (PortfolioQuery(pair="NONEUSD"), []),
        (PortfolioQuery(strategy="nobody"), []),
        (PortfolioQuery(period="fortnight"), []),
        (PortfolioQuery(period="custom", since=NOW, until=START), []),
        (PortfolioQuery(period="custom", since=START.replace(tzinfo=None)), []),
    ],
)
def test_a_query_chooses_and_never_fails(query: PortfolioQuery, trades: list[str]) -> None:
    report = report_of(query)
    assert [each.trade_id for each in report.trades] == trades
    if query.rows > 100:
        assert (report.trades_found, report.total.trades) == (len(trades), len(trades))
    if not trades and query.rows > 0:
        assert (report.total, report.groups, report.fees) == (PnLLine("total", 0, D(0), D(0), D(0)), (), ())
    assert report.pairs == ("DOTUSD", "ETHUSD", "XBTUSD"), "the filter offers what there ever was"
    assert report.holdings == report_of().holdings


def test_manual_trades_count_as_configured_unless_the_query_says() -> None:
    settings = PortfolioSettings(track_manual_trades=False)
    out = report_of(facts=facts_of(settings=settings))
    assert (out.manual, out.trades, out.total.trades) == (False, (), 0)
    asked_for = report_of(PortfolioQuery(include_manual=True), facts_of(settings=settings))
    assert (asked_for.manual, len(asked_for.trades)) == (True, 5)


def test_totals_are_over_all_that_is_found_however_few_rows_are_shown() -> None:
    report = report_of(PortfolioQuery(rows=1, by="pair"))
    assert (len(report.trades), report.trades_found, report.total.trades) == (1, 5, 5)
    assert (len(report.flows), report.flows_found) == (1, 2)
    assert [group.key for group in report.groups] == ["DOTUSD", "ETHUSD", "XBTUSD"]
    assert [group.key for group in report_of(PortfolioQuery(by="strategy")).groups] == ["manual"]
    assert report_of(PortfolioQuery(by="colour")).groups == ()


def test_a_period_that_makes_no_sense_has_no_performance() -> None:
    assert report_of(PortfolioQuery(period="fortnight")).performance == PerformanceView()


def test_what_has_no_price_has_no_worth() -> None:
    facts = facts_of("deposit 500 USD\ndeposit 10 DOT\nbuy 1 XBTUSD @ 100 fee 2 DOT\nbuy 1 ETHXBT @ 0.5")
    swapped, bought = report_of(facts=facts).trades
    assert (bought.fee, bought.pnl, bought.fee_text) == (None, None, "2 DOT")
    assert (swapped.fee, swapped.pnl) == (D(0), None)
    findings = report_of(facts=facts).findings
    assert findings[0].startswith("2026-03-01 00:03 0.5 XBT in ETHXBT T2 has no price"), findings
    assert len(findings) == 3


def test_a_trade_closely() -> None:
    asked = []

    def rows(trade_id: str) -> Sequence[LedgerEntry]:
        asked.append(trade_id)
        return [make_entry("L9", "XBT", "-1", refid=trade_id)]

    detail = report_of(PortfolioQuery(trade_id="T3"), rows=rows).detail
    assert detail is not None
    assert asked == ["T3"]
    assert detail.trade.trade_id == "T3"
    assert detail.entries == (EntryLine("L9", "T3", START, "trade", "", "XBT", D(-1), D(0), D(0)),)
    assert detail.lots == (LotLine(START + MINUTE, D(1), D(10000), D(12000), D(12), D(1988)),)
    assert detail.findings == ()
    assert report_of(PortfolioQuery(trade_id="T9"), rows=rows).detail is None


def test_a_trade_whose_rows_cannot_be_read_and_that_has_no_price() -> None:
    def rows(_trade_id: str) -> Sequence[LedgerEntry]:
        raise StorageError("the disk is gone")

    facts = facts_of("deposit 1 XBT at 5\nbuy 1 ETHXBT @ 0.5")
    detail = report_of(PortfolioQuery(trade_id="T1"), facts, rows).detail
    assert detail is not None
    assert detail.entries == ()
    assert [finding[:25] for finding in detail.findings] == [
        "0.5 XBT in ETHXBT T1 has ", "its ledger rows cannot be",
    ]  # fmt: skip


def holdings(settings: PortfolioSettings, **balances: tuple[str, str]) -> tuple[HoldingLine, ...]:
    """What is shown when the exchange has these totals and reserves."""
    stage = Stage(PAIRS["XBTUSD"])
    marks = {
        pair: msgspec.structs.replace(stage.mark(D(price)), freshness=freshness)
        for pair, price, freshness in (
            ("XBTUSD", "13000", Freshness.FRESH), ("ETHUSD", "900", Freshness.STALE),
        )
    }  # fmt: skip
    held = {
        name.replace("_", "."): AssetBalance(name.replace("_", "."), D(total), D(reserved))
        for name, (total, reserved) in balances.items()
    }
    return report_of(
        facts=msgspec.structs.replace(facts_of(settings=settings), marks=marks, balances=held)
    ).holdings


def test_holdings_in_columns_that_add_up() -> None:
    lines = holdings(
        PortfolioSettings(), USD=("36957", "100"), XBT=("0.4", "0.1"), XBT_M=("0.6", "0"), ETH=("5", "0"),
        ODD=("7", "0"),
    )  # fmt: skip
    usd, xbt, eth, odd = lines
    assert (usd.asset, usd.free, usd.reserved, usd.status, usd.books) == (
        "USD",
        D(36857),
        D(100),
        "valued",
        None,
    )
    assert (xbt.asset, xbt.total, xbt.free, xbt.reserved) == ("XBT", D(1), D("0.3"), D("0.1"))
    assert (xbt.elsewhere, xbt.books) == (((HeldAs.EARNING, D("0.6")),), None)
    assert (xbt.value, xbt.source_pair) == (D(13000), "XBTUSD")
    equity = D(36957 + 13000 + 3600)
    assert xbt.percent_of_equity == D(13000) / equity * 100
    assert (eth.asset, eth.total, eth.books) == ("ETH", D(5), D(4))
    assert (eth.value, eth.status) == (D(3600), "stale"), "as equity counts it, not by what was read last"
    assert (odd.asset, odd.value, odd.status, odd.source_pair) == ("ODD", D(0), "unvalued", "")
    assert odd.books == 0
    for line in lines:
        assert line.total == line.free + line.reserved + sum(amount for _, amount in line.elsewhere)


def test_shares_of_equity_add_up_whatever_was_read_last() -> None:
    lines = holdings(PortfolioSettings(), USD=("1", "0"), XBT=("0", "0"))
    assert sum(line.percent_of_equity or 0 for line in lines) == 100


def test_a_delisted_asset_has_no_value_and_makes_no_unrealized_loss() -> None:
    gone = msgspec.structs.replace(PAIRS["ETHUSD"], status=PairStatus.DELISTED)
    known = {**PAIRS, "ETHUSD": gone}
    books, plain = books_of(STATEMENT), PortfolioSettings()
    valuation = value(books.state, PRICES, known, plain)
    facts = msgspec.structs.replace(
        facts_of(), known=known, valuation=valuation, balances={"ETH": AssetBalance("ETH", D(4), D(0))}
    )
    line = next(each for each in report_of(facts=facts).holdings if each.asset == "ETH")
    assert (line.status, line.value, line.books) == ("delisted", D(0), None)
    assert valuation.unrealized_pnl == 3000, "that of XBT alone"
    assert "ETHUSD" not in valuation.positions


def test_who_reserves_what_and_whose_it_is() -> None:
    def order(number: int, side: Side, price: str | None, filled: str = "0") -> LocalOrder:
        request = OrderRequest(
            f"k{number}", "ETHUSD", side, OrderType.LIMIT, D(2), D(price) if price else None
        )
        return LocalOrder(
            local_id="l", cl_ord_id=f"k{number}", plan_id="p", strategy_id="trend", purpose=Purpose.ENTRY,
            request=request, status=OrderStatus.OPEN, created_at=START, updated_at=START,
            kraken_order_id=f"O{number}", filled=D(filled),
        )  # fmt: skip

    foreign = OrderReport(
        "OX", None, "XBTUSD", Side.SELL, "limit", ExchangeStatus.OPEN, D(1), D("0.25"), D(0), D(0), D(0),
        START, limit_price=D(20000),
    )  # fmt: skip
    orders = (
        order(1, Side.SELL, "950", "0.5"), order(2, Side.BUY, "800"), order(3, Side.BUY, None),
        order(4, Side.SELL, "990", "2"),
    )  # fmt: skip
    facts = msgspec.structs.replace(facts_of(), open_orders=orders, foreign_orders=(foreign,))
    lines = {line.asset: line for line in report_of(facts=facts).holdings}
    assert lines["ETH"].holds == (HoldLine("O1", "ETHUSD", "sell", D("1.5"), "trend"),)
    assert lines["USD"].holds == (HoldLine("O2", "ETHUSD", "buy", D(1600), "trend"),)
    assert lines["XBT"].holds == (HoldLine("OX", "XBTUSD", "sell", D("0.75")),)
    assert lines["ETH"].parts == (
        PartLine("manual", D(1), D(900)), PartLine("trend", D(3), D(2700)),
    )  # fmt: skip
    assert lines["USD"].parts == ()


WITH_CONVERSION = """
    deposit 50000 USD
    buy 2 XBTUSD @ 10000 fee 20 USD
    convert 1 XBT to 11000 USD
    sell 1 XBTUSD @ 12000 fee 12 USD
"""


def test_what_was_made_without_a_pair_has_its_rows_behind_it() -> None:
    asked = []

    def rows(event_id: str) -> Sequence[LedgerEntry]:
        asked.append(event_id)
        return [make_entry("L2", "XBT", "-1", refid="R", kind="spend")]

    report = report_of(PortfolioQuery(by="pair"), facts_of(WITH_CONVERSION))
    assert [(group.key, group.trades, group.realized) for group in report.groups] == [
        ("XBTUSD", 2, D(1968)), (NO_PAIR, 0, D(1000)),
    ]  # fmt: skip
    assert (report.pairs, report.trades_found) == (("XBTUSD", NO_PAIR), 3)
    behind = report_of(PortfolioQuery(pair=NO_PAIR), facts_of(WITH_CONVERSION))
    [line] = behind.trades
    assert (line.trade_id, line.pair, line.side, line.pnl, line.fee) == ("L2", NO_PAIR, "", D(1000), D(0))
    assert (behind.total.realized, behind.trades_found) == (D(1000), 1)
    detail = report_of(PortfolioQuery(trade_id="L2"), facts_of(WITH_CONVERSION), rows).detail
    assert detail is not None
    assert (asked, detail.trade, detail.entries[0].type) == (["L2"], line, "spend")
    assert detail.lots == (LotLine(START + MINUTE, D(1), D(10000), D(11000), D(0), D(1000)),)


MIXED = f"""{STATEMENT}
    convert 0.25 XBT to 3000 USD
    buy 2 ETHXBT @ 0.05 fee 0.001 XBT at 12500 XBT
    sell 1 ETHXBT @ 0.06 at 12600 XBT
"""


@pytest.mark.parametrize(
    ("excluded", "others"), [(("XBT",), 0), (("ETH",), 1), (("DOT",), 1), (("ETH", "XBT", "DOT"), 0)]
)
def test_excluded_assets_make_a_line_of_their_own_and_the_rest_is_what_equity_says(
    excluded: tuple[str, ...], others: int
) -> None:
    facts = facts_of(MIXED, PortfolioSettings(exclude_assets=excluded))
    assert facts.valuation is not None
    report, whole = report_of(facts=facts), report_of(facts=facts_of(MIXED))
    assert report.excluded is not None
    assert (report.total.realized, report.total.fees) == (
        facts.valuation.realized_pnl, facts.valuation.fees_paid,
    )  # fmt: skip
    assert report.total.realized + report.excluded.realized == whole.total.realized
    assert report.total.fees + report.excluded.fees == whole.total.fees
    assert len(report.trades) == report.trades_found == report.total.trades + others
    assert "XBTUSD" not in {each.pair for each in report.trades} or "XBT" not in excluded
    assert sum(fee.value for fee in report.fees) == report.total.fees
    assert whole.excluded is None


def test_sales_are_those_that_the_query_is_about_and_the_curve_is_the_account_s() -> None:
    whole, xbt = report_of(), report_of(PortfolioQuery(pair="XBTUSD"))
    assert (whole.performance.win_rate_pct, xbt.performance.win_rate_pct) == (D(50), D(100))
    assert whole.performance.return_pct == xbt.performance.return_pct
    assert report_of(PortfolioQuery(include_manual=False)).performance.win_rate_pct is None


def test_what_the_books_hold_and_the_exchange_does_not_is_shown_and_what_is_excluded_comes_last() -> None:
    lines = holdings(PortfolioSettings(exclude_assets=("XBT",)), USD=("36957", "0"), XBT=("1", "0"))
    assert [(line.asset, line.status, line.total, line.books) for line in lines] == [
        ("USD", "valued", D(36957), None), ("ETH", "stale", D(0), D(4)), ("XBT", "excluded", D(1), None),
    ]  # fmt: skip
    assert lines[-1].percent_of_equity is None
    assert lines[-1].value == 13000


def test_drift_and_how_far_the_history_is_read() -> None:
    facts = msgspec.structs.replace(
        facts_of(),
        drift=(DriftFinding("XBT", D(1), D(2), D(13000)),),
        history=(HistoryMark(HistoryKind.TRADES, START, 50, 1000),),
    )
    report = report_of(facts=facts)
    assert report.drift == ("the books hold 1 XBT, the exchange 2",)
    assert report.history == (HistoryView("trades", 50, 1000, False),)
