"""Spot pairs: identity, precision, minimums, and what their status lets us do."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class PairStatus(StrEnum):
    """Trading status of a pair, as Kraken names it."""

    ONLINE = "online"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY = "post_only"
    LIMIT_ONLY = "limit_only"
    REDUCE_ONLY = "reduce_only"
    MAINTENANCE = "maintenance"
    DELISTED = "delisted"


class Permits(msgspec.Struct, frozen=True):
    """What a pair status lets us do."""

    enter: bool
    exit: bool
    cancel: bool
    value: bool


PERMITS: dict[PairStatus, Permits] = {
    PairStatus.ONLINE: Permits(enter=True, exit=True, cancel=True, value=True),
    PairStatus.LIMIT_ONLY: Permits(enter=False, exit=True, cancel=True, value=True),
    PairStatus.POST_ONLY: Permits(enter=False, exit=True, cancel=True, value=True),
    PairStatus.REDUCE_ONLY: Permits(enter=False, exit=True, cancel=True, value=True),
    PairStatus.CANCEL_ONLY: Permits(enter=False, exit=False, cancel=True, value=True),
    PairStatus.MAINTENANCE: Permits(enter=False, exit=False, cancel=False, value=True),
    PairStatus.DELISTED: Permits(enter=False, exit=False, cancel=True, value=False),
}
"""The one table every layer asks before it acts on a pair."""


class FeeTier(msgspec.Struct, frozen=True):
    """One step of a fee ladder: from this 30-day USD volume on, this many percent."""

    volume_usd: Decimal
    percent: Decimal


class PairMetadata(msgspec.Struct, frozen=True):
    """A spot pair. ``canonical`` (Kraken's altname, ``XBTUSD``) is its name everywhere in Krakked.

    ``tick_size``, ``cost_min`` and prices are in the quote asset; ``lot_size`` and ``order_min``
    are in the base asset. ``base`` and ``quote`` are normalised asset names (``XBT``, ``USD``).
    """

    canonical: str
    base: str
    quote: str
    rest_symbol: str
    ws_symbol: str
    raw_name: str
    price_decimals: int
    tick_size: Decimal
    volume_decimals: int
    lot_size: Decimal
    order_min: Decimal
    cost_min: Decimal
    cost_decimals: int
    asset_class: str
    fees_taker: tuple[FeeTier, ...] = ()
    fees_maker: tuple[FeeTier, ...] = ()
    leverage_buy: tuple[int, ...] = ()
    leverage_sell: tuple[int, ...] = ()
    status: PairStatus = PairStatus.ONLINE

    @property
    def permits(self) -> Permits:
        """What may be done on this pair in its present status."""
        return PERMITS[self.status]


class AssetInfo(msgspec.Struct, frozen=True):
    """An asset: normalised name, Kraken's internal id, ledger scale and status."""

    name: str
    raw_name: str
    asset_class: str
    decimals: int
    display_decimals: int
    status: str = "enabled"
