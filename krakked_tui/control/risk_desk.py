"""Pictures of limits, strategies and decisions, made only while somebody looks, beside the engine's loop.

The loop hands out the facts; a thread of its own works on them; whoever asked, in whatever thread, takes the
latest. Of every cycle, looked at or not, it is noted which gates were open.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Protocol

import msgspec

from krakked_tui.config.schema import AppConfig
from krakked_tui.control.risk_picture import decision_line, risk_view
from krakked_tui.control.risk_view import DecisionLine, RiskView
from krakked_tui.control.strategy_picture import Made, StrategySources, made_by, strategies_view
from krakked_tui.control.strategy_view import ParameterLine, StrategiesView
from krakked_tui.domain.errors import StorageError
from krakked_tui.engine.chains import JournalLook, NoJournal, Traded
from krakked_tui.engine.gates_passed import PassedGates
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.portfolio_service import PortfolioFacts, PortfolioService
from krakked_tui.engine.portfolio_service import take_facts as take_portfolio_facts
from krakked_tui.engine.recent_decisions import RecentDecisions
from krakked_tui.engine.risk_facts import RiskFacts, Taken, take, work_out
from krakked_tui.engine.strategy_risk import StrategyRiskEngine
from krakked_tui.strategies.loaded import StrategySet

PICTURE_SECONDS = 0.5
"""Between two pictures."""
ASKED_SECONDS = 5.0
"""Whoever asked this lately still looks."""
RELEASE_SECONDS = 60.0
"""After so long without anybody, what every trade has made is let go of."""

Work = Callable[[], None]

_NEVER = float("-inf")
_logger = logging.getLogger(__name__)


class StrategyDoor(Protocol):
    """Who knows the settings in force and the strategies made of them. Any thread."""

    @property
    def config(self) -> AppConfig:
        """The configuration in force."""
        ...

    def strategies(self) -> StrategySet:
        """The strategies that are to run. May block on the disk; never raises for a user's code."""
        ...

    def parameters(self) -> Mapping[str, tuple[ParameterLine, ...]]:
        """What can be set of every strategy that is configured, by id."""
        ...


class _Given(msgspec.Struct, frozen=True):
    """What the loop handed out."""

    risk: Taken
    portfolio: PortfolioFacts | None
    """None while nobody looks at strategies."""
    cycles: int


class RiskDesk:
    """Makes pictures and answers for others. Seconds are wall seconds."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        door: StrategyDoor,
        journal: JournalLook | None = None,
        start: Callable[[Work], object] | None = None,
    ) -> None:
        """``start`` has work done in another thread, and returns at once."""
        self.journal: JournalLook = journal or NoJournal()
        self._monotonic = monotonic
        self._door = door
        self._start = start or _in_a_thread
        self._ordering = Lock()
        """Held for an instant."""
        self._lock = Lock()
        """Held while decisions, gates and figures are read or written."""
        self._decisions = RecentDecisions()
        self._passed = PassedGates()
        self._portfolio: PortfolioFacts | None = None
        self._service: PortfolioService | None = None
        self._made: Made = {}
        self._made_of: PortfolioFacts | None = None
        self._risk, self._strategies = RiskView(), StrategiesView()
        self._decided: tuple[DecisionLine, ...] = ()
        self._asked = {"risk": _NEVER, "strategies": _NEVER, "decisions": _NEVER}
        self._ordered = False
        self._drawn = _NEVER
        self._cycles = -1
        self._journal_trouble = ""

    def risk(self) -> RiskView:
        """Return the latest picture of the limits. Any thread."""
        self._asked["risk"] = self._monotonic()
        return self._risk

    def strategies(self) -> StrategiesView:
        """Return the latest picture of the strategies. Any thread."""
        self._asked["strategies"] = self._monotonic()
        return self._strategies

    def decisions(self) -> tuple[DecisionLine, ...]:
        """Return the latest decisions, newest first. Any thread."""
        self._asked["decisions"] = self._monotonic()
        return self._decided

    def order(self) -> bool:
        """Say whether the engine's loop should be asked for the facts now. Any thread.

        Once only, until they have been worked on, or ``cancel_order`` called because nobody will.
        """
        return self._monotonic() - self._drawn >= PICTURE_SECONDS and self._take_order()

    def cancel_order(self) -> None:
        """Forget an order: there is no engine to hand out facts. Any thread."""
        self._ordered = False

    def collect(self, moment: Moment) -> None:
        """Take the facts, and have them worked on. Engine's loop."""
        started = False
        try:
            state, risk = moment.state, take(moment)
            if state is not None and risk is not None:
                portfolio = None
                if self._looked_at("strategies"):
                    portfolio = self._portfolio = take_portfolio_facts(state, moment.at, self._portfolio)
                given = _Given(risk, portfolio, state.counts.cycles)
                self._start(lambda: self._work(given))
                started = True
        finally:
            if not started:
                self._ordered = False

    def after(self, moment: Moment) -> None:
        """Have a cycle noted, if there was one since; let go of what nobody needs. Engine's loop."""
        state = moment.state
        if state is None or self._ordered:
            return
        if state.counts.cycles != self._cycles and moment.phase == "running":
            if self._take_order():
                self._cycles = state.counts.cycles
                self._collect_safely(moment)
        elif self._monotonic() - self._asked["strategies"] > RELEASE_SECONDS and self._service is not None:
            self._service = self._portfolio = self._made_of = None

    def _collect_safely(self, moment: Moment) -> None:
        try:
            self.collect(moment)
        except Exception:
            # The engine publishes, stops and starts whatever becomes of a picture.
            _logger.exception("a cycle cannot be noted")

    @contextmanager
    def engine(self, facts: RiskFacts) -> Iterator[StrategyRiskEngine]:
        """Yield who answers from these facts. Any thread but the engine's; others wait meanwhile."""
        configured, built = self._door.config.strategies.configs, self._door.strategies()
        with self._lock:
            yield StrategyRiskEngine(
                facts,
                decisions=self._decisions,
                passed=self._passed,
                configured=configured,
                built={each.strategy.settings.id: each for each in built.strategies},
            )

    def traded(self, facts: PortfolioFacts) -> Traded:
        """Return our orders, the trades, and what they made. Any thread but the engine's."""
        with self._lock:
            service = self._serve(facts)
            records = service.figures
        return Traded(facts.orders.orders, tuple(facts.booked.trades.values()), records.records_of)

    def _take_order(self) -> bool:
        with self._ordering:
            if self._ordered:
                return False
            self._ordered = True
            return True

    def _looked_at(self, picture: str) -> bool:
        return self._monotonic() - self._asked[picture] <= ASKED_SECONDS

    def _work(self, given: _Given) -> None:
        """Take the new decisions in and draw what is looked at. One thread at a time."""
        try:
            facts = work_out(given.risk)
            self._note(facts)
            if any(map(self._looked_at, self._asked)):
                self._draw(facts, given.portfolio)
        except Exception:
            # Whoever looks keeps the last picture; the engine is none the worse for it.
            _logger.exception("the limits and strategies cannot be pictured")
        finally:
            self._cycles = given.cycles
            self._drawn = self._monotonic()
            self._ordered = False

    def _note(self, facts: RiskFacts) -> None:
        built = {each.strategy.settings.id: each for each in self._door.strategies().strategies}
        try:
            with self._lock:
                new = self._decisions.catch_up(self.journal)
                self._passed.note(new, facts, built)
                self._passed.keep_only(self._door.config.strategies.configs)
            self._journal_trouble = ""
        except StorageError as error:
            if str(error) != self._journal_trouble:
                self._journal_trouble = str(error)
                _logger.error("the last decisions cannot be shown: %s", error)  # noqa: TRY400 - no traceback

    def _draw(self, facts: RiskFacts, portfolio: PortfolioFacts | None) -> None:
        with self.engine(facts) as engine:
            lines = tuple(map(decision_line, engine.decided()))
            if lines != self._decided:
                self._decided = lines
            if self._looked_at("risk"):
                self._risk = risk_view(engine)
            if portfolio is not None:
                self._strategies = self._picture(engine, portfolio)

    def _picture(self, engine: StrategyRiskEngine, portfolio: PortfolioFacts) -> StrategiesView:
        before = self._made_of
        if before is None or before.booked is not portfolio.booked or before.orders is not portfolio.orders:
            self._made, self._made_of = made_by(self._serve(portfolio).figures.records), portfolio
        sources = StrategySources(self._door.strategies(), self._door.parameters(), self._made)
        configured = tuple(self._door.config.strategies.configs)
        return strategies_view(engine, sources, configured)

    def _serve(self, facts: PortfolioFacts) -> PortfolioService:
        service = self._service
        if service is None or service.facts is not facts:
            service = self._service = PortfolioService(facts, service)
        return service


def _in_a_thread(work: Work) -> None:
    Thread(target=work, name="risk", daemon=True).start()
