"""What is held of one asset, and which of it goes when some is sold.

By weighted average, first in first out, last in first out, or highest cost first. All are immutable and
share what they have in common with what they were made from, so that buying and selling takes the same
time whether there are ten lots or ten thousand (a step of the highest-cost order takes time with the
logarithm of their number). What is taken from a lot takes a share of its cost; the division is the only
inexact step of the books, and its result is cut to ``COST_DECIMALS`` at once, so that every later sum
fits the arithmetic context.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.portfolio import CostBasis, Lot
from krakked_tui.domain.precision import at_scale

COST_DECIMALS = 24
"""Finer than any price times any quantity, coarse enough to leave 26 digits before the point."""


def part_of(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return ``amount * part / whole``, cut to ``COST_DECIMALS``; all of it when part is the whole."""
    if part == whole:
        return amount
    return at_scale(amount * part / whole, COST_DECIMALS)


class Lots(ABC):
    """Lots of one asset. ``size`` is never below zero; ``cost`` is in base currency, fees aside."""

    __slots__ = ("cost", "size")

    def __init__(self, size: Decimal = ZERO, cost: Decimal = ZERO) -> None:
        self.size = size
        self.cost = cost

    @abstractmethod
    def acquire(self, lot: Lot) -> "Lots":
        """Return these and another lot, which is the newest; its size is above zero."""

    @abstractmethod
    def dispose(self, quantity: Decimal) -> tuple["Lots", tuple[Lot, ...]]:
        """Return what stays and what goes, in the order it goes; at most ``size`` may go."""

    @abstractmethod
    def __iter__(self) -> Iterator[Lot]:
        """Go through the lots, the oldest first."""

    @property
    def opened_at(self) -> datetime | None:
        """When the oldest lot was acquired, None when nothing is held."""
        return min((lot.acquired_at for lot in self), default=None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lots) and type(self) is type(other) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"


class AverageLots(Lots):
    """Weighted average: everything is one lot, as old as the position."""

    __slots__ = ("_opened_at",)

    def __init__(self, size: Decimal = ZERO, cost: Decimal = ZERO, opened_at: datetime | None = None) -> None:
        self.size = size
        self.cost = cost
        self._opened_at = opened_at

    def acquire(self, lot: Lot) -> "AverageLots":
        """Mix a lot in."""
        return AverageLots(self.size + lot.size, self.cost + lot.cost, self._opened_at or lot.acquired_at)

    def dispose(self, quantity: Decimal) -> tuple["AverageLots", tuple[Lot, ...]]:
        """Take some at the average."""
        if self._opened_at is None:
            return self, ()
        share = part_of(self.cost, quantity, self.size)
        left = self.size - quantity
        gone = (Lot(self._opened_at, quantity, share),)
        return AverageLots(left, self.cost - share, self._opened_at if left else None), gone

    @property
    def opened_at(self) -> datetime | None:
        """When the position was opened."""
        return self._opened_at

    def __iter__(self) -> Iterator[Lot]:
        if self._opened_at is not None:
            yield Lot(self._opened_at, self.size, self.cost)


Rest = TypeVar("Rest")


class SeparateLots(Lots, Generic[Rest]):
    """Lots that stay apart: the frame of the orders in which they go."""

    __slots__ = ()

    @abstractmethod
    def _put(self, lot: Lot, size: Decimal, cost: Decimal) -> "SeparateLots[Rest]":
        """Return these with a new lot."""

    @abstractmethod
    def _first(self) -> tuple[Lot, Rest]:
        """Return the lot that goes next, and the others in a form for ``_left``."""

    @abstractmethod
    def _left(self, rest: Rest, part: Lot | None, size: Decimal, cost: Decimal) -> "SeparateLots[Rest]":
        """Return the others, with what is left of the lot that went."""

    def acquire(self, lot: Lot) -> "SeparateLots[Rest]":
        """Add a lot."""
        return self._put(lot, self.size + lot.size, self.cost + lot.cost)

    def dispose(self, quantity: Decimal) -> tuple["SeparateLots[Rest]", tuple[Lot, ...]]:
        """Take whole lots, and a part of the last."""
        here, gone = self, []
        while quantity > ZERO:
            lot, rest = here._first()
            if lot.size <= quantity:
                quantity -= lot.size
                gone.append(lot)
                here = here._left(rest, None, here.size - lot.size, here.cost - lot.cost)
                continue
            share = part_of(lot.cost, quantity, lot.size)
            gone.append(Lot(lot.acquired_at, quantity, share))
            part = Lot(lot.acquired_at, lot.size - quantity, lot.cost - share)
            here = here._left(rest, part, here.size - quantity, here.cost - share)
            break
        return here, tuple(gone)


Chain = tuple[Lot, Any] | None
"""A lot and the chain after it."""


def _walk(chain: Chain) -> Iterator[Lot]:
    while chain is not None:
        lot, chain = chain
        yield lot


class FirstInLots(SeparateLots[tuple[Chain, Chain]]):
    """First in, first out: a queue in two halves, of which the younger is kept the newest first."""

    __slots__ = ("_new", "_old")

    def __init__(
        self, size: Decimal = ZERO, cost: Decimal = ZERO, old: Chain = None, new: Chain = None
    ) -> None:
        self.size = size
        self.cost = cost
        self._old = old
        self._new = new

    def _put(self, lot: Lot, size: Decimal, cost: Decimal) -> "FirstInLots":
        return FirstInLots(size, cost, self._old, (lot, self._new))

    def _first(self) -> tuple[Lot, tuple[Chain, Chain]]:
        old, new = self._old, self._new
        if old is None:
            for lot in _walk(new):
                old = (lot, old)
            new = None
        assert old is not None, "more is taken than is held"
        return old[0], (old[1], new)

    def _left(
        self, rest: tuple[Chain, Chain], part: Lot | None, size: Decimal, cost: Decimal
    ) -> "FirstInLots":
        old, new = rest
        return FirstInLots(size, cost, old if part is None else (part, old), new)

    def __iter__(self) -> Iterator[Lot]:
        yield from _walk(self._old)
        yield from reversed(tuple(_walk(self._new)))


class LastInLots(SeparateLots[Chain]):
    """Last in, first out: a chain, the newest first."""

    __slots__ = ("_chain",)

    def __init__(self, size: Decimal = ZERO, cost: Decimal = ZERO, chain: Chain = None) -> None:
        self.size = size
        self.cost = cost
        self._chain = chain

    def _put(self, lot: Lot, size: Decimal, cost: Decimal) -> "LastInLots":
        return LastInLots(size, cost, (lot, self._chain))

    def _first(self) -> tuple[Lot, Chain]:
        assert self._chain is not None, "more is taken than is held"
        return self._chain

    def _left(self, rest: Chain, part: Lot | None, size: Decimal, cost: Decimal) -> "LastInLots":
        return LastInLots(size, cost, rest if part is None else (part, rest))

    def __iter__(self) -> Iterator[Lot]:
        yield from reversed(tuple(_walk(self._chain)))


Heap = tuple[tuple[Decimal, datetime], Lot, int, Any, Any] | None
"""A leftist heap: key (cost of a unit, negative; time), lot, rank, and two heaps of later keys."""


def _merge(one: Heap, other: Heap) -> Heap:
    if one is None:
        return other
    if other is None:
        return one
    if other[0] < one[0]:
        one, other = other, one
    key, lot, _, left, right = one
    right = _merge(right, other)
    assert right is not None
    if left is None or left[2] < right[2]:
        left, right = right, left
    return (key, lot, 1 if right is None else right[2] + 1, left, right)


class HighestCostLots(SeparateLots[Heap]):
    """Most expensive first; of equally expensive ones the oldest. A lot keeps its place when it shrinks."""

    __slots__ = ("_heap",)

    def __init__(self, size: Decimal = ZERO, cost: Decimal = ZERO, heap: Heap = None) -> None:
        self.size = size
        self.cost = cost
        self._heap = heap

    def _put(self, lot: Lot, size: Decimal, cost: Decimal) -> "HighestCostLots":
        key = (-lot.cost / lot.size, lot.acquired_at)
        return HighestCostLots(size, cost, _merge(self._heap, (key, lot, 1, None, None)))

    def _first(self) -> tuple[Lot, Heap]:
        assert self._heap is not None, "more is taken than is held"
        return self._heap[1], self._heap

    def _left(self, rest: Heap, part: Lot | None, size: Decimal, cost: Decimal) -> "HighestCostLots":
        assert rest is not None
        key, _, rank, left, right = rest
        heap = _merge(left, right) if part is None else (key, part, rank, left, right)
        return HighestCostLots(size, cost, heap)

    def __iter__(self) -> Iterator[Lot]:
        found: list[Lot] = []
        heaps = [self._heap]
        while heaps:
            heap = heaps.pop()
            if heap is not None:
                found.append(heap[1])
                heaps += heap[3:]
        return iter(sorted(found, key=lambda lot: (lot.acquired_at, lot.cost, lot.size)))


NO_LOTS: dict[CostBasis, Lots] = {
    CostBasis.WAC: AverageLots(),
    CostBasis.FIFO: FirstInLots(),
    CostBasis.LIFO: LastInLots(),
    CostBasis.HIFO: HighestCostLots(),
}
"""Nothing held, by the way in which it will be sold."""
