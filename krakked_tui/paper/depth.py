"""What an arriving order finds: the displayed best price, and a modest depth made up behind it.

A quote shows the best bid and ask with their sizes and nothing beyond. A real book goes on, so does
this one, on the careful side: every further level is at least five basis points (or the spread, or a
tick) worse than the one before and holds what the pair trades in an average minute of its last 24
hours. After twenty of them there is nothing. No level is ever better than the live price.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import BASIS_POINTS, ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import price_down, price_up, volume_down
from krakked_tui.sim.matching import Book, Level

LEVELS: Final = 20
STEP_BPS: Final = 5
LARGEST: Final = Decimal(10) ** 15
"""Above any price or volume there is; the product of two still fits into the money context."""
_DAY_MINUTES: Final = 1440


def bounded(volume: Decimal) -> Decimal:
    """Return a volume from outside, between nothing and the largest there is."""
    return max(ZERO, min(volume, LARGEST))


def book_of(quote: Quote, pair: PairMetadata, taken_bids: Decimal, taken_asks: Decimal) -> Book:
    """Return the book around a quote, less the volumes (base) already taken from each side of it.

    The quote's prices are above zero.
    """
    return Book(
        bids=tuple(_less(_side(quote, pair, Side.SELL), taken_bids)),
        asks=tuple(_less(_side(quote, pair, Side.BUY), taken_asks)),
    )


def _side(quote: Quote, pair: PairMetadata, taker: Side) -> Iterator[Level]:
    """Yield the levels that a taker of this side meets, best first."""
    buys = taker is Side.BUY
    best = quote.ask if buys else quote.bid
    figures = quote.figures
    yield Level(best, volume_down(bounded(figures.ask_size if buys else figures.bid_size), pair))
    minute = volume_down(bounded(figures.volume_24h) / _DAY_MINUTES, pair)
    step = max(quote.ask - quote.bid, pair.tick_size, best * STEP_BPS / BASIS_POINTS)
    for number in range(1, LEVELS + 1):
        price = price_up(best + number * step, pair) if buys else price_down(best - number * step, pair)
        if price <= ZERO:
            return
        yield Level(price, minute)


def _less(levels: Iterator[Level], taken: Decimal) -> Iterator[Level]:
    """Leave out what was taken, and levels with nothing."""
    for level in levels:
        gone = min(level.volume, taken)
        taken -= gone
        if level.volume > gone:
            yield Level(level.price, level.volume - gone)
