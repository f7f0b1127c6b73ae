"""Bounds of the risk settings."""

import msgspec
import pytest

from krakked_tui.risk.settings import RiskSettings

PERCENTAGES = ["max_risk_per_trade_pct", "max_per_asset_pct", "max_daily_drawdown_pct"]


@pytest.mark.parametrize("name", PERCENTAGES)
@pytest.mark.parametrize(
    ("value", "right"), [(0, False), (0.01, True), (100, True), (100.01, False), (-1, False)]
)
def test_percentages_are_above_zero_and_at_most_a_hundred(name: str, value: float, right: bool) -> None:
    if right:
        assert str(getattr(msgspec.convert({name: value}, RiskSettings), name)) == str(value)
    else:
        with pytest.raises(msgspec.ValidationError, match=rf"{name} is .*: use more than 0 and at most 100"):
            msgspec.convert({name: value}, RiskSettings)


@pytest.mark.parametrize("wrong", [{"max_open_positions": 0}, {"max_open_positions": 2.5}, {"max_opens": 3}])
def test_wrong_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, RiskSettings)
