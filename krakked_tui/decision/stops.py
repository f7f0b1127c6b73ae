"""Exits between candles: which prices are watched for, and closes that go on until they have happened."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.cancelling import cancel
from krakked_tui.decision.closing import CloseCause, close_holding, leaving
from krakked_tui.decision.effects import Level, Levels, WatchStops
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.parts import joined
from krakked_tui.decision.state import State
from krakked_tui.domain.orders import LocalOrder, OrderType, Purpose, Side
from krakked_tui.execution import lifecycle
from krakked_tui.execution.holdings import Share
from krakked_tui.execution.router import MARKET_PURPOSES
from krakked_tui.market.freshness import GOOD_FOR_VALUATION

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


def stop_crossed(state: State, out: Outcome, event: e.StopCrossed) -> None:
    """Sell the shares that are to be sold at this price, at once, whatever else is going on."""
    pair, price = event.mark.quote.pair, event.mark.quote.price
    state.marks[pair] = event.mark
    if state.watched_stops is not None:
        state.watched_stops.pop(pair, None)  # it was reported, so it is not watched any more
    out.record(*state.held.raise_highs(pair, price))
    for share in tuple(_watched(state, pair)):
        _exit_at(state, out, pair, share, event.mark)


def _exit_at(state: State, out: Outcome, pair: str, share: Share, mark: e.Mark) -> None:
    """Sell a share if the price says so."""
    price, low, high = mark.quote.price, share.exit_below, share.take_profit_price
    stopped = low is not None and price <= low
    level = low if stopped else high
    if level is None or not (stopped or price >= level):
        return
    if stopped:
        trailing = share.stop_price is None or level > share.stop_price
        what, name = ("trailing stop", "trailing_stop_hit") if trailing else ("stop", "stop_hit")
    else:
        what, name = "take-profit", "take_profit_hit"
    out.log(
        Level.WARNING if stopped else Level.INFO, name,
        f"{pair}: {what} {level} of {share.strategy_id} hit at {price}",
        pair=pair, strategy_id=share.strategy_id, stop=str(level), price=str(price),
        price_age=round(mark.age, 3),
    )  # fmt: skip
    close_urgently(state, pair, {share.strategy_id: level if stopped else None})


def sell_what_is_due(state: State, out: Outcome, at: datetime) -> None:
    """Sell the shares that have been held for as long as they may be."""
    for pair in sorted(state.holdings):
        for share in tuple(_watched(state, pair)):
            if share.sell_by is not None and at >= share.sell_by:
                out.log(
                    Level.INFO, "holding_time_over",
                    f"{pair}: {share.strategy_id} has held it for {share.max_holding_minutes} minutes: sold",
                    pair=pair, strategy_id=share.strategy_id, opened_at=share.opened_at.isoformat(),
                )  # fmt: skip
                close_urgently(state, pair, {share.strategy_id: None})


def follow_prices(state: State, out: Outcome) -> None:
    """Have trailing stops follow the prices that have just come."""
    for pair in sorted(state.holdings):
        mark = state.marks.get(pair)
        if mark is not None and mark.freshness in GOOD_FOR_VALUATION:
            out.record(*state.held.raise_highs(pair, mark.quote.price))


def _watched(state: State, pair: str) -> Iterator[Share]:
    """Yield the shares of a pair that are worth selling and are not being sold at market already."""
    holding, urgent = state.holdings.get(pair), state.urgent.get(pair)
    if holding is not None:
        for share in holding.worthwhile(state.known[pair]):
            if urgent is None or not urgent.of(share.strategy_id):
                yield share


def close_urgently(state: State, pair: str, whose: Mapping[str, Decimal | None]) -> None:
    """Have shares sold as soon as that is possible, however many tries it takes.

    ``whose`` are their strategies, each with the stop that was hit, if that is why; none: everyone's. At
    market, or by a limit through the bid where the pair takes nothing else.
    """
    state.urgent[pair] = joined(state.urgent.get(pair), whose)


def close_what_is_urgent(state: State, out: Outcome, at: datetime) -> None:
    """Take every urgent close as far as it can go now. Called after every event.

    A resting sell of ours is canceled first; a close that fails is tried again, with growing pauses.
    A flatten does all this by itself, so meanwhile it has precedence.
    """
    for pair in sorted(state.urgent):
        if not _left(state, pair):
            del state.urgent[pair]
        elif not state.flattening:
            _close(state, out, pair, at)


def _left(state: State, pair: str) -> bool:
    """Say whether anything that can be sold is left of an urgent close."""
    holding, close = state.holdings.get(pair), state.urgent[pair]
    shares = holding.worthwhile(state.known[pair]) if holding else ()
    return any(close.of(share.strategy_id) for share in shares)


def _close(state: State, out: Outcome, pair: str, at: datetime) -> None:
    close = state.urgent[pair]
    due = state.wall >= close.next_wall
    sells = [order for order in state.live_orders(pair) if order.request.side is Side.SELL]
    if sells:
        # Where no sale is taken, what rests there may still fill, and nothing could take its place.
        if state.permits(pair).exit:
            _clear_the_way(state, out, pair, [o for o in sells if _in_the_way(o, due=due)])
        return
    if not due:
        return
    pause = min(FIRST_PAUSE_SECONDS * 2**close.tries, LONGEST_PAUSE_SECONDS)
    replace = msgspec.structs.replace
    state.urgent[pair] = replace(close, tries=close.tries + 1, next_wall=state.wall + pause)
    cause = CloseCause(purpose=Purpose.STOP, parts=dict.fromkeys(close.whose), stops=close.whose)
    result = close_holding(state, out, pair, cause, at)
    if isinstance(result, LocalOrder):
        return
    if result.by_exchange:
        state.urgent[pair] = replace(close, next_wall=_barred_until(state, pair))
        return
    if result.reason != close.told:
        state.urgent[pair] = replace(state.urgent[pair], told=result.reason)
        out.log(
            Level.WARNING, "urgent_close_waits", f"{pair}: cannot be closed: {result.reason}", pair=pair,
            reason=result.reason, tries=close.tries,
        )  # fmt: skip


def _clear_the_way(state: State, out: Outcome, pair: str, sales: list[LocalOrder]) -> None:
    """Cancel sales for an urgent one, which sells for those too who were getting out by them."""
    for sale in sales:
        others = {each: None for each in leaving(state, sale) if not state.urgent[pair].of(each)}
        if others:
            close_urgently(state, pair, others)
    cancel(state, out, tuple(sale.cl_ord_id for sale in sales))


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


def wanted_stops(state: State) -> dict[str, Levels]:
    """Return, by pair, the prices next to the present one at which something is to be done about a share."""
    wanted = {}
    for pair in state.holdings:
        levels = _levels(state, pair)
        if levels != Levels():
            wanted[pair] = levels
    return wanted


def _levels(state: State, pair: str) -> Levels:
    """Return the highest stop, and the lowest take-profit or price at which a trailing stop is stored."""
    shares = tuple(_watched(state, pair))
    lows = [share.exit_below for share in shares if share.exit_below is not None]
    highs = [share.take_profit_price for share in shares if share.take_profit_price is not None]
    marks = (state.held.next_mark(share, pair) for share in shares)
    highs += [mark for mark in marks if mark is not None]
    return Levels(max(lows, default=None), min(highs, default=None))


def watch_stops(state: State, out: Outcome) -> None:
    """Have exactly the wanted prices watched for. Called after every event, the first one included."""
    wanted = wanted_stops(state)
    if wanted != state.watched_stops:
        state.watched_stops = wanted
        out.do(WatchStops(wanted.copy()))
