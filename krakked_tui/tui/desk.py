"""The desk that commands and dialogs work at: it changes what is in front and sends to the engine."""

from collections.abc import Callable
from datetime import tzinfo

from textual.app import App

from krakked_tui.control.commands import Command
from krakked_tui.control.log_view import LogLine
from krakked_tui.control.risk_view import RiskView
from krakked_tui.control.settings_view import SettingRow, SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView, OrderView
from krakked_tui.tui.command import DialogName, PaneName, UiCommand
from krakked_tui.tui.dialogs.base import Dialog
from krakked_tui.tui.dispatch import Work
from krakked_tui.tui.main_screen import MainScreen
from krakked_tui.tui.pane_controls import (
    LogControls,
    MarketControls,
    PortfolioControls,
    RiskControls,
    StrategyControls,
)
from krakked_tui.tui.session import Session


class OperatorDesk:
    """The desk of one screen; ``command.Desk`` says what each part is for.

    ``wanted`` is the pane the operator chose, whatever start-up shows meanwhile. ``on_change``
    repaints, ``on_leave`` closes the screen.
    """

    def __init__(
        self,
        app: App[None],
        session: Session,
        main: MainScreen,
        on_change: Callable[[], None],
        on_leave: Callable[[], None],
    ) -> None:
        self._app = app
        self._session = session
        self._main = main
        self._on_change = on_change
        self._on_leave = on_leave
        self.wanted = PaneName.DASHBOARD
        self.ask = session.inquirer(self._ask)

    @property
    def view(self) -> EngineView:
        """The newest picture, clean."""
        return self._session.view

    @property
    def settings(self) -> UiSettings:
        """The settings of the screen."""
        return self._session.settings

    @property
    def zone(self) -> tzinfo:
        """The zone for times in tables."""
        return self._main.zone

    @property
    def cancels_orders(self) -> bool:
        """Whether stopping the engine cancels open orders."""
        return self._session.cancels_orders

    @property
    def pane(self) -> PaneName:
        """The pane in front."""
        return self._main.front

    @property
    def selected_order(self) -> OrderView | None:
        """The order under the cursor of the orders pane."""
        return self._main.selected_order(self.view)

    @property
    def selected_setting(self) -> SettingRow | None:
        """The setting under the cursor of the settings pane."""
        return self._main.selected_setting

    @property
    def selected_record(self) -> LogLine | None:
        """The record under the cursor of the logs pane."""
        return self._main.selected_record

    @property
    def in_dialog(self) -> bool:
        """Whether a dialog is open."""
        return isinstance(self._app.screen, Dialog)

    @property
    def portfolio(self) -> PortfolioControls:
        """The portfolio pane."""
        return self._main.portfolio

    @property
    def market(self) -> MarketControls:
        """The market pane."""
        return self._main.market

    @property
    def logs(self) -> LogControls:
        """The logs pane."""
        return self._main.logs

    @property
    def risk_pane(self) -> RiskControls:
        """The risk pane."""
        return self._main.risk

    @property
    def strategy_pane(self) -> StrategyControls:
        """The strategies pane."""
        return self._main.strategies

    @property
    def explainable(self) -> str:
        """The id behind the line under the cursor that can be asked for, empty without one."""
        return self._main.explainable(self.view)

    @property
    def risk(self) -> RiskView:
        """The newest picture of the limits, clean."""
        return self._session.risk()

    @property
    def strategies(self) -> StrategiesView:
        """The newest picture of the strategies, clean."""
        return self._session.strategies()

    @property
    def effective(self) -> SettingsView:
        """The settings in force, clean."""
        return self._session.settings_view

    @property
    def pairs(self) -> tuple[str, ...]:
        """Every pair of the market's newest picture, as shown."""
        return tuple(row.pair for row in self._session.market().rows)

    def name_at_the_engine(self, name: str) -> str:
        """Return what is shown as ``name``, as the engine calls it."""
        return self._session.name_at_the_engine(name)

    def show_pane(self, name: PaneName) -> None:
        """Bring a pane to the front."""
        self.wanted = name
        self._on_change()

    def open_dialog(self, name: DialogName) -> None:
        """Open a dialog above everything; one that is open already comes back to the front."""
        # Imported here because the first paint needs no dialog.
        from krakked_tui.tui.dialogs.table import DIALOGS

        kind = DIALOGS[name]
        same = [screen for screen in self._app.screen_stack if type(screen) is kind]
        if not same:
            self._app.push_screen(kind(self))
        while same and self._app.screen is not same[0]:
            self._app.pop_screen()
        self._on_change()

    def submit(self, command: Command, label: str) -> None:
        """Send a command to the engine and follow it in the answer line."""
        self._run(self._session.submit(command, label))

    def stop_and_leave(self) -> None:
        """Stop the engine, then close the screen."""
        if self.settings.read_only:
            self.leave()
        else:
            self._run(self._session.stop())

    def leave(self) -> None:
        """Close the screen without a word to the engine."""
        self._on_leave()

    def run_command(self, command: UiCommand) -> None:
        """Run a command, or say why it cannot run now."""
        reason = command.unavailable(self)
        if reason:
            self._main.answer.notice(reason, self._session.now())
        else:
            command.run(self)
        self._on_change()

    def _run(self, work: Work | None) -> None:
        if work is not None:
            self._app.run_worker(self._until_answered(work), group="commands", exit_on_error=False)
        self._on_change()

    def _ask(self, work: Work) -> None:
        self._app.run_worker(self._until_answered(work), group="questions", exit_on_error=False)

    async def _until_answered(self, work: Work) -> None:
        await work
        self._on_change()
