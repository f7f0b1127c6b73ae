"""Things in order of time, summed up once for each UTC day, so that a period asks for few sums."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar

from krakked_tui.portfolio.summary import Bounds

_DAY = timedelta(days=1)

Item = TypeVar("Item")
Sum = TypeVar("Sum")


class ByDay(Generic[Item, Sum]):
    """``items`` by time, which nobody changes any more, and what ``sum_up`` makes of those of each day.

    With ``before``, whose first ``same`` items are the first ones here, their days are not summed up again.
    """

    def __init__(
        self,
        items: Sequence[Item],
        at: Callable[[Item], datetime],
        sum_up: Callable[[Sequence[Item]], Sequence[Sum]],
        before: "ByDay[Item, Sum] | None" = None,
        same: int = 0,
    ) -> None:
        self._items = items
        self._at = at
        self._sum_up = sum_up
        self._days: list[date] = []
        self._sums: list[Sequence[Sum]] = []
        if before is not None and same:
            # The day of the last item that is the same may have others now.
            whole = bisect_left(before._days, _day(at(items[same - 1])))
            self._days, self._sums = before._days[:whole], before._sums[:whole]
        start = self._first_from(self._days[-1] + _DAY) if self._days else 0
        while start < len(items):
            day = _day(at(items[start]))
            end = self._first_from(day + _DAY)
            self._days.append(day)
            self._sums.append(sum_up(items[start:end]))
            start = end

    def between(self, within: Bounds) -> tuple[int, int]:
        """Return which items are of a period: from the first number on, before the second."""
        items, since, until = self._items, within.since, within.until
        first = 0 if since is None else bisect_left(items, since, key=self._at)
        return first, len(items) if until is None else bisect_left(items, until, key=self._at)

    def sums(self, within: Bounds) -> list[Sum]:
        """Return the sums of a period: of whole days as they are kept, of parts of days made anew."""
        first, last = self.between(within)
        if first >= last:
            return []
        since = self._days[0] if within.since is None else _midnight_after(within.since)
        until = date.max if within.until is None else _day(within.until)
        if since >= until:
            return [*self._sum_up(self._items[first:last])]
        begin, end = bisect_left(self._days, since), bisect_left(self._days, until)
        found = [one for day in self._sums[begin:end] for one in day]
        before = self._first_from(since)
        after = last if until == date.max else self._first_from(until)
        if first < before:
            found[:0] = self._sum_up(self._items[first:before])
        if after < last:
            found += self._sum_up(self._items[after:last])
        return found

    def _first_from(self, day: date) -> int:
        return bisect_left(self._items, datetime.combine(day, time(), UTC), key=self._at)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _midnight_after(at: datetime) -> date:
    """Return the first day that begins at this time or after it."""
    at = at.astimezone(UTC)
    return at.date() if at.time() == time() else at.date() + _DAY
