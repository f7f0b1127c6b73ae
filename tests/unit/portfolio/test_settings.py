from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.portfolio.settings import PortfolioSettings


def test_an_empty_section_gives_the_documented_defaults() -> None:
    assert msgspec.convert({}, PortfolioSettings) == PortfolioSettings(
        base_currency="USD",
        reconciliation_tolerance=Decimal("1.0"),
        max_truth_age_seconds=300.0,
        cost_basis_method=CostBasis.WAC,
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
    ],
)
def test_what_is_out_of_bounds_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, PortfolioSettings)
