"""Shared set-up: money context, reproducible hypothesis runs, one pair everyone can trade."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings

from krakked_tui.domain.money import trap_floats
from krakked_tui.domain.pairs import FeeTier, PairMetadata

trap_floats()
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")


@pytest.fixture
def xbtusd() -> PairMetadata:
    """Bitcoin in dollars, with Kraken's precisions and the lowest fee tier."""
    return PairMetadata(
        canonical="XBTUSD",
        base="XBT",
        quote="USD",
        rest_symbol="XBTUSD",
        ws_symbol="BTC/USD",
        raw_name="XXBTZUSD",
        price_decimals=1,
        tick_size=Decimal("0.1"),
        volume_decimals=8,
        lot_size=Decimal("0.00000001"),
        order_min=Decimal("0.00005"),
        cost_min=Decimal("0.5"),
        cost_decimals=5,
        asset_class="currency",
        fees_taker=(FeeTier(Decimal(0), Decimal("0.40")),),
        fees_maker=(FeeTier(Decimal(0), Decimal("0.25")),),
    )
