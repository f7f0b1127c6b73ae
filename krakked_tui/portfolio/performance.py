"""How well the money worked: returns, their worst fall and their scatter, and how sales turned out.

Everything rests on one curve, the growth of one unit of base currency that was there at the first snapshot.
Money that came or went (every cash flow with a value, rewards and credits too: no trade made them, and the
PnL leaves them out likewise) is neither gain nor loss. All results are exact in Decimal but for divisions and
square roots; where there is too little to go by they are None, never zero.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

import msgspec

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.portfolio import CashFlow, Disposal
from krakked_tui.domain.precision import at_scale

DAYS_A_YEAR = Decimal(365)
"""Crypto trades every day, so that a year has 365 daily returns, not the 252 of a stock exchange."""

DAILY_RETURNS_MIN = 7
"""With fewer daily returns (a week's), a ratio of their mean to their scatter says nothing."""

_NO_SCATTER = Decimal("1e-12")
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


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


class Drawdown(msgspec.Struct, frozen=True):
    """The deepest fall of the growth curve: ``depth`` from 0 to 1; no times when it never fell."""

    depth: Decimal
    peak_at: datetime | None = None
    trough_at: datetime | None = None


class Sale(msgspec.Struct, frozen=True, gc=False):
    """The disposals of one event together. ``weight`` is their cost times the microseconds each was held."""

    event_id: str
    at: datetime
    gain: Decimal
    cost: Decimal
    weight: Decimal


class SaleFigures(msgspec.Struct, frozen=True):
    """How sales turned out; None without any, ``profit_factor`` also when none lost."""

    sales: int
    win_rate: Decimal | None
    profit_factor: Decimal | None
    average_holding: timedelta | None


class Performance(msgspec.Struct, frozen=True):
    """All figures together. Fractions, not percentages: a return of 0.05 is 5 %.

    ``daily_returns`` says how many days ``sharpe`` and ``sortino`` rest on; ``unvalued_flows`` how many
    flows between the snapshots count as gain or loss because nothing says what they were worth.
    """

    time_weighted_return: Decimal | None
    max_drawdown: Drawdown | None
    sharpe: Decimal | None
    sortino: Decimal | None
    daily_returns: int
    unvalued_flows: int
    sales: SaleFigures


def performance(
    snapshots: Iterable[Snapshot],
    flows: Sequence[CashFlow],
    sales: Sequence[Sale],
    now: datetime,
) -> Performance:
    """Work out every figure from what happened in a period, given in any order; ``sales`` as of ``sales_of``.

    Flows before the first and after the last snapshot do not count. ``now`` says which day is not over.
    """
    curve = growth_curve(snapshots, flows)
    returns = daily_returns(curve, now)
    return Performance(
        time_weighted_return=time_weighted_return(curve),
        max_drawdown=max_drawdown(curve),
        sharpe=sharpe_ratio(returns),
        sortino=sortino_ratio(returns),
        daily_returns=len(returns),
        unvalued_flows=_unvalued(curve, flows),
        sales=sale_figures(sales),
    )


def growth_curve(snapshots: Iterable[Snapshot], flows: Iterable[CashFlow]) -> tuple[GrowthPoint, ...]:
    """Chain the sub-periods between snapshots, each with what flowed in it taken out.

    With equity ``E0`` and ``E1`` at the ends of a sub-period, ``in`` the deposits after its beginning and up
    to its end, and ``out`` the withdrawals (as a positive number):

        growth *= (E1 + out) / (E0 + in)

    so deposits count from the beginning of their sub-period and withdrawals to its end, which keeps the
    divisor above zero whatever moves. It is exact where a snapshot lies on each side of a flow with no
    change of price between, and else off by what the flow made within its sub-period alone. Source: Bacon,
    Practical Portfolio Performance Measurement and Attribution (2008), on time-weighted returns and the
    assumed time of flows. While nothing is invested, nothing grows.
    """
    points = sorted(snapshots, key=_at)
    moves = sorted((flow.time, flow.value) for flow in flows if flow.value is not None)
    if not points:
        return ()
    curve = [GrowthPoint(points[0].at, ONE)]
    index = 0
    while index < len(moves) and moves[index][0] <= points[0].at:
        index += 1
    for before, after in pairwise(points):
        came = went = ZERO
        while index < len(moves) and moves[index][0] <= after.at:
            value = moves[index][1]
            came, went = came + max(value, ZERO), went + max(-value, ZERO)
            index += 1
        growth = curve[-1].growth * _factor(before.equity + came, after.equity + went)
        curve.append(GrowthPoint(after.at, growth))
    return tuple(curve)


def _factor(invested: Decimal, became: Decimal) -> Decimal:
    return max(became, ZERO) / invested if invested > ZERO else ONE


def time_weighted_return(curve: Sequence[GrowthPoint]) -> Decimal | None:
    """Return the growth over the whole curve as a fraction, not annualised; None without a sub-period."""
    return curve[-1].growth - ONE if len(curve) > 1 else None


def max_drawdown(curve: Sequence[GrowthPoint]) -> Drawdown | None:
    """Return the largest fall from a peak, (peak - trough) / peak; the earliest of several as deep.

    ``peak_at`` is the last time at that peak before the fall. None without a sub-period.
    """
    if len(curve) < 2:
        return None
    worst, peak = Drawdown(ZERO), curve[0]
    for point in curve:
        if point.growth >= peak.growth:
            peak = point
            continue
        depth = ONE - point.growth / peak.growth
        if depth > worst.depth:
            worst = Drawdown(depth, peak.at, point.at)
    return worst


def daily_returns(curve: Iterable[GrowthPoint], now: datetime) -> tuple[Decimal, ...]:
    """Return the growth of each UTC day that was over by ``now``, as a fraction.

    A day closes with its last point. A day whose own close or whose eve's is missing gives no return: what
    happened in a gap is known as a whole only.
    """
    today = now.astimezone(UTC).date()
    closes: dict[date, Decimal] = {}
    for point in curve:
        day = point.at.astimezone(UTC).date()
        if day < today:
            closes[day] = point.growth
    return tuple(
        close / eve - ONE
        for day, close in closes.items()
        if (eve := closes.get(day - _DAY)) is not None and eve
    )


def sharpe_ratio(returns: Sequence[Decimal]) -> Decimal | None:
    """Return mean / standard deviation (n - 1) of daily returns, times the root of 365 (a year).

    The riskless rate counts as zero. Source: Sharpe, The Sharpe Ratio, Journal of Portfolio Management
    (1994). None with fewer than ``DAILY_RETURNS_MIN`` returns, or when they do not scatter.
    """
    if len(returns) < DAILY_RETURNS_MIN:
        return None
    mean = _mean(returns)
    squares = sum(((one - mean) ** 2 for one in returns), ZERO)
    return _annual(mean, (squares / (len(returns) - 1)).sqrt())


def sortino_ratio(returns: Sequence[Decimal]) -> Decimal | None:
    """Return mean / downside deviation of daily returns, times the root of 365 (a year).

    The downside deviation is the root of the mean, over all days, of the squared returns below the target,
    which is zero. Source: Sortino and Price, Performance Measurement in a Downside Risk Framework, Journal
    of Investing (1994). None with fewer than ``DAILY_RETURNS_MIN`` returns, or when no day lost.
    """
    if len(returns) < DAILY_RETURNS_MIN:
        return None
    downside = _mean([min(one, ZERO) ** 2 for one in returns])
    return _annual(_mean(returns), downside.sqrt())


def _annual(mean: Decimal, deviation: Decimal) -> Decimal | None:
    # Below this, what is left is the rounding of divisions.
    return mean / deviation * DAYS_A_YEAR.sqrt() if deviation > _NO_SCATTER else None


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, ZERO) / len(values)


def sales_of(disposals: Iterable[Disposal]) -> list[Sale]:
    """Return the sales that disposals make up: those of one event are one, whatever lots they took from.

    A fee paid out of a third asset is a sale of that, and belongs to the sale it was paid for; paid for a
    purchase, it is a sale of its own.
    """
    events: dict[str, list[Disposal]] = defaultdict(list)
    for disposal in disposals:
        events[disposal.event_id].append(disposal)
    return [sale_of(parts) for parts in events.values()]


def sale_of(parts: Sequence[Disposal]) -> Sale:
    """Return the sale that the disposals of one event (at least one) are."""
    gain = cost = weight = ZERO
    for part in parts:
        gain += part.gain
        cost += part.cost
        weight += ((part.sold_at - part.acquired_at) // _MICROSECOND) * part.cost
    return Sale(parts[0].event_id, parts[0].sold_at, gain, cost, weight)


def sale_figures(sales: Sequence[Sale]) -> SaleFigures:
    """Work out how sales turned out, each given once.

    win rate = sales with a gain / all sales; profit factor = sum of gains / sum of losses; the average
    holding time is weighted by cost, so that neither partial fills nor dust shift it. Fees of purchases are
    in none of these figures, but for those that were sales themselves.
    """
    gains = [sale.gain for sale in sales]
    won = [gain for gain in gains if gain > ZERO]
    earned = sum(won, ZERO)
    lost = earned - sum(gains, ZERO)
    return SaleFigures(
        sales=len(gains),
        win_rate=Decimal(len(won)) / len(gains) if gains else None,
        profit_factor=earned / lost if lost else None,
        average_holding=_average_holding(sales),
    )


def _average_holding(sales: Sequence[Sale]) -> timedelta | None:
    cost = sum([sale.cost for sale in sales], ZERO)
    if cost <= ZERO:
        return None
    weighted = sum([sale.weight for sale in sales], ZERO)
    return int(at_scale(weighted / cost, 0)) * _MICROSECOND


def _unvalued(curve: Sequence[GrowthPoint], flows: Iterable[CashFlow]) -> int:
    if not curve:
        return 0
    return sum(flow.value is None and curve[0].at < flow.time <= curve[-1].at for flow in flows)


def _at(snapshot: Snapshot) -> datetime:
    return snapshot.at
