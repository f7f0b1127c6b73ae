"""Plain values for tests of pure packages: say only what the test is about."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.pairs import FeeTier, PairMetadata, PairStatus

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_pair(
    canonical: str = "XBTUSD",
    *,
    quote: str = "USD",
    asset_class: str = "currency",
    status: PairStatus = PairStatus.ONLINE,
    price_decimals: int = 2,
    volume_decimals: int = 4,
    order_min: str = "0.001",
    cost_min: str = "0.5",
) -> PairMetadata:
    base = canonical.removesuffix(quote)
    return PairMetadata(
        canonical=canonical,
        base=base,
        quote=quote,
        rest_symbol=canonical,
        ws_symbol=f"{base.replace('XBT', 'BTC')}/{quote}",
        raw_name=canonical,
        price_decimals=price_decimals,
        tick_size=Decimal(1).scaleb(-price_decimals),
        volume_decimals=volume_decimals,
        lot_size=Decimal(1).scaleb(-volume_decimals),
        order_min=Decimal(order_min),
        cost_min=Decimal(cost_min),
        cost_decimals=5,
        asset_class=asset_class,
        fees_taker=(FeeTier(Decimal(0), Decimal("0.40")),),
        status=status,
    )


def make_quote(
    pair: str = "XBTUSD",
    price: str = "100",
    *,
    spread: str = "0",
    received: float = 0.0,
    volume_24h: str = "0",
    vwap_24h: str = "0",
) -> Quote:
    """A quote around ``price`` whose last trade lies in the middle."""
    middle, half = Decimal(price), Decimal(spread) / 2
    return Quote(
        pair=pair,
        bid=middle - half,
        ask=middle + half,
        last=middle,
        time=START,
        received=received,
        figures=KnownFigures(volume_24h=Decimal(volume_24h), vwap_24h=Decimal(vwap_24h)),
    )


def make_candle(
    minute: int = 0,
    close: float = 100.0,
    *,
    pair: str = "XBTUSD",
    timeframe: Timeframe = Timeframe.M1,
    high: float | None = None,
    low: float | None = None,
    volume: float = 1.0,
    trades: int = 1,
) -> Candle:
    """A candle that opens ``minute`` minutes after ``START``."""
    return Candle(
        pair=pair,
        timeframe=timeframe,
        time=START + timedelta(minutes=minute),
        open=close,
        high=close if high is None else high,
        low=close if low is None else low,
        close=close,
        volume=volume,
        vwap=close,
        trades=trades,
    )
