"""The panels of the dashboard: account, allocation, events."""

from collections.abc import Sequence
from decimal import Decimal

from krakked_tui.control.portfolio_view import HistoryView
from krakked_tui.control.views import AllocationView, EngineView, PortfolioView, RateLimitView, StatusView
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.tui.rows.line import Line, Look, Span, clip, spread
from krakked_tui.tui.rows.numbers import (
    NOTHING,
    countdown,
    fixed,
    gain_look,
    percent,
    quantity,
    signed_usd,
    usd,
)

_BLOCKS = " ▏▎▍▌▋▊▉█"
NEARLY_USED = 80
"""Percent of a rate limit from which it is shown as a warning."""


def account_lines(view: EngineView, width: int) -> list[Line]:
    """Return the totals of the account and what the engine does next."""
    portfolio = view.portfolio
    lines: list[Line] = [(Span("ACCOUNT", Look.TITLE),)]
    if portfolio is None:
        lines.append((Span("Waiting for the balances.", Look.MUTED),))
        return lines
    unrealized, realized = portfolio.unrealized_pnl, portfolio.realized_pnl
    lines += [
        _pair("Equity", Span(usd(portfolio.equity), Look.STRONG), width),
        _pair("Cash", Span(usd(portfolio.cash)), width),
        _pair("Unrealized", Span(signed_usd(unrealized), gain_look(unrealized)), width),
        _pair(
            "With manual" if portfolio.manual_apart else "Realized",
            Span(signed_usd(realized), gain_look(realized)),
            width,
        ),
        _pair("Fees paid", Span(usd(portfolio.fees)), width),
        _pair("Next cycle", _next_cycle(view.status), width),
    ]
    return lines


def _next_cycle(status: StatusView) -> Span:
    if status.paused:
        return Span("paused", Look.WARN)
    if status.next_cycle_at is None:
        return Span(NOTHING)
    return Span(f"in {countdown(status.next_cycle_at, status.at)}")


def counts_lines(view: EngineView, width: int) -> list[Line]:
    """Return the engine's counters, for screens with room."""
    counts = view.counts
    return [
        _pair("Cycles", Span(f"{counts.cycles:,}"), width),
        _pair("Missed", _count(counts.missed_boundaries), width),
        _pair("Fills", Span(f"{counts.fills:,}"), width),
        _pair("Errors", _count(counts.errors), width),
        _pair("API limits", _tightest(view.rate_limits), width),
    ]


def _tightest(limits: Sequence[RateLimitView]) -> Span:
    """Return how much of the most used rate limit is used."""
    if any(limit.blocked_seconds for limit in limits):
        return Span("blocked", Look.ALARM)
    used = max((100 * limit.used / limit.limit for limit in limits if limit.limit), default=None)
    if used is None:
        return Span(NOTHING)
    return Span(f"{used:.0f}% used", Look.WARN if used >= NEARLY_USED else Look.PLAIN)


def _count(number: int) -> Span:
    return Span(f"{number:,}", Look.WARN if number else Look.PLAIN)


def _pair(label: str, value: Span, width: int) -> Line:
    return spread((Span(label, Look.MUTED),), (value,), width)


def allocation_lines(
    allocation: Sequence[AllocationView], portfolio: PortfolioView | None, width: int, height: int
) -> list[Line]:
    """Return a bar per asset, largest first as given, and below what the bars do not say.

    What does not fit is counted.
    """
    lines: list[Line] = [(Span("ALLOCATION", Look.TITLE),)]
    most = max((height - 1) // 2, height - 1 - len(allocation), 1)
    notes = _fitting(_notes(portfolio, width), most)
    if not allocation:
        lines.append((Span("Nothing held yet.", Look.MUTED),))
        return lines + notes
    room = max(1, height - len(lines) - len(notes))
    shown = allocation if len(allocation) <= room else allocation[: room - 1]
    lines += [_bar(entry, width) for entry in shown]
    rest = allocation[len(shown) :]
    if rest:
        share = sum((entry.percent for entry in rest), start=ZERO)
        lines.append((Span(f"{len(rest)} more: {percent(share)}", Look.MUTED),))
    return lines + notes


def _fitting(notes: list[Line], room: int) -> list[Line]:
    if len(notes) <= room:
        return notes
    return [*notes[: room - 1], (Span(f"{len(notes) - room + 1} more: press 5", Look.MUTED),)]


def _notes(portfolio: PortfolioView | None, width: int) -> list[Line]:
    """Return how far the totals can be believed, and what is held but cannot be sold or does not count."""
    if portfolio is None:
        return []
    notes = []
    if portfolio.unvalued:
        notes.append(_note("no price", ", ".join(portfolio.unvalued), Look.WARN, width))
    if portfolio.stale:
        notes.append(_note("stale", ", ".join(portfolio.stale), Look.STALE, width))
    unread = [_share_read(each) for each in portfolio.history if not each.done]
    if unread:
        notes.append(_note("reading", ", ".join(unread), Look.WARN, width))
    notes += [
        _note(held.held_as, f"{held.asset} {quantity(held.amount)}", Look.PLAIN, width)
        for held in portfolio.elsewhere
    ]
    if portfolio.excluded:
        text = f"{usd(portfolio.excluded_value)} {', '.join(portfolio.excluded)}"
        notes.append(_note("excluded", text, Look.MUTED, width))
    return notes


def _share_read(history: HistoryView) -> str:
    return f"{history.name} {100 * history.read // history.total}%" if history.total else history.name


def history_text(history: HistoryView) -> str:
    """Return how far the first reading of a history is."""
    total = "?" if history.total is None else f"{history.total:,}"
    return f"{history.name} {history.read:,} of {total}"


def _note(label: str, text: str, look: Look, width: int) -> Line:
    return (Span(f"{label:<9}", Look.MUTED), Span(clip(text, width - 9), look))


def _bar(entry: AllocationView, width: int) -> Line:
    label = clip(entry.asset, 6).ljust(7)
    share = f"{fixed(entry.percent, 1)}%".rjust(6)
    room = width - len(label) - len(share) - 1
    return (Span(label), Span(share), Span(" "), Span(eighths(entry.percent, room), Look.SHAPE))


def eighths(share: Decimal, width: int) -> str:
    """Return a bar of ``share`` percent of ``width`` cells, exact to an eighth of a cell."""
    steps = int(min(HUNDRED, max(ZERO, share)) * width * 8 / HUNDRED)
    full, eighth = divmod(steps, 8)
    return ("█" * full + _BLOCKS[eighth]).ljust(width)[:width]


def event_lines(messages: Sequence[str], width: int, height: int) -> list[Line]:
    """Return the newest messages, newest last."""
    lines: list[Line] = [(Span("EVENTS", Look.TITLE),)]
    if not messages:
        lines.append((Span("Nothing has happened yet.", Look.MUTED),))
    newest = messages[-(height - 1) :] if height > 1 else ()
    return lines + [(Span(clip(message, width)),) for message in newest]
