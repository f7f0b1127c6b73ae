"""Stops: which prices are watched, and closes that must happen until they have happened."""

from datetime import datetime
from decimal import Decimal

from krakked_tui.decision import events as e
from krakked_tui.decision.cancelling import cancel
from krakked_tui.decision.closing import CloseCause, close_holding
from krakked_tui.decision.effects import Level, WatchStops
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State, UrgentClose
from krakked_tui.domain.orders import LocalOrder, OrderType, Purpose, Side
from krakked_tui.execution import lifecycle
from krakked_tui.execution.router import MARKET_PURPOSES

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


def stop_crossed(state: State, out: Outcome, event: e.StopCrossed) -> None:
    """Close a holding whose stop was hit, at once, whatever else is going on."""
    pair = event.mark.quote.pair
    state.marks[pair] = event.mark
    if pair not in state.holdings or pair in state.urgent:
        return
    out.log(
        Level.WARNING, "stop_hit", f"{pair}: stop {event.stop} hit at {event.mark.quote.price}", pair=pair,
        stop=str(event.stop), price=str(event.mark.quote.price), price_age=round(event.mark.age, 3),
    )  # fmt: skip
    close_urgently(state, pair)


def close_urgently(state: State, pair: str) -> None:
    """Have a holding sold as soon as that is possible, however many tries it takes.

    At market, or by a limit through the bid where the pair takes nothing else.
    """
    state.urgent.setdefault(pair, UrgentClose())


def close_what_is_urgent(state: State, out: Outcome, at: datetime) -> None:
    """Take every urgent close as far as it can go now. Called after every event.

    A resting sell of ours is canceled first; a close that fails is tried again, with growing pauses.
    A flatten does all this by itself, so meanwhile it has precedence.
    """
    for pair in sorted(state.urgent):
        if pair not in state.holdings:
            del state.urgent[pair]
        elif not state.flattening:
            _close(state, out, pair, at)


def _close(state: State, out: Outcome, pair: str, at: datetime) -> None:
    close = state.urgent[pair]
    due = state.wall >= close.next_wall
    sells = [order for order in state.live_orders(pair) if order.request.side is Side.SELL]
    if sells:
        # Where no sale is taken, what rests there may still fill, and nothing could take its place.
        if state.permits(pair).exit:
            cancel(state, out, tuple(o.cl_ord_id for o in sells if _in_the_way(o, due=due)))
        return
    if not due:
        return
    pause = min(FIRST_PAUSE_SECONDS * 2**close.tries, LONGEST_PAUSE_SECONDS)
    state.urgent[pair] = UrgentClose(close.tries + 1, state.wall + pause)
    result = close_holding(state, out, pair, CloseCause(purpose=Purpose.STOP), at)
    if isinstance(result, LocalOrder):
        return
    if result.by_exchange:
        state.urgent[pair] = UrgentClose(close.tries, _barred_until(state, pair))
        return
    out.log(
        Level.WARNING, "urgent_close_waits", f"{pair}: cannot be closed: {result.reason}", pair=pair,
        reason=result.reason, tries=close.tries,
    )  # fmt: skip


def _in_the_way(sale: LocalOrder, *, due: bool) -> bool:
    """Say whether a sale must go for the urgent one; a limit that is the urgent one is priced anew."""
    if sale.request.order_type is OrderType.MARKET:
        return False
    return sale.purpose not in MARKET_PURPOSES or (due and sale.status in lifecycle.WORKING)


def _barred_until(state: State, pair: str) -> float:
    barred = state.barred.get(pair)
    if barred is None or barred.next_wall <= state.wall:
        return state.wall + LONGEST_PAUSE_SECONDS
    return barred.next_wall


def wanted_stops(state: State) -> dict[str, Decimal]:
    """Return the stop of every holding that has one and is not being closed at market already."""
    return {
        holding.pair: holding.stop_price
        for holding in state.holdings.values()
        if holding.stop_price is not None and holding.pair not in state.urgent
    }


def watch_stops(state: State, out: Outcome) -> None:
    """Have exactly the wanted stops watched. Called after every event, the first one included."""
    wanted = wanted_stops(state)
    if wanted != state.watched_stops:
        state.watched_stops = wanted
        out.do(WatchStops(wanted))
