"""Settings of the books."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from krakked_tui.domain.money import ZERO


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[portfolio]``."""

    base_currency: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{2,10}$")] = "USD"
    """The currency everything is valued in (normalised asset name)."""
    reconciliation_tolerance: Decimal = Decimal("1.0")
    """How far the books and the exchange may differ in one asset before it is drift, in base currency."""
    max_truth_age_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    """Without news of balances and trades for longer than this (wall seconds), nothing is opened."""
    cost_basis_method: Literal["wac"] = "wac"
    """How a sale is matched with what was bought: wac (weighted average cost)."""

    def __post_init__(self) -> None:
        """Refuse a tolerance below zero (msgspec has no bounds for Decimal)."""
        if not (self.reconciliation_tolerance.is_finite() and self.reconciliation_tolerance >= ZERO):
            raise ValueError(
                f"reconciliation_tolerance is {self.reconciliation_tolerance}, but must be 0 or more"
            )
