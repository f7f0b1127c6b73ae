"""The live market as a paper account sees it: pairs, latest prices, and what traded between two prices.

Prices that are too old, or that came over a connection that is lost, are as good as none.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.domain.precision import volume_down
from krakked_tui.paper.depth import LARGEST, book_of, bounded
from krakked_tui.sim.matching import Book

USD: Final = "USD"
_UNLISTED_DECIMALS: Final = 10
"""The finest ledger scale there is, for an asset not (yet) listed."""


class Scales(dict[str, int]):
    """Ledger decimals by asset name, with an answer for every asset."""

    def __missing__(self, asset: str) -> int:
        """Return the scale of an asset that is not listed."""
        return _UNLISTED_DECIMALS


class PaperMarket:
    """Knows what was heard last. ``max_age`` is in wall seconds from the receipt of a price."""

    def __init__(self, max_age: float) -> None:
        self.scales = Scales()
        self._max_age = max_age
        self._pairs: Mapping[str, PairMetadata] = {}
        self._quotes: dict[str, Quote] = {}
        self._bases: dict[str, Quote] = {}
        self._taken: dict[tuple[str, Side], Decimal] = {}

    def list_pairs(self, pairs: Sequence[PairMetadata], assets: Sequence[AssetInfo]) -> None:
        """Take in the exchange's listing, all of it."""
        self._pairs = {pair.canonical: pair for pair in pairs}
        self.scales.update((asset.name, asset.decimals) for asset in assets)

    @property
    def is_listed(self) -> bool:
        """Whether a listing has been heard."""
        return bool(self._pairs)

    def pair(self, name: str) -> PairMetadata | None:
        """Return a pair, None for one that is not listed."""
        return self._pairs.get(name)

    def learn(self, quote: Quote) -> None:
        """Keep a price, unless it makes no sense or a newer one of the pair is known."""
        known = self._quotes.get(quote.pair)
        if _makes_sense(quote) and (known is None or known.received <= quote.received):
            self._quotes[quote.pair] = quote
            for side in Side:
                self._taken.pop((quote.pair, side), None)

    def learn_all(self, quotes: Iterable[Quote]) -> None:
        """Keep prices, unless newer ones are known."""
        for quote in quotes:
            self.learn(quote)

    def lose(self) -> None:
        """Forget all prices: the connection they came over is lost."""
        self._quotes.clear()
        self._bases.clear()
        self._taken.clear()

    def live(self, name: str, now: float) -> Quote | None:
        """Return the latest price of a pair at wall second ``now``, None without one that is fresh."""
        quote = self._quotes.get(name)
        return quote if quote is not None and self.is_fresh(quote, now) else None

    def is_fresh(self, quote: Quote, now: float) -> bool:
        """Say whether a price may be traded on, at wall second ``now``."""
        return now - quote.received <= self._max_age and _makes_sense(quote)

    def traded(self, quote: Quote, pair: PairMetadata) -> Decimal:
        """Return the base volume that surely traded since the pair's price before this one.

        The volume of 24 hours grows by what traded and shrinks by what is a day old, so its growth
        is at most what traded. Without a price before, or after a silence, nothing is counted. A price
        that comes late or again, has no volume, or lost half of it at once is not counted from: the
        return to what was known before is no trade.
        """
        base, volume = self._bases.get(quote.pair), quote.figures.volume_24h
        if volume <= ZERO:
            return ZERO
        if base is None or quote.received - base.received > self._max_age:
            self._bases[quote.pair] = quote
            return ZERO
        before = base.figures.volume_24h
        if quote.received < base.received or quote.time < base.time or volume * 2 < before:
            return ZERO
        self._bases[quote.pair] = quote
        return volume_down(bounded(volume - before), pair)

    def look_away(self, name: str) -> None:
        """Stop counting what trades on a pair."""
        self._bases.pop(name, None)

    def book(self, quote: Quote, pair: PairMetadata) -> Book:
        """Return what a price offers, less what was taken of it; what was taken is there at the next one."""
        bids, asks = (self._taken.get((quote.pair, side), ZERO) for side in (Side.SELL, Side.BUY))
        return book_of(quote, pair, bids, asks)

    def take(self, name: str, side: Side, volume: Decimal) -> None:
        """Remember that an order of this side took so much from a pair's latest price."""
        self._taken[name, side] = self._taken.get((name, side), ZERO) + volume

    def usd(self, asset: str, amount: Decimal) -> Decimal:
        """Value an amount at the last price of its pair with USD; at nothing without one."""
        if asset == USD:
            return amount
        quote = self._quotes.get(f"{asset}{USD}")
        return ZERO if quote is None else amount * quote.last


def _makes_sense(quote: Quote) -> bool:
    prices = (quote.bid, quote.ask, quote.last)
    return min(prices) > ZERO and max(prices) < LARGEST
