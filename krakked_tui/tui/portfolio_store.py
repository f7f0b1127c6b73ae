"""The screen's own copy of the portfolio's reports: cleaned, and never of another question."""

import msgspec

from krakked_tui.control.portfolio_view import PortfolioQuery, PortfolioReport, TradeDetail
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.text import clean


class PortfolioStore:
    """Holds what answers the newest query; every text in it may be shown as it is."""

    def __init__(self) -> None:
        self.report: PortfolioReport | None = None
        """The report that answers the newest query, whatever trade it looks at; None before it came."""
        self.trouble = ""
        """Why no report comes; empty when one has come or is being made."""
        self.detail: TradeDetail | None = None
        """The trade that is looked at, None before it came or when the books do not know it."""
        self.detailed = False
        """Whether the report about that trade has come."""
        self._raw: PortfolioReport | None = None
        self._query = PortfolioQuery()
        self._names: dict[str, str] = {}

    def apply(self, query: PortfolioQuery, report: PortfolioReport | None) -> None:
        """Take in what the controller says to a query."""
        if query != self._query:
            if _about(query) != _about(self._query):
                self.report, self.trouble = None, ""
            self._query, self._raw = query, None
            self.detail, self.detailed = None, False
        if report is None or report is self._raw or _about(report.query) != _about(query):
            return
        self._raw, self.trouble = report, clean(report.trouble)
        if not report.version:
            return
        self.report = cleaned(report)
        self._names = _names(report)
        if query.trade_id and report.query.trade_id == query.trade_id:
            self.detail, self.detailed = self.report.detail, True

    def name_at_the_engine(self, name: str) -> str:
        """Return what is shown as ``name``, as the engine calls it."""
        return self._names.get(name, name)


def _about(query: PortfolioQuery) -> PortfolioQuery:
    """Return what the totals and tables of a query are about."""
    return msgspec.structs.replace(query, trade_id="") if query.trade_id else query


def _names(report: PortfolioReport) -> dict[str, str]:
    raw = [*report.pairs, *report.strategies]
    raw += [group.key for group in report.groups]
    raw += [trade.trade_id for trade in report.trades]
    return {clean(name): name for name in raw if clean(name) != name}
