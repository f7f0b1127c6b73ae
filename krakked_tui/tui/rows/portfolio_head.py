"""The lines around the portfolio's tables: totals, performance, filters, notes, parts, the export."""

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from krakked_tui.control.portfolio_view import HistoryView, PerformanceView, PortfolioQuery, PortfolioReport
from krakked_tui.control.views import EngineView
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.tui.portfolio_choice import Part, Period, bounds, counts_manual, moment_text
from krakked_tui.tui.rows.banner import Finding, drift_sentence, findings_line
from krakked_tui.tui.rows.dashboard import history_text
from krakked_tui.tui.rows.dialogs import count
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip_middle, spread, width_of, wrap
from krakked_tui.tui.rows.numbers import NOTHING, age, fixed, gain_look, percent, signed, span
from krakked_tui.tui.rows.portfolio import READING, pair_text
from krakked_tui.tui.text import clean

WIDE_COLUMNS = 116
USUAL_PROFILE = "paper"
"""The profile that a command is about when it names none."""

_PERIODS = {
    Period.ALL: "all time",
    Period.DAY: "today",
    Period.WEEK: "this week",
    Period.MONTH: "this month",
    Period.YTD: "this year",
}
_COST_BASES = {
    CostBasis.WAC: "average cost (wac)",
    CostBasis.FIFO: "first in first out (fifo)",
    CostBasis.LIFO: "last in first out (lifo)",
    CostBasis.HIFO: "dearest first (hifo)",
}


def totals_line(report: PortfolioReport | None, width: int, waiting: str = READING) -> Line:
    """Return what was made: each figure at its own place; without a report why there is none."""
    if report is None:
        return (Span(waiting, Look.WARN),)
    total, share = report.total, report.fees_percent_of_gross
    wide = width >= WIDE_COLUMNS
    part = "" if share is None else f" ({percent(share)}{' of gross' if wide else ''})"
    some, look = (">", Look.WARN) if total.unvalued_fees else ("", Look.PLAIN)
    facts = [
        ("Realized ", f"{signed(total.realized, 2)} {report.currency}", gain_look(total.realized), 28),
        ("gross ", signed(total.gross, 2), gain_look(total.gross), 20),
        ("fees ", f"{some}{fixed(total.fees, 2)}{part}", look, 27 + 9 * wide),
    ]
    basis = _COST_BASES[report.cost_basis] if wide else report.cost_basis.value
    return (*_facts(facts), Span(basis, Look.MUTED))


def performance_line(figures: PerformanceView, width: int, *, chosen: bool = False) -> Line:
    """Return how well it went; a dash where there is too little to say.

    ``chosen`` says that only some trades are looked at: the figures of the equity curve are still those of
    the whole account, and are called so.
    """
    wide = width >= WIDE_COLUMNS
    held = NOTHING if figures.holding_seconds is None else span_of(figures.holding_seconds)
    returned = figures.return_pct
    look = Look.PLAIN if returned is None else gain_look(returned)
    wins, factor = _figure(figures.win_rate_pct, 0, "%"), _figure(figures.profit_factor, 2)
    drawdown = _figure(figures.max_drawdown_pct, 1, "%")
    label = ("Account return " if wide else "Account ") if chosen else "Return "
    facts = [
        (
            label,
            NOTHING if returned is None else f"{signed(returned, 1)}%",
            look,
            15 + (10 if chosen else 2) * wide,
        ),
        ("drawdown " if wide else "DD ", drawdown, Look.PLAIN, 9 + 8 * wide),
        ("Sharpe ", _figure(figures.sharpe, 2), Look.PLAIN, 13 + 2 * wide),
        ("Sortino ", _figure(figures.sortino, 2), Look.PLAIN, 14 + 2 * wide),
        ("wins " if wide else "win ", wins, Look.PLAIN, 9 + 2 * wide),
        ("profit factor " if wide else "PF ", factor, Look.PLAIN, 9 + 12 * wide),
        ("held ", held, Look.PLAIN, 0),
    ]
    return _facts(facts)


def span_of(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    return span(timedelta(seconds=min(max(0.0, seconds), 1e10)))


def _figure(value: Decimal | None, decimals: int, unit: str = "") -> str:
    return NOTHING if value is None else f"{fixed(value, decimals)}{unit}"


def _facts(facts: Sequence[tuple[str, str, Look, int]]) -> Line:
    """Return labels and values, each pair in so many cells, so that the next stays where it is."""
    spans: list[Span] = []
    for label, value, look, room in facts:
        gap = max(1, room - len(label) - len(value)) if room else 0
        spans += [Span(label, Look.MUTED), Span(value, look), Span(" " * gap)]
    return tuple(spans)


def filter_line(query: PortfolioQuery, width: int, *, drilled: bool, manual: bool) -> Line:
    """Return what is left out, each filter behind its key; those that leave out something stand out.

    ``manual`` says whether trades that no strategy made count.
    """
    facts = [
        ("t", period_text(query), query.period != Period.ALL),
        ("/", pair_text(clean(query.pair)) or "all pairs", bool(query.pair)),
        ("d", f"{query.side}s" if query.side else "all sides", bool(query.side)),
        ("m", "manual in" if manual else "manual out", not manual),
    ]
    wanted = clean(query.strategy)
    room = width - sum(len(text) + 4 for _, text, _ in facts) - 2
    if room < (len(wanted) if wanted else len("all")):
        facts = [
            (key, _SHORT.get(text, text).replace(" until ", "→"), narrows) for key, text, narrows in facts
        ]
        room = width - sum(len(text) + 4 for _, text, _ in facts) - 2
    strategy = "all strategies" if room >= len("all strategies") else "all"
    facts.insert(2, ("s", clip_middle(wanted, max(4, room)) or strategy, bool(wanted)))
    spans: list[Span] = []
    for key, text, narrows in facts:
        gap = [Span("  ")] if spans else []
        spans += [*gap, Span(key, Look.KEY), Span(f" {text}", Look.STRONG if narrows else Look.MUTED)]
    if drilled or any(narrows for _, _, narrows in facts):
        way = (Span("  "), Span("esc", Look.KEY), Span(" back" if drilled else " all", Look.MUTED))
        if width_of((*spans, *way)) <= width:
            spans += way
    return tuple(spans)


_SHORT = {"all pairs": "all", "all sides": "all"}
"""What a filter that leaves nothing out is called where there is no room: its key says which it is."""


def period_text(query: PortfolioQuery) -> str:
    """Return a period in words."""
    if query.period != Period.CUSTOM:
        return _PERIODS[Period(query.period)]
    if query.since is None and query.until is None:
        return _PERIODS[Period.ALL]
    if query.until is None or query.since is None:
        one = query.since or query.until
        assert one is not None
        return f"{'until' if query.since is None else 'from'} {moment_text(one)}"
    if (query.until - query.since).total_seconds() == 86_400 and len(moment_text(query.since)) == 10:
        return moment_text(query.since)
    return f"{moment_text(query.since)} until {moment_text(query.until)}"


def notes(report: PortfolioReport | None, view: EngineView) -> list[Finding]:
    """Return how far the figures can be believed, worst first; empty when they can."""
    found: list[Finding] = []
    portfolio = view.portfolio
    if view.status.drift:
        drift = [] if portfolio is None else list(map(drift_sentence, portfolio.drift))
        detail = "; ".join(drift or (report.drift if report else ())) or "books and exchange differ"
        found.append(Finding("DRIFT", f"e accepts the exchange's: {detail}", Look.ALARM))
    if report and report.trouble:
        found.append(Finding("OLD FIGURES", report.trouble, Look.ALARM))
    histories = report.history if report else portfolio.history if portfolio else ()
    unread = [history_text(each) for each in histories if not each.done]
    if unread:
        text = f"{', '.join(unread)}; figures change until all is read"
        found.append(Finding("READING HISTORY", text, Look.WARN))
    if report and report.findings:
        head = count(len(report.findings), "finding").upper()
        found.append(Finding(head, report.findings[0], Look.WARN))
    for status, title in (("unvalued", "NO PRICE"), ("delisted", "DELISTED")):
        assets = _assets(report, status)
        if assets:
            found.append(Finding(title, f"counted as zero: {', '.join(assets)}", Look.WARN))
    if report and report.total.unvalued_fees:
        found.append(Finding("FEES", f"{_unvalued_fees(report.total.unvalued_fees)}", Look.WARN))
    return found


def _assets(report: PortfolioReport | None, status: str) -> list[str]:
    return [each.asset for each in report.holdings if each.status == status] if report else []


def _unvalued_fees(number: int) -> str:
    return f"{count(number, 'fee')} of which nothing says the worth: in no sum"


def _agreement(report: PortfolioReport | None, view: EngineView) -> str:
    """Say whether books and exchange agree, and as of when."""
    if report is None:
        return ""
    read = balances_read(view)
    if view.portfolio is None or not view.portfolio.compared:
        told = "Books and exchange have not been compared since the last fill"
        return f"{told} ({read})." if read else f"{told}."
    return "Books and exchange agree within the tolerance; all history has been read."


def balances_read(view: EngineView) -> str:
    """Return how old the exchange's balances are, empty before they came."""
    seconds = view.health.account_age
    return "" if seconds is None else f"read {age(seconds)} ago"


_ALL_NOTES = "  n all"


def note_line(report: PortfolioReport | None, view: EngineView, width: int) -> Line:
    """Return the notes in one line."""
    found = notes(report, view)
    if found:
        line = findings_line(found, max(0, width - len(_ALL_NOTES)))
        return spread(line, (Span(_ALL_NOTES[:3], Look.KEY), Span(_ALL_NOTES[3:], Look.MUTED)), width)
    return (Span(_agreement(report, view), Look.MUTED),)


def note_lines(report: PortfolioReport | None, view: EngineView, width: int) -> list[Line]:
    """Return everything there is to note about the figures, in full."""
    portfolio = view.portfolio
    lines: list[Line] = []
    if view.status.drift and portfolio is not None:
        lines += _section("DRIFT", [drift_sentence(each) for each in portfolio.drift], Look.ALARM, width)
    if report and report.trouble:
        lines += _section("OLD FIGURES", [report.trouble], Look.ALARM, width)
    lines += _section("HISTORY", _histories(report.history if report else ()), Look.PLAIN, width)
    lines += _section("FINDINGS", list(report.findings) if report else [], Look.PLAIN, width)
    lines += _section("WITHOUT A PRICE, COUNTING AS ZERO", _assets(report, "unvalued"), Look.PLAIN, width)
    lines += _section("DELISTED, COUNTING AS ZERO", _assets(report, "delisted"), Look.PLAIN, width)
    lines += _section("AT AN OLD PRICE", _assets(report, "stale"), Look.PLAIN, width)
    if report and report.total.unvalued_fees:
        lines += _section("FEES", [_unvalued_fees(report.total.unvalued_fees)], Look.PLAIN, width)
    if not lines or (view.portfolio is not None and not view.portfolio.compared):
        lines += wrap(_agreement(report, view), width, Look.MUTED)
    return lines


def _histories(histories: Sequence[HistoryView]) -> list[str]:
    return [f"{history_text(each)} read{', complete' if each.done else ''}" for each in histories]


def _section(title: str, texts: Sequence[str], look: Look, width: int) -> list[Line]:
    if not texts:
        return []
    lines = [line for text in texts for line in wrap(text, width, look)]
    return [(Span(title, Look.TITLE),), *lines, EMPTY]


def parts_line(report: PortfolioReport | None, query: PortfolioQuery, shown: Part, read: str = "") -> Line:
    """Return all parts with their sizes; the one that is shown stands between brackets.

    ``read`` says how old the balances are: beside the holdings, whose columns they are.
    """
    sizes: dict[Part, str] = {}
    if report is not None:
        sizes = {
            Part.PNL: f"{len(report.groups):,}",
            Part.TRADES: _found(len(report.trades), report.trades_found),
            Part.FLOWS: _found(len(report.flows), report.flows_found),
            Part.FEES: f"{len(report.fees)}",
            Part.HOLDINGS: f"{len(report.holdings)}",
        }
    names = {Part.PNL: f"P&L by {query.by}", Part.FLOWS: "cash flows"}
    spans: list[Span] = []
    for part in Part:
        text = f"{names.get(part, part.value)} {sizes.get(part, '…')}"
        here = part is shown
        spans.append(Span(f"[{text}]" if here else f" {text} ", Look.STRONG if here else Look.MUTED))
        spans.append(Span(" "))
    if shown is Part.HOLDINGS and read:
        spans.append(Span(read, Look.MUTED))
    return tuple(spans)


def _found(rows: int, found: int) -> str:
    return f"{found:,}" if rows >= found else f"{rows:,} of {found:,}"


_TABLES = {Part.PNL: "pnl", Part.FLOWS: "cash-flows", Part.HOLDINGS: "positions"}


def export_line(
    query: PortfolioQuery, report: PortfolioReport | None, part: Part, view: EngineView, config: str = ""
) -> Line:
    """Return the command that writes what is shown into a file, and what it cannot leave out.

    ``config`` is the configuration file of this run, empty for the usual one.
    """
    spans = [Span(export_command(query, report, part, view, config), Look.KEY)]
    wider = [
        words
        for words, used in (
            ("all pairs", query.pair),
            ("all strategies", query.strategy),
            ("all sides", query.side),
            ("manual in", not counts_manual(query, report)),
        )
        if used and part is not Part.HOLDINGS
    ]
    if wider:
        spans.append(Span(f" ({', '.join(wider)})", Look.WARN))
    return tuple(spans)


def fitting(line: Line, width: int) -> Line:
    """Return an export's line, or where it stands in full: a part of a command is none."""
    return line if width_of(line) <= width else (Span("n", Look.KEY), Span(" the command that exports this"))


def export_command(
    query: PortfolioQuery, report: PortfolioReport | None, part: Part, view: EngineView, config: str = ""
) -> str:
    """Return the command line of an export, by the cost basis of what is shown."""
    words = ["krakked-tui export", _TABLES.get(part, "trades")]
    if view.status.profile != USUAL_PROFILE:
        words.append(f"--profile {view.status.profile}")
    if config:
        words.append(f"--config {shlex.quote(config)}")
    if report is not None and part is not Part.FLOWS:
        words.append(f"--cost-basis {report.cost_basis}")
    since, until = bounds(query, view.status.at)
    if since is not None and part is not Part.HOLDINGS:
        words.append(f"--since {_argument(since)}")
    if until is not None:
        words.append(f"--until {_argument(until)}")
    return " ".join(words)


def _argument(at: datetime) -> str:
    return moment_text(at).replace(" ", "T")
