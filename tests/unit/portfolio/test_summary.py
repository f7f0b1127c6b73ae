"""Sums over periods, exposure, the curve and what may be pruned from it."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.errors import UsageError
from krakked_tui.domain.portfolio import NO_PAIR
from krakked_tui.portfolio.summary import (
    MANUAL,
    AssetExposure,
    AssetFee,
    Bounds,
    Breakdown,
    Chosen,
    FeeSummary,
    PairFee,
    Period,
    PnLGroup,
    PnLSummary,
    RealizedRecord,
    StrategyExposure,
    StrategyHolding,
    asset_exposure,
    bounds,
    fee_summary,
    pnl_summary,
    select,
    strategy_exposure,
)

D = Decimal
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


def record(
    trade_id: str,
    at: datetime = NOON,
    pnl: str = "0",
    fee: str | None = "0",
    *,
    pair: str = "XBTUSD",
    tag: str = "trend",
    fee_asset: str = "USD",
) -> RealizedRecord:
    return RealizedRecord(
        trade_id=trade_id,
        order_id="O" + trade_id,
        pair=pair,
        time=at,
        side="sell",
        base_delta=D(-1),
        quote_delta=D(100),
        fee_asset=fee_asset,
        fee_amount=D(fee or 7),
        pnl_quote=D(pnl),
        pnl_base=D(pnl),
        fee_base=None if fee is None else D(fee),
        strategy_tag=tag,
    )


class Valued(msgspec.Struct, frozen=True):
    asset: str
    amount: Decimal
    value: Decimal


RECORDS = (
    record("T1", NOON, "10", "1"),
    record("T2", NOON + HOUR, "-4", "0.5", pair="ETHUSD"),
    record("T3", NOON + DAY, "2.5", "0.25", tag=MANUAL),
    record("T4", NOON + DAY, "1", None, tag="grid", fee_asset="KFEE"),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "now", "since", "until"),
    [
        (Period.DAY, "2026-03-04T12:00", "2026-03-04", "2026-03-05"),
        (Period.DAY, "2026-03-04T00:00", "2026-03-04", "2026-03-05"),
        (Period.WEEK, "2026-03-04T12:00", "2026-03-02", "2026-03-09"),
        (Period.WEEK, "2026-03-08T23:59", "2026-03-02", "2026-03-09"),
        (Period.WEEK, "2026-03-09T00:00", "2026-03-09", "2026-03-16"),
        (Period.MONTH, "2026-02-28T23:59", "2026-02-01", "2026-03-01"),
        (Period.MONTH, "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
        (Period.MONTH, "2026-01-31T00:00", "2026-01-01", "2026-02-01"),
        (Period.YTD, "2026-03-04T12:00", "2026-01-01", "2027-01-01"),
        (Period.YTD, "2024-02-29T12:00", "2024-01-01", "2025-01-01"),
    ],
)
def test_periods_are_units_of_the_utc_calendar(period: Period, now: str, since: str, until: str) -> None:
    assert bounds(period, utc(now)) == Bounds(utc(since), utc(until))


def test_the_day_is_that_of_utc_wherever_now_was_read() -> None:
    east = datetime(2026, 3, 5, 1, tzinfo=timezone(2 * HOUR))
    assert bounds(Period.DAY, east) == Bounds(utc("2026-03-04"), utc("2026-03-05"))


def test_bounds_are_half_open() -> None:
    within = Bounds(NOON, NOON + HOUR)
    assert NOON in within
    assert NOON + HOUR not in within
    assert NOON - timedelta(microseconds=1) not in within
    assert NOON in bounds(Period.ALL, NOON)
    assert NOON not in bounds(Period.CUSTOM, NOON, Bounds(until=NOON))
    assert NOON in bounds(Period.CUSTOM, NOON, Bounds(since=NOON))


def test_bounds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        Bounds(since=datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(UsageError, match="not after"):
        Bounds(NOON, NOON)
    with pytest.raises(UsageError, match="custom"):
        bounds(Period.CUSTOM, NOON)
    with pytest.raises(UsageError, match="custom"):
        bounds(Period.DAY, NOON, Bounds())


def test_a_summary_of_everything() -> None:
    assert pnl_summary(RECORDS, Bounds(), include_manual=True) == PnLSummary(
        bounds=Bounds(),
        include_manual=True,
        total=PnLGroup("total", 4, D("9.5"), D("1.75"), unvalued_fees=1),
        by=None,
        groups=(),
        unvalued_fees=1,
    )


def test_manual_trades_count_only_when_asked_for() -> None:
    summary = pnl_summary(RECORDS, Bounds(), include_manual=False)
    assert summary.total == PnLGroup("total", 3, D(7), D("1.5"), unvalued_fees=1)
    assert summary.total.gross_pnl == D("8.5")
    assert not summary.include_manual


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (Breakdown.PAIR, [("ETHUSD", 1, "-4", "0.5"), ("XBTUSD", 3, "13.5", "1.25")]),
        (
            Breakdown.STRATEGY,
            [("grid", 1, "1", "0"), ("manual", 1, "2.5", "0.25"), ("trend", 2, "6", "1.5")],
        ),
        (Breakdown.DAY, [("2026-03-04", 2, "6", "1.5"), ("2026-03-05", 2, "3.5", "0.25")]),
    ],
)
def test_a_summary_in_parts(by: Breakdown, groups: list[tuple[str, int, str, str]]) -> None:
    summary = pnl_summary(RECORDS, Bounds(), include_manual=True, by=by)
    found = [(each.key, each.trades, each.realized_pnl, each.fees) for each in summary.groups]
    assert found == [(key, count, D(pnl), D(fee)) for key, count, pnl, fee in groups]
    assert sum(each.unvalued_fees for each in summary.groups) == 1
    assert summary.by is by


def test_a_second_fee_of_a_trade_makes_no_second_trade() -> None:
    second = msgspec.structs.replace(record("T1", fee="2", fee_asset="XBT"), base_delta=D(0))
    fees = [record("T1", pnl="3", fee="1"), second]
    total = pnl_summary(fees, Bounds(), include_manual=True).total
    assert (total.trades, total.realized_pnl, total.gross_pnl) == (1, D(3), D(6))


def test_what_was_made_without_a_trade_counts_but_is_no_trade() -> None:
    made = [record("T1", pnl="3"), record("L1", pnl="-1", fee="1", pair="")]
    summary = pnl_summary(made, Bounds(), include_manual=True, by=Breakdown.PAIR)
    assert (summary.total.trades, summary.total.realized_pnl) == (1, D(2))
    assert summary.groups == (PnLGroup("XBTUSD", 1, D(3), D(0)), PnLGroup(NO_PAIR, 0, D(-1), D(1), others=1))


def test_a_period_cuts_at_its_bounds() -> None:
    assert [
        one.trade_id for one in select(RECORDS, Bounds(NOON + HOUR, NOON + DAY), include_manual=True)
    ] == ["T2"]


@given(
    st.lists(st.tuples(st.sampled_from(["A", "B"]), st.integers(-9, 9), st.integers(0, 60)), max_size=9),
    st.sampled_from(Breakdown),
)
def test_parts_add_up_to_the_whole(made: list[tuple[str, int, int]], by: Breakdown) -> None:
    records = [
        record(f"T{index}", NOON + hours * HOUR, str(pnl), "1", pair=name, tag=name)
        for index, (name, pnl, hours) in enumerate(made)
    ]
    summary = pnl_summary(records, Bounds(), include_manual=True, by=by)
    assert sum(group.realized_pnl for group in summary.groups) == summary.total.realized_pnl
    assert sum(group.fees for group in summary.groups) == summary.total.fees
    assert sum(group.trades for group in summary.groups) == summary.total.trades == len(made)


def test_fees_by_asset_and_pair() -> None:
    fees = [*RECORDS, record("T5", NOON, "0", "0.5", fee_asset="KFEE"), record("T6", fee_asset="XBT")]
    assert fee_summary(fees, Bounds(), include_manual=True) == FeeSummary(
        by_asset=(AssetFee("KFEE", D("7.5"), D("0.5"), unvalued=1), AssetFee("USD", D("1.75"), D("1.75"))),
        by_pair=(PairFee("ETHUSD", D("0.5")), PairFee("XBTUSD", D("1.75"))),
        total=D("2.25"),
        percent_of_gross=D("2.25") / D("11.75") * 100,
        unvalued=("KFEE",),
    )


def test_fees_are_no_percentage_of_a_loss() -> None:
    fees = fee_summary([record("T1", pnl="-5", fee="5")], Bounds(), include_manual=True)
    assert (fees.total, fees.percent_of_gross) == (D(5), None)
    half = fee_summary([record("T1", pnl="5", fee="5")], Bounds(), include_manual=True)
    assert half.percent_of_gross == D(50)


def test_exposure_to_assets() -> None:
    held = [
        Valued("ETH", D(2), D(250)),
        Valued("USD", D(750), D(750)),
        Valued("ODD", D(9), D(0)),
        Valued("XBT", D(0), D(0)),
    ]
    assert asset_exposure(held, D(1000)) == (
        AssetExposure("USD", D(750), D(750), D(75)),
        AssetExposure("ETH", D(2), D(250), D(25)),
        AssetExposure("ODD", D(9), D(0), D(0)),
    )
    assert {one.percentage_of_equity for one in asset_exposure(held, D(0))} == {None}


def test_exposure_of_strategies() -> None:
    held = [
        StrategyHolding("trend", "XBT", D(1), D(100)),
        StrategyHolding(MANUAL, "XBT", D(3), D(300)),
        StrategyHolding("trend", "ETH", D(2), D(50)),
    ]
    assert strategy_exposure(held, D(1000)) == (
        StrategyExposure(MANUAL, D(300), D(30)),
        StrategyExposure("trend", D(150), D(15)),
    )
    assert strategy_exposure(held[:1], D(-1)) == (StrategyExposure("trend", D(100), None),)


@pytest.mark.parametrize(
    ("chosen", "passes"),
    [
        (Chosen(), True),
        (Chosen(pair=NO_PAIR), True),
        (Chosen(pair="XBTUSD"), False),
        (Chosen(strategy="grid"), False),
        (Chosen(strategy=MANUAL), True),
        (Chosen(side="sell"), True),
        (Chosen(side="buy"), False),
        (Chosen(manual=False), False),
    ],
)
def test_what_was_made_without_a_pair_passes_as_such(chosen: Chosen, *, passes: bool) -> None:
    assert chosen.passes(record("L1", pair=""), MANUAL) is passes
