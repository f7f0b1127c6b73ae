"""Which points of the equity curve make it at a resolution, and which may go."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Protocol, TypeVar

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timed(Protocol):
    """Something of one moment."""

    @property
    def at(self) -> datetime:
        """When."""


TimedT = TypeVar("TimedT", bound=Timed)


def equity_curve(snapshots: Iterable[TimedT], resolution: timedelta) -> tuple[TimedT, ...]:
    """Return the last snapshot of each stretch of this length (above zero; counted from 1970), in time order.

    A stretch without a snapshot gives nothing: gaps stay gaps, and times are those of the snapshots.
    """
    assert resolution > timedelta(0)
    last = {(snapshot.at - _EPOCH) // resolution: snapshot for snapshot in sorted(snapshots, key=_at)}
    return tuple(last.values())


class Flowing(Timed, Protocol):
    """Something of one moment that knows what had come in less what had gone out by then."""

    @property
    def flows(self) -> Decimal | None:
        """In base currency; None when it was not stored."""


FlowingT = TypeVar("FlowingT", bound=Flowing)


def prunable(snapshots: Iterable[FlowingT], now: datetime, retention_days: int) -> tuple[FlowingT, ...]:
    """Return the snapshots that may be deleted, in time order.

    Older than ``retention_days`` (0 or more), and neither the last of their UTC day (that one stays for
    ever, so that the curve keeps a point for every day) nor next to where money came or went: between two
    such points growth is the same whatever lies between. Pruning again finds nothing.
    """
    assert retention_days >= 0
    ordered = sorted(snapshots, key=_at)
    kept = {snapshot.at for snapshot in equity_curve(ordered, _DAY)}
    for before, after in pairwise(ordered):
        if before.flows != after.flows:
            kept |= {before.at, after.at}
    retained = timedelta(days=retention_days)
    return tuple(one for one in ordered if now - one.at > retained and one.at not in kept)


def _at(timed: Timed) -> datetime:
    return timed.at
