"""What the operator wants to know of the portfolio: period, filters, grouping, and the way back."""

from collections import deque
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import msgspec

from krakked_tui.control.portfolio_view import PortfolioQuery, PortfolioReport

STEPS_MAX = 16
"""Steps back that are remembered."""

_DAY = timedelta(days=1)


class Part(StrEnum):
    """What is shown, one at a time where there is no room for more."""

    PNL = "pnl"
    TRADES = "trades"
    FLOWS = "flows"
    FEES = "fees"
    HOLDINGS = "holdings"


class Period(StrEnum):
    """Calendar units of UTC that contain now; weeks begin on Monday."""

    ALL = "all"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YTD = "ytd"
    CUSTOM = "custom"


class Group(StrEnum):
    """By what the PnL is split."""

    DAY = "day"
    PAIR = "pair"
    STRATEGY = "strategy"


SIDES = ("", "buy", "sell")


class Step(NamedTuple):
    """Where somebody came from: what was asked, what was shown, and the line the cursor was on."""

    query: PortfolioQuery
    part: Part
    line: str


class PortfolioChoice:
    """Owns the query. Names in it are the engine's own, whatever is shown of them."""

    def __init__(self) -> None:
        self.query = PortfolioQuery()
        self.part = Part.PNL
        self._steps: deque[Step] = deque(maxlen=STEPS_MAX)
        self._custom: tuple[datetime | None, datetime | None] | None = None

    @property
    def filtered(self) -> bool:
        """Whether anything is left out."""
        return self.query != PortfolioQuery(by=self.query.by, trade_id=self.query.trade_id)

    @property
    def narrowed(self) -> bool:
        """Whether only some trades of the period are looked at."""
        return bool(self.query.pair or self.query.strategy or self.query.side)

    @property
    def drilled(self) -> bool:
        """Whether there is a way back."""
        return bool(self._steps)

    def next_part(self) -> None:
        """Show the next part."""
        self.part = dict(pairwise(Part)).get(self.part, Part.PNL)

    def next_group(self) -> None:
        """Split the PnL by the next thing."""
        after = dict(pairwise(Group))
        self._ask(by=after.get(Group(self.query.by), Group.DAY).value)

    def next_period(self) -> None:
        """Take the next period; the typed one only if there is one."""
        after = dict(pairwise(Period)).get(Period(self.query.period), Period.ALL)
        if after is not Period.CUSTOM:
            self._ask(period=after.value, since=None, until=None)
        elif self._custom is None:
            self._ask(period=Period.ALL.value)
        else:
            self.want_range(*self._custom)

    def want_range(self, since: datetime | None, until: datetime | None) -> None:
        """Take everything from ``since`` on and before ``until`` (UTC; None: no bound)."""
        if since is None and until is None:
            self._ask(period=Period.ALL.value, since=None, until=None)
        else:
            self._custom = (since, until)
            self._ask(period=Period.CUSTOM.value, since=since, until=until)

    def next_side(self) -> None:
        """Only buys, only sells, both."""
        self._ask(side=dict(pairwise(SIDES)).get(self.query.side, ""))

    def toggle_manual(self, *, counted: bool) -> None:
        """Count trades that no strategy made, or do not: the other way than now."""
        self._ask(include_manual=not counted)

    def want_pair(self, pair: str) -> None:
        """Only this pair; empty for all."""
        self._ask(pair=pair)

    def want_strategy(self, strategy: str) -> None:
        """Only this strategy; empty for all."""
        self._ask(strategy=strategy)

    def look_at(self, trade_id: str) -> None:
        """Ask for one trade closely; empty for none."""
        self._ask(trade_id=trade_id)

    def drill(self, key: str) -> bool:
        """Show the trades behind the PnL of ``key``; says whether there is a filter for it."""
        step = Step(self.query, self.part, key)
        match Group(self.query.by):
            case Group.DAY:
                day = _day(key)
                if day is None:
                    return False
                since, until = self._part_of(day)
                self._ask(period=Period.CUSTOM.value, since=since, until=until)
            case Group.PAIR:
                if not key:
                    return False
                self._ask(pair=key)
            case Group.STRATEGY:
                if not key:
                    return False
                self._ask(strategy=key)
        self._steps.append(step)
        self.part = Part.TRADES
        return True

    def back(self) -> str:
        """Go back one step and return the line that was left; without a step take all filters away."""
        if not self._steps:
            self.query = PortfolioQuery(by=self.query.by)
            return ""
        step = self._steps.pop()
        self.query, self.part = step.query, step.part
        return step.line

    def _part_of(self, day: datetime) -> tuple[datetime, datetime]:
        """Return the part of a day that lies in a typed period: what the figure of that day is about."""
        since, until = day, day + _DAY
        if self.query.period == Period.CUSTOM:
            since, until = max(since, self.query.since or since), min(until, self.query.until or until)
        return since, until

    def _ask(self, **changes: object) -> None:
        self.query = msgspec.structs.replace(self.query, **changes)


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), time(), UTC)  # noqa: DTZ007
    except (ValueError, OverflowError):
        return None


def counts_manual(query: PortfolioQuery, report: PortfolioReport | None) -> bool:
    """Say whether trades that no strategy made count: as chosen, else as configured, which a report tells."""
    if query.include_manual is not None:
        return query.include_manual
    return report is None or report.manual


def bounds(query: PortfolioQuery, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return where the period of a query begins and ends, None for no bound or an end that lies ahead."""
    day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    match Period(query.period):
        case Period.ALL:
            return None, None
        case Period.DAY:
            return day, None
        case Period.WEEK:
            return day - day.weekday() * _DAY, None
        case Period.MONTH:
            return day.replace(day=1), None
        case Period.YTD:
            return day.replace(month=1, day=1), None
        case Period.CUSTOM:
            return query.since, query.until


def parse_range(since: str, until: str) -> tuple[datetime | None, datetime | None] | str:
    """Return the typed bounds (empty: none), or one sentence about what is wrong with them."""
    found: list[datetime | None] = []
    for name, text in (("From", since), ("Until", until)):
        try:
            found.append(_parse(text.strip()))
        except (ValueError, OverflowError):
            return f"{name} is “{text.strip()}”: type a day such as 2026-03-01, or 2026-03-01 12:00 (UTC)."
    first, last = found
    if first is not None and last is not None and first >= last:
        return f"Until ({until.strip()}) is not after From ({since.strip()}): Until itself is left out."
    return first, last


def _parse(text: str) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def moment_text(at: datetime) -> str:
    """Return a bound as it is typed: a day, or with the time of day where that is not its beginning."""
    at = at.astimezone(UTC)
    if at.time() == time():
        return at.date().isoformat()
    return at.isoformat(timespec="auto").removesuffix("+00:00").replace("T", " ").removesuffix(":00")
