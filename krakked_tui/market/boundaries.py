"""When candles close.

All timeframes are cut from the epoch and each length divides the next longer one, so every
boundary of a set of timeframes is a boundary of its shortest.
"""

from collections.abc import Collection
from datetime import datetime

from krakked_tui.domain.candles import Timeframe


def newest_boundary(at: datetime, timeframes: Collection[Timeframe]) -> datetime:
    """Return the last boundary at or before ``at``. ``timeframes`` must not be empty."""
    return _shortest(timeframes).floor(at)


def next_boundary(after: datetime, timeframes: Collection[Timeframe]) -> datetime:
    """Return the first boundary later than ``after``. ``timeframes`` must not be empty."""
    shortest = _shortest(timeframes)
    return shortest.floor(after) + shortest.length


def closed_between(
    after: datetime, upto: datetime, timeframes: Collection[Timeframe]
) -> tuple[Timeframe, ...]:
    """Return the timeframes with a boundary in (``after``, ``upto``], shortest first.

    With the boundary processed last and the newest one, these are the timeframes to evaluate now,
    each on its newest closed candle only: a candle older than that is never caught up with.
    """
    return tuple(sorted((t for t in timeframes if after < t.floor(upto)), key=_minutes))


def missed_between(after: datetime, upto: datetime, timeframes: Collection[Timeframe]) -> int:
    """Count the boundaries strictly between the one processed last and the newest one."""
    shortest = _shortest(timeframes)
    return max(0, (shortest.floor(upto) - shortest.floor(after)) // shortest.length - 1)


def closed_candle_time(timeframe: Timeframe, at: datetime) -> datetime:
    """Return the open time of the newest candle that is closed at ``at``."""
    return timeframe.floor(at) - timeframe.length


def _shortest(timeframes: Collection[Timeframe]) -> Timeframe:
    return min(timeframes, key=_minutes)


def _minutes(timeframe: Timeframe) -> int:
    return timeframe.minutes
