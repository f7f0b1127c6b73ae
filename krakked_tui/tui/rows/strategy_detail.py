"""One strategy closely: how it does, what it made, why it is silent, what switching it off leaves watched."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from krakked_tui.control.risk_view import Silence
from krakked_tui.control.strategy_view import HeldLine, ParameterLine, StrategyLine
from krakked_tui.control.views import EquityPoint
from krakked_tui.tui.rows.chart import curve
from krakked_tui.tui.rows.dialogs import count, fact_lines
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, spread, wrap
from krakked_tui.tui.rows.numbers import (
    NOTHING,
    date_and_time,
    gain_look,
    percent,
    quantity,
    signed_usd,
    span,
    usd,
)
from krakked_tui.tui.rows.strategies import exposed, money, price, state


def about_lines(line: StrategyLine | None, zone: tzinfo, width: int) -> list[Line]:
    """Return how a strategy does, what is wrong first."""
    if line is None:
        return [(Span("No strategy is selected.", Look.MUTED),)]
    word, look = state(line)
    lines: list[Line] = []
    if line.error:
        lines += [(Span(f" {word} ", look),), *wrap(line.error, width, Look.STRONG)]
        lines += wrap("It opens nothing; what it holds is watched. t enables it again.", width, Look.WARN)
        lines.append(EMPTY)
    budget = NOTHING if line.budget_pct is None else percent(line.budget_pct)
    share = NOTHING if line.exposure_pct is None else percent(line.exposure_pct)
    at_work = NOTHING if line.exposure_usd is None else usd(line.exposure_usd)
    userref = "" if line.userref is None else f", userref {line.userref}"
    made = NOTHING if line.pnl is None else signed_usd(line.pnl)
    facts = [
        ("State", word, look),
        ("Type", line.type, Look.PLAIN),
        ("Tag", f"{line.tag}{userref}", Look.PLAIN),
        ("Candles", ", ".join(line.timeframes), Look.PLAIN),
        ("Positions", f"{line.positions} of {line.max_positions}", Look.PLAIN),
        ("At work", f"{at_work}, {share} of equity", Look.PLAIN),
        (
            "Budget",
            f"{budget} of equity" if line.budget_pct is not None else "no limit of its own",
            Look.PLAIN,
        ),
        ("P&L", made, Look.PLAIN if line.pnl is None else gain_look(line.pnl)),
        ("Last run", _moment(line.last_run, zone), Look.PLAIN),
        ("Next run", NOTHING if line.next_run is None else _moment(line.next_run, zone), Look.PLAIN),
        ("Last wanted", _moment(line.last_intents_at, zone), Look.PLAIN),
        ("Last acted", _moment(line.last_actions_at, zone), Look.PLAIN),
    ]
    return [*lines, *fact_lines(facts, width), EMPTY, *wrap(line.idea, width, Look.MUTED)]


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return "never" if at is None else date_and_time(at, zone)


def made_lines(points: Sequence[tuple[datetime, Decimal]], width: int, height: int) -> list[Line]:
    """Return a heading and the curve of what a strategy had made, highest and lowest at its right."""
    title = (Span("REALIZED P&L", Look.TITLE),)
    if len(points) < 2:
        return [title, *wrap("The curve starts with the second closed trade.", width, Look.MUTED)]
    values = [value for _, value in points]
    note = (Span(f"{signed_usd(values[-1])} in {span(points[-1][0] - points[0][0])}", gain_look(values[-1])),)
    labels = (signed_usd(max(values)), signed_usd(min(values)))
    room = max(map(len, labels))
    rows = curve([EquityPoint(at, value) for at, value in points], width - room - 1, height - 1)
    lines: list[Line] = [spread(title, note, width)]
    for index, text in enumerate(rows):
        label = {0: labels[0], len(rows) - 1: labels[1]}.get(index, "")
        lines.append((Span(text, Look.SHAPE), Span(f" {label.rjust(room)}", Look.MUTED)))
    return lines


def silence_lines(found: Silence, zone: tzinfo, width: int) -> list[Line]:
    """Return the first gate that failed, its value and threshold, and when it last passed."""
    who = f"{found.strategy_id} on {found.pair}"
    if not found.gate:
        text = found.reason or "Nothing stands in the way: it enters when a candle closes with its signal."
        return [*wrap(who, width, Look.STRONG), *wrap(text, width, Look.GOOD)]
    facts = [("Stopped at", found.gate, Look.WARN), ("Why", found.reason or NOTHING, Look.STRONG)]
    if found.value:
        facts.append(("Value", found.value, Look.PLAIN))
    if found.threshold:
        facts.append(("Needed", found.threshold, Look.PLAIN))
    facts.append(("Last passed", _passed(found, zone), Look.PLAIN))
    return [*wrap(who, width, Look.STRONG), *fact_lines(facts, width)]


def _passed(found: Silence, zone: tzinfo) -> str:
    if found.last_passed is not None:
        return date_and_time(found.last_passed, zone)
    since = "" if found.since is None else f", {date_and_time(found.since, zone)}"
    return f"not since the program began{since}"


def held_lines(held: HeldLine, zone: tzinfo, width: int) -> list[Line]:
    """Return what is held of a pair and every price at which it is sold between candles."""
    trail = NOTHING if held.trailing_pct is None else f"{percent(held.trailing_pct)} below the highest price"
    pnl = Look.PLAIN if held.pnl is None else gain_look(held.pnl)
    facts = [
        ("Pair", held.pair, Look.STRONG),
        ("Size", quantity(held.size), Look.PLAIN),
        ("Value", money(held.value), Look.PLAIN),
        ("P&L", money(held.pnl, sign=True), pnl),
        ("Opened", date_and_time(held.opened_at, zone), Look.PLAIN),
        ("Stop", price(held.stop_price), Look.PLAIN),
        ("Trailing stop", trail, Look.PLAIN),
        ("Target", price(held.take_profit_price), Look.PLAIN),
        (
            "Sold by",
            "no time is set" if held.sold_by is None else date_and_time(held.sold_by, zone),
            Look.PLAIN,
        ),
    ]
    lines = fact_lines(facts, width)
    if exposed(held):
        lines += [EMPTY, *wrap("NO STOP: nothing limits the loss of this position.", width, Look.WARN)]
    return lines


def parameter_lines(parameter: ParameterLine, width: int) -> list[Line]:
    """Return one parameter in full."""
    facts = [
        ("Parameter", parameter.name, Look.STRONG),
        ("Value", parameter.value or NOTHING, Look.PLAIN),
        ("Default", parameter.default or NOTHING, Look.PLAIN),
        ("Allowed", parameter.allowed or NOTHING, Look.PLAIN),
        ("Setting", parameter.key, Look.MUTED),
    ]
    how = (
        ""
        if parameter.changeable
        else "It is fixed while the engine runs: change it in the configuration file."
    )
    return [*fact_lines(facts, width), EMPTY, *wrap(f"{parameter.description} {how}", width, Look.MUTED)]


def switch_sentences(line: StrategyLine) -> list[tuple[str, Look]]:
    """Return what enabling or disabling a strategy does, and what stays watched."""
    if not runs(line):
        failed = [(f"It failed: {line.error}", Look.WARN)] if line.error else []
        return [
            (f"This lets {line.id} run from the next cycle on: it may open positions.", Look.STRONG),
            *failed,
            (_held_sentence(line), Look.PLAIN),
        ]
    sentences = [
        (f"This stops {line.id} from the next cycle on: it opens nothing more.", Look.STRONG),
        (_held_sentence(line), Look.PLAIN),
    ]
    if line.held:
        watched = "Stops, trailing stops, take-profits and holding times stay watched on live prices."
        sentences.append((f"{watched} Its own exit signals end.", Look.PLAIN))
    bare = [held.pair for held in line.held if exposed(held)]
    if bare:
        sentences.append((f"NO STOP: nothing would limit the loss of {', '.join(bare)}.", Look.WARN))
    return sentences


def runs(line: StrategyLine) -> bool:
    """Say whether switching a strategy means stopping it; one that failed is started again."""
    return line.enabled and line.state != "failed"


def _held_sentence(line: StrategyLine) -> str:
    if not line.held:
        return "It holds nothing."
    worth = [held.value for held in line.held if held.value is not None]
    total = f" worth {usd(sum(worth, start=Decimal(0)))}" if worth else ""
    pairs = ", ".join(held.pair for held in line.held)
    return f"It holds {count(len(line.held), 'position')}{total}: {pairs}."
