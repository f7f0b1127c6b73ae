"""How well the money worked: returns, their worst fall and their scatter, and how sales turned out.

Everything rests on one curve, the growth of one unit of base currency that was there at the first snapshot.
Money that came or went (every cash flow with a value, rewards and credits too: no trade made them, and the
PnL leaves them out likewise) is neither gain nor loss. All results are exact in Decimal but for divisions and
square roots; where there is too little to go by they are None, never zero.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.portfolio.growth import Curve, GrowthPoint
from krakked_tui.portfolio.sales import SaleFigures, SaleSum, sale_figures
from krakked_tui.portfolio.summary import Bounds

DAYS_A_YEAR = Decimal(365)
"""Crypto trades every day, so that a year has 365 daily returns, not the 252 of a stock exchange."""

DAILY_RETURNS_MIN = 7
"""With fewer daily returns (a week's), a ratio of their mean to their scatter says nothing."""

_NO_SCATTER = Decimal("1e-12")
_DAY = timedelta(days=1)


class Drawdown(msgspec.Struct, frozen=True):
    """The deepest fall of the growth curve: ``depth`` from 0 to 1; no times when it never fell."""

    depth: Decimal
    peak_at: datetime | None = None
    trough_at: datetime | None = None


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


def performance(curve: Curve, within: Bounds, sales: Iterable[SaleSum], now: datetime) -> Performance:
    """Work out every figure of a period. ``sales`` are its sales; ``now`` says which day is not over.

    Flows before its first and after its last snapshot do not count.
    """
    points = curve.between(within)
    returns = daily_returns(points, now)
    return Performance(
        time_weighted_return=time_weighted_return(points),
        max_drawdown=max_drawdown(points),
        sharpe=sharpe_ratio(returns),
        sortino=sortino_ratio(returns),
        daily_returns=len(returns),
        unvalued_flows=curve.unvalued(within),
        sales=sale_figures(sales),
    )


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
        at = point.at
        day = at.date() if at.tzinfo is UTC else at.astimezone(UTC).date()
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
