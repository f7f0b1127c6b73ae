"""What a made-up market knows about a pair: its rules and how it usually trades."""

from decimal import Decimal

import msgspec

from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import at_scale

_DAY_NOTIONAL_CAP = Decimal("3e17")
"""Ticks times volume units of an ordinary day: leaves room for a day 30 times as big in 64 bits."""


class Instrument(msgspec.Struct, frozen=True):
    """A pair and the character of its market.

    ``level`` is the price it hovers around (quote), ``daily_volume`` is in base. ``volatility`` is
    the standard deviation of an ordinary day's return, ``correlation`` its share that follows the
    whole market (0 to 1), ``spread_ticks`` the usual distance of bid and ask.
    """

    pair: PairMetadata
    level: Decimal
    daily_volume: Decimal
    daily_trades: int
    volatility: float
    correlation: float
    spread_ticks: int

    @property
    def name(self) -> str:
        """The pair's canonical name."""
        return self.pair.canonical


class Grid(msgspec.Struct, frozen=True):
    """The integers in which a pair's market is computed.

    Prices are whole ticks. Volumes are whole units of ``10 ** -volume_decimals`` base: the lot, or
    a coarser power of ten where a day's price-volume sums would not fit into 64 bits otherwise.
    """

    tick: Decimal
    price_decimals: int
    ulps_per_tick: int
    volume_decimals: int

    def price(self, ticks: int) -> Decimal:
        """Turn ticks into money, at the pair's decimals."""
        return at_scale(ticks * self.tick, self.price_decimals)

    def volume(self, units: int) -> Decimal:
        """Turn volume units into base."""
        return Decimal(units).scaleb(-self.volume_decimals)


def grid_of(instrument: Instrument) -> Grid:
    """Choose the grid of an instrument."""
    pair = instrument.pair
    day_notional = instrument.daily_volume * instrument.level / pair.tick_size
    room = (_DAY_NOTIONAL_CAP / day_notional).adjusted()
    return Grid(
        tick=pair.tick_size,
        price_decimals=pair.price_decimals,
        ulps_per_tick=int(pair.tick_size.scaleb(pair.price_decimals)),
        volume_decimals=max(0, min(pair.volume_decimals, room)),
    )
