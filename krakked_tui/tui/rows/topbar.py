"""The permanent two lines at the top: what an operator must see on every screen.

Every fact has its own place, so that nothing moves when a value changes. At 80 columns the words
are short; from 100 columns they are spelled out.
"""

from decimal import Decimal
from typing import NamedTuple

from krakked_tui.control.views import EngineView, StatusView
from krakked_tui.domain.money import HUNDRED, ZERO, percent_of
from krakked_tui.tui.rows.line import Line, Look, Span, clip, spread, width_of
from krakked_tui.tui.rows.numbers import (
    NOTHING,
    age,
    clock,
    date_and_time,
    gain_look,
    percent,
    signed_percent,
    signed_usd,
    usd,
)

SILENCE_SECONDS = 10.0
"""Without a new picture for so long, the engine is called silent instead of trusted."""

WIDE_COLUMNS = 100
DATE_COLUMNS = 120
DRAWDOWN_WARNS_PCT = Decimal(80)
"""Share of the drawdown limit from which the drawdown is marked."""

_IDENTITY = 22
_IDENTITY_MOST = {False: 25, True: 42}
"""Cells for mode and host, and how many they may take from the gaps after them (when wide)."""

_HARMLESS = {"paper": "no real orders", "dry_run": "no orders"}
"""What stands beside the mode when nothing else needs the place."""

_PHASE_WORDS = {"starting": Look.WARN, "stopping": Look.WARN, "stopped": Look.ALARM, "failed": Look.ALARM}


class Wording(NamedTuple):
    """How one state reads, short and long."""

    short: str
    long: str
    look: Look


_KILL = {
    False: Wording("kill off", "kill switch off", Look.OFF),
    True: Wording("KILL ON", "KILL SWITCH ON", Look.ALARM),
}
_DRIFT = {
    False: Wording("drift none", "drift none", Look.OFF),
    True: Wording("DRIFT", "DRIFT", Look.ALARM),
}
_DATA = {
    "live": Wording("data live", "data live", Look.GOOD),
    "polling": Wording("data POLL", "data POLL", Look.WARN),
    "stale": Wording("data STALE", "data STALE", Look.WARN),
    "down": Wording("data DOWN", "data DOWN", Look.ALARM),
    "starting": Wording("data wait", "data wait", Look.WARN),
}
_LINK = {
    "up": Wording("link up", "link up", Look.GOOD),
    "partial": Wording("link PART", "link PARTIAL", Look.WARN),
    "down": Wording("link DOWN", "link DOWN", Look.ALARM),
}


def is_live(status: StatusView) -> bool:
    """Say whether real orders go to the real exchange."""
    return status.mode == "live"


def mode_word(status: StatusView) -> str:
    """Return the mode in capitals."""
    return clip(status.mode.replace("_", " ").upper(), 9)


def bar_lines(view: EngineView, width: int, silence: float) -> tuple[Line, Line]:
    """Return both lines; ``silence`` is how many wall seconds ago the last new picture came."""
    return _states(view.status, width, silence), _money(view, width)


def _states(status: StatusView, width: int, silence: float) -> Line:
    wide = width >= WIDE_COLUMNS
    identity = _identity(status, _IDENTITY_MOST[wide])
    gap = 2 if wide or width_of(identity) <= _IDENTITY else 1
    spans = [*identity, _blank(_IDENTITY - width_of(identity)), _blank(gap)]
    for wording, room in (
        (_KILL[status.kill_switch.active], 15 if wide else 8),
        (_DRIFT[status.drift], 10),
        (_DATA.get(status.data, _unknown("data", status.data)), 10),
        (_LINK.get(status.connection, _unknown("link", status.connection)), 12 if wide else 9),
    ):
        text = wording.long if wide else wording.short
        spans += [Span(text, wording.look), _blank(room - len(text)), _blank(gap)]
    return spread(tuple(spans[:-1]), _time(status, width, silence), width)


def _blank(width: int) -> Span:
    return Span(" " * max(0, width), Look.BAR)


def _unknown(what: str, state: str) -> Wording:
    text = clip(f"{what} {state}", 9)
    return Wording(text, text, Look.WARN)


def _identity(status: StatusView, most: int) -> Line:
    live = is_live(status)
    badge = Span(f" {mode_word(status)} ", Look.LIVE if live else Look.MODE)
    room = most - len(badge.text) - 1
    if status.other_host:
        look = Look.OFF if status.mode == "demo" else Look.WARN
        where = Span(clip(status.other_host, room), look)
    elif live:
        where = Span("REAL MONEY", Look.STRONG)
    else:
        known = status.profile == status.mode
        where = Span(clip(_HARMLESS.get(status.mode, "") if known else status.profile, room), Look.OFF)
    return (badge, _blank(1), where)


def _time(status: StatusView, width: int, silence: float) -> Line:
    if silence >= SILENCE_SECONDS:
        return (Span(f"SILENT {age(silence)}", Look.ALARM),)
    text = date_and_time(status.at) if width >= DATE_COLUMNS else f"{clock(status.at)} UTC"
    return (Span(text, Look.BAR),)


def _money(view: EngineView, width: int) -> Line:
    status = view.status
    known = view.portfolio is not None
    equity = usd(status.equity) if known else NOTHING
    spans = [Span("equity ", Look.OFF), Span(equity, Look.STRONG)]
    spans += [_fill(spans, 21), Span("day ", Look.OFF)]
    if known:
        change = percent_of(status.day_pnl, status.equity - status.day_pnl)
        day = f"{signed_usd(status.day_pnl)} {signed_percent(change)}"
        spans.append(Span(day, gain_look(status.day_pnl)))
    else:
        spans.append(Span(NOTHING, Look.BAR))
    spans += [_fill(spans, 45), Span("drawdown ", Look.OFF), _drawdown(status, width, known=known)]
    return spread(tuple(spans), _condition(status), width)


def _fill(spans: list[Span], until: int) -> Span:
    return Span(" " * max(1, until - sum(len(span.text) for span in spans)), Look.BAR)


def _drawdown(status: StatusView, width: int, *, known: bool) -> Span:
    limit = status.drawdown_limit_pct
    between = " of limit " if width >= WIDE_COLUMNS else "/"
    if not known:
        return Span(f"{NOTHING}{between}{percent(limit)}", Look.BAR)
    text = f"{percent(status.drawdown_pct)}{between}{percent(limit)}"
    if limit <= ZERO or percent_of(status.drawdown_pct, limit) < DRAWDOWN_WARNS_PCT:
        return Span(text, Look.BAR)
    at_limit = percent_of(status.drawdown_pct, limit) >= HUNDRED
    return Span(f"{text}!", Look.ALARM if at_limit else Look.WARN)


def _condition(status: StatusView) -> Line:
    if status.phase in _PHASE_WORDS:
        return (Span(status.phase.upper(), _PHASE_WORDS[status.phase]),)
    paused = (Span("PAUSED", Look.WARN),) if status.paused else ()
    speed = (Span(f"x{speed_text(status.speed)}", Look.WARN),) if status.speed != 1 else ()
    between = (_blank(1),) if paused and speed else ()
    return (_blank(1), *paused, *between, *speed)


def speed_text(speed: float) -> str:
    """Return a time factor without needless decimals."""
    return f"{speed:.0f}" if speed == int(speed) else f"{speed:.2g}"
