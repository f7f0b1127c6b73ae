"""Settings of the paper account."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from krakked_tui.domain.precision import truncate

_MOST: Final = Decimal(10) ** 12
_DECIMALS_MAX: Final = 10


class PaperSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[execution.paper]``: the simulated account of paper mode.

    ``starting_balances`` open a new account. An account that exists keeps its balances, whatever is
    written here later: to begin anew, use another profile, or stop Krakked and move the profile's
    ``paper.db`` and ``krakked.db`` away, each with its ``-wal`` and ``-shm`` files.
    """

    starting_balances: dict[str, Decimal] = msgspec.field(default_factory=lambda: {"USD": Decimal(10_000)})
    """What a new paper account begins with, by asset (USD, XBT, ...)."""
    fee_volume_usd: Decimal = Decimal(0)
    """30-day volume in USD that the fee tier counts besides the account's own: 0 pays the highest fees."""
    latency_ms: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 100.0
    """How much later an order or a cancel reaches the market, in milliseconds of wall time."""

    def __post_init__(self) -> None:
        """Refuse amounts out of bounds (msgspec has no bounds for Decimal)."""
        if not self.starting_balances:
            raise ValueError(
                "starting_balances is empty: name an asset and an amount, such as { USD = 10000 }"
            )
        for asset, amount in self.starting_balances.items():
            _check_balance(asset, amount)
        if len(self.balances) < len(self.starting_balances):
            raise ValueError(
                "starting_balances names an asset twice: asset names in capitals and small are one"
            )
        if not (self.fee_volume_usd.is_finite() and 0 <= self.fee_volume_usd <= _MOST):
            raise ValueError(f"fee_volume_usd is {self.fee_volume_usd}: use 0 to {_MOST:f}")

    @property
    def balances(self) -> Mapping[str, Decimal]:
        """The starting balances by normalised asset name."""
        return {asset.upper(): amount for asset, amount in self.starting_balances.items()}


def _check_balance(asset: str, amount: Decimal) -> None:
    if not (asset.isascii() and asset.isalnum() and len(asset) <= 12):
        raise ValueError(f"starting_balances names {asset[:20]!r}: use an asset's name, such as USD or XBT")
    if asset.upper() in _OTHER_NAMES:
        raise ValueError(f"starting_balances names {asset}: Kraken calls it {_OTHER_NAMES[asset.upper()]}")
    if not (amount.is_finite() and 0 < amount <= _MOST):
        raise ValueError(f"starting_balances.{asset} is {amount}: use more than 0 and at most {_MOST:f}")
    if amount != truncate(amount, _DECIMALS_MAX):
        raise ValueError(f"starting_balances.{asset} is {amount}: use at most {_DECIMALS_MAX} decimals")


_OTHER_NAMES: Final = {
    "BTC": "XBT",
    "DOGE": "XDG",
    "XXBT": "XBT",
    "ZUSD": "USD",
    "ZEUR": "EUR",
    "XETH": "ETH",
}
