"""The equity curve as a screen shows it: all of the past in so many points, and what the money made."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from krakked_tui.control.views import EquityPoint
from krakked_tui.domain.money import ONE
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.growth import growth
from krakked_tui.portfolio.snapshots import equity_curve

CURVE_POINTS = 600
"""Points of a curve at most, and two more for its ends."""
_MICROSECOND = timedelta(microseconds=1)


class PastCurve:
    """Works the stored part out anew only when there are other points. For one equity curve."""

    def __init__(self) -> None:
        self._known: tuple[int, SnapshotSaved | None] = (0, None)
        self._points: tuple[EquityPoint, ...] = ()
        self._growth: Decimal | None = None

    def show(
        self, stored: Sequence[SnapshotSaved], now: SnapshotSaved | None
    ) -> tuple[tuple[EquityPoint, ...], Decimal | None]:
        """Return the curve, and what one unit of base currency became over it, net of what came and went.

        ``stored`` are in time order; ``now`` is the point that is not stored yet.
        """
        known = (len(stored), stored[-1] if stored else None)
        if known != self._known:
            self._known = known
            self._points = _thinned(stored)
            self._growth = ONE if len(stored) == 1 else growth(stored)
        if now is None or (stored and now.at <= stored[-1].at):
            return self._points, self._growth if len(stored) > 1 else None
        points = (*self._points, EquityPoint(now.at, now.equity))
        since = growth((stored[-1], now)) if stored else None
        return points, None if since is None or self._growth is None else self._growth * since


def _thinned(stored: Sequence[SnapshotSaved]) -> tuple[EquityPoint, ...]:
    if len(stored) <= CURVE_POINTS:
        return tuple(EquityPoint(each.at, each.equity) for each in stored)
    resolution = max((stored[-1].at - stored[0].at) / CURVE_POINTS, _MICROSECOND)
    kept = equity_curve(stored, resolution)
    first = () if kept[0] is stored[0] else (stored[0],)
    return tuple(EquityPoint(each.at, each.equity) for each in (*first, *kept))
