"""What was made, paid and held, summed up for a period; which snapshots make a curve, and which may go.

Money is in base currency unless a name says otherwise. Records come in any order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar, assert_never

import msgspec

from krakked_tui.domain.errors import UsageError
from krakked_tui.domain.money import HUNDRED, ZERO

MANUAL = "manual"
"""The strategy tag of a trade that no known strategy made."""

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RealizedRecord(msgspec.Struct, frozen=True, gc=False):
    """What one trade did and made.

    ``base_delta`` and ``quote_delta`` are signed and in the pair's assets. ``pnl_quote`` is in the quote
    asset, ``pnl_base`` the same in base currency (equal where the quote asset is the base currency); both
    are net of the fee as far as it has a value, and a purchase has made minus its fee. ``fee_base`` is the
    fee in base currency, None when nothing says what it was worth: it is not in the PnL then. A fee in a
    second asset is a record of its own with the same trade id and zero for everything else.
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
    """Part of a summary. ``key`` is the pair, the strategy tag or the UTC day (2026-03-01).

    gross_pnl = realized_pnl + fees, exactly; fees without a value are in none of them.
    """

    key: str
    trades: int
    realized_pnl: Decimal
    fees: Decimal

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


def pnl_summary(
    records: Iterable[RealizedRecord],
    within: Bounds,
    *,
    include_manual: bool,
    by: Breakdown | None = None,
) -> PnLSummary:
    """Sum up what the trades of a period made."""
    chosen = select(records, within, include_manual=include_manual)
    groups: dict[str, list[RealizedRecord]] = defaultdict(list)
    if by is not None:
        for record in chosen:
            groups[_key(record, by)].append(record)
    return PnLSummary(
        bounds=within,
        include_manual=include_manual,
        total=_group("total", chosen),
        by=by,
        groups=tuple(_group(key, groups[key]) for key in sorted(groups)),
        unvalued_fees=sum(record.fee_base is None for record in chosen),
    )


def _key(record: RealizedRecord, by: Breakdown) -> str:
    match by:
        case Breakdown.PAIR:
            return record.pair
        case Breakdown.STRATEGY:
            return record.strategy_tag
        case Breakdown.DAY:
            return record.time.astimezone(UTC).date().isoformat()
    assert_never(by)


def _group(key: str, records: Sequence[RealizedRecord]) -> PnLGroup:
    return PnLGroup(
        key=key,
        trades=len({record.trade_id for record in records}),
        realized_pnl=sum((record.pnl_base for record in records), ZERO),
        fees=_worth(records),
    )


class AssetFee(msgspec.Struct, frozen=True):
    """Fees paid in one asset: ``amount`` of it, and the worth of those that have one."""

    asset: str
    amount: Decimal
    value: Decimal


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
    paid = select(records, within, include_manual=include_manual)
    total = _group("total", paid)
    by_asset = _split((record for record in paid if record.fee_amount), lambda record: record.fee_asset)
    by_pair = _split(paid, lambda record: record.pair)
    return FeeSummary(
        by_asset=tuple(
            AssetFee(asset, sum((record.fee_amount for record in group), ZERO), _worth(group))
            for asset, group in by_asset
        ),
        by_pair=tuple(PairFee(pair, _worth(group)) for pair, group in by_pair),
        total=total.fees,
        percent_of_gross=total.fees / total.gross_pnl * HUNDRED if total.gross_pnl > ZERO else None,
        unvalued=tuple(sorted({record.fee_asset for record in paid if record.fee_base is None})),
    )


def _split(
    records: Iterable[RealizedRecord], key: Callable[[RealizedRecord], str]
) -> list[tuple[str, list[RealizedRecord]]]:
    groups: dict[str, list[RealizedRecord]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return sorted(groups.items())


def _worth(records: Iterable[RealizedRecord]) -> Decimal:
    return sum((record.fee_base for record in records if record.fee_base is not None), ZERO)


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


def prunable(snapshots: Iterable[TimedT], now: datetime, retention_days: int) -> tuple[TimedT, ...]:
    """Return the snapshots that may be deleted, in time order.

    Older than ``retention_days`` (0 or more), and not the last of their UTC day: that one stays for ever,
    so that the curve keeps a point for every day. Pruning again finds nothing.
    """
    assert retention_days >= 0
    ordered = sorted(snapshots, key=_at)
    kept = {snapshot.at for snapshot in equity_curve(ordered, _DAY)}
    retained = timedelta(days=retention_days)
    return tuple(one for one in ordered if now - one.at > retained and one.at not in kept)


def _at(timed: Timed) -> datetime:
    return timed.at
