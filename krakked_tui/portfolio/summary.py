"""What was made, paid and held, summed up for a period.

Money is in base currency unless a name says otherwise. Records come in any order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, assert_never

import msgspec

from krakked_tui.domain.errors import UsageError
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.portfolio import NO_PAIR

MANUAL = "manual"
"""The strategy tag of a trade that no known strategy made."""

_DAY = timedelta(days=1)


class RealizedRecord(msgspec.Struct, frozen=True, gc=False):
    """What one trade did and made.

    ``base_delta`` and ``quote_delta`` are signed and in the pair's assets. ``pnl_quote`` is in the quote
    asset, ``pnl_base`` the same in base currency (equal where the quote asset is the base currency); both
    are net of the fee, and a purchase has made minus its fee. ``fee_base`` is the fee in base currency, None
    when nothing says what it was worth: the PnL takes what it had cost then. ``unvalued`` says that nothing
    says what was traded was worth, so that nothing was made by it. A fee in a second asset is a record of
    its own with the same trade id and zero for everything else but ``fee_base``. What was made without a
    trade has no ``pair``, ``order_id`` and ``side``, and the id of its (first) ledger row for a trade id.
    ``asset`` is the one that bears what was made: what was sold, or what was bought for base currency; ""
    where that is the base currency itself.
    """

    trade_id: str
    order_id: str
    pair: str
    time: datetime
    side: str
    base_delta: Decimal
    quote_delta: Decimal
    fee_asset: str
    fee_amount: Decimal
    pnl_quote: Decimal
    pnl_base: Decimal
    fee_base: Decimal | None
    strategy_tag: str = MANUAL
    raw_userref: int | None = None
    raw_cl_ord_id: str | None = None
    unvalued: bool = False
    asset: str = ""


class Period(StrEnum):
    """A stretch of time to sum up: calendar units of UTC that contain now; weeks begin on Monday."""

    ALL = "all"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YTD = "ytd"
    CUSTOM = "custom"


class Bounds(msgspec.Struct, frozen=True):
    """From ``since`` on and before ``until``, UTC; None where there is no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse times without a zone, and an end that is not after the beginning."""
        for at in (self.since, self.until):
            if at is not None and at.utcoffset() is None:
                raise UsageError(f"{at} has no time zone: give it in UTC, such as {at.isoformat()}Z")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError(f"the period ends at {self.until}, which is not after it begins at {self.since}")

    def __contains__(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def bounds(period: Period, now: datetime, custom: Bounds | None = None) -> Bounds:
    """Return where a period begins and ends; ``custom`` goes with ``Period.CUSTOM`` and with no other.

    The end of a unit that is not over lies ahead, so that records a little ahead of ``now`` count.
    """
    if (custom is not None) != (period is Period.CUSTOM):
        raise UsageError("bounds go with the period custom, and with no other")
    day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    match period:
        case Period.ALL:
            return Bounds()
        case Period.DAY:
            return Bounds(day, day + _DAY)
        case Period.WEEK:
            monday = day - day.weekday() * _DAY
            return Bounds(monday, monday + 7 * _DAY)
        case Period.MONTH:
            first = day.replace(day=1)
            return Bounds(first, (first + 31 * _DAY).replace(day=1))
        case Period.YTD:
            return Bounds(day.replace(month=1, day=1), day.replace(year=day.year + 1, month=1, day=1))
        case Period.CUSTOM:
            assert custom is not None
            return custom
    assert_never(period)


class Breakdown(StrEnum):
    """By what a summary is split."""

    PAIR = "pair"
    STRATEGY = "strategy"
    DAY = "day"


class PnLGroup(msgspec.Struct, frozen=True):
    """Part of a summary. ``key`` is the pair (or ``NO_PAIR``), the strategy tag or the UTC day (2026-03-01).

    ``trades`` counts those on pairs, ``others`` what was made without one.
    gross_pnl = realized_pnl + fees, exactly; fees without a value, of which there are ``unvalued_fees``, are
    in none of them.
    """

    key: str
    trades: int
    realized_pnl: Decimal
    fees: Decimal
    unvalued_fees: int = 0
    others: int = 0

    @property
    def gross_pnl(self) -> Decimal:
        """What was made before fees."""
        return self.realized_pnl + self.fees


class PnLSummary(msgspec.Struct, frozen=True):
    """What a period made. ``groups``, sorted by key, add up to ``total``; empty without a breakdown.

    ``unvalued_fees`` counts the fees that nothing says the worth of.
    """

    bounds: Bounds
    include_manual: bool
    total: PnLGroup
    by: Breakdown | None
    groups: tuple[PnLGroup, ...]
    unvalued_fees: int


def select(
    records: Iterable[RealizedRecord], within: Bounds, *, include_manual: bool
) -> tuple[RealizedRecord, ...]:
    """Return the records of a period, with or without those that no strategy made."""
    return tuple(
        record
        for record in records
        if record.time in within and (include_manual or record.strategy_tag != MANUAL)
    )


class Made(Protocol):
    """What a record and a tally have in common; ``pair`` is "" for what was made without one."""

    @property
    def pair(self) -> str:
        """Canonical name."""

    @property
    def side(self) -> str:
        """``buy`` or ``sell``."""


class Chosen(msgspec.Struct, frozen=True):
    """What somebody wants to know of; empty texts filter nothing, ``NO_PAIR`` is a pair as well."""

    pair: str = ""
    strategy: str = ""
    side: str = ""
    manual: bool = True
    """Whether what no strategy made counts."""

    def passes(self, one: Made, strategy: str) -> bool:
        """Say whether it is about something that this strategy made."""
        return (
            (not self.pair or (one.pair or NO_PAIR) == self.pair)
            and (not self.strategy or strategy == self.strategy)
            and (not self.side or one.side == self.side)
            and (self.manual or strategy != MANUAL)
        )


ALL = Chosen()


class Tally(msgspec.Struct, frozen=True, gc=False):
    """Records of one UTC day that are alike, added up. ``pair`` is "" for what was made without one.

    ``fees`` are those with a value, ``fee_amount`` all of them in ``fee_asset``; ``unvalued`` counts the
    records whose fee has no value, ``others`` those of no trade. ``asset`` bears what was made.
    """

    day: date
    pair: str
    strategy: str
    side: str
    fee_asset: str
    asset: str
    trades: int
    pnl: Decimal
    fees: Decimal
    fee_amount: Decimal
    unvalued: int
    others: int


def tally(records: Iterable[RealizedRecord]) -> list[Tally]:
    """Add records up, day by day in their order."""
    found: dict[tuple[date, str, str, str, str, str], _Sum] = {}
    for record in records:
        at = record.time
        day = at.date() if at.tzinfo is UTC else at.astimezone(UTC).date()
        key = (day, record.pair, record.strategy_tag, record.side, record.fee_asset, record.asset)
        sums = found.get(key)
        if sums is None:
            sums = found[key] = _Sum()
        sums.pnl += record.pnl_base
        sums.fee_amount += record.fee_amount
        if not record.pair:
            sums.others += 1
        elif record.base_delta:
            sums.trades += 1
        if record.fee_base is None:
            sums.unvalued += 1
        else:
            sums.fees += record.fee_base
    return [
        Tally(*key, each.trades, each.pnl, each.fees, each.fee_amount, each.unvalued, each.others)
        for key, each in found.items()
    ]


class _Sum:
    """What is being added up."""

    __slots__ = ("fee_amount", "fees", "others", "pnl", "trades", "unvalued")

    def __init__(self) -> None:
        self.trades = self.unvalued = self.others = 0
        self.pnl = self.fees = self.fee_amount = ZERO

    def add(self, one: "Tally | _Sum") -> None:
        """Add what was added up before."""
        self.trades += one.trades
        self.pnl += one.pnl
        self.fees += one.fees
        self.fee_amount += one.fee_amount
        self.unvalued += one.unvalued
        self.others += one.others

    def group(self, key: str) -> PnLGroup:
        """Return the sums under a name."""
        return PnLGroup(key, self.trades, self.pnl, self.fees, self.unvalued, self.others)


def pnl_summary(
    records: Iterable[RealizedRecord],
    within: Bounds,
    *,
    include_manual: bool,
    by: Breakdown | None = None,
) -> PnLSummary:
    """Sum up what the trades of a period made."""
    tallies = tally(select(records, within, include_manual=include_manual))
    return sum_up(tallies, within, include_manual=include_manual, by=by)


def sum_up(
    tallies: Iterable[Tally], within: Bounds, *, include_manual: bool, by: Breakdown | None = None
) -> PnLSummary:
    """Sum up tallies that have been chosen by these bounds and by who made them."""
    groups = _grouped(tallies, _KEYS[by] if by else _all)
    total = _Sum()
    for each in groups.values():
        total.add(each)
    return PnLSummary(
        bounds=within,
        include_manual=include_manual,
        total=total.group("total"),
        by=by,
        groups=tuple(groups[key].group(str(key)) for key in sorted(groups, key=str)) if by else (),
        unvalued_fees=total.unvalued,
    )


def _all(_tally: Tally) -> str:
    return ""


def _day(one: Tally) -> date:
    return one.day


def _pair(one: Tally) -> str:
    return one.pair or NO_PAIR


def _strategy(one: Tally) -> str:
    return one.strategy


_Key = Callable[[Tally], str | date]
_KEYS: dict[Breakdown, _Key] = {
    Breakdown.PAIR: _pair,
    Breakdown.STRATEGY: _strategy,
    Breakdown.DAY: _day,
}


def _grouped(tallies: Iterable[Tally], key: _Key) -> dict[str | date, _Sum]:
    groups: dict[str | date, _Sum] = defaultdict(_Sum)
    for one in tallies:
        groups[key(one)].add(one)
    return groups


class AssetFee(msgspec.Struct, frozen=True):
    """Fees paid in one asset: ``amount`` of it, and the worth of those that have one.

    ``unvalued`` counts those that have none.
    """

    asset: str
    amount: Decimal
    value: Decimal
    unvalued: int = 0


class PairFee(msgspec.Struct, frozen=True):
    """Fees paid for trading one pair."""

    pair: str
    value: Decimal


class FeeSummary(msgspec.Struct, frozen=True):
    """Fees of a period. ``percent_of_gross`` of the PnL before fees, None when that is no profit.

    ``unvalued`` names the assets in which fees were paid that nothing says the worth of.
    """

    by_asset: tuple[AssetFee, ...]
    by_pair: tuple[PairFee, ...]
    total: Decimal
    percent_of_gross: Decimal | None
    unvalued: tuple[str, ...]


def fee_summary(records: Iterable[RealizedRecord], within: Bounds, *, include_manual: bool) -> FeeSummary:
    """Sum up the fees of a period; assets and pairs in alphabetical order."""
    return sum_up_fees(tally(select(records, within, include_manual=include_manual)))


def sum_up_fees(tallies: Sequence[Tally]) -> FeeSummary:
    """Sum up the fees of tallies that have been chosen."""
    by_both: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for one in tallies:
        by_both[one.fee_asset, one.pair or NO_PAIR].add(one)
    by_asset: dict[str, _Sum] = defaultdict(_Sum)
    by_pair: dict[str, _Sum] = defaultdict(_Sum)
    for (asset, pair), each in by_both.items():
        by_asset[asset].add(each)
        by_pair[pair].add(each)
    total = sum([each.fees for each in by_pair.values()], ZERO)
    gross = sum([each.pnl for each in by_pair.values()], ZERO) + total
    return FeeSummary(
        by_asset=tuple(
            AssetFee(asset, by_asset[asset].fee_amount, by_asset[asset].fees, by_asset[asset].unvalued)
            for asset in sorted(by_asset)
            if by_asset[asset].fee_amount
        ),
        by_pair=tuple(PairFee(pair, by_pair[pair].fees) for pair in sorted(by_pair)),
        total=total,
        percent_of_gross=total / gross * HUNDRED if gross > ZERO else None,
        unvalued=tuple(sorted(asset for asset, each in by_asset.items() if each.unvalued)),
    )


class ValuedAsset(Protocol):
    """An amount of an asset and its worth; zero where it has none."""

    @property
    def asset(self) -> str:
        """Its name."""

    @property
    def amount(self) -> Decimal:
        """How much of it."""

    @property
    def value(self) -> Decimal:
        """What that is worth."""


class AssetExposure(msgspec.Struct, frozen=True):
    """How much of the equity lies in one asset; no percentage when there is no equity."""

    asset: str
    amount: Decimal
    value_base: Decimal
    percentage_of_equity: Decimal | None


class StrategyHolding(msgspec.Struct, frozen=True):
    """The part of a position that a strategy answers for, and its worth."""

    strategy: str
    asset: str
    amount: Decimal
    value: Decimal


class StrategyExposure(msgspec.Struct, frozen=True):
    """How much of the equity one strategy has at work; no percentage when there is no equity."""

    strategy: str
    value_base: Decimal
    percentage_of_equity: Decimal | None


def asset_exposure(assets: Iterable[ValuedAsset], equity: Decimal) -> tuple[AssetExposure, ...]:
    """Return the exposure to each asset that is held (the base currency included), the largest first."""
    exposures = [
        AssetExposure(one.asset, one.amount, one.value, _percentage(one.value, equity))
        for one in assets
        if one.amount
    ]
    return tuple(sorted(exposures, key=lambda one: (-one.value_base, one.asset)))


def strategy_exposure(holdings: Iterable[StrategyHolding], equity: Decimal) -> tuple[StrategyExposure, ...]:
    """Return what each strategy has at work, the largest first; holdings of one strategy are added up."""
    values: dict[str, Decimal] = defaultdict(Decimal)
    for holding in holdings:
        values[holding.strategy] += holding.value
    exposures = [
        StrategyExposure(strategy, value, _percentage(value, equity)) for strategy, value in values.items()
    ]
    return tuple(sorted(exposures, key=lambda one: (-one.value_base, one.strategy)))


def _percentage(value: Decimal, equity: Decimal) -> Decimal | None:
    return value / equity * HUNDRED if equity > ZERO else None
