"""The portfolio pane: what was made, paid and held, and how far that can be believed."""

from collections.abc import Set
from datetime import datetime, tzinfo
from operator import is_

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from krakked_tui.control.portfolio_view import (
    FlowLine,
    HoldingLine,
    PerformanceView,
    PortfolioQuery,
    PortfolioReport,
    TradeDetail,
    TradeLine,
)
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.portfolio_choice import Part, PortfolioChoice, counts_manual
from krakked_tui.tui.portfolio_store import PortfolioStore
from krakked_tui.tui.rows import portfolio as tables
from krakked_tui.tui.rows.line import Line, crop
from krakked_tui.tui.rows.portfolio_head import (
    balances_read,
    export_line,
    filter_line,
    fitting,
    note_line,
    parts_line,
    performance_line,
    totals_line,
)
from krakked_tui.tui.store import Topic
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

_TABLES = {part: f"portfolio-{part}" for part in Part}
_EXCLUDED = "The configuration excludes these assets: what they made is summed up here alone."
_NOTHING = {
    Part.PNL: "No line is selected.",
    Part.TRADES: "No trade is selected.",
    Part.FLOWS: "No cash flow is selected.",
    Part.FEES: "There is no more to say of fees: Enter opens P&L, trades, cash flows and holdings.",
    Part.HOLDINGS: "No holding is selected.",
}


class PortfolioPane(Vertical):
    """Takes reports in and paints them; says which report the operator wants."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.PORTFOLIO, classes=f"-{Part.PNL}")
        self.zone = zone
        self.choice = PortfolioChoice()
        self._reports = PortfolioStore()
        self._shown: tuple[object, ...] = ()
        self._drifting: frozenset[str] = frozenset()
        self._in_use = Part.PNL
        self._line = ""
        self.config = ""
        """The configuration file of this run, empty for the usual one; clean."""

    def compose(self) -> ComposeResult:
        """Totals, filters and notes; the tables; what exports them."""
        yield Lines("portfolio-head")
        yield LiveTable(_TABLES[Part.PNL], tables.PNL_COLUMNS, "BY DAY", "")
        yield LiveTable(_TABLES[Part.TRADES], tables.TRADE_COLUMNS, "TRADE", "")
        yield LiveTable(_TABLES[Part.FLOWS], tables.FLOW_COLUMNS, "CASH FLOW", "")
        yield LiveTable(_TABLES[Part.FEES], tables.FEE_COLUMNS, "FEES", "")
        yield LiveTable(_TABLES[Part.HOLDINGS], tables.HOLDING_COLUMNS, "ASSET", "")
        yield Lines("portfolio-export")

    @property
    def question(self) -> PortfolioQuery:
        """What the operator wants to know."""
        return self.choice.query

    @property
    def _waiting(self) -> str:
        """Why there is no report."""
        return f"No figures: {self._reports.trouble}." if self._reports.trouble else tables.READING

    @property
    def report(self) -> PortfolioReport | None:
        """The answer, clean; None before it has come."""
        return self._reports.report

    @property
    def detail(self) -> TradeDetail | None:
        """The trade that is looked at, clean."""
        return self._reports.detail

    @property
    def detailed(self) -> bool:
        """Whether the report about that trade has come."""
        return self._reports.detailed

    def take(self, reports: PortfolioStore, config: str = "") -> None:
        """Take what came of the query, to be shown with the next update.

        ``config`` is the configuration file of this run, empty for the usual one.
        """
        self._reports = reports
        self.config = config

    def update(self, view: EngineView, _dirty: Set[Topic]) -> None:
        """Show everything; the widgets repaint what differs."""
        report, query, part = self.report, self.question, self.choice.part
        head, export = self.query_one("#portfolio-head", Lines), self.query_one("#portfolio-export", Lines)
        width = head.size.width
        manual = counts_manual(query, report)
        figures = report.performance if report is not None else PerformanceView()
        lines: tuple[Line, ...] = (
            totals_line(report, width, self._waiting),
            performance_line(figures, width, chosen=self.choice.narrowed or not manual),
            filter_line(query, width, drilled=self.choice.drilled, manual=manual),
            note_line(report, view, width),
            parts_line(report, query, part, balances_read(view)),
        )
        head.show([crop(line, width) for line in lines])
        export.show([fitting(export_line(query, report, part, view, self.config), export.size.width)])
        drift = view.portfolio.drift if view.portfolio is not None else ()
        self._show_tables(frozenset(each.asset for each in drift))

    def _show_tables(self, drifting: frozenset[str]) -> None:
        holdings = self._table(Part.HOLDINGS)
        wide = holdings.outer_size.width > tables.WIDE_HOLDINGS
        holdings.use(tables.WIDE_HOLDING_COLUMNS if wide else tables.HOLDING_COLUMNS)
        report, zone = self.report, self.zone
        shown = (report, zone, self.choice.filtered, self._reports.trouble)
        same = len(self._shown) == len(shown) and all(map(is_, self._shown, shown))
        if same and drifting == self._drifting:
            return
        self._drifting = drifting
        self._shown = shown
        texts = tables.empty_texts(report, filtered=self.choice.filtered, waiting=self._waiting)
        for part, text in zip(Part, texts, strict=True):
            self._table(part).empty = text
        if report is None:
            for part in Part:
                self._table(part).show(())
            return
        pnl, trades, flows = self._table(Part.PNL), self._table(Part.TRADES), self._table(Part.FLOWS)
        pnl.title = f"BY {report.query.by.upper()}"
        pnl.show(tables.pnl_rows(report.groups, report.query.by, report.excluded))
        lines, cash = report.trades, report.flows
        trades.show_newest([each.trade_id for each in lines], lambda at: tables.trade_row(lines[at], zone))
        currency = report.currency
        flows.show_newest([each.id for each in cash], lambda at: tables.flow_row(cash[at], currency, zone))
        self._table(Part.FEES).show(tables.fee_rows(report.fees, currency))
        holdings.show(tables.holding_rows(report.holdings, currency, drifting))
        if self._line:
            pnl.select(self._line)
            self._line = ""

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the table in use: an unfocused terminal takes the focus away."""
        found = [part for part, name in _TABLES.items() if name == event.widget.id]
        self._in_use = found[0] if found else self._in_use

    @property
    def table(self) -> Part:
        """The table that keys go to."""
        return self._in_use

    @property
    def nothing_behind(self) -> str:
        """Why the line under the cursor cannot be opened; empty when it can."""
        if self.table is Part.PNL and self._table(Part.PNL).selected == tables.EXCLUDED_KEY:
            return _EXCLUDED
        behind = {
            Part.PNL: self._table(Part.PNL).selected,
            Part.TRADES: self.selected_trade,
            Part.FLOWS: self.selected_flow,
            Part.HOLDINGS: self.selected_holding,
        }
        return "" if behind.get(self.table) is not None else _NOTHING[self.table]

    @property
    def selected_trade(self) -> TradeLine | None:
        """The trade under the cursor."""
        key, report = self._table(Part.TRADES).selected, self.report
        return next((each for each in (report.trades if report else ()) if each.trade_id == key), None)

    @property
    def selected_flow(self) -> FlowLine | None:
        """The cash flow under the cursor."""
        key, report = self._table(Part.FLOWS).selected, self.report
        return next((each for each in (report.flows if report else ()) if each.id == key), None)

    @property
    def selected_holding(self) -> HoldingLine | None:
        """The holding under the cursor; on a line of the books, theirs."""
        key, report = self._table(Part.HOLDINGS).selected, self.report
        asset = (key or "").removesuffix(tables.BOOKS_KEY)
        return next((each for each in (report.holdings if report else ()) if each.asset == asset), None)

    @property
    def explainable(self) -> str:
        """Id of the order behind the trade that keys are about, empty without one."""
        trade = self.selected_trade if self.table is Part.TRADES else None
        return trade.order_id if trade is not None else ""

    def next_part(self) -> None:
        """Show the next part."""
        self.choice.next_part()
        self._show_part()

    def drill(self) -> None:
        """Show the trades behind the PnL under the cursor."""
        key = self._table(Part.PNL).selected or ""
        if self.choice.drill(self._reports.name_at_the_engine(key)):
            self._show_part()

    def back(self) -> None:
        """Go back to where the trades were opened from, or take all filters away."""
        self._line = clean(self.choice.back())
        self._show_part()

    def next_group(self) -> None:
        """Split the PnL by the next thing."""
        self.choice.next_group()

    def next_period(self) -> None:
        """Take the next period."""
        self.choice.next_period()

    def next_side(self) -> None:
        """Only buys, only sells, both."""
        self.choice.next_side()

    def toggle_manual(self) -> None:
        """Manual trades in or out."""
        self.choice.toggle_manual(counted=counts_manual(self.question, self.report))

    def want_range(self, since: datetime | None, until: datetime | None) -> None:
        """Take a typed period."""
        self.choice.want_range(since, until)

    def want_pair(self, pair: str) -> None:
        """Only this pair, as it is shown; empty for all."""
        self.choice.want_pair(self._reports.name_at_the_engine(pair))

    def want_strategy(self, strategy: str) -> None:
        """Only this strategy, as it is shown; empty for all."""
        self.choice.want_strategy(self._reports.name_at_the_engine(strategy))

    def look_at(self, trade_id: str) -> None:
        """Ask for one trade closely, as it is shown; empty for none."""
        self.choice.look_at(self._reports.name_at_the_engine(trade_id))
        self._reports.apply(self.question, None)

    def _show_part(self) -> None:
        self.set_classes(f"-{self.choice.part}")
        self._in_use = self.choice.part
        self._table(self.choice.part).focus()

    def _table(self, part: Part) -> LiveTable:
        return self.query_one(f"#{_TABLES[part]}", LiveTable)
