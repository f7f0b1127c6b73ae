"""Price-time priority for our own orders against a market that does not notice them.

An order first takes what the book offers at its limit or better, best level first. What is left of
a resting limit order then waits in ``RestingOrders`` and fills, at its own price, when the market
trades *through* that price: a print at the price itself goes to those who were there before us. One
print fills at most its own volume, our best-priced and then oldest order first.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.precision import truncate


class Level(msgspec.Struct, frozen=True):
    """One price of a book and the volume offered there (base)."""

    price: Decimal
    volume: Decimal


class Book(msgspec.Struct, frozen=True):
    """What others offer, best first on both sides."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def against(self, side: Side) -> tuple[Level, ...]:
        """The levels an order of this side would take."""
        return self.asks if side is Side.BUY else self.bids


class Match(msgspec.Struct, frozen=True):
    """So much of a resting order executes, at its own price."""

    order_id: str
    price: Decimal
    volume: Decimal


class Resting(msgspec.Struct, frozen=True):
    """A limit order waiting for the market. ``arrival`` grows with every order: older is first."""

    order_id: str
    side: Side
    price: Decimal
    remaining: Decimal
    arrival: int


def crosses(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Say whether an order at ``limit`` could trade at ``price``."""
    return price <= limit if side is Side.BUY else price >= limit


def beyond(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Say whether a print at ``price`` went through a resting order's ``limit``."""
    return price < limit if side is Side.BUY else price > limit


def take(book: Book, side: Side, volume: Decimal, limit: Decimal | None) -> tuple[Level, ...]:
    """Return what an arriving order gets from the book at once; without a limit it takes any price.

    The volumes add up to ``volume`` at most; the book may run out before.
    """
    taken: list[Level] = []
    left = volume
    for level in book.against(side):
        if not left or (limit is not None and not crosses(side, limit, level.price)):
            break
        part = min(left, level.volume)
        taken.append(Level(level.price, part))
        left -= part
    return tuple(taken)


class Plan(msgspec.Struct, frozen=True):
    """What happens to an arriving order at once: what it takes, and which own orders stand in its way.

    ``displaced`` are resting orders of ours that yield to it; ``blocked`` says that it yields itself
    once it has taken what it could before it met them.
    """

    taken: tuple[Level, ...]
    displaced: tuple[str, ...] = ()
    blocked: bool = False

    @property
    def volume(self) -> Decimal:
        """Base volume taken."""
        return sum((level.volume for level in self.taken), ZERO)

    @property
    def cost(self) -> Decimal:
        """Quote paid or got for it, not rounded."""
        return sum((level.price * level.volume for level in self.taken), ZERO)


def plan(
    book: Book,
    side: Side,
    volume: Decimal,
    limit: Decimal | None,
    own: Iterable[Resting],
    *,
    newest_yields: bool,
    oldest_yields: bool,
) -> Plan:
    """Plan an arriving order among the market's levels and our own resting orders of the other side.

    Of equal prices the market's come first. An own order in the way is never traded with.
    """
    displaced: list[str] = []
    for order in _in_the_way(own, side, limit):
        taken = take(book, side, volume, order.price)
        if sum((level.volume for level in taken), ZERO) == volume:
            return Plan(taken, tuple(displaced))
        if oldest_yields:
            displaced.append(order.order_id)
        if newest_yields:
            return Plan(taken, tuple(displaced), blocked=True)
    return Plan(take(book, side, volume, limit), tuple(displaced))


def _in_the_way(own: Iterable[Resting], side: Side, limit: Decimal | None) -> list[Resting]:
    """Own orders of the other side that an order crosses, in the order it meets them."""
    met = [
        order
        for order in own
        if order.side is not side and (limit is None or crosses(side, limit, order.price))
    ]
    return sorted(met, key=lambda order: (order.price if side is Side.BUY else -order.price, order.arrival))


def volume_for(book: Book, side: Side, cash: Decimal, decimals: int) -> Decimal:
    """Return the base volume, at ``decimals``, that an amount of quote buys from the book.

    All of the book when that costs less.
    """
    volume, left = ZERO, cash
    for level in book.against(side):
        if left < level.volume * level.price:
            return volume + truncate(left / level.price, decimals)
        volume += level.volume
        left -= level.volume * level.price
    return volume


class RestingOrders:
    """Our resting orders on one pair, in priority order."""

    def __init__(self) -> None:
        self._orders: dict[str, Resting] = {}

    def __bool__(self) -> bool:
        return bool(self._orders)

    def __iter__(self) -> Iterator[Resting]:
        return iter(self._orders.values())

    def add(self, order: Resting) -> None:
        """Let an order rest. Its id must be new and something of it remain."""
        assert order.order_id not in self._orders, f"order rests twice: {order.order_id}"
        assert order.remaining > ZERO, f"nothing left to rest: {order.order_id}"
        self._orders[order.order_id] = order

    def remove(self, order_id: str) -> None:
        """Take an order out; one that does not rest is no error."""
        self._orders.pop(order_id, None)

    def limits(self) -> tuple[Decimal | None, Decimal | None]:
        """Return (highest buy price, lowest sell price): no print between them can fill anything."""
        buys = [order.price for order in self if order.side is Side.BUY]
        sells = [order.price for order in self if order.side is Side.SELL]
        return max(buys, default=None), min(sells, default=None)

    def on_print(self, price: Decimal, volume: Decimal) -> tuple[Match, ...]:
        """Apply one trade of the market; filled orders leave, partly filled ones stay in their place."""
        hit = [order for order in self if beyond(order.side, order.price, price)]
        # Only one side can be hit by a price outside our own spread; best price first, then oldest.
        hit.sort(key=lambda order: (-order.price if order.side is Side.BUY else order.price, order.arrival))
        matches: list[Match] = []
        left = volume
        for order in hit:
            part = min(left, order.remaining)
            if not part:
                break
            left -= part
            matches.append(Match(order.order_id, order.price, part))
            if part == order.remaining:
                self.remove(order.order_id)
            else:
                remaining = order.remaining - part
                self._orders[order.order_id] = msgspec.structs.replace(order, remaining=remaining)
        return tuple(matches)
