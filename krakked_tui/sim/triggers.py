"""Orders that wait for a price to be traded before they do anything.

A trigger fires when the market trades at its price or beyond. A trailing one follows the best price
traded since it was armed, at a distance, and never moves back.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from krakked_tui.domain.money import HUNDRED
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import price_down, price_up


class Trail(msgspec.Struct, frozen=True):
    """How far a trailing trigger stays behind: an amount of quote, or a percentage of the peak."""

    amount: Decimal
    percent: bool
    pair: PairMetadata

    def stop(self, peak: Decimal, *, rises: bool) -> Decimal:
        """Return the trigger price that belongs to a peak, on the grid, on its nearer side."""
        distance = peak * self.amount / HUNDRED if self.percent else self.amount
        if rises:
            return price_down(peak + distance, self.pair)
        return price_up(max(peak - distance, self.pair.tick_size), self.pair)


class Armed(msgspec.Struct, frozen=True):
    """A waiting order. It fires when the price rises to ``price`` if ``rises``, else when it falls to it.

    ``peak`` is the lowest price seen by a trailing trigger that rises, the highest of one that falls.
    """

    order_id: str
    rises: bool
    price: Decimal
    arrival: int
    trail: Trail | None = None
    peak: Decimal | None = None

    def fires(self, price: Decimal) -> bool:
        """Say whether a trade at ``price`` fires it."""
        return price >= self.price if self.rises else price <= self.price

    def followed(self, price: Decimal) -> "Armed | None":
        """Return it as it stands after a trade at ``price`` that did not fire it; None when it stays."""
        if self.trail is None or self.peak is None:
            return None
        if price >= self.peak if self.rises else price <= self.peak:
            return None
        stop = self.trail.stop(price, rises=self.rises)
        stop = min(stop, self.price) if self.rises else max(stop, self.price)
        return msgspec.structs.replace(self, peak=price, price=stop)


class Quiet(NamedTuple):
    """Prices at which nothing happens: above ``falls``, below ``rises`` and between the peaks.

    Each is None where nothing waits. ``low`` and ``high`` are the peaks that trailing triggers follow.
    """

    falls: Decimal | None
    rises: Decimal | None
    low: Decimal | None
    high: Decimal | None


class ArmedOrders:
    """The waiting orders of one pair."""

    def __init__(self) -> None:
        self._orders: dict[str, Armed] = {}

    def __bool__(self) -> bool:
        return bool(self._orders)

    def __iter__(self) -> Iterator[Armed]:
        return iter(self._orders.values())

    def add(self, order: Armed) -> None:
        """Let an order wait. Its id must be new."""
        assert order.order_id not in self._orders, f"order armed twice: {order.order_id}"
        self._orders[order.order_id] = order

    def remove(self, order_id: str) -> None:
        """Take an order out; one that does not wait is no error."""
        self._orders.pop(order_id, None)

    def quiet(self) -> Quiet:
        """Return between which prices nothing fires and nothing moves."""
        peaks = [(order.rises, order.peak) for order in self]
        return Quiet(
            falls=max((order.price for order in self if not order.rises), default=None),
            rises=min((order.price for order in self if order.rises), default=None),
            low=max((peak for rises, peak in peaks if rises and peak is not None), default=None),
            high=min((peak for rises, peak in peaks if not rises and peak is not None), default=None),
        )

    def on_print(
        self, price: Decimal, holds_back: Callable[[Armed], bool] = lambda _: False
    ) -> tuple[tuple[Armed, ...], tuple[Armed, ...]]:
        """Apply one trade of the market: return (those that fired, oldest first; those that moved).

        Fired orders leave; those that are held back go on waiting for another trade.
        """
        fired = sorted(
            (order for order in self if order.fires(price) and not holds_back(order)),
            key=lambda order: order.arrival,
        )
        for order in fired:
            del self._orders[order.order_id]
        moved = [now for order in self if (now := order.followed(price)) is not None]
        for order in moved:
            self._orders[order.order_id] = order
        return tuple(fired), tuple(moved)
