"""What a command is, and the desk it works at.

One class per command: its key, footer text, palette entry and help line follow from it. A command
acts through a ``Desk`` and knows no widget.
"""

from abc import ABC, abstractmethod
from datetime import tzinfo
from enum import StrEnum
from typing import ClassVar, Protocol

from krakked_tui.control.commands import Command
from krakked_tui.control.log_view import LogLine
from krakked_tui.control.risk_view import RiskView
from krakked_tui.control.settings_view import SettingRow, SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView, OrderView
from krakked_tui.tui.inquiry import Inquirer
from krakked_tui.tui.pane_controls import (
    LogControls,
    MarketControls,
    PortfolioControls,
    RiskControls,
    StrategyControls,
)


class PaneName(StrEnum):
    """The panes of the main screen."""

    START = "start"
    DASHBOARD = "dashboard"
    LOGS = "logs"
    ORDERS = "orders"
    PORTFOLIO = "portfolio"
    MARKET = "market"
    RISK = "risk"
    SETTINGS = "settings"
    STRATEGIES = "strategies"


class DialogName(StrEnum):
    """The dialogs a command may open."""

    ACCEPT_BALANCES = "accept_balances"
    ARM = "arm"
    CANCEL_ALL = "cancel_all"
    CANCEL_ORDER = "cancel_order"
    CHANGE_LIMITS = "change_limits"
    CHANGE_SETTING = "change_setting"
    CHANGE_STRATEGY = "change_strategy"
    FLATTEN = "flatten"
    HELP = "help"
    MANUAL = "manual"
    NOTES = "notes"
    ORDER = "order"
    PALETTE = "palette"
    PICK_PAIR = "pick_pair"
    PICK_STRATEGY = "pick_strategy"
    PORTFOLIO_LINE = "portfolio_line"
    PRESET = "preset"
    QUIT = "quit"
    RANGE = "range"
    RATE_LIMITS = "rate_limits"
    RECORD = "record"
    RISK_LINE = "risk_line"
    SETTING = "setting"
    SILENCE = "silence"
    STRATEGY_LINE = "strategy_line"
    SWITCH_STRATEGY = "switch_strategy"
    TRADE = "trade"
    WHAT_IF = "what_if"
    WHY = "why"


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

    @property
    def risk_pane(self) -> RiskControls:
        """The risk pane."""
        ...

    @property
    def strategy_pane(self) -> StrategyControls:
        """The strategies pane."""
        ...

    @property
    def explainable(self) -> str:
        """The id behind the line under the cursor that ``explain`` can be asked for, empty without one."""
        ...

    @property
    def risk(self) -> RiskView:
        """The newest picture of the limits, clean."""
        ...

    @property
    def strategies(self) -> StrategiesView:
        """The newest picture of the strategies, clean."""
        ...

    @property
    def effective(self) -> SettingsView:
        """The settings in force, clean."""
        ...

    @property
    def pairs(self) -> tuple[str, ...]:
        """Every pair of the market's newest picture, as shown."""
        ...

    @property
    def ask(self) -> Inquirer:
        """Asks the engine what takes a while to answer."""
        ...

    def name_at_the_engine(self, name: str) -> str:
        """Return what is shown as ``name``, as the engine calls it."""
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
