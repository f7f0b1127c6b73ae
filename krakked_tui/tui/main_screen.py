"""The one screen: chrome around a switcher of panes. Dialogs lie above it."""

from collections.abc import Set
from datetime import tzinfo

from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from krakked_tui.control.log_view import LogLine
from krakked_tui.control.settings_view import SettingRow
from krakked_tui.control.views import EngineView, OrderView
from krakked_tui.tui.chrome import COLUMNS_MIN, ROWS_MIN, AnswerLine, KeyFooter, TooSmall, TopBar
from krakked_tui.tui.command import Desk, PaneName
from krakked_tui.tui.panes.dashboard import DashboardPane
from krakked_tui.tui.panes.logs import LogsPane
from krakked_tui.tui.panes.market import MarketPane
from krakked_tui.tui.panes.orders import OrdersPane
from krakked_tui.tui.panes.portfolio import PortfolioPane
from krakked_tui.tui.panes.risk import RiskPane
from krakked_tui.tui.panes.settings import SettingsPane
from krakked_tui.tui.panes.start import StartPane
from krakked_tui.tui.panes.strategies import StrategiesPane
from krakked_tui.tui.session import Session
from krakked_tui.tui.store import EVERYTHING, Topic
from krakked_tui.tui.widgets.looks import Looks
from krakked_tui.tui.widgets.table import LiveTable

Pane = (
    StartPane
    | DashboardPane
    | RiskPane
    | StrategiesPane
    | OrdersPane
    | PortfolioPane
    | MarketPane
    | LogsPane
    | SettingsPane
)


class MainScreen(Screen[None]):
    """Top bar, pane, answer line, footer; or a sentence when there is no room for them.

    ``zone`` is the zone for times in tables.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone
        self.answer = AnswerLine("answer")
        self._top = TopBar("top")
        self._footer = KeyFooter("footer")
        self._too_small = TooSmall("too-small")
        self.portfolio = PortfolioPane(zone)
        self.market = MarketPane(zone)
        self.logs = LogsPane(zone)
        self.risk = RiskPane(zone)
        self.strategies = StrategiesPane(zone)
        self._dashboard = DashboardPane(zone)
        self._orders = OrdersPane(zone)
        self._settings = SettingsPane(zone)
        self._panes: dict[PaneName, Pane] = {
            PaneName.START: StartPane(),
            PaneName.DASHBOARD: self._dashboard,
            PaneName.RISK: self.risk,
            PaneName.STRATEGIES: self.strategies,
            PaneName.ORDERS: self._orders,
            PaneName.PORTFOLIO: self.portfolio,
            PaneName.MARKET: self.market,
            PaneName.LOGS: self.logs,
            PaneName.SETTINGS: self._settings,
        }
        self._switcher = ContentSwitcher(*self._panes.values(), initial=PaneName.START, id="panes")

    def compose(self) -> ComposeResult:
        """Everything from top to bottom."""
        yield Looks()
        yield self._top
        yield self._switcher
        yield self.answer
        yield self._footer
        yield self._too_small

    @property
    def front(self) -> PaneName:
        """The pane that is shown."""
        return PaneName(self._switcher.current or PaneName.START)

    def switch(self, name: PaneName, view: EngineView) -> None:
        """Bring a pane to the front, with its focus on its first table."""
        if name is self.front:
            return
        self._switcher.current = name
        pane = self._panes[name]
        self.set_focus(next((table for table in pane.query(LiveTable) if table.display), None))
        pane.update(view, EVERYTHING)

    def show(self, session: Session, desk: Desk, dirty: Set[Topic]) -> None:
        """Show what changed: the chrome, and the pane in front only."""
        view = session.view
        self._take(session)
        self._panes[self.front].update(view, dirty)
        session.look_at(self.market.pair if self.front is PaneName.MARKET else "", self.market.timeframe)
        self._top.update(view, session.silence)
        self.answer.update(view, session.dispatcher, session.now())
        self._footer.update(desk)
        self._too_small.update(view, self.size)

    def _take(self, session: Session) -> None:
        """Ask for what the pane in front shows, and for nothing else."""
        self._settings.take(session.settings_view)
        match self.front:
            case PaneName.RISK:
                self.risk.take(session.risk(), session.decisions())
            case PaneName.STRATEGIES:
                self.strategies.take(session.strategies())
            case PaneName.MARKET:
                self.market.take(session.market(), session.now())
            case PaneName.PORTFOLIO:
                self.portfolio.take(session.portfolio(self.portfolio.question), session.settings_view.config)
            case PaneName.LOGS:
                self.logs.take(session.market().data, session.logs())

    def explainable(self, view: EngineView) -> str:
        """Return the id behind the line under the cursor that can be explained, empty without one."""
        match self.front:
            case PaneName.DASHBOARD:
                return self._dashboard.explainable(view)
            case PaneName.ORDERS:
                order = self._orders.selected_order(view)
                return order.cl_ord_id if order is not None else ""
            case PaneName.PORTFOLIO:
                return self.portfolio.explainable
            case PaneName.RISK:
                return self.risk.explainable
            case _:
                return ""

    def selected_order(self, view: EngineView) -> OrderView | None:
        """Return the order under the cursor, if the orders pane is in front."""
        pane = self._panes[self.front]
        return pane.selected_order(view) if isinstance(pane, OrdersPane) else None

    @property
    def selected_setting(self) -> SettingRow | None:
        """The setting under the cursor, if the settings pane is in front."""
        return self._settings.selected if self.front is PaneName.SETTINGS else None

    @property
    def selected_record(self) -> LogLine | None:
        """The record under the cursor, if the logs pane is in front."""
        return self.logs.selected if self.front is PaneName.LOGS else None

    def use_zone(self, zone: tzinfo) -> None:
        """Show times in another zone from the next full update on."""
        self.zone = zone
        for pane in self._panes.values():
            if not isinstance(pane, StartPane):
                pane.zone = zone

    def fit(self, size: Size) -> None:
        """Replace everything by a sentence while the terminal is too small."""
        self.set_class(size.width < COLUMNS_MIN or size.height < ROWS_MIN, "-too-small")
