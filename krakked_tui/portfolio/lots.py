"""What is held of one asset, and which of it goes when some is sold.

By weighted average, first in first out, last in first out, or highest cost first. All are immutable and
share what they have in common with what they were made from, so that buying and selling takes the same
time, over many of them, whether there are ten lots or ten thousand (in the highest-cost order it grows with
the logarithm of their number). What is taken from a lot takes a share of its cost; the division is the
only inexact step of the books, and its result is cut to ``COST_DECIMALS`` at once, so that every later sum
fits the arithmetic context.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, Generic, TypeVar

import msgspec

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


Order = TypeVar("Order")


class SeparateLots(Lots, Generic[Order]):
    """Lots that stay apart: the frame of the orders in which they go."""

    __slots__ = ()

    @abstractmethod
    def _ready(self) -> Order:
        """Return the lots in the order in which they go."""

    @staticmethod
    @abstractmethod
    def _next(order: Order) -> tuple[Lot, Order]:
        """Return the lot that goes next, and the others."""

    @staticmethod
    @abstractmethod
    def _shrunk(order: Order, part: Lot) -> Order:
        """Return these with only a part left of the lot that goes next."""

    @abstractmethod
    def _left(self, order: Order, size: Decimal, cost: Decimal) -> "SeparateLots[Order]":
        """Return what is left."""

    def dispose(self, quantity: Decimal) -> tuple["SeparateLots[Order]", tuple[Lot, ...]]:
        """Take whole lots, and a part of the last."""
        if quantity <= ZERO:
            return self, ()
        order, cost, wanted, gone = self._ready(), self.cost, quantity, []
        while wanted > ZERO:
            lot, others = self._next(order)
            if lot.size <= wanted:
                order = others
            else:
                share = part_of(lot.cost, wanted, lot.size)
                order = self._shrunk(order, Lot(lot.acquired_at, lot.size - wanted, lot.cost - share))
                lot = Lot(lot.acquired_at, wanted, share)
            gone.append(lot)
            wanted -= lot.size
            cost -= lot.cost
        return self._left(order, self.size - quantity, cost), tuple(gone)


Chain = tuple[Lot, Any] | None
"""A lot and the chain after it."""

TOO_MUCH = "more is taken than is held"


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

    def acquire(self, lot: Lot) -> "FirstInLots":
        """Add a lot."""
        return FirstInLots(self.size + lot.size, self.cost + lot.cost, self._old, (lot, self._new))

    def _ready(self) -> tuple[Chain, Chain]:
        return _turned(self._old, self._new)

    @staticmethod
    def _next(order: tuple[Chain, Chain]) -> tuple[Lot, tuple[Chain, Chain]]:
        old, new = order
        assert old is not None, TOO_MUCH
        return old[0], _turned(old[1], new)

    @staticmethod
    def _shrunk(order: tuple[Chain, Chain], part: Lot) -> tuple[Chain, Chain]:
        old, new = order
        assert old is not None, TOO_MUCH
        return (part, old[1]), new

    def _left(self, order: tuple[Chain, Chain], size: Decimal, cost: Decimal) -> "FirstInLots":
        return FirstInLots(size, cost, *order)

    def __iter__(self) -> Iterator[Lot]:
        yield from _walk(self._old)
        yield from reversed(tuple(_walk(self._new)))


def _turned(old: Chain, new: Chain) -> tuple[Chain, Chain]:
    """Turn the younger half around when nothing is left of the older one."""
    if old is not None:
        return old, new
    for lot in _walk(new):
        old = (lot, old)
    return old, None


class LastInLots(SeparateLots[Chain]):
    """Last in, first out: a chain, the newest first."""

    __slots__ = ("_chain",)

    def __init__(self, size: Decimal = ZERO, cost: Decimal = ZERO, chain: Chain = None) -> None:
        self.size = size
        self.cost = cost
        self._chain = chain

    def acquire(self, lot: Lot) -> "LastInLots":
        """Add a lot."""
        return LastInLots(self.size + lot.size, self.cost + lot.cost, (lot, self._chain))

    def _ready(self) -> Chain:
        return self._chain

    @staticmethod
    def _next(order: Chain) -> tuple[Lot, Chain]:
        assert order is not None, TOO_MUCH
        return order

    @staticmethod
    def _shrunk(order: Chain, part: Lot) -> Chain:
        assert order is not None, TOO_MUCH
        return (part, order[1])

    def _left(self, order: Chain, size: Decimal, cost: Decimal) -> "LastInLots":
        return LastInLots(size, cost, order)

    def __iter__(self) -> Iterator[Lot]:
        yield from reversed(tuple(_walk(self._chain)))


Ranked = tuple[Decimal, datetime, Lot]
"""Cost of a unit, negative; when it was bought; what of it there is. The first two are its rank."""

_rank = itemgetter(0, 1)


class Run(msgspec.Struct, frozen=True, gc=False):
    """Lots from the highest cost down, from the one at ``start`` on; of that one, ``head`` is left."""

    lots: tuple[Ranked, ...]
    start: int
    head: Lot

    def left(self) -> list[Ranked]:
        """Return all that is left; a lot that shrank has the rank it had before."""
        unit_cost, at, _ = self.lots[self.start]
        return [(unit_cost, at, self.head), *self.lots[self.start + 1 :]]

    def __len__(self) -> int:
        return len(self.lots) - self.start


Runs = tuple[Run, ...]


def _first_run(runs: Runs) -> int:
    """Return the number of the run whose next lot costs most; of several, of the oldest run."""
    assert runs, TOO_MUCH
    if len(runs) == 1:
        return 0
    ranks = [_rank(run.lots[run.start]) for run in runs]
    return ranks.index(min(ranks))


def _replaced(runs: Runs, number: int, *run: Run) -> Runs:
    return (*runs[:number], *run, *runs[number + 1 :])


def _merged(runs: Runs, new: Chain) -> Runs:
    """Sort new lots in: into one run with those before them that are not much longer.

    Every run is at least twice as long as the next was when that was made, so that there are as many as the
    logarithm of their lots, and a lot is sorted again no more often than that.
    """
    found = [(-lot.cost / lot.size, lot.acquired_at, lot) for lot in _walk(new)]
    found.reverse()
    count = len(runs)
    while count and len(runs[count - 1]) <= 2 * len(found):
        count -= 1
        found[:0] = runs[count].left()
    found.sort(key=_rank)
    return (*runs[:count], Run(tuple(found), 0, found[0][2]))


class HighestCostLots(SeparateLots[Runs]):
    """Most expensive first; of equally expensive ones the oldest. A lot keeps its place when it shrinks.

    Lots are put in order when something is sold: those bought since the last time into a run of their own.
    """

    __slots__ = ("_new", "_runs")

    def __init__(
        self, size: Decimal = ZERO, cost: Decimal = ZERO, runs: Runs = (), new: Chain = None
    ) -> None:
        self.size = size
        self.cost = cost
        self._runs = runs
        self._new = new

    def acquire(self, lot: Lot) -> "HighestCostLots":
        """Add a lot."""
        return HighestCostLots(self.size + lot.size, self.cost + lot.cost, self._runs, (lot, self._new))

    def _ready(self) -> Runs:
        return self._runs if self._new is None else _merged(self._runs, self._new)

    @staticmethod
    def _next(order: Runs) -> tuple[Lot, Runs]:
        number = _first_run(order)
        run = order[number]
        start = run.start + 1
        if start == len(run.lots):
            return run.head, _replaced(order, number)
        return run.head, _replaced(order, number, Run(run.lots, start, run.lots[start][2]))

    @staticmethod
    def _shrunk(order: Runs, part: Lot) -> Runs:
        number = _first_run(order)
        run = order[number]
        return _replaced(order, number, Run(run.lots, run.start, part))

    def _left(self, order: Runs, size: Decimal, cost: Decimal) -> "HighestCostLots":
        return HighestCostLots(size, cost, order)

    def __iter__(self) -> Iterator[Lot]:
        found = [lot for run in self._runs for _, _, lot in run.left()]
        found += _walk(self._new)
        return iter(sorted(found, key=lambda lot: (lot.acquired_at, lot.cost, lot.size)))


NO_LOTS: dict[CostBasis, Lots] = {
    CostBasis.WAC: AverageLots(),
    CostBasis.FIFO: FirstInLots(),
    CostBasis.LIFO: LastInLots(),
    CostBasis.HIFO: HighestCostLots(),
}
"""Nothing held, by the way in which it will be sold."""
