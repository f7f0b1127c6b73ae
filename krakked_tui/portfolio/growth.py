"""How one unit of base currency grew from snapshot to snapshot, whatever money came or went."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

import msgspec

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.portfolio import CashFlow
from krakked_tui.portfolio.summary import Bounds


class Snapshot(Protocol):
    """A point of the equity curve, in base currency, with every flow up to that time in its equity."""

    @property
    def at(self) -> datetime:
        """When it was taken."""

    @property
    def equity(self) -> Decimal:
        """What everything was worth."""

    @property
    def flows(self) -> Decimal | None:
        """What had come in less what had gone out by then, each at its worth when it was booked.

        None for a point of a version that did not store it.
        """


class GrowthPoint(msgspec.Struct, frozen=True, gc=False):
    """What one unit of base currency of the first snapshot had become; 1 at the first, never negative."""

    at: datetime
    growth: Decimal


class Curve:
    """The growth from snapshot to snapshot, worked out once: that of any period is chained of it.

    With equity ``E0`` and ``E1`` at the ends of a sub-period, ``in`` what came in between, and ``out`` what
    went out (as a positive number):

        growth *= (E1 + out) / (E0 + in)

    so deposits count from the beginning of their sub-period and withdrawals to its end, which keeps the
    divisor above zero whatever moves. It is exact where a snapshot lies on each side of a flow with no
    change of price between, and else off by what the flow made within its sub-period alone. Source: Bacon,
    Practical Portfolio Performance Measurement and Attribution (2008), on time-weighted returns and the
    assumed time of flows. While nothing is invested, nothing grows.

    What came or went is the difference of what both ends have stored: that is in their equity, whenever the
    rows of a flow were read, and whatever its price turns out to have been. Only for points that stored
    nothing it is the flows of that time.
    """

    def __init__(
        self, snapshots: Iterable[Snapshot], flows: Iterable[CashFlow], before: "Curve | None" = None
    ) -> None:
        """Snapshots and flows come in any order. What ``before`` had of the same ones is taken over."""
        self._points = sorted(snapshots, key=_at)
        self._flows = sorted(flows, key=_flowed_at)
        # The first is that of no sub-period.
        self._factors: list[Decimal] = [ONE]
        if before is not None and before._is_beginning_of(self):
            self._factors = before._factors[:]
        self._work_out(len(self._factors))

    def between(self, within: Bounds) -> list[GrowthPoint]:
        """Return the curve of a period."""
        first, last = self._range(within)
        curve, growth = [GrowthPoint(self._points[first].at, ONE)] if first < last else [], ONE
        for number in range(first + 1, last):
            growth *= self._factors[number]
            curve.append(GrowthPoint(self._points[number].at, growth))
        return curve

    def unvalued(self, within: Bounds) -> int:
        """Return how many flows between the snapshots of a period nothing says the worth of."""
        first, last = self._range(within)
        if first >= last:
            return 0
        since, until = self._points[first].at, self._points[last - 1].at
        return sum(flow.value is None and since < flow.time <= until for flow in self._flows)

    def _is_beginning_of(self, other: "Curve") -> bool:
        return self._flows == other._flows and self._points == other._points[: len(self._points)]

    def _range(self, within: Bounds) -> tuple[int, int]:
        since, until = within.since, within.until
        first = 0 if since is None else bisect_left(self._points, since, key=_at)
        last = len(self._points) if until is None else bisect_left(self._points, until, key=_at)
        return first, last

    def _work_out(self, start: int) -> None:
        """Work out the factors of the sub-periods that end with this point and later ones."""
        points = self._points
        if start >= len(points):
            return
        flows = self._flows[bisect_right(self._flows, points[start - 1].at, key=_flowed_at) :]
        moves = iter([(flow.time, flow.value) for flow in flows if flow.value is not None])
        move = next(moves, None)
        for number in range(start, len(points)):
            came, went = ZERO, ZERO
            while move is not None and move[0] <= points[number].at:
                came += max(move[1], ZERO)
                went += max(-move[1], ZERO)
                move = next(moves, None)
            told = _between(points[number - 1], points[number])
            if told is not None:
                came, went = max(told, ZERO), max(-told, ZERO)
            self._factors.append(_factor(points[number - 1].equity + came, points[number].equity + went))


def growth(points: Sequence[Snapshot]) -> Decimal | None:
    """Return what one unit of base currency became from the first point, in time order, to the last.

    None when that is not known: with fewer than two points, or when one did not store its flows.
    """
    if len(points) < 2:
        return None
    grown, since = ONE, points[0]
    for before, after in pairwise(points):
        flowed = _between(before, after)
        if flowed is None:
            return None
        if flowed:
            grown *= _factor(since.equity, before.equity)
            grown *= _factor(before.equity + max(flowed, ZERO), after.equity + max(-flowed, ZERO))
            since = after
    return grown * _factor(since.equity, points[-1].equity)


def _between(before: Snapshot, after: Snapshot) -> Decimal | None:
    """Return what came less what went between two points, None when they do not tell."""
    if before.flows is None or after.flows is None:
        return None
    return after.flows - before.flows


def _factor(invested: Decimal, became: Decimal) -> Decimal:
    return max(became, ZERO) / invested if invested > ZERO else ONE


def _flowed_at(flow: CashFlow) -> datetime:
    return flow.time


def _at(snapshot: Snapshot) -> datetime:
    return snapshot.at
