"""One operator's session with one engine: its newest picture, what was asked of it, when to go.

No widget here: the screen shows what the session knows, and the session never paints.
"""

from collections.abc import Callable

import msgspec

from krakked_tui.control.commands import Command, Shutdown
from krakked_tui.control.controller import Controller
from krakked_tui.control.market_view import MarketView
from krakked_tui.control.portfolio_view import PortfolioQuery
from krakked_tui.control.risk_view import DecisionLine, RiskView
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.control.views import EngineView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.dispatch import Dispatcher, Work
from krakked_tui.tui.exits import Departure, ExitReason
from krakked_tui.tui.inquiry import Inquirer
from krakked_tui.tui.log_store import LogStore
from krakked_tui.tui.market_store import MarketStore
from krakked_tui.tui.portfolio_store import PortfolioStore
from krakked_tui.tui.risk_store import RiskStore
from krakked_tui.tui.store import Topic, UiStore, cleaned


class Session:
    """Everything between the controller and the screen. ``now`` gives monotonic seconds.

    ``cancels_orders`` says whether stopping the engine cancels open orders.
    """

    def __init__(
        self,
        controller: Controller,
        settings: UiSettings,
        now: Callable[[], float],
        on_error: Callable[[Exception], None],
        *,
        cancels_orders: bool = False,
    ) -> None:
        self._controller = controller
        self._store = UiStore(controller.view(), now())
        self._raw_settings = controller.settings()
        self.settings_view: SettingsView = cleaned(self._raw_settings)
        """The newest effective settings, clean."""
        self._market = MarketStore()
        self._logs = LogStore()
        self._portfolio = PortfolioStore()
        self._risk = RiskStore()
        self._on_error = on_error
        self._looked_at: tuple[str, Timeframe] | None = None
        self._departure = Departure()
        self._shutdown = 0
        self.settings = settings
        self.now = now
        self.cancels_orders = cancels_orders
        self.dispatcher = Dispatcher(controller, now, on_error)

    @property
    def view(self) -> EngineView:
        """The newest picture, clean."""
        return self._store.view

    @property
    def silence(self) -> float:
        """How many seconds ago the newest picture came."""
        return self._store.silence(self.now())

    def refresh(self) -> frozenset[Topic]:
        """Take the newest picture in and return what changed. Never waits."""
        dirty = self._store.apply(self._controller.view(), self.now())
        self._follow_settings(self._controller.settings())
        asked = self.dispatcher.asks_of_strategies
        self.dispatcher.observe(self.view, self.settings_view, self.strategies() if asked else None)
        return dirty

    def _follow_settings(self, settings: SettingsView) -> None:
        """Take changed settings in; whether this screen only watches does not change while it runs."""
        if settings is self._raw_settings or settings == self._raw_settings:
            return
        if settings.ui != self._raw_settings.ui:
            self.settings = msgspec.structs.replace(settings.ui, read_only=self.settings.read_only)
        self._raw_settings = settings
        self.settings_view = cleaned(settings)

    def market(self) -> MarketView:
        """Return the newest market, clean. Never waits."""
        self._market.apply(self._controller.market())
        return self._market.view

    def logs(self) -> LogStore:
        """Return the log with what is new in it. Never waits."""
        self._logs.follow(self._controller.logs)
        return self._logs

    def portfolio(self, query: PortfolioQuery) -> PortfolioStore:
        """Return what is known of the answer to a query. Never waits."""
        self._portfolio.apply(query, self._controller.portfolio(query))
        return self._portfolio

    def risk(self) -> RiskView:
        """Return the newest picture of the limits, clean. Never waits."""
        return self._risk.apply_risk(self._controller.risk())

    def strategies(self) -> StrategiesView:
        """Return the newest picture of the strategies, clean. Never waits."""
        return self._risk.apply_strategies(self._controller.strategies())

    def decisions(self) -> tuple[DecisionLine, ...]:
        """Return the latest decisions, clean, newest first. Never waits."""
        return self._risk.apply_decisions(self._controller.decisions())

    def inquirer(self, run: Callable[[Work], None]) -> Inquirer:
        """Return what asks the engine questions; ``run`` does such work beside the screen."""
        return Inquirer(self._controller, self.now, self.name_at_the_engine, run, self._on_error)

    def name_at_the_engine(self, name: str) -> str:
        """Return what is shown as ``name``, as the engine calls it."""
        return self._risk.name_at_the_engine(self._market.name_at_the_engine(name))

    def look_at(self, pair: str, timeframe: Timeframe) -> None:
        """Ask for a pair closely, or with an empty name for none; asks again only for another one."""
        wanted = (pair, timeframe) if pair else None
        if wanted == self._looked_at:
            return
        self._looked_at = wanted
        self._controller.look_at(self._market.name_at_the_engine(pair) or None, timeframe)

    def look_away(self) -> None:
        """Ask for no pair closely any more."""
        self.look_at("", Timeframe.M1)

    def submit(self, command: Command, label: str) -> Work | None:
        """Take a command on; the caller runs the returned work."""
        return self.dispatcher.submit(command, label, self.view)

    def stop(self) -> Work | None:
        """Tell the engine to stop because the operator leaves."""
        self._departure.begin(self.now())
        work = self.submit(Shutdown(reason="operator quit"), "stop the engine")
        self._shutdown = self.dispatcher.sent
        return work

    def ending(self) -> ExitReason | None:
        """Return why the screen should end now, None to stay."""
        return self._departure.check(self.view, self.dispatcher.outcome(self._shutdown), self.now())
