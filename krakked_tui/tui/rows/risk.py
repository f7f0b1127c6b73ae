"""The Risk screen: what is allowed and how much of it is used. One function per table or head line."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from math import isfinite

from krakked_tui.control.risk_view import DecisionLine, LimitLine, ProtectionLine, RiskView
from krakked_tui.domain.money import HUNDRED
from krakked_tui.tui.rows.amounts import amount
from krakked_tui.tui.rows.dashboard import eighths
from krakked_tui.tui.rows.dialogs import fact_lines
from krakked_tui.tui.rows.line import (
    EMPTY,
    Cell,
    Column,
    Line,
    Look,
    Row,
    Span,
    clip,
    crop,
    spread,
    width_of,
    wrap,
)
from krakked_tui.tui.rows.numbers import NOTHING, clock, countdown, date_and_time, percent, usd
from krakked_tui.tui.rows.risk_words import words

BAR = 10
HEAD_WRAP = 3
"""Lines that one sentence of the head may take."""
NEARLY = 0.8
"""Share of a limit from which it is marked."""

LIMIT_COLUMNS = (
    Column("LIMIT", 24, most=30),
    Column("NOW", 11, number=True),
    Column("LIMIT", 11, number=True),
    Column("USED", 7, number=True),
    Column("", BAR),
    Column("LEFT", 10, rank=1, number=True),
    Column("NOTE", 12, rank=2, most=60),
)
EXPOSURE_COLUMNS = (
    Column("EXPOSURE", 30, most=40),
    Column("KIND", 8),
    Column("SHARE", 9, number=True),
    Column("", 20),
)
PROTECTION_COLUMNS = (
    Column("PAUSED", 18, most=24),
    Column("SCOPE", 14, most=24),
    Column("UNTIL", 8),
    Column("LEFT", 8, number=True),
    Column("WHY", 20, most=200),
)
DECISION_COLUMNS = (
    Column("DECIDED", 19),
    Column("PLAN", 20, most=34),
    Column("CANDLES", 10, most=16),
    Column("INTENTS", 7, number=True),
    Column("ACTED", 6, number=True),
    Column("BLOCKED", 7, number=True),
)
LOADING = "Waiting for the engine's first picture of the limits."
NO_EXPOSURE = "Nothing is held."
NO_PROTECTIONS = "No protection holds entries back now."
NO_DECISIONS = "No decision is stored yet. The first comes when a candle closes."


def limit_key(limit: LimitLine) -> str:
    """Return what tells a limit from the others."""
    return limit.key or limit.name


def limit_rows(limits: Sequence[LimitLine]) -> list[Row]:
    """Return a row per limit, with a bar of how much is used."""
    return [_limit_row(limit) for limit in limits]


def _limit_row(limit: LimitLine) -> Row:
    share = limit.used_share
    look = used_look(share)
    shown = Look.PLAIN if look is Look.SHAPE else look
    return Row(
        limit_key(limit),
        (
            Cell(limit.name, Look.STRONG if limit.key else Look.PLAIN),
            Cell(NOTHING if limit.value is None else amount(limit.value, limit.unit), shown),
            Cell(amount(limit.threshold, limit.unit)),
            Cell(used_text(share), shown),
            Cell(bar(share, BAR), look if look is not Look.ALARM else Look.WARN),
            Cell(NOTHING if limit.headroom is None else amount(limit.headroom, limit.unit)),
            Cell(limit.detail, Look.MUTED),
        ),
    )


def used_look(share: float | None) -> Look:
    """Return how a used share looks; the number beside it says the same."""
    if share is None or not isfinite(share) or share < NEARLY:
        return Look.SHAPE
    return Look.ALARM if share >= 1 else Look.WARN


def used_text(share: float | None) -> str:
    """Return a used share as a percentage; an exclamation mark from the limit on."""
    if share is None or not isfinite(share):
        return NOTHING
    text = f"{min(share, 99.99):.0%}"
    return f"! {text}" if share >= 1 else text


def bar(share: float | None, width: int) -> str:
    """Return how much is used as a bar."""
    if share is None or not isfinite(share):
        return ""
    return eighths(Decimal(str(round(share * 100, 1))), width)


def exposure_rows(view: RiskView) -> list[Row]:
    """Return what is at work by asset, then by strategy; bars are of all equity."""
    rows = (
        []
        if view.total_exposure_pct is None
        else [_exposure_row("everything", "all", view.total_exposure_pct)]
    )
    rows += [_exposure_row(name, "asset", share) for name, share in view.per_asset_pct]
    return rows + [_exposure_row(name, "strategy", share) for name, share in view.per_strategy_pct]


def _exposure_row(name: str, kind: str, share: Decimal) -> Row:
    cells = (
        Cell(name, Look.STRONG),
        Cell(kind, Look.MUTED),
        Cell(percent(share)),
        Cell(eighths(min(HUNDRED, share), 20), Look.SHAPE),
    )
    return Row(f"{kind}/{name}", cells)


def protection_rows(protections: Sequence[ProtectionLine], now: datetime, zone: tzinfo) -> list[Row]:
    """Return what holds entries back, with how long that lasts."""
    return [
        Row(
            f"{index}/{each.kind}/{each.scope}",
            (
                Cell(each.kind, Look.WARN),
                Cell(each.scope, Look.STRONG),
                Cell(clock(each.until, zone)),
                Cell(countdown(each.until, now)),
                Cell(each.reason, Look.MUTED),
            ),
        )
        for index, each in enumerate(protections)
    ]


def decision_rows(decisions: Sequence[DecisionLine], zone: tzinfo) -> list[Row]:
    """Return a row per stored decision, newest first as given."""
    return [
        Row(
            each.plan_id,
            (
                Cell(f"{each.at.astimezone(zone):%Y-%m-%d %H:%M:%S}", Look.MUTED),
                Cell(each.plan_id, Look.STRONG),
                Cell(", ".join(each.timeframes)),
                Cell(f"{each.intents:,}"),
                Cell(f"{each.acted:,}", Look.GOOD if each.acted else Look.MUTED),
                Cell(f"{each.blocked:,}", Look.WARN if each.blocked else Look.MUTED),
            ),
        )
        for each in decisions
    ]


def head_lines(view: RiskView, now: datetime, zone: tzinfo, width: int) -> list[Line]:
    """Return whether anything may be opened and how to go on, the risk at stops, exposures, pauses.

    Five lines, more while the kill switch is on: why it is must not be cut.
    """
    if view.at is None:
        return [(Span(LOADING, Look.WARN),), EMPTY, EMPTY, EMPTY, EMPTY]
    first = _switch_lines(view, zone, width) if view.kill_active else [_open_line(view), _account_line(view)]
    lines = (
        *first,
        _stops_line(view, width),
        _exposure_line(view, width),
        _pauses_line(view, now, width),
    )
    return [crop(line, width) for line in lines]


def _switch_lines(view: RiskView, zone: tzinfo, width: int) -> list[Line]:
    """Return who set the kill switch, how it is cleared, why it was set, and what still goes on."""
    when = f" since {clock(view.kill_since, zone)}" if view.kill_since else ""
    who = f" by {view.kill_by}" if view.kill_by else ""
    word = "FORCE" if view.kill_persists else "ARM"
    left = (Span(" KILL SWITCH ON ", Look.ALARM), Span(clip(f"{when}{who}", 40), Look.STRONG))
    cause = f"{view.kill_cause.replace('_', ' ')}: " if view.kill_cause else ""
    lines = [spread(left, (Span(f"a, then {word}, clears it", Look.KEY),), width)]
    lines += wrap(f"Set by {cause}{view.kill_reason or 'no reason given'}", width)[:HEAD_WRAP]
    if view.kill_persists:
        return lines + wrap(f"It goes on: {view.kill_persists}", width, Look.WARN)[:HEAD_WRAP]
    return [*lines, (Span("What set it does not go on.", Look.MUTED),)]


def _open_line(view: RiskView) -> Line:
    if view.refusal:
        return (Span(" NO NEW RISK ", Look.WARN), Span(f" {view.refusal}"))
    return (Span(" RISK OK ", Look.GOOD), Span(" kill switch off, new positions are allowed"))


def _account_line(view: RiskView) -> Line:
    loss, equity = view.daily_drawdown_pct, view.equity
    return (
        Span("Equity ", Look.MUTED),
        Span(NOTHING if equity is None else usd(equity)),
        Span("  loss today ", Look.MUTED),
        Span(NOTHING if loss is None else percent(loss)),
        Span(f"  account {view.account_truth}" if view.account_truth else "", Look.MUTED),
        Span("  DRIFT" if view.drift else "", Look.WARN),
    )


def _stops_line(view: RiskView, width: int) -> Line:
    risk, loss = view.open_risk_pct, view.loss_if_all_stops_hit_usd
    hit = NOTHING if loss is None else usd(-abs(loss))
    line = (
        Span("Open risk ", Look.MUTED),
        Span(NOTHING if risk is None else percent(risk), Look.STRONG),
        Span("  if all stops hit ", Look.MUTED),
        Span(hit, Look.LOSS if loss else Look.PLAIN),
    )
    if not view.without_stop:
        return (*line, Span("  every position has a stop" if view.per_asset_pct else "", Look.MUTED))
    bare = (*line, Span(f"  NO STOP {len(view.without_stop)}:", Look.WARN))
    return (*bare, Span(_fitting(view.without_stop, width - width_of(bare))))


def _exposure_line(view: RiskView, width: int) -> Line:
    total, counted = view.total_exposure_pct, view.include_manual_positions
    line = (
        Span("At work ", Look.MUTED),
        Span(NOTHING if total is None else percent(total), Look.STRONG),
        Span("  m", Look.KEY),
        Span(" manual positions count" if counted else " manual positions do NOT count", _manual_look(view)),
    )
    shares = [f" {name} {percent(share)}" for name, share in (*view.per_asset_pct, *view.per_strategy_pct)]
    return (*line, Span(_fitting(shares, width - width_of(line)), Look.MUTED))


def _manual_look(view: RiskView) -> Look:
    return Look.MUTED if view.include_manual_positions else Look.WARN


def _pauses_line(view: RiskView, now: datetime, width: int) -> Line:
    if not view.protections:
        return (Span(NO_PROTECTIONS, Look.MUTED),)
    head = Span(f"Entries paused {len(view.protections)}:", Look.WARN)
    parts = [f"{each.kind} {each.scope} {countdown(each.until, now)}" for each in view.protections]
    return (head, Span(_fitting(parts, width - len(head.text), ",")))


def _fitting(items: Sequence[str], room: int, separator: str = "") -> str:
    """Return as many whole items as fit, and how many there are besides; at least one, however long."""
    for shown in range(len(items), 1, -1):
        rest = f" +{len(items) - shown}" if shown < len(items) else ""
        text = f" {f'{separator} '.join(items[:shown])}{rest}"
        if len(text) <= room:
            return text
    rest = f" +{len(items) - 1}" if len(items) > 1 else ""
    return f" {clip(items[0], max(1, room - 1 - len(rest)))}{rest}" if items else ""


def limit_lines(limit: LimitLine, width: int) -> list[Line]:
    """Return one limit in full."""
    name, meaning = words(limit.key)
    facts = [
        ("Limit", limit.name, Look.STRONG),
        ("Now", NOTHING if limit.value is None else amount(limit.value, limit.unit), Look.PLAIN),
        ("Allowed", amount(limit.threshold, limit.unit), Look.PLAIN),
        ("Used", used_text(limit.used_share), used_look(limit.used_share)),
        ("Left", NOTHING if limit.headroom is None else amount(limit.headroom, limit.unit), Look.PLAIN),
        ("Setting", limit.key or "none: it cannot be set", Look.PLAIN),
    ]
    lines = fact_lines([fact for fact in facts if fact[0] != "Used" or limit.used_share is not None], width)
    texts = [text for text in (meaning if name != limit.key else "", limit.detail) if text]
    return [*lines, *([EMPTY] if texts else []), *(line for text in texts for line in wrap(text, width))]


def protection_lines(each: ProtectionLine, now: datetime, zone: tzinfo, width: int) -> list[Line]:
    """Return one pause of entries in full."""
    facts = [
        ("Paused", each.scope, Look.STRONG),
        ("By", each.kind, Look.WARN),
        ("Until", f"{date_and_time(each.until, zone)}, in {countdown(each.until, now)}", Look.PLAIN),
        ("Why", each.reason or NOTHING, Look.PLAIN),
    ]
    hint = "Exits, stops and take-profits go on. It ends by itself; c on this screen changes its settings."
    return [*fact_lines(facts, width), EMPTY, *wrap(hint, width, Look.MUTED)]
