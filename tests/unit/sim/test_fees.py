from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Fee
from krakked_tui.sim.fees import TradedVolume, cost_of, fee_in_quote, fee_of, fee_percent
from tests.unit.sim.markets import pair

D = Decimal
T0 = datetime(2026, 1, 5, tzinfo=UTC)


def test_the_ladder_is_climbed_by_volume() -> None:
    ladder = pair().fees_taker
    assert fee_percent(ladder, D(0)) == D("0.40")
    assert fee_percent(ladder, D("9999.99")) == D("0.40")
    assert fee_percent(ladder, D(10_000)) == D("0.35")
    assert fee_percent((), D(10_000)) == 0


def test_cost_and_fee_are_rounded_to_the_cost_scale() -> None:
    cost = cost_of(pair(), D("37500.1"), D("0.00012345"))
    assert cost == D("4.62939")
    assert fee_of(pair(), cost, D("0.40")) == D("0.01852")


def test_recorded_fees_round_to_nearest() -> None:
    # Cost, percent and fee of real trades, at the scale of USD.
    usd = msgspec.structs.replace(pair(), cost_decimals=4)
    for cost, percent, fee in (
        ("132.9995", "0.26", "0.3458"),
        ("19.9743", "0.25", "0.0499"),
        ("19.6768", "0.16", "0.0315"),
    ):
        assert fee_of(usd, D(cost), D(percent)) == D(fee)


def test_volume_older_than_thirty_days_counts_no_more() -> None:
    volume = TradedVolume()
    volume.add(T0, D(100))
    volume.add(T0 + timedelta(days=10), D(50))
    assert volume.total(T0 + timedelta(days=29)) == 150
    assert volume.total(T0 + timedelta(days=30)) == 50
    assert volume.total(T0 + timedelta(days=41)) == 0


def test_a_fee_in_base_is_worth_its_price() -> None:
    traded = pair()
    assert fee_in_quote(traded, Fee("USD", Decimal("1.23456")), Decimal(9)) == Decimal("1.23456")
    assert fee_in_quote(traded, Fee("XBT", Decimal("0.0002")), Decimal("68365.1")) == Decimal("13.67302")
