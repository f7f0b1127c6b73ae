"""The ``book`` channel of one pair at one depth."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from zlib import crc32

from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.topics import Option, Topic
from krakked_tui.sandbox.wire import fixed, rfc3339
from krakked_tui.sim.liquidity import ladder_of
from krakked_tui.sim.matching import Level
from krakked_tui.sim.tape import MINUTE_MICROS

CHECKED_LEVELS = 10
"""Levels a side that the checksum covers, whatever the depth."""

Levels = dict[int, int]
"""One side, best first: price in units of its last decimal, volume in lots."""

Change = tuple[int, int]


class BookStream(Topic):
    """What the subscribers hold, and the changes that bring it up to date."""

    watches_book = True

    def __init__(
        self, exchange: Exchange, listing: Listing, option: Option, at: datetime, *, full_rate: bool
    ) -> None:
        super().__init__(exchange, listing, option, at, full_rate=full_rate)
        assert isinstance(option, int), "a book has a depth"
        self._depth = option
        market = exchange.market
        self._grid = market.grids[listing.name]
        self._ladder = ladder_of(market.seed, market.instruments[listing.name], self._grid)
        self._bids, self._asks = self._now(at)

    def admit(self, at: datetime) -> None:
        """Bring the others' book to the one that the newcomer is about to get."""
        self.tick(at)

    def snapshot(self, at: datetime) -> str:
        """Return the book as the other subscribers hold it."""
        return self._message("snapshot", self._bids.items(), self._asks.items(), at)

    def tick(self, at: datetime) -> None:
        """Send what changed."""
        micros = micros_of(at)
        if self.pulse.still(micros):
            if self.full_rate:
                self._publish(islice(self._bids.items(), 1), (), at)
            return
        self.pulse.traded(micros)
        bids, asks = self._now(at)
        bid_changes = _changes(self._bids, bids, self._depth, falling=True)
        ask_changes = _changes(self._asks, asks, self._depth, falling=False)
        self._bids, self._asks = bids, asks
        if bid_changes or ask_changes:
            self._publish(bid_changes, ask_changes, at)
        elif self.full_rate:
            self._publish(islice(bids.items(), 1), (), at)

    def relist(self, listing: Listing, at: datetime) -> None:
        """Start anew: the numbers' precision may have changed."""
        super().relist(listing, at)
        self.pulse.traded(micros_of(at))
        self._bids, self._asks = self._now(at)
        self.publish(self.snapshot(at))

    def _now(self, at: datetime) -> tuple[Levels, Levels]:
        name = self.listing.name
        if self.exchange.floor.ticks_per(name) > 1:
            book = self.exchange.book(name, at, self._depth)
            return self._gathered(book.bids), self._gathered(book.asks)
        quote = self.exchange.quote(name, at)
        minute = micros_of(at) // MINUTE_MICROS
        bids = self._ladder.bids(quote, minute, self._depth)
        asks = self._ladder.asks(quote, minute, self._depth)
        return self._shown(bids), self._shown(asks)

    def _shown(self, levels: Mapping[int, int]) -> Levels:
        """Turn ticks and units into the decimals shown, of which there may be more than the market has."""
        grid, pair = self._grid, self.listing.pair
        size = 10 ** max(0, pair.volume_decimals - grid.volume_decimals)
        ulps = grid.ulps_per_tick * 10**pair.price_decimals // 10**grid.price_decimals
        return {ticks * ulps: units * size for ticks, units in levels.items()}

    def _gathered(self, levels: Iterable[Level]) -> Levels:
        """Turn the levels of a listing with a coarser tick into the decimals shown."""
        pair = self.listing.pair
        return {
            int(level.price.scaleb(pair.price_decimals)): int(level.volume.scaleb(pair.volume_decimals))
            for level in levels
        }

    def _publish(self, bids: Iterable[Change], asks: Iterable[Change], at: datetime) -> None:
        self.publish(self._message("update", bids, asks, at))

    def _message(self, kind: str, bids: Iterable[Change], asks: Iterable[Change], at: datetime) -> str:
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.listing.pair.ws_symbol}",'
            f'"bids":[{self._rows(bids)}],"asks":[{self._rows(asks)}],'
            f'"checksum":{checksum(self._bids, self._asks)},"timestamp":"{rfc3339(at)}"}}]}}'
        )

    def _rows(self, changes: Iterable[Change]) -> str:
        decimals, lot = self.listing.pair.price_decimals, self.listing.pair.volume_decimals
        return ",".join(
            f'{{"price":{fixed(price, decimals, decimals)},"qty":{fixed(units, lot, lot)}}}'
            for price, units in changes
        )


def checksum(bids: Levels, asks: Levels) -> int:
    """Return Kraken's CRC-32 over the best ten asks, then bids: digits without point and leading zeros."""
    digits = [
        f"{price}{units}" for side in (asks, bids) for price, units in islice(side.items(), CHECKED_LEVELS)
    ]
    return crc32("".join(digits).encode())


def _changes(old: Levels, new: Levels, depth: int, *, falling: bool) -> list[Change]:
    """Return what turns one side into another for someone who keeps the best ``depth`` levels of it.

    Levels that only fell off the end are not mentioned. A best level of another size is deleted and
    set again in the same message, as Kraken does when several changes fall together.
    """
    if len(new) < depth:
        gone = [price for price in old if price not in new]
    else:
        worst = next(reversed(new))
        gone = [price for price in old if price not in new and (price > worst if falling else price < worst)]
    changes = [(price, 0) for price in gone]
    best = next(iter(new), None)
    for price, units in new.items():
        held = old.get(price)
        if held != units:
            if price == best and held is not None:
                changes.append((price, 0))
            changes.append((price, units))
    return changes
