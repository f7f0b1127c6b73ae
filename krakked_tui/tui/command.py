"""What a command is, and the desk it works at.

One class per command: its key, footer text, palette entry and help line follow from it. A command
acts through a ``Desk`` and knows no widget.
"""

from abc import ABC, abstractmethod
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import ClassVar, Protocol

from krakked_tui.control.commands import Command
from krakked_tui.control.log_view import LogLine
from krakked_tui.control.portfolio_view import (
    FlowLine,
    HoldingLine,
    PortfolioQuery,
    PortfolioReport,
    TradeDetail,
    TradeLine,
)
from krakked_tui.control.settings_view import SettingRow
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView, OrderView
from krakked_tui.tui.portfolio_choice import Part


class PaneName(StrEnum):
    """The panes of the main screen."""

    START = "start"
    DASHBOARD = "dashboard"
    LOGS = "logs"
    ORDERS = "orders"
    PORTFOLIO = "portfolio"
    MARKET = "market"
    SETTINGS = "settings"


class DialogName(StrEnum):
    """The dialogs a command may open."""

    ACCEPT_BALANCES = "accept_balances"
    ARM = "arm"
    CANCEL_ALL = "cancel_all"
    CANCEL_ORDER = "cancel_order"
    CHANGE_SETTING = "change_setting"
    FLATTEN = "flatten"
    HELP = "help"
    NOTES = "notes"
    ORDER = "order"
    PALETTE = "palette"
    PICK_PAIR = "pick_pair"
    PICK_STRATEGY = "pick_strategy"
    PORTFOLIO_LINE = "portfolio_line"
    QUIT = "quit"
    RANGE = "range"
    RATE_LIMITS = "rate_limits"
    RECORD = "record"
    SETTING = "setting"
    TRADE = "trade"


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


class Desk(Protocol):
    """What commands may use of the screen."""

    @property
    def view(self) -> EngineView:
        """The newest picture, clean."""
        ...

    @property
    def settings(self) -> UiSettings:
        """The settings of the screen."""
        ...

    @property
    def zone(self) -> tzinfo:
        """The zone for times in tables."""
        ...

    @property
    def cancels_orders(self) -> bool:
        """Whether stopping the engine cancels open orders."""
        ...

    @property
    def pane(self) -> PaneName:
        """The pane in front."""
        ...

    @property
    def selected_order(self) -> OrderView | None:
        """The order under the cursor of the orders pane."""
        ...

    @property
    def selected_setting(self) -> SettingRow | None:
        """The setting under the cursor of the settings pane."""
        ...

    @property
    def selected_record(self) -> LogLine | None:
        """The record under the cursor of the logs pane; its texts are not clean."""
        ...

    @property
    def logs(self) -> LogControls:
        """The logs pane."""
        ...

    @property
    def portfolio(self) -> PortfolioControls:
        """The portfolio pane."""
        ...

    @property
    def market(self) -> MarketControls:
        """The market pane."""
        ...

    def show_pane(self, name: PaneName) -> None:
        """Bring a pane to the front."""
        ...

    @property
    def in_dialog(self) -> bool:
        """Whether a dialog is open."""
        ...

    def open_dialog(self, name: DialogName) -> None:
        """Open a dialog above everything."""
        ...

    def submit(self, command: Command, label: str) -> None:
        """Send a command to the engine and follow it in the answer line."""
        ...

    def stop_and_leave(self) -> None:
        """Stop the engine, then close the screen."""
        ...

    def leave(self) -> None:
        """Close the screen without a word to the engine."""
        ...

    def run_command(self, command: "UiCommand") -> None:
        """Run a command, or say why it cannot run now."""
        ...


class UiCommand(ABC):
    """One thing an operator can do.

    ``keys`` work where no text is typed and no dialog is open, the keys in ``everywhere`` also in
    text fields and dialogs. ``acts`` marks commands that reach the engine: a read-only screen does
    not have them. ``dangerous`` ones always go through their dialog. Where the footer has no room,
    the highest ``footer_rank`` goes first.
    """

    id: ClassVar[str]
    keys: ClassVar[tuple[str, ...]] = ()
    everywhere: ClassVar[tuple[str, ...]] = ()
    footer: ClassVar[str] = ""
    footer_rank: ClassVar[int] = 1
    title: ClassVar[str]
    help: ClassVar[str]
    acts: ClassVar[bool] = False
    dangerous: ClassVar[bool] = False
    pane: ClassVar[PaneName | None] = None

    def unavailable(self, _desk: Desk) -> str:
        """Return why the command makes no sense now, empty when it does."""
        return ""

    def in_footer(self, _desk: Desk) -> bool:
        """Say whether the footer of this moment names the command."""
        return bool(self.footer)

    def footer_text(self, _desk: Desk) -> str:
        """Return what the footer says now."""
        return self.footer

    @abstractmethod
    def run(self, desk: Desk) -> None:
        """Do it."""


class ShowPane(UiCommand):
    """Brings a pane to the front."""

    target: ClassVar[PaneName]
    footer_rank = 2

    def in_footer(self, desk: Desk) -> bool:
        """Name the way from another pane only."""
        return desk.pane not in {PaneName.START, self.target}

    def run(self, desk: Desk) -> None:
        """Bring it to the front."""
        desk.show_pane(self.target)


class OpenDialog(UiCommand):
    """Opens a dialog, which does the rest."""

    dialog: ClassVar[DialogName]

    def run(self, desk: Desk) -> None:
        """Open it."""
        desk.open_dialog(self.dialog)


_KEY_TEXTS = {
    "question_mark": "?",
    "enter": "⏎",
    "escape": "esc",
    "f9": "F9",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def key_text(key: str) -> str:
    """Return a key as it is written in the footer and the help."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    return _KEY_TEXTS.get(key, key)


def first_key(command: UiCommand) -> str:
    """Return the key that the footer shows."""
    return key_text((command.keys + command.everywhere)[0])
