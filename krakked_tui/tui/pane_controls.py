"""What commands may know and change of each pane; no widget is in sight here."""

from datetime import datetime
from typing import Protocol

from krakked_tui.control.portfolio_view import (
    FlowLine,
    HoldingLine,
    PortfolioQuery,
    PortfolioReport,
    TradeDetail,
    TradeLine,
)
from krakked_tui.control.risk_view import LimitLine, ProtectionLine
from krakked_tui.control.strategy_view import HeldLine, IntentLine, ParameterLine, StrategyLine
from krakked_tui.tui.pane_parts import RiskPart, StrategyPart
from krakked_tui.tui.portfolio_choice import Part


class MarketControls(Protocol):
    """What commands may change on the market pane."""

    def next_part(self) -> None:
        """Show the next of chart, book and tape where only one has room."""
        ...

    def edit_filter(self) -> None:
        """Let part of a name be typed."""
        ...

    def clear_filter(self) -> None:
        """Show all pairs."""
        ...

    def next_sort(self) -> None:
        """Sort the pairs by the next figure."""
        ...

    def change_timeframe(self, steps: int) -> None:
        """Show longer candles, or shorter ones with less than 0."""
        ...

    def toggle_overlays(self) -> None:
        """Show indicators and fills in the chart, or candles only."""
        ...


class LogControls(Protocol):
    """What commands may change on the logs pane."""

    def next_level(self) -> None:
        """Show less of the log; after the last step all of it."""
        ...

    def edit_filter(self) -> None:
        """Let part of a record be typed."""
        ...

    def show_all(self) -> None:
        """Show every record again."""
        ...

    def toggle_control(self) -> None:
        """Show who commanded what, or the log again."""
        ...


class RiskControls(Protocol):
    """What commands may know and change of the risk pane."""

    @property
    def table(self) -> RiskPart:
        """The table that keys go to."""
        ...

    @property
    def selected_limit(self) -> LimitLine | None:
        """The limit under the cursor."""
        ...

    @property
    def selected_protection(self) -> ProtectionLine | None:
        """The pause of entries under the cursor."""
        ...

    @property
    def selected_decision(self) -> str:
        """Plan id of the decision under the cursor, empty without one."""
        ...

    def next_part(self) -> None:
        """Show the next table."""
        ...


class StrategyControls(Protocol):
    """What commands may know and change of the strategies pane. Everything below is of ``selected``."""

    @property
    def table(self) -> StrategyPart:
        """The table that keys go to."""
        ...

    @property
    def selected(self) -> StrategyLine | None:
        """The strategy under the cursor."""
        ...

    @property
    def selected_held(self) -> HeldLine | None:
        """The holding under the cursor."""
        ...

    @property
    def selected_intent(self) -> IntentLine | None:
        """The intent under the cursor."""
        ...

    @property
    def selected_parameter(self) -> ParameterLine | None:
        """The parameter under the cursor."""
        ...

    def next_part(self) -> None:
        """Show the next part below."""
        ...


class PortfolioControls(Protocol):
    """What commands may know and change of the portfolio pane. Names are as they are shown."""

    @property
    def question(self) -> PortfolioQuery:
        """What the operator wants to know."""
        ...

    @property
    def report(self) -> PortfolioReport | None:
        """The answer, clean; None before it has come."""
        ...

    @property
    def detail(self) -> TradeDetail | None:
        """The trade that is looked at, clean; None before it came, or when nothing is known of it."""
        ...

    @property
    def detailed(self) -> bool:
        """Whether the report about that trade has come."""
        ...

    @property
    def config(self) -> str:
        """The configuration file of this run, empty for the usual one; clean."""
        ...

    @property
    def table(self) -> Part:
        """The table that keys go to."""
        ...

    @property
    def selected_trade(self) -> TradeLine | None:
        """The trade under the cursor."""
        ...

    @property
    def selected_flow(self) -> FlowLine | None:
        """The cash flow under the cursor."""
        ...

    @property
    def selected_holding(self) -> HoldingLine | None:
        """The holding under the cursor."""
        ...

    @property
    def nothing_behind(self) -> str:
        """Why the line under the cursor cannot be opened; empty when it can."""
        ...

    def next_part(self) -> None:
        """Show the next part."""
        ...

    def drill(self) -> None:
        """Show the trades behind the PnL under the cursor."""
        ...

    def back(self) -> None:
        """Go back from them; else take all filters away."""
        ...

    def next_group(self) -> None:
        """Split the PnL by the next thing."""
        ...

    def next_period(self) -> None:
        """Take the next period."""
        ...

    def next_side(self) -> None:
        """Only buys, only sells, both."""
        ...

    def toggle_manual(self) -> None:
        """Manual trades in or out."""
        ...

    def want_range(self, since: datetime | None, until: datetime | None) -> None:
        """Take everything from ``since`` on and before ``until`` (UTC; None: no bound)."""
        ...

    def want_pair(self, pair: str) -> None:
        """Only this pair; empty for all."""
        ...

    def want_strategy(self, strategy: str) -> None:
        """Only this strategy; empty for all."""
        ...

    def look_at(self, trade_id: str) -> None:
        """Ask for one trade closely; empty for none."""
        ...
