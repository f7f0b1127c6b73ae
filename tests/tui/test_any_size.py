"""Every line builder copes with every size, down to nothing: widgets have none before their layout."""

from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.portfolio_view import PortfolioQuery, PortfolioReport
from krakked_tui.control.setup import PasswordStrength, SetupChoices, SetupMode
from krakked_tui.control.views import EngineView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.portfolio_choice import Part
from krakked_tui.tui.rows.banner import banner_lines
from krakked_tui.tui.rows.book import book_lines, tape_lines
from krakked_tui.tui.rows.candles import chart_lines
from krakked_tui.tui.rows.chart import equity_lines
from krakked_tui.tui.rows.closeup import Closeup
from krakked_tui.tui.rows.dashboard import account_lines, allocation_lines, event_lines
from krakked_tui.tui.rows.dialogs import flatten_progress_lines, flatten_warnings, order_lines, sale_lines
from krakked_tui.tui.rows.health import health, health_lines
from krakked_tui.tui.rows.line import place, row_line
from krakked_tui.tui.rows.logs import LOG_COLUMNS, log_row, record_lines
from krakked_tui.tui.rows.market import MARKET_COLUMNS, market_row
from krakked_tui.tui.rows.portfolio import (
    FEE_COLUMNS,
    FLOW_COLUMNS,
    HOLDING_COLUMNS,
    PNL_COLUMNS,
    TRADE_COLUMNS,
    WIDE_HOLDING_COLUMNS,
    fee_rows,
    flow_row,
    holding_rows,
    pnl_rows,
    trade_row,
)
from krakked_tui.tui.rows.portfolio_detail import flow_lines, holding_lines, trade_lines
from krakked_tui.tui.rows.portfolio_head import (
    export_line,
    filter_line,
    fitting,
    note_line,
    note_lines,
    performance_line,
    totals_line,
)
from krakked_tui.tui.rows.settings import (
    SETTING_COLUMNS,
    change_lines,
    credential_lines,
    fact_lines,
    setting_lines,
    setting_rows,
)
from krakked_tui.tui.rows.setup import (
    check_lines,
    checking_lines,
    header,
    key_lines,
    leave_lines,
    password_lines,
    preview_lines,
    region_lines,
    review_lines,
    saved_lines,
    strength_lines,
    welcome_lines,
)
from krakked_tui.tui.rows.start import start_lines
from krakked_tui.tui.rows.tables import POSITION_COLUMNS, position_rows
from krakked_tui.tui.rows.topbar import bar_lines
from tests.fakes.controller import disconnected, drifting, empty, killed, normal, start_failed, starting
from tests.fakes.log import FakeLog
from tests.fakes.market import FakeMarket, ailing
from tests.fakes.portfolio import FakePortfolio
from tests.fakes.settings import good, unvalidated
from tests.fakes.setup import FACTS, PREVIEW, SAVED, withdraws

VIEWS = (normal(), killed(), disconnected(), empty(), starting(), start_failed(), drifting())
BOOKS = FakePortfolio(12)
REPORT = BOOKS.ask(PortfolioQuery(trade_id=BOOKS.trades[2].trade_id))
assert REPORT is not None
BUILDERS: dict[str, Callable[[EngineView, int, int], object]] = {
    "banner": lambda view, width, height: banner_lines(view, width, height, UTC),
    "bar": lambda view, width, _: bar_lines(view, width, 0.0),
    "chart": lambda view, width, height: equity_lines(view.equity_curve, None, width, height),
    "account": lambda view, width, _: account_lines(view, width),
    "allocation": lambda view, width, height: allocation_lines(
        view.allocation, view.portfolio, width, height
    ),
    "portfolio": lambda view, width, _: [
        (
            totals_line(report, width),
            note_line(report, view, width),
            note_lines(report, view, width),
            fitting(export_line(PortfolioQuery(), report, Part.PNL, view), width),
        )
        for report in (None, REPORT)
    ],
    "events": lambda view, width, height: event_lines(view.messages, width, height),
    "start": lambda view, width, _: start_lines(view, width),
    "flatten": lambda view, width, _: flatten_progress_lines(view, UTC, width),
    "warnings": lambda view, width, _: flatten_warnings(view, width),
    "sales": lambda view, width, _: sale_lines(view.positions, width),
    "order": lambda view, width, _: [order_lines(each, UTC, width) for each in view.recent_orders],
    "positions": lambda view, width, _: [
        row_line(row, place(POSITION_COLUMNS, width)) for row in position_rows(view.positions)
    ],
}

PORTFOLIO_BUILDERS: dict[str, Callable[[PortfolioReport, int, int], object]] = {
    "performance": lambda report, width, _: performance_line(report.performance, width),
    "filters": lambda report, width, height: filter_line(
        report.query, width, drilled=height > 20, manual=height > 30
    ),
    "trade": lambda report, width, height: trade_lines(
        report.trades[2], report.detail, "USD", UTC, width, known=height > 20
    ),
    "flow": lambda report, width, _: [flow_lines(each, "USD", UTC, width) for each in report.flows],
    "holding": lambda report, width, _: [holding_lines(each, "USD", width) for each in report.holdings],
    "tables": lambda report, width, _: [
        [row_line(row, place(columns, width)) for row in rows]
        for columns, rows in (
            (PNL_COLUMNS, pnl_rows(report.groups, "day")),
            (TRADE_COLUMNS, [trade_row(each, UTC) for each in report.trades]),
            (FLOW_COLUMNS, [flow_row(each, "USD", UTC) for each in report.flows]),
            (FEE_COLUMNS, fee_rows(report.fees, "USD")),
            (HOLDING_COLUMNS, holding_rows(report.holdings, "USD")),
            (WIDE_HOLDING_COLUMNS, holding_rows(report.holdings, "USD")),
        )
    ],
}

MARKET = FakeMarket(5)
MARKET.look_at("XBTUSD", Timeframe.M1)
CLOSEUP = Closeup("XBTUSD", Timeframe.M1, MARKET.current.focus, last=MARKET.current.rows[0].last)
MARKET_BUILDERS: dict[str, Callable[[int, int], object]] = {
    "candles": lambda width, height: chart_lines(CLOSEUP, width, height, UTC),
    "book": lambda width, height: book_lines(CLOSEUP, width, height),
    "tape": lambda width, height: tape_lines(CLOSEUP, width, height, UTC),
    "pairs": lambda width, _: [
        row_line(market_row(row), place(MARKET_COLUMNS, width)) for row in MARKET.current.rows
    ],
}

CHOICES = SetupChoices(mode=SetupMode.LIVE, region="EU", api_key=Secret("k"), check=withdraws())
SETUP_BUILDERS: dict[str, Callable[[int, int], object]] = {
    "header": lambda width, height: header(FACTS, height, "A step", width),
    "welcome": lambda width, _: welcome_lines(FACTS, width),
    "key": lambda width, _: key_lines(FACTS, SetupMode.LIVE, width),
    "checking": lambda width, _: checking_lines(FACTS, width),
    "check": lambda width, _: check_lines(withdraws(), width),
    "password": lambda width, _: password_lines(FACTS, width),
    "strength": lambda width, height: strength_lines(
        PasswordStrength(height, "words", "advice"), width, typed=True
    ),
    "region": lambda width, _: region_lines(width),
    "preview": lambda width, height: preview_lines(PREVIEW, width, height),
    "review": lambda width, _: review_lines(FACTS, CHOICES, width),
    "saved": lambda width, _: saved_lines(SAVED, width),
    "leave": lambda width, _: leave_lines(width, typed=True),
    "facts": lambda width, _: fact_lines(unvalidated(), width, UTC),
    "credentials": lambda width, _: credential_lines(good().credentials, width, UTC),
    "setting": lambda width, _: setting_lines(good().rows[0], width),
    "change": lambda width, _: change_lines(good().rows[0], '"EU"', width),
    "health": lambda width, _: health_lines(health(normal(), ailing(5), 3, UTC), width),
    "record": lambda width, _: [record_lines(each, UTC, width) for each in FakeLog().lines],
    "log": lambda width, _: [
        row_line(log_row(each, UTC), place(LOG_COLUMNS, width)) for each in FakeLog().lines
    ],
    "settings": lambda width, _: [
        row_line(row, place(SETTING_COLUMNS, width)) for row in setting_rows(good())
    ],
}


@pytest.mark.parametrize("name", SETUP_BUILDERS)
@given(width=st.integers(0, 130), height=st.integers(0, 45))
def test_a_builder_of_set_up_and_settings_copes_with_any_size(name: str, width: int, height: int) -> None:
    lines = SETUP_BUILDERS[name](width, height)
    assert isinstance(lines, list | tuple)


@pytest.mark.parametrize("name", BUILDERS)
@given(view=st.sampled_from(VIEWS), width=st.integers(0, 130), height=st.integers(0, 45))
def test_a_builder_copes_with_any_size(name: str, view: EngineView, width: int, height: int) -> None:
    lines = BUILDERS[name](view, width, height)
    assert isinstance(lines, list | tuple)


@pytest.mark.parametrize("name", PORTFOLIO_BUILDERS)
@given(width=st.integers(0, 130), height=st.integers(0, 45))
def test_a_builder_of_the_portfolio_copes_with_any_size(name: str, width: int, height: int) -> None:
    assert REPORT is not None
    assert isinstance(PORTFOLIO_BUILDERS[name](REPORT, width, height), list | tuple)


@pytest.mark.parametrize("name", MARKET_BUILDERS)
@given(width=st.integers(0, 130), height=st.integers(0, 45))
def test_a_builder_of_the_market_copes_with_any_size(name: str, width: int, height: int) -> None:
    lines = MARKET_BUILDERS[name](width, height)
    assert isinstance(lines, list | tuple)
