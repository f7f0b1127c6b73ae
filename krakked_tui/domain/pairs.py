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
    """What a status lets us do: enter, leave by a limit that takes or at ``market``, cancel, and value."""

    enter: bool
    exit: bool
    market: bool
    cancel: bool
    value: bool


PERMITS: dict[PairStatus, Permits] = {
    PairStatus.ONLINE: Permits(enter=True, exit=True, market=True, cancel=True, value=True),
    PairStatus.LIMIT_ONLY: Permits(enter=False, exit=True, market=False, cancel=True, value=True),
    # Only orders that rest are taken, and every close of ours takes: a market order, or a limit through it.
    PairStatus.POST_ONLY: Permits(enter=False, exit=False, market=False, cancel=True, value=True),
    PairStatus.REDUCE_ONLY: Permits(enter=False, exit=True, market=True, cancel=True, value=True),
    PairStatus.CANCEL_ONLY: Permits(enter=False, exit=False, market=False, cancel=True, value=True),
    PairStatus.MAINTENANCE: Permits(enter=False, exit=False, market=False, cancel=False, value=True),
    PairStatus.DELISTED: Permits(enter=False, exit=False, market=False, cancel=True, value=False),
}
"""What the status of a pair lets us do. See ``allows``."""


class SystemStatus(StrEnum):
    """Status of the exchange as a whole, as Kraken names it."""

    ONLINE = "online"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    MAINTENANCE = "maintenance"


SYSTEM_PERMITS: dict[SystemStatus, Permits] = {
    SystemStatus.ONLINE: PERMITS[PairStatus.ONLINE],
    SystemStatus.POST_ONLY: PERMITS[PairStatus.POST_ONLY],
    SystemStatus.CANCEL_ONLY: PERMITS[PairStatus.CANCEL_ONLY],
    SystemStatus.MAINTENANCE: PERMITS[PairStatus.MAINTENANCE],
}
"""What the exchange as a whole lets us do, whatever the status of a pair."""


def allows(pair: PairStatus, system: SystemStatus | None) -> Permits:
    """Return what may be done on a pair of this status while the exchange is in this one: what both permit.

    The one question every layer asks before it acts. An exchange whose status is not known (None) is no
    obstacle: it says itself what it does not take.
    """
    if system is None:
        return PERMITS[pair]
    mine, whole = PERMITS[pair], SYSTEM_PERMITS[system]
    return Permits(
        enter=mine.enter and whole.enter,
        exit=mine.exit and whole.exit,
        market=mine.market and whole.market,
        cancel=mine.cancel and whole.cancel,
        value=mine.value and whole.value,
    )


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
