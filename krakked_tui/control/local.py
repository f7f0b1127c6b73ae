"""The controller of an engine in the same process."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, assert_never

from krakked_tui.control import commands as c
from krakked_tui.control.curve_picture import PastCurve
from krakked_tui.control.log_picture import LogSource, log_page
from krakked_tui.control.log_view import LogPage
from krakked_tui.control.market_view import MarketView
from krakked_tui.control.onlookers import Onlookers
from krakked_tui.control.picture import engine_view
from krakked_tui.control.portfolio_desk import PortfolioDesk
from krakked_tui.control.portfolio_picture import LedgerRows, no_rows
from krakked_tui.control.portfolio_view import PortfolioQuery, PortfolioReport
from krakked_tui.control.reloading import LOGGED_MAX, ChangesDoor, Reloading
from krakked_tui.control.risk_desk import RiskDesk, StrategyDoor
from krakked_tui.control.risk_questions import PreviewDoor, RiskQuestions
from krakked_tui.control.risk_view import DecisionLine, Explanation, RiskPreview, RiskView, Silence, WhatIf
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.views import EngineView
from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Log
from krakked_tui.decision.state import EPOCH
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.chains import JournalLook, NoJournal
from krakked_tui.engine.engine import Engine
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.signals import AnyStrategy
from krakked_tui.engine.thread import EngineThread
from krakked_tui.strategies.loaded import StrategySet

MESSAGES = 200


class SettingsDoor(StrategyDoor, ChangesDoor, PreviewDoor, Protocol):
    """Keeps the settings of a run. Methods may be called from any thread."""

    def view(self) -> SettingsView:
        """What is in force. Never waits."""
        ...

    def change(self, key: str, value: str) -> str:
        """Change and keep a setting; returns what came of it. Blocks on the disk; raises ``KrakkedError``."""
        ...


class LocalController:
    """Implements ``Controller``.

    Its methods may be used from any thread; ``publish`` and ``note`` belong to the engine's loop.
    """

    def __init__(
        self, *, mode: str, profile: str, other_host: str, answers: Answers, keeper: SettingsDoor,
        log: LogSource, strategies: Sequence[AnyStrategy] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """``monotonic`` tells wall seconds, as the engine's clock does.

        Charts show what ``strategies`` draw.
        """
        self._log = log
        self._keeper = keeper
        self._mode = mode
        self._profile = profile
        self._other_host = other_host
        self._answers = answers
        self._messages: deque[str] = deque(maxlen=MESSAGES)
        self._version = 0
        self._thread: EngineThread | None = None
        self._onlookers = Onlookers(monotonic, strategies)
        self._desk = PortfolioDesk(monotonic)
        self._risk = RiskDesk(monotonic, keeper)
        self._questions = RiskQuestions(self._risk, keeper, self._call)
        self._reloading = Reloading(keeper, answers, self._call, self._use)
        self._past = PastCurve()
        self.publish(Moment(at=EPOCH))

    def attach(
        self, thread: EngineThread, ledger_rows: LedgerRows = no_rows, journal: JournalLook | None = None
    ) -> None:
        """Say which engine commands go to.

        ``ledger_rows`` reads those of a trade from its journal, ``journal`` looks at decisions in it; neither
        is ever called on the engine's loop.
        """
        self._thread = thread
        self._desk.ledger_rows = ledger_rows
        self._risk.journal = journal or NoJournal()

    def publish(self, moment: Moment) -> None:
        """Make a new picture and show it to every reader, in one assignment."""
        self._version += 1
        self._view = engine_view(
            moment,
            version=self._version,
            mode=self._mode,
            profile=self._profile,
            other_host=self._other_host,
            messages=tuple(self._messages),
            past=self._past,
        )
        self._onlookers.draw(moment)
        self._desk.rest()
        self._risk.after(moment)

    def note(self, log: Log) -> None:
        """Keep what an operator should know."""
        if log.message:
            self._messages.append(log.message)

    def view(self) -> EngineView:
        """The latest picture. Never waits, never does I/O."""
        return self._view

    def settings(self) -> SettingsView:
        """The effective settings. Never waits, never does I/O."""
        return self._keeper.view()

    def logs(self, after: int, limit: int) -> LogPage:
        """The log's records after the one numbered ``after``, oldest first. Never waits, never does I/O."""
        return log_page(self._log, after, limit)

    def market(self) -> MarketView:
        """The latest picture of the market. Never waits, never does I/O.

        The engine's loop makes a new one meanwhile, at most a few times a second.
        """
        view = self._onlookers.ask()
        self._order_picture()
        return view

    def look_at(self, pair: str | None, timeframe: Timeframe) -> None:
        """Have the market's picture show one pair closely (None: none). Never waits; no command."""
        self._onlookers.look_at(pair, timeframe)
        self._order_picture(at_once=True)

    def _order_picture(self, *, at_once: bool = False) -> None:
        thread = self._thread
        if thread is None or not self._onlookers.order(at_once=at_once):
            return
        if not thread.call(lambda engine: self._onlookers.draw(engine.current())):
            self._onlookers.cancel_order()

    def portfolio(self, query: PortfolioQuery) -> PortfolioReport | None:
        """The latest report that answers this query, None before there is one. Never waits, never does I/O.

        The engine's loop hands out the facts for a new one meanwhile, and a thread makes it: at once for a
        query that is new, else at most twice a second while something changes.
        """
        report = self._desk.ask(query)
        thread = self._thread
        if self._desk.order(query) and not (
            thread is not None and thread.call(lambda engine: self._desk.collect(engine.current()))
        ):
            self._desk.cancel_order()
        return report

    def risk(self) -> RiskView:
        """The latest picture of the limits. Never waits, never does I/O; made anew for those who look."""
        view = self._risk.risk()
        self._order_risk()
        return view

    def strategies(self) -> StrategiesView:
        """The latest picture of the strategies. Never waits, never does I/O; made anew for those who look."""
        view = self._risk.strategies()
        self._order_risk()
        return view

    def decisions(self) -> tuple[DecisionLine, ...]:
        """The latest decisions, newest first. Never waits, never does I/O."""
        found = self._risk.decisions()
        self._order_risk()
        return found

    def _order_risk(self) -> None:
        if self._risk.order() and not self._call(lambda engine: self._risk.collect(engine.current())):
            self._risk.cancel_order()

    async def preview(self, changes: Mapping[str, str]) -> RiskPreview:
        """Say what a change of settings would do; nothing is changed."""
        return await self._questions.preview(changes)

    async def preset(self, name: str) -> RiskPreview:
        """Say what filling ``risk`` from a preset would change."""
        return await self._questions.preset(name)

    async def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None = None) -> WhatIf:
        """Say what every limit would answer to a buy of a pair for so much now."""
        return await self._questions.what_if(pair, usd, stop_price)

    async def explain(self, name: str) -> Explanation:
        """Tell the whole chain of a decision, by plan id, or by any id of one of its orders or trades."""
        return await self._questions.explain(name)

    async def explain_silence(self, strategy_id: str, pair: str) -> Silence:
        """Say why a strategy does not trade a pair now."""
        return await self._questions.explain_silence(strategy_id, pair)

    def _call(self, work: Callable[[Engine], None]) -> bool:
        thread = self._thread
        return thread is not None and thread.call(work)

    def _use(self, strategies: StrategySet) -> None:
        """Show the indicators of these strategies, where that runs no code of the user's on the loop."""
        self._onlookers.use([each.strategy for each in strategies.strategies if not each.in_worker])

    async def execute(self, command: c.Command, actor: c.Actor) -> c.Answer:
        """Hand a command to the engine and wait for its answer.

        While ``ui.read_only`` is set every command is refused, whoever sends it.
        """
        if self._keeper.view().ui.read_only:
            return c.Answer(accepted=False, message="refused: this run is only watched (ui.read_only)")
        if isinstance(command, c.ChangeSetting):
            return await self._change(command, actor)
        if isinstance(command, c.ChangeSettings | c.EnableStrategy):
            return await asyncio.to_thread(self._reloading.run, command, actor)
        ticket, future = self._answers.open()
        thread = self._thread
        if thread is None or not thread.call(_delivery(command, actor, ticket)):
            return c.Answer(accepted=False, message="the engine has stopped")
        answer = await asyncio.wrap_future(future)
        return c.Answer(answer.accepted, answer.message)

    async def _change(self, command: c.ChangeSetting, actor: c.Actor) -> c.Answer:
        """Change a setting. The engine has no part in it: the file is written on a thread of its own."""
        try:
            message = await asyncio.to_thread(self._keeper.change, command.key, command.value)
            answer = c.Answer(accepted=True, message=message)
        except KrakkedError as error:
            answer = c.Answer(accepted=False, message=str(error))
        thread, key, value = self._thread, command.key[:LOGGED_MAX], command.value[:LOGGED_MAX]
        if thread is not None:
            thread.call(
                lambda engine: engine.inbox.put(
                    e.SettingChanged(engine.clock.now(), actor, key, value, answer.message)
                )
            )
        return answer


def _delivery(command: c.EngineCommand, actor: c.Actor, ticket: int) -> Callable[[Engine], None]:
    def deliver(engine: Engine) -> None:
        if isinstance(command, c.Shutdown):
            engine.request_stop(command.reason, actor, ticket)
        elif isinstance(command, c.IngestCandles):
            engine.read_candles(actor, ticket)
        else:
            engine.inbox.put(_event(command, actor, ticket, engine))

    return deliver


def _event(command: c.CoreCommand, actor: c.Actor, ticket: int, engine: Engine) -> e.Event:  # noqa: PLR0911 - one arm per command
    at = engine.clock.now()
    match command:
        case c.SetKillSwitch(reason):
            return e.KillRequested(at, ticket, actor, reason)
        case c.ClearKillSwitch(confirm):
            return e.KillClearRequested(at, ticket, actor, confirm)
        case c.CancelOrder(cl_ord_id):
            return e.CancelRequested(at, ticket, actor, cl_ord_id)
        case c.CancelAll():
            return e.CancelRequested(at, ticket, actor, None)
        case c.FlattenAll(confirm, reason):
            return e.FlattenRequested(at, ticket, actor, confirm, reason)
        case c.AcceptBalances(confirm):
            return e.AcceptBalancesRequested(at, ticket, actor, confirm)
        case c.PauseCycles() | c.ResumeCycles():
            return e.PauseRequested(at, ticket, actor, paused=isinstance(command, c.PauseCycles))
        case _:
            assert_never(command)
