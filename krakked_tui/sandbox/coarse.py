"""A market whose listing has a coarser tick than it trades at: everything is put on the listing's tick.

Prices stay whole ticks of the market's own grid, but only multiples of ``per`` of them occur: bids go
down and asks up, so that nobody gets a better price than the market has, and what falls together is
gathered. A listing with the same tick or a finer one (``per`` is 1) changes nothing.
"""

from collections.abc import Mapping

from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import step_up
from krakked_tui.sim.instruments import Grid
from krakked_tui.sim.market import Quote


def ticks_per(grid: Grid, pair: PairMetadata) -> int:
    """Return how many of the market's ticks one tick of the listing is."""
    if pair.tick_size <= grid.tick:
        return 1
    return int(step_up(pair.tick_size, grid.tick) / grid.tick)


def snapped(ticks: int, per: int, *, up: bool) -> int:
    """Return a price on the listing's tick: a buyer's trade goes up with the ask, a seller's down."""
    if per == 1:
        return ticks
    return -(-ticks // per) * per if up else max(ticks // per, 1) * per


def snapped_quote(quote: Quote, per: int) -> Quote:
    """Return a quote on the listing's tick; the last price stays the one of bid and ask it was."""
    if per == 1:
        return quote
    bid = snapped(quote.bid, per, up=False)
    ask = max(snapped(quote.ask, per, up=True), bid + per)
    return Quote(bid, ask, ask if quote.last == quote.ask else bid, quote.beat)


def gathered(levels: Mapping[int, int], best: int, per: int, *, up: bool) -> dict[int, int]:
    """Return one side of a book, best first, on the listing's tick; ``best`` is its snapped best price.

    It must be given all its levels, or the last one is not all there.
    """
    found: dict[int, int] = {}
    for ticks, units in levels.items():
        price = snapped(ticks, per, up=up)
        price = max(price, best) if up else min(price, best)
        found[price] = found.get(price, 0) + units
    return found
