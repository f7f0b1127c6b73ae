"""Time passing on the floor: the market's trades, expiries and the dead man's switch, in time order."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.precision import step_up
from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.dead_man import TIMEOUT_REASON, DeadMan
from krakked_tui.sandbox.floor import Floor
from krakked_tui.sandbox.orders import TriggerChanged
from krakked_tui.sim.tape import Print
from krakked_tui.sim.triggers import Armed

_FAR: Final = 2**62


class Passage:
    """One stretch of time on one floor, after ``after`` and up to and including ``until``.

    ``reached`` is the instant up to which everything has been applied, or at least been tried: who
    starts again after a failure starts there, so that nothing is ever applied twice.
    """

    def __init__(self, floor: Floor, dead_man: DeadMan, after: datetime, until: datetime) -> None:
        self.reached = after
        self._floor = floor
        self._dead_man = dead_man
        self._after, self._until = micros_of(after), micros_of(until)
        self._prints: dict[str, Iterator[tuple[int, Print]]] = {}
        self._heads: list[tuple[int, str, Print]] = []
        self._moved: set[str] = set()
        floor.stirred.clear()
        for name in floor.books.open_pairs:
            self._watch(name, self._after)

    def run(self) -> None:
        """Let it all happen."""
        while True:
            due = self._next_deadline()
            head = self._heads[0][0] if self._heads else _FAR
            if due is not None and due <= head:
                self._reach(due)
                self._meet_deadlines(due)
            elif self._heads:
                self._reach(head)
                self._next_print()
            else:
                break
        self._reach(self._until)
        self._tell_moves()

    def _reach(self, at: int) -> None:
        self.reached = max(self.reached, instant_of(at))

    def _next_deadline(self) -> int | None:
        """The next instant at which an order expires or the dead man's switch fires, if it is within."""
        expiry = self._floor.next_expiry()
        times = [] if expiry is None else [micros_of(expiry[0])]
        if (fires_at := self._dead_man_fires()) is not None:
            times.append(fires_at)
        due = min(times, default=_FAR)
        return due if due <= self._until else None

    def _meet_deadlines(self, due: int) -> None:
        at, orders = instant_of(due), self._floor.books.open_orders
        expiry = self._floor.next_expiry()
        while expiry is not None and micros_of(expiry[0]) <= due:
            self._floor.end(orders[expiry[1]], ExchangeStatus.EXPIRED, expiry[0])
            expiry = self._floor.next_expiry()
        fires_at = self._dead_man_fires()
        if fires_at is not None and fires_at <= due:
            self._dead_man.at = None
            for order in list(orders.values()):
                self._floor.end(order, ExchangeStatus.CANCELED, at, TIMEOUT_REASON, follow=False)

    def _dead_man_fires(self) -> int | None:
        """When the switch fires: during maintenance not at all, so that it is late afterwards."""
        if self._dead_man.at is None or self._floor.system == PairStatus.MAINTENANCE:
            return None
        return max(micros_of(self._dead_man.at), self._after)

    def _next_print(self) -> None:
        """Apply the next trade; those of the same instant go first before new prices are watched for.

        So an order takes part from the instant after it began to wait, however often one looks.
        """
        at, name, trade = heapq.heappop(self._heads)
        self._push(name)
        if not self._floor.is_halted(name):
            self._apply(at, name, trade)
        if name in self._floor.stirred and not self._at_once(name, at):
            self._floor.stirred.discard(name)
            self._heads = [head for head in self._heads if head[1] != name]
            heapq.heapify(self._heads)
            self._watch(name, at)

    def _apply(self, at: int, name: str, trade: Print) -> None:
        floor, instant = self._floor, instant_of(at)
        grid = floor.market.grids[name]
        price = floor.print_price(name, trade)
        for match in floor.resting[name].on_print(price, grid.volume(trade.volume)):
            # What an earlier one did (its conditional close) may have ended it.
            if match.order_id in floor.books.open_orders:
                order = floor.books.open_orders[match.order_id]
                floor.fill(order, match.price, match.volume, instant, maker=True)
        fired, moved = floor.armed[name].on_print(price, self._holds_back)
        for armed in fired:
            if armed.order_id in floor.books.open_orders:
                floor.fire(floor.books.open_orders[armed.order_id], price, instant)
        for armed in moved:
            if armed.order_id in floor.books.open_orders:
                floor.move(armed, instant)
                self._moved.add(armed.order_id)

    def _holds_back(self, armed: Armed) -> bool:
        return self._floor.holds_back(self._floor.books.open_orders[armed.order_id].draft)

    def _tell_moves(self) -> None:
        """Tell once of every trailing stop that moved, not of every step of it."""
        open_orders = self._floor.books.open_orders
        for order_id in sorted(self._moved):
            if order_id in open_orders and open_orders[order_id].is_armed:
                self._floor.events.append(TriggerChanged(open_orders[order_id], instant_of(self._until)))

    def _at_once(self, name: str, at: int) -> bool:
        return any(head[1] == name and head[0] == at for head in self._heads)

    def _push(self, name: str) -> None:
        found = next(self._prints[name], None)
        if found is not None:
            heapq.heappush(self._heads, (found[0], name, found[1]))

    def _watch(self, name: str, after: int) -> None:
        """Look for the pair's next trades that can matter to what waits on it now."""
        floor = self._floor
        if not floor.resting[name] and not floor.armed[name]:
            return
        low, high = _quiet_ticks(floor, name)
        self._prints[name] = floor.market.prints(name, after, self._until, low, high)
        self._push(name)


def _quiet_ticks(floor: Floor, name: str) -> tuple[int, int]:
    """Return the lowest and the highest price, in the market's ticks, between which no trade matters."""
    tick = floor.market.grids[name].tick
    highest_buy, lowest_sell = floor.resting[name].limits()
    quiet = floor.armed[name].quiet()
    lows = [_ceiling(price, tick) for price in (highest_buy, quiet.low) if price is not None]
    highs = [int(price / tick) for price in (lowest_sell, quiet.high) if price is not None]
    if quiet.falls is not None:
        lows.append(int(quiet.falls / tick) + 1)
    if quiet.rises is not None:
        highs.append(_ceiling(quiet.rises, tick) - 1)
    # Where the listing's tick is coarser a trade is seen up to so many ticks from where it is.
    blur = floor.ticks_per(name) - 1
    return max(lows, default=0) + blur, min(highs, default=_FAR) - blur


def _ceiling(price: Decimal, tick: Decimal) -> int:
    return int(step_up(price, tick) / tick)
