"""What would be traded, read from the exchange by the rules of the engine."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

from krakked_tui.bootstrap.exchange import KrakenLink
from krakked_tui.control.setup import PreviewPair, UniversePreview
from krakked_tui.domain.candles import Quote
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import at_scale
from krakked_tui.kraken.errors import printable
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.market.universe import select_universe

SHOWN = 10
_NO_PRICE = Decimal(0)


async def preview(
    link: KrakenLink, settings: UniverseSettings, quote_asset: str, seconds: float
) -> UniversePreview:
    """Read pairs and prices and apply the filters. Closes the link; raises nothing but cancellation."""
    feed = link.feed()
    try:
        async with asyncio.timeout(seconds):
            pairs, _assets = await feed.pairs()
            quotes = await feed.quotes()
    except TimeoutError:
        return UniversePreview(trouble=f"the exchange gave no answer within {seconds:g} s")
    except ExchangeError as error:
        return UniversePreview(trouble=printable(str(error)))
    finally:
        await feed.close()
    universe = select_universe(pairs, quotes, settings, quote_asset)
    rows = sorted((_row(pair, quotes) for pair in universe.pairs.values()), key=lambda row: -row.volume_24h)
    return UniversePreview(chosen=len(universe.pairs), listed=len(universe.known), pairs=tuple(rows[:SHOWN]))


def _row(pair: PairMetadata, quotes: Mapping[str, Quote]) -> PreviewPair:
    quote = quotes.get(pair.canonical)
    if quote is None:
        return PreviewPair(pair.canonical, _NO_PRICE, _NO_PRICE)
    # The exchange's text has more decimals than the pair.
    last = at_scale(quote.price, pair.price_decimals)
    return PreviewPair(pair.canonical, last, quote.figures.volume_24h * quote.figures.vwap_24h)
