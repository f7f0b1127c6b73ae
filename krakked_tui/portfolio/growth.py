"""How one unit of base currency grew from snapshot to snapshot, whatever money came or went."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.portfolio import CashFlow
from krakked_tui.portfolio.summary import Bounds


class Snapshot(Protocol):
    """A point of the equity curve: equity in base currency, with every flow up to that time in it."""

    @property
    def at(self) -> datetime:
        """When it was taken."""

    @property
    def equity(self) -> Decimal:
        """What everything was worth."""


class GrowthPoint(msgspec.Struct, frozen=True, gc=False):
    """What one unit of base currency of the first snapshot had become; 1 at the first, never negative."""

    at: datetime
    growth: Decimal


class Curve:
    """The growth from snapshot to snapshot, worked out once: that of any period is chained of it.

    With equity ``E0`` and ``E1`` at the ends of a sub-period, ``in`` the deposits after its beginning and up
    to its end, and ``out`` the withdrawals (as a positive number):

        growth *= (E1 + out) / (E0 + in)

    so deposits count from the beginning of their sub-period and withdrawals to its end, which keeps the
    divisor above zero whatever moves. It is exact where a snapshot lies on each side of a flow with no
    change of price between, and else off by what the flow made within its sub-period alone. Source: Bacon,
    Practical Portfolio Performance Measurement and Attribution (2008), on time-weighted returns and the
    assumed time of flows. While nothing is invested, nothing grows.
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
            invested, became = points[number - 1].equity, points[number].equity
            while move is not None and move[0] <= points[number].at:
                invested += max(move[1], ZERO)
                became += max(-move[1], ZERO)
                move = next(moves, None)
            self._factors.append(_factor(invested, became))


def _factor(invested: Decimal, became: Decimal) -> Decimal:
    return max(became, ZERO) / invested if invested > ZERO else ONE


def _flowed_at(flow: CashFlow) -> datetime:
    return flow.time


def _at(snapshot: Snapshot) -> datetime:
    return snapshot.at
