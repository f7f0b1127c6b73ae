"""The whole chain of one decision: candle, indicators, intents, limits, actions, orders, fills, P&L."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

import msgspec

from krakked_tui.control.risk_view import ActionLine, Explanation, FillLine, OrderLine
from krakked_tui.control.strategy_view import IntentLine
from krakked_tui.domain.money import ZERO
from krakked_tui.tui.rows.checks import check_lines, limit_word
from krakked_tui.tui.rows.dialogs import fact_lines, labelled
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, wrap
from krakked_tui.tui.rows.numbers import NOTHING, date_and_time, gain_look, quantity, signed

LINES_MAX = 800
_INDENT = "  "


def why_lines(found: Explanation, zone: tzinfo, width: int, most: int | None = LINES_MAX) -> list[Line]:
    """Return the chain: what was blocked first, then everything in its order. At most so many lines.

    Of an order that was asked for, only what is about its pair.
    """
    if found.problem:
        return wrap(found.problem, width, Look.WARN)
    told = _about_the_order(found)
    lines = [line for part in _parts(told, zone, width) for line in part]
    if most is None or len(lines) <= most:
        return lines
    rest = f"{len(lines) - most:,} more lines: krakked-tui explain {found.plan_id}"
    return [*lines[:most], *wrap(rest, width, Look.MUTED)]


def _about_the_order(found: Explanation) -> Explanation:
    """Leave out what the plan decided on other pairs than that of the order that was asked for."""
    asked = next((order for order in found.orders if order.cl_ord_id == found.focus != ""), None)
    if asked is None:
        return found
    orders = tuple(order for order in found.orders if order.pair == asked.pair)
    ids = {order.cl_ord_id for order in orders}
    intents = tuple(intent for intent in found.intents if intent.pair == asked.pair)
    actions = tuple(action for action in found.actions if action.pair == asked.pair)
    elsewhere = len(found.intents) - len(intents)
    wishes = "1 wish" if elsewhere == 1 else f"{elsewhere:,} wishes"
    more = (f"{wishes} on other pairs: krakked-tui explain {found.plan_id}",) if elsewhere else ()
    return msgspec.structs.replace(
        found, orders=orders, intents=intents, actions=actions, notes=(*found.notes, *more),
        fills=tuple(fill for fill in found.fills if fill.cl_ord_id in ids),
    )  # fmt: skip


def _parts(found: Explanation, zone: tzinfo, width: int) -> Iterator[list[Line]]:
    yield _blocked(found.actions, width)
    yield _head(found, zone, width)
    if found.notes:
        yield _section("NOTES", [line for note in found.notes for line in wrap(note, width)])
    yield _section("INTENTS", _intents(found.intents, zone, width), "No strategy wanted anything.")
    yield _section("ACTIONS", _actions(found.actions, width), "Risk had nothing to decide.")
    yield _section("ORDERS", _orders(found, zone, width), "No order came of it.")
    yield _section("FILLS", _fills(found.fills, zone, width), "Nothing was filled.")
    if found.metadata:
        facts = fact_lines([(name[:13], text, Look.PLAIN) for name, text in found.metadata], width)
        yield _section("THE ACCOUNT THEN", facts)


def _section(title: str, lines: Sequence[Line], nothing: str = "") -> list[Line]:
    return [EMPTY, (Span(title, Look.TITLE),), *(lines or [(Span(nothing, Look.MUTED),)])]


def _head(found: Explanation, zone: tzinfo, width: int) -> list[Line]:
    facts = [("Plan", found.plan_id or NOTHING, Look.STRONG), ("Decided", _time(found.at, zone), Look.PLAIN)]
    closed = ", ".join(found.timeframes)
    facts.append(("Candle", f"{_time(found.candle_time, zone)}  {closed}".rstrip(), Look.PLAIN))
    if found.focus:
        facts.append(("Asked for", f"order {found.focus}", Look.PLAIN))
    return fact_lines(facts, width)


def _time(at: datetime | None, zone: tzinfo) -> str:
    return NOTHING if at is None else date_and_time(at, zone)


def _blocked(actions: Iterable[ActionLine], width: int) -> list[Line]:
    """Return why what was wanted was not done: the first thing to be asked at night."""
    blocked = [action for action in actions if action.blocked]
    if not blocked:
        return []
    lines: list[Line] = [(Span(f" BLOCKED {len(blocked)} ", Look.ALARM),)]
    for action in blocked:
        head = f"{action.pair} {action.strategy_id}: {action.reason or 'no reason given'}"
        lines += labelled(Span("! ", Look.WARN), wrap(head, width - 2, Look.STRONG))
        for check in action.checks:
            if check.verdict == "blocked" and check.reason and check.reason not in action.reason:
                why = f"{limit_word(check)}: {check.reason}"
                lines += [(Span(_INDENT), *line) for line in wrap(why, width - len(_INDENT))]
    return [*lines, EMPTY]


def _intents(intents: Iterable[IntentLine], zone: tzinfo, width: int) -> list[Line]:
    lines: list[Line] = []
    for intent in intents:
        lines += intent_lines(intent, zone, width)
    return lines


def intent_lines(intent: IntentLine, zone: tzinfo, width: int) -> list[Line]:
    """Return what a strategy wanted, the indicator values it saw, and what became of it."""
    head = f"{intent.strategy_id} wants to {intent.intent} {intent.pair} on {intent.timeframe}"
    facts = [
        f"candle of {date_and_time(intent.signal_time, zone)}",
        f"close {quantity(intent.close)}",
        f"confidence {quantity(intent.confidence)}",
    ]
    if intent.stop_price is not None:
        facts.append(f"stop {quantity(intent.stop_price)}")
    if intent.take_profit_price is not None:
        facts.append(f"target {quantity(intent.take_profit_price)}")
    lines = wrap(head, width, Look.STRONG)
    room = width - len(_INDENT)
    texts = [(", ".join(facts), Look.PLAIN), (values_text(intent.values), Look.KEY)]
    texts.append((f"became: {intent.outcome}" if intent.outcome else "", Look.PLAIN))
    for text, look in texts:
        lines += [(Span(_INDENT), *line) for line in wrap(text, room, look)]
    return lines


def values_text(values: Iterable[tuple[str, float]]) -> str:
    """Return indicator values by name."""
    return "  ".join(f"{name} {value:.8g}" for name, value in values)


def _actions(actions: Sequence[ActionLine], width: int) -> list[Line]:
    lines: list[Line] = []
    for index, action in enumerate(actions):
        lines += [EMPTY] if index else []
        lines += _action(action, width)
    return lines


def _action(action: ActionLine, width: int) -> list[Line]:
    word = "BLOCKED" if action.blocked else action.action.upper()
    look = Look.ALARM if action.blocked else Look.STRONG
    change = f"  {quantity(action.current)} → {quantity(action.target)}"
    lines: list[Line] = [
        *labelled(Span(f" {word} ", look), wrap(action.pair + change, width - len(word) - 2))
    ]
    texts = [(f"for {action.strategy_id}", Look.MUTED), (action.reason, Look.PLAIN)]
    if len(action.shares) > 1:
        shares = ", ".join(f"{strategy} {quantity(size)}" for strategy, size in action.shares)
        texts.append((f"shares: {shares}", Look.PLAIN))
    for text, shown in texts:
        lines += [(Span(_INDENT), *line) for line in wrap(text, width - len(_INDENT), shown)]
    if action.checks:
        lines += check_lines(action.checks, width)
    return lines


def _orders(found: Explanation, zone: tzinfo, width: int) -> list[Line]:
    lines: list[Line] = []
    for order in found.orders:
        lines += _order(order, zone, width, asked=order.cl_ord_id == found.focus != "")
    return lines


def _order(order: OrderLine, zone: tzinfo, width: int, *, asked: bool) -> list[Line]:
    head = f"{order.side} {quantity(order.volume)} {order.pair} {order.order_type} for {order.purpose}"
    average = f" at {quantity(order.avg_fill_price)}" if order.avg_fill_price else ""
    state = f"{order.status}, filled {quantity(order.filled)}{average}"
    mark = Span("▶ " if asked else "", Look.KEY)
    lines = labelled(mark, wrap(head, width - len(mark.text), Look.STRONG))
    for text in (f"{order.cl_ord_id}: {state}", *_history(order.transitions, zone)):
        lines += [(Span(_INDENT), *line) for line in wrap(text, width - len(_INDENT))]
    return lines


def _history(transitions: Iterable[tuple[datetime, str]], zone: tzinfo) -> Iterator[str]:
    for at, words in transitions:
        yield f"{at.astimezone(zone):%H:%M:%S.%f}"[:-3] + f"  {words}"


def _fills(fills: Sequence[FillLine], zone: tzinfo, width: int) -> list[Line]:
    lines: list[Line] = []
    for fill in fills:
        text = f"{quantity(fill.volume)} at {quantity(fill.price)}, fee {fill.fee or NOTHING}"
        lines += wrap(f"{date_and_time(fill.at, zone)}  {text}", width)
        made = "" if fill.pnl is None else f"made {signed(fill.pnl, 2)}"
        look = Look.PLAIN if fill.pnl is None else gain_look(fill.pnl)
        own = f"{fill.trade_id} of {fill.cl_ord_id}"
        lines += [(Span(_INDENT), *line) for line in wrap(own, width - len(_INDENT), Look.MUTED)]
        lines += [(Span(_INDENT), *line) for line in wrap(made, width - len(_INDENT), look)]
    results = [fill.pnl for fill in fills if fill.pnl is not None]
    if results:
        total = sum(results, start=ZERO)
        lines.append((Span("Together "), Span(signed(total, 2), gain_look(total)), Span(" in base currency")))
    return lines
