from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.portfolio.settings import PortfolioSettings


def test_an_empty_section_gives_the_documented_defaults() -> None:
    assert msgspec.convert({}, PortfolioSettings) == PortfolioSettings(
        base_currency="USD",
        valuation_pairs={},
        include_assets=(),
        exclude_assets=(),
        cost_basis_method=CostBasis.WAC,
        track_manual_trades=True,
        snapshot_retention_days=30,
        reconciliation_tolerance=Decimal("1.0"),
        max_truth_age_seconds=300.0,
        external_activity_pct=Decimal("1.0"),
        strategy_tags={},
    )


def test_a_number_of_a_config_file_becomes_exact_money() -> None:
    settings = msgspec.convert({"reconciliation_tolerance": 0.1}, PortfolioSettings)
    assert settings.reconciliation_tolerance == Decimal("0.1")


@pytest.mark.parametrize(
    "section",
    [
        {"reconciliation_tolerance": -0.01},
        {"reconciliation_tolerance": "NaN"},
        {"max_truth_age_seconds": 0},
        {"cost_basis_method": "average"},
        {"base_currency": "usd"},
        {"tolerance": 1},
        {"external_activity_pct": -1},
        {"external_activity_pct": 100.5},
        {"snapshot_retention_days": 0},
        {"exclude_assets": ["xbt"]},
        {"valuation_pairs": {"USDT": "USDT/USD"}},
        {"strategy_tags": {"4711": "Not A Name"}},
    ],
)
def test_what_is_out_of_bounds_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, PortfolioSettings)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"exclude_assets": ["USD"]}, "exclude_assets has USD, which is the base_currency"),
        (
            {"include_assets": ["XBT", "ETH"], "exclude_assets": ["ETH"]},
            "include_assets and exclude_assets both have ETH: take it out of one",
        ),
        ({"strategy_tags": {"x": "name"}}, "strategy_tags has 'x', but a userref is a whole 32-bit number"),
        ({"strategy_tags": {"2147483648": "name"}}, "a whole 32-bit number"),
        ({"strategy_tags": {"\u0663": "name"}}, "a whole 32-bit number"),
    ],
)
def test_what_contradicts_itself_is_named(section: dict[str, object], told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.convert(section, PortfolioSettings)


def test_userrefs_may_be_negative() -> None:
    tags = {"-2147483648": "trend_following_v1", "2147483647": "trend_following_v1"}
    assert msgspec.convert({"strategy_tags": tags}, PortfolioSettings).strategy_tags == tags


@pytest.mark.parametrize(
    ("section", "included"),
    [
        ({}, {"USD", "XBT", "ETH", "DOT"}),
        ({"exclude_assets": ["ETH", "DOT"]}, {"USD", "XBT"}),
        ({"include_assets": ["ETH"]}, {"USD", "ETH"}),
        ({"include_assets": ["ETH", "XBT"], "exclude_assets": ["DOT"]}, {"USD", "ETH", "XBT"}),
    ],
)
def test_the_base_currency_is_always_a_part(section: dict[str, object], included: set[str]) -> None:
    settings = msgspec.convert(section, PortfolioSettings)
    assert {asset for asset in ("USD", "XBT", "ETH", "DOT") if settings.includes(asset)} == included
