"""What the dialogs say: consequences in numbers, before anything is sent."""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal

from krakked_tui.control.views import EngineView, OrderView, PositionView
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress
from krakked_tui.tui.rows.banner import flatten_word
from krakked_tui.tui.rows.line import (
    EMPTY,
    Cell,
    Column,
    Line,
    Look,
    Row,
    Span,
    header_line,
    place,
    row_line,
    wrap,
)
from krakked_tui.tui.rows.numbers import NOTHING, age, clock, date_and_time, fixed, usd
from krakked_tui.tui.rows.tables import status_cell

_SALE_COLUMNS = (
    Column("PAIR", 10),
    Column("SIZE", 16, number=True),
    Column("PRICE", 13, number=True),
    Column("AGE", 6, number=True),
    Column("ABOUT $", 13, number=True),
)
_LABEL_WIDTH = 14


def count(number: int, thing: str) -> str:
    """Return "1 order" or "7 orders"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def proceeds(positions: Sequence[PositionView]) -> Decimal:
    """Return what selling the priced positions would bring at their last prices, before fees, in USD."""
    return sum((position.value for position in positions if position.price is not None), start=ZERO)


def cancel_all_sentence(view: EngineView) -> str:
    """Return what cancelling everything does, in numbers."""
    if not view.open_orders:
        return "No open order is known here; this cancels whatever of ours the exchange still has."
    return (
        f"This cancels {count(len(view.open_orders), 'order')}. "
        "Positions stay as they are; orders of others are not touched."
    )


def cancel_one_sentence(order: OrderView) -> str:
    """Return which order a cancel is about."""
    price = fixed(order.price, order.price_decimals) if order.price is not None else "market"
    left = fixed(order.volume - order.filled, order.volume_decimals)
    return (
        f"This cancels 1 order: {order.side} {left} {order.pair} at {price} "
        f"({order.order_type}, {order.purpose}, {order.strategy_id or 'no strategy'})."
    )


def flatten_sentence(view: EngineView) -> str:
    """Return what flattening does, in numbers."""
    orders = count(len(view.open_orders), "order")
    if not view.positions:
        return f"Nothing is held: this cancels {orders} and sells nothing."
    positions = count(len(view.positions), "position")
    return (
        f"This cancels {orders} and sells {positions} at market, "
        f"for about {usd(proceeds(view.positions))} before fees and slippage."
    )


def sale_lines(positions: Sequence[PositionView], width: int) -> list[Line]:
    """Return what would be sold, with the age of the prices behind the estimate."""
    if not positions:
        return []
    placed = place(_SALE_COLUMNS, width)
    return [header_line(placed, "PAIR"), *(row_line(_sale_row(item), placed) for item in positions)]


def _sale_row(position: PositionView) -> Row:
    known = position.price is not None
    look = Look.STALE if position.stale or not known else Look.PLAIN
    price = fixed(position.price, position.price_decimals) if position.price is not None else NOTHING
    old = age(position.price_age) if position.price_age is not None else "never"
    return Row(
        position.pair,
        (
            Cell(position.pair, Look.STRONG),
            Cell(fixed(position.size, position.volume_decimals)),
            Cell(price, look),
            Cell(old, look),
            Cell(fixed(position.value, 2) if known else "unknown", look),
        ),
    )


def flatten_warnings(view: EngineView, width: int) -> list[Line]:
    """Return what makes the estimate doubtful, and what flattening does not do."""
    lines: list[Line] = []
    stale = [item.pair for item in view.positions if item.stale or item.price is None]
    if stale:
        text = f"Old or missing prices for {', '.join(stale)}: the estimate may be wrong."
        lines += wrap(text, width, Look.WARN)
    if view.status.drift:
        text = "Balances differ from the ledger: this list may not be all that is held."
        lines += wrap(text, width, Look.WARN)
    if not view.status.kill_switch.active and not view.status.paused:
        text = "The kill switch is off: strategies may buy again afterwards (Ctrl+K stops them)."
        lines += wrap(text, width, Look.WARN)
    return lines


def flatten_progress_lines(view: EngineView, zone: tzinfo, width: int) -> list[Line]:
    """Return how far the flatten in the view has come, and what it verified."""
    progress = view.flatten
    if progress is None:
        return [(Span("Waiting for the engine to start.", Look.WARN),)]
    started = f"started {clock(progress.started_at, zone)} by {progress.by}"
    lines: list[Line] = [
        (Span(flatten_word(progress).upper(), _phase_look(progress)), Span("  "), Span(started, Look.MUTED)),
        EMPTY,
        (Span(f"open orders left: {len(view.open_orders)}"),),
        (Span(f"positions left:   {len(view.positions)}"),),
    ]
    lines += [
        (Span(f"{pair}: {count(attempts, 'attempt')}", Look.MUTED),)
        for pair, attempts in progress.attempts.items()
        if pair not in progress.left
    ]
    for pair, why in progress.left.items():
        lines += wrap(f"{pair} left: {why}", width, Look.WARN)
    if progress.phase is FlattenPhase.DONE:
        lines += [EMPTY, *wrap(flatten_result(view), width, _phase_look(progress))]
    return lines


def _phase_look(progress: FlattenProgress) -> Look:
    if progress.phase is not FlattenPhase.DONE:
        return Look.ALARM
    return Look.WARN if progress.left else Look.GOOD


def flatten_result(view: EngineView) -> str:
    """Return what a finished flatten verified."""
    if view.flatten is None or not view.flatten.left:
        return "Verified: no open orders of ours, nothing left to sell."
    left = "; ".join(f"{pair}: {why}" for pair, why in view.flatten.left.items())
    return f"Verified, with something left: {left}"


def quit_sentences(view: EngineView, *, cancels_orders: bool) -> list[str]:
    """Return what leaving does to the engine, its orders and its positions."""
    orders, positions = len(view.open_orders), len(view.positions)
    sentences = ["The engine runs in this process: leaving stops it."]
    if not orders:
        sentences.append("There are no open orders.")
    elif cancels_orders:
        sentences.append(f"It cancels {count(orders, 'open order')} first.")
    else:
        sentences.append(f"{count(orders, 'open order')} {_stay(orders)} at the exchange and may still fill.")
    if positions:
        held = f"{count(positions, 'position')} worth {usd(proceeds(view.positions))}"
        sentences.append(f"{held} {_stay(positions)} held, with no stop watched until the next start.")
    else:
        sentences.append("No position is held.")
    return sentences


def _stay(number: int) -> str:
    return "stays" if number == 1 else "stay"


def arm_sentences(view: EngineView, zone: tzinfo, persists: str = "") -> list[str]:
    """Return why the kill switch is set and what clearing it allows; ``persists`` is what still goes on."""
    switch = view.status.kill_switch
    when = f" at {clock(switch.since, zone)}" if switch.since else ""
    who = f" by {switch.by}" if switch.by else ""
    goes_on = [f"It goes on: {persists}. Clear it only if you know better: type FORCE."] if persists else []
    return [
        f"Set{when}{who}: {switch.reason or 'no reason given'}.",
        *goes_on,
        "Clearing it lets strategies open positions again from their next cycle.",
    ]


def order_lines(order: OrderView, zone: tzinfo, width: int) -> list[Line]:
    """Return everything known about one order."""
    status = status_cell(order)
    volume, price = order.volume_decimals, order.price_decimals
    limit = fixed(order.price, price) if order.price is not None else "market"
    average = fixed(order.avg_fill_price, price) if order.avg_fill_price else NOTHING
    facts = [
        ("Order", f"{order.side} {order.pair} {order.order_type}", Look.STRONG),
        ("Status", status.text, status.look),
        ("Volume", fixed(order.volume, volume), Look.PLAIN),
        ("Filled", fixed(order.filled, volume), Look.PLAIN),
        ("Price", limit, Look.PLAIN),
        ("Average price", average, Look.PLAIN),
        ("For", order.purpose, Look.PLAIN),
        ("Strategy", order.strategy_id or NOTHING, Look.PLAIN),
        ("Plan", order.plan_id or NOTHING, Look.PLAIN),
        ("Created", date_and_time(order.created_at, zone), Look.PLAIN),
        ("Updated", date_and_time(order.updated_at, zone), Look.PLAIN),
        ("Our id", order.cl_ord_id, Look.PLAIN),
        ("Kraken id", order.kraken_order_id or NOTHING, Look.PLAIN),
        ("Last error", order.last_error or "none", Look.WARN if order.last_error else Look.PLAIN),
    ]
    return fact_lines(facts, width)


def fact_lines(facts: Sequence[tuple[str, str, Look]], width: int) -> list[Line]:
    """Return labels with their values beside them, broken into lines."""
    return [line for label, value, look in facts for line in _fact(label, value, look, width)]


def _fact(label: str, value: str, look: Look, width: int) -> list[Line]:
    return labelled(Span(label.ljust(_LABEL_WIDTH), Look.MUTED), wrap(value, width - _LABEL_WIDTH, look))


def labelled(label: Span, lines: Sequence[Line]) -> list[Line]:
    """Put a label before the first of some lines and indent the others as much."""
    indent = Span(" " * len(label.text))
    return [(indent if index else label, *line) for index, line in enumerate(lines)]
