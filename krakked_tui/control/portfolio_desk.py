"""Reports on the portfolio, made only while somebody asks, and beside the engine's loop.

The loop hands out the facts, by copying references; a thread of its own works on them; whoever asked, in
whatever thread, takes the latest.
"""

import logging
from collections.abc import Callable
from threading import Lock, Thread

import msgspec

from krakked_tui.control.portfolio_picture import (
    LedgerRows,
    TradedPart,
    make_report,
    no_rows,
    traded_part,
    within_of,
)
from krakked_tui.control.portfolio_view import PnLLine, PortfolioQuery, PortfolioReport
from krakked_tui.domain.money import ZERO
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.portfolio_service import PortfolioFacts, PortfolioService, take_facts
from krakked_tui.portfolio.ledger import LedgerState

REPORT_SECONDS = 0.5
"""Between two reports on the same query."""
ASKED_SECONDS = 5.0
"""Whoever asked this lately still looks."""
RELEASE_SECONDS = 60.0
"""After so long without anybody, everything that was worked out is let go of."""
TROUBLE = "working these figures out failed: the log (8) says why; it is tried again when the books change"
QUERIES_MAX = 8
"""Queries that are answered at a time; of more, those asked for last."""

Work = Callable[[], None]

_NEVER = float("-inf")
_logger = logging.getLogger(__name__)


class _Kept(msgspec.Struct):
    """A query, when it was asked for last, and its latest answer with what that was made from."""

    asked: float
    report: PortfolioReport | None = None
    part: TradedPart | None = None
    facts: PortfolioFacts | None = None
    failed: LedgerState | None = None
    """What the books said when no answer could be made: until they change, none is tried."""


class PortfolioDesk:
    """Answers queries, each with its latest report. Seconds are wall seconds."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        ledger_rows: LedgerRows = no_rows,
        start: Callable[[Work], object] | None = None,
    ) -> None:
        """``start`` has work done in another thread, and returns at once."""
        self._monotonic = monotonic
        self.ledger_rows = ledger_rows
        self._start = start or _in_a_thread
        self._lock = Lock()
        self._queries: dict[PortfolioQuery, _Kept] = {}
        self._facts: PortfolioFacts | None = None
        self._service: PortfolioService | None = None
        self._ordered = False
        self._made = _NEVER
        self._asked = _NEVER
        self._version = 0

    def ask(self, query: PortfolioQuery) -> PortfolioReport | None:
        """Return the latest report on a query, None before there is one. Any thread."""
        self._asked = now = self._monotonic()
        with self._lock:
            kept = self._queries.pop(query, None) or _Kept(now)
            kept.asked = now
            self._queries[query] = kept
            while len(self._queries) > QUERIES_MAX:
                del self._queries[next(iter(self._queries))]
            return kept.report

    def order(self, query: PortfolioQuery) -> bool:
        """Say whether the engine's loop should be asked for the facts now. Any thread.

        Once only, until they have been worked on, or ``cancel_order`` called because nobody will.
        """
        with self._lock:
            kept = self._queries.get(query)
            new = kept is not None and kept.report is None and kept.failed is None
            if self._ordered or not (new or self._monotonic() - self._made >= REPORT_SECONDS):
                return False
            self._ordered = True
            return True

    def cancel_order(self) -> None:
        """Work on the facts that there are: the engine has ended, and gives no others. Any thread."""
        if self._facts is None or self._next(self._facts) is None:
            self._ordered = False
        else:
            self._start(self._work)

    def collect(self, moment: Moment) -> None:
        """Take the facts, and have them worked on. Engine's loop."""
        started = False
        try:
            if moment.state is not None:
                self._facts = take_facts(moment.state, moment.at, self._facts)
                self._start(self._work)
                started = True
        finally:
            if not started:
                self._ordered = False

    def rest(self) -> None:
        """Let go of everything when nobody has asked for long. Engine's loop."""
        if self._service is None or self._ordered or self._monotonic() - self._asked < RELEASE_SECONDS:
            return
        with self._lock:
            self._queries.clear()
        self._service = self._facts = None

    def _work(self) -> None:
        """Answer all that is asked. One thread at a time."""
        try:
            facts = self._facts
            assert facts is not None
            service = self._service
            if service is None or service.facts is not facts:
                service = self._service = PortfolioService(facts, service)
            while (query := self._next(facts)) is not None:
                self._answer(query, service)
        finally:
            self._made = self._monotonic()
            self._ordered = False

    def _next(self, facts: PortfolioFacts) -> PortfolioQuery | None:
        """Return a query that somebody asks and that has not been answered from these facts."""
        lately = self._monotonic() - ASKED_SECONDS
        with self._lock:
            for query, kept in reversed(self._queries.items()):
                if kept.asked >= lately and kept.facts is not facts and kept.failed is not facts.state:
                    return query
        return None

    def _answer(self, query: PortfolioQuery, service: PortfolioService) -> None:
        with self._lock:
            kept = self._queries.get(query)
        if kept is None:
            return
        facts, before = service.facts, kept.facts
        try:
            part = kept.part
            if part is None or before is None or not _same_trades(facts, before, query, part, service):
                part = traded_part(service, query, self.ledger_rows)
            elif _same_worth(facts, before):
                kept.facts = facts
                return
            report = make_report(service, query, part, self._version + 1)
        except Exception:
            # Whoever looks keeps the last report; the engine is none the worse for it.
            kept.failed = facts.state
            kept.report = _troubled(kept.report, query, facts)
            _logger.exception("a report on the portfolio cannot be made")
            return
        self._version += 1
        kept.part, kept.facts = part, facts
        kept.report = report


def _same_trades(
    facts: PortfolioFacts, before: PortfolioFacts, query: PortfolioQuery, part: TradedPart,
    service: PortfolioService,
) -> bool:  # fmt: skip
    """Say whether nothing happened that a query is about, nor its period moved on."""
    return (
        facts.state is before.state
        and facts.orders is before.orders
        and facts.known == before.known
        and facts.snapshots == before.snapshots
        and within_of(query, service) == part.within
    )


def _same_worth(facts: PortfolioFacts, before: PortfolioFacts) -> bool:
    """Say whether everything is worth what it was."""
    return (
        facts.valuation == before.valuation
        and facts.balances is before.balances
        and facts.drift == before.drift
        and facts.history == before.history
        and facts.open_orders == before.open_orders
        and facts.foreign_orders == before.foreign_orders
    )


def _troubled(last: PortfolioReport | None, query: PortfolioQuery, facts: PortfolioFacts) -> PortfolioReport:
    """Return the last report, or an empty one, that says that there is no newer one."""
    if last is None:
        settings, nothing = facts.settings, PnLLine("total", 0, ZERO, ZERO, ZERO)
        last = PortfolioReport(
            0, query, facts.at, settings.cost_basis_method, settings.base_currency, nothing
        )  # fmt: skip
    return msgspec.structs.replace(last, trouble=TROUBLE)


def _in_a_thread(work: Work) -> None:
    Thread(target=work, name="portfolio", daemon=True).start()
