"""Settings of the books."""

from decimal import Decimal
from typing import Annotated

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.portfolio import CostBasis

AssetName = Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{2,10}$")]
PairName = Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{4,20}$")]
StrategyName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{2,39}$")]


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[portfolio]``. Assets are normalised names, without the suffix of a form."""

    base_currency: AssetName = "USD"
    """The currency everything is valued in (normalised asset name)."""
    valuation_pairs: dict[str, PairName] = {}
    """The pair that says what an asset is worth, where it is not the one with the base currency."""
    include_assets: tuple[AssetName, ...] = ()
    """When not empty, all other assets (but the base currency) are excluded."""
    exclude_assets: tuple[AssetName, ...] = ()
    """Assets that are no part of equity, positions and exposure, and that no strategy may open."""
    cost_basis_method: CostBasis = CostBasis.WAC
    """How a sale is matched with what was bought: wac (weighted average), fifo, lifo, hifo."""
    track_manual_trades: bool = True
    """Whether PnL summaries contain what the bot did not place; balances and costs always do."""
    snapshot_retention_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 30
    """Older snapshots are thinned out to one for each day."""
    reconciliation_tolerance: Decimal = Decimal("1.0")
    """How far the books and the exchange may differ in one asset before it is drift, in base currency."""
    max_truth_age_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    """Without news of balances and trades for longer than this (wall seconds), nothing is opened."""
    external_activity_pct: Decimal = Decimal("1.0")
    """What others trade, deposit or withdraw is reported from this much of equity on, in percent."""
    strategy_tags: dict[str, StrategyName] = {}
    """Strategies by the userref of orders that another tool or an older version placed."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself or is out of bounds (msgspec has no bounds for Decimal)."""
        tolerance, activity = self.reconciliation_tolerance, self.external_activity_pct
        if not (tolerance.is_finite() and tolerance >= ZERO):
            raise ValueError(f"reconciliation_tolerance is {tolerance}, but must be 0 or more")
        if not (activity.is_finite() and ZERO <= activity <= HUNDRED):
            raise ValueError(f"external_activity_pct is {activity}, but must be from 0 to 100")
        both = sorted({*self.include_assets} & {*self.exclude_assets})
        if both:
            raise ValueError(
                f"include_assets and exclude_assets both have {', '.join(both)}: take it out of one"
            )
        if self.base_currency in self.exclude_assets:
            raise ValueError(f"exclude_assets has {self.base_currency}, which is the base_currency")
        for userref in self.strategy_tags:
            if not _is_userref(userref):
                raise ValueError(f"strategy_tags has {userref!r}, but a userref is a whole 32-bit number")

    @property
    def basis(self) -> str:
        """The rules that equity and cash flows are valued by: numbers of different ones do not compare."""
        pairs = ",".join(f"{asset}:{pair}" for asset, pair in sorted(self.valuation_pairs.items()))
        included, excluded = sorted(self.include_assets), sorted(self.exclude_assets)
        return f"1 {self.base_currency} {pairs} +{','.join(included)} -{','.join(excluded)}"

    def includes(self, asset: str) -> bool:
        """Say whether an asset is a part of equity, positions and exposure."""
        if asset == self.base_currency:
            return True
        return asset not in self.exclude_assets and (not self.include_assets or asset in self.include_assets)


def _is_userref(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 10 and -(2**31) <= int(text) < 2**31
