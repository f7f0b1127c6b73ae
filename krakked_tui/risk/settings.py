"""Settings of the risk limits."""

from decimal import Decimal
from typing import Annotated

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the whole account. Percentages are above 0 and at most 100, of equity."""

    max_risk_per_trade_pct: Decimal = Decimal("1.0")
    """Most that one position may lose when its stop is hit."""

    max_per_asset_pct: Decimal = Decimal("5.0")
    """Most that may be held of one asset, open buy orders included."""

    max_open_positions: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    """Most pairs held at a time, all strategies together, open buy orders included."""

    max_daily_drawdown_pct: Decimal = Decimal("10.0")
    """Loss since the UTC day's opening, net of cash flows, that sets the kill switch."""

    def __post_init__(self) -> None:
        for name in ("max_risk_per_trade_pct", "max_per_asset_pct", "max_daily_drawdown_pct"):
            value = getattr(self, name)
            if not ZERO < value <= HUNDRED:
                raise ValueError(f"{name} is {value}: use more than 0 and at most 100")
