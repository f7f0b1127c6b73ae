"""The controller protocol: what every door to an engine offers, in process or over a socket."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from krakked_tui.control.commands import Actor, Answer, Command
from krakked_tui.control.log_view import LogPage
from krakked_tui.control.market_view import MarketView
from krakked_tui.control.portfolio_view import PortfolioQuery, PortfolioReport
from krakked_tui.control.risk_view import DecisionLine, Explanation, RiskPreview, RiskView, Silence, WhatIf
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.views import EngineView
from krakked_tui.domain.candles import Timeframe


class Controller(Protocol):
    """A door to one engine. Safe to use from a thread other than the engine's."""

    def view(self) -> EngineView:
        """The latest picture. Never waits, never does I/O."""
        ...

    def settings(self) -> SettingsView:
        """The effective settings. Never waits, never does I/O."""
        ...

    def market(self) -> MarketView:
        """The latest picture of the market. Never waits, never does I/O.

        Pictures are made only for those who look: the first call gets an old one, and has a new one made.
        """
        ...

    def look_at(self, pair: str | None, timeframe: Timeframe) -> None:
        """Have the market's picture show one pair closely (None: none). Never waits; no command.

        It lasts for as long as somebody asks for pictures.
        """
        ...

    def logs(self, after: int, limit: int) -> LogPage:
        """The log's records after the one numbered ``after`` (0: all that are kept), oldest first.

        At most ``limit`` at a time: ask again for more. Never waits, never does I/O.
        """
        ...

    def portfolio(self, query: PortfolioQuery) -> PortfolioReport | None:
        """The latest report that answers this query, None before there is one. Never waits, never does I/O.

        Reports are made for those who look, beside the engine's loop, and anew when the books changed.
        """
        ...

    def risk(self) -> RiskView:
        """The latest picture of the limits. Never waits, never does I/O; made anew for those who look."""
        ...

    def strategies(self) -> StrategiesView:
        """The latest picture of the strategies. Never waits, never does I/O; made anew for those who look."""
        ...

    def decisions(self) -> tuple[DecisionLine, ...]:
        """The latest decisions, newest first. Never waits, never does I/O."""
        ...

    async def preview(self, changes: Mapping[str, str]) -> RiskPreview:
        """Say what a change of settings would do; nothing is changed. See ``ChangeSettings``."""
        ...

    async def preset(self, name: str) -> RiskPreview:
        """Say what filling ``risk`` from a preset would change."""
        ...

    async def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None = None) -> WhatIf:
        """Say what every limit would answer to a buy of a pair for so much now.

        Without a stop, the one that risk would set itself.
        """
        ...

    async def explain(self, name: str) -> Explanation:
        """Tell the whole chain of a decision, by plan id, or by any id of one of its orders."""
        ...

    async def explain_silence(self, strategy_id: str, pair: str) -> Silence:
        """Say why a strategy does not trade a pair now."""
        ...

    async def execute(self, command: Command, actor: Actor) -> Answer:
        """Hand a command to the engine and wait for its answer.

        Commands go to the head of every queue. Cancelling the wait does not take the command back.
        """
        ...
