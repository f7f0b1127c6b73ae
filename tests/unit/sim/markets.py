"""Small made-up markets for the tests of this package."""

from decimal import Decimal

from krakked_tui.domain.pairs import FeeTier, PairMetadata
from krakked_tui.sim.instruments import Instrument
from krakked_tui.sim.market import Market

DAY = 20458
"""2026-01-05, in days since 1970."""


def pair(
    name: str = "XBTUSD", *, tick: str = "0.1", price_decimals: int = 1, volume_decimals: int = 8
) -> PairMetadata:
    return PairMetadata(
        canonical=name,
        base=name[:-3],
        quote=name[-3:],
        rest_symbol=name,
        ws_symbol=f"{name[:-3]}/{name[-3:]}",
        raw_name=name,
        price_decimals=price_decimals,
        tick_size=Decimal(tick),
        volume_decimals=volume_decimals,
        lot_size=Decimal(1).scaleb(-volume_decimals),
        order_min=Decimal("0.00005"),
        cost_min=Decimal("0.5"),
        cost_decimals=5,
        asset_class="currency",
        fees_taker=(FeeTier(Decimal(0), Decimal("0.40")), FeeTier(Decimal(10_000), Decimal("0.35"))),
        fees_maker=(FeeTier(Decimal(0), Decimal("0.25")), FeeTier(Decimal(10_000), Decimal("0.20"))),
    )


BITCOIN = Instrument(
    pair=pair(),
    level=Decimal("68365.1"),
    daily_volume=Decimal("2774.14"),
    daily_trades=75935,
    volatility=0.0258,
    correlation=0.7,
    spread_ticks=1,
)
QUIET = Instrument(
    pair=pair("SNXUSD", tick="0.0005", price_decimals=4, volume_decimals=5),
    level=Decimal("0.3656"),
    daily_volume=Decimal(27_000),
    daily_trades=1500,
    volatility=0.04,
    correlation=0.7,
    spread_ticks=2,
)
ETHER = Instrument(
    pair=pair("ETHUSD", tick="0.01", price_decimals=2),
    level=Decimal("2066.21"),
    daily_volume=Decimal("42972.1"),
    daily_trades=32511,
    volatility=0.04,
    correlation=0.7,
    spread_ticks=1,
)


def market(seed: int = 7) -> Market:
    return Market(seed, (BITCOIN, QUIET, ETHER))
