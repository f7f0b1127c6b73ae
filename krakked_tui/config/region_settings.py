"""Where the operator is, and what may be traded there."""

from enum import StrEnum
from typing import Literal

import msgspec


class RegionCode(StrEnum):
    """The regions that are told apart."""

    US_CA = "US_CA"
    US = "US"
    CA = "CA"
    EU = "EU"
    UK = "UK"
    AU = "AU"
    OTHER = "OTHER"


REGIONS: tuple[str, ...] = tuple(code.value for code in RegionCode)
"""The codes, California first: the most careful default."""


class RegionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[region]``."""

    code: RegionCode = RegionCode.US_CA
    """US_CA (California), US (elsewhere in the United States), CA, EU, UK, AU or OTHER."""
    supports_margin: bool = False
    """Margin trading: must be false, Krakked trades spot only."""
    supports_futures: bool = False
    """Futures: must be false, Krakked trades spot only."""
    supports_staking: bool = False
    """Staking: must be false, Krakked trades spot only."""
    default_quote: Literal["USD"] = "USD"
    """The asset that pairs are quoted in: USD."""

    def __post_init__(self) -> None:
        for name in ("supports_margin", "supports_futures", "supports_staking"):
            if getattr(self, name):
                raise ValueError(f"{name} is true: must be false, because Krakked trades spot only")
