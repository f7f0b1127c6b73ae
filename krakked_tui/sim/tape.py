"""The trades of one minute, made on demand from its candle, which they rebuild exactly."""

from bisect import bisect_right
from itertools import accumulate
from operator import mul
from typing import NamedTuple

import numpy as np

from krakked_tui.sim.bars import Bar
from krakked_tui.sim.minutes import extremes, split
from krakked_tui.sim.noise import Words, field, key, words

MINUTE_MICROS = 60_000_000


class Print(NamedTuple):
    """One trade: ``offset`` in microseconds after the minute's start, price in ticks, volume in units.

    ``buy`` is the taker's side; ``market`` tells a taker's market order from a limit order.
    """

    offset: int
    price: int
    volume: int
    buy: bool
    market: bool


class Tape:
    """The trades of one minute in time order, and the candle as it stood after each of them."""

    def __init__(self, bar: Bar, prints: tuple[Print, ...]) -> None:
        self.prints = prints
        self._offsets = [trade.offset for trade in prints]
        prices = [trade.price for trade in prints]
        volumes = [trade.volume for trade in prints]
        self._highs = list(accumulate(prices, max))
        self._lows = list(accumulate(prices, min))
        self._volumes = list(accumulate(volumes))
        self._notionals = list(accumulate(map(mul, prices, volumes)))
        self._bar = bar

    def count(self, offset: int) -> int:
        """Return how many trades there were up to and including an offset."""
        return bisect_right(self._offsets, offset)

    def bar(self, offset: int, before: int) -> Bar:
        """Return the candle as of an offset; ``before`` is the last price before the minute."""
        count = self.count(offset)
        if not count:
            return Bar(self._bar.minute, before, before, before, before, 0, 0, 0)
        last = count - 1
        return Bar(
            self._bar.minute,
            self.prints[0].price,
            self._highs[last],
            self._lows[last],
            self.prints[last].price,
            self._volumes[last],
            self._notionals[last],
            count,
        )


def make_tape(seed: int, name: str, bar: Bar, draw: Words) -> Tape:
    """Make the trades of a minute. ``draw`` is the one word that decided how its volume is split.

    The path runs from the open to one extreme, across to the other and to the close: down first
    when the minute rises, up first when it falls.
    """
    if not bar.trades:
        return Tape(bar, ())
    noise = words(key(seed, "tape", name), bar.minute * (MINUTE_MICROS // 1000), 2 * bar.trades)
    path = _path(bar, draw, field(noise[: bar.trades], 0, 32).tolist())
    offsets = sorted((field(noise[bar.trades :], 0, 48) % MINUTE_MICROS).tolist())
    coins = field(noise[: bar.trades], 32, 2).tolist()
    prints = []
    previous, buy = bar.open, bar.close >= bar.open
    for offset, (price, volume), coin in zip(offsets, path, coins, strict=True):
        if price != previous:
            buy = price > previous
        previous = price
        prints.append(Print(offset, price, volume, buy, coin == 0))
    return Tape(bar, tuple(prints))


def _path(bar: Bar, draw: Words, noise: list[int]) -> list[tuple[int, int]]:
    """Prices and volumes of the trades, in order."""
    count = np.array([bar.trades])
    shares = split(np.array([bar.volume]), count, draw)
    has_high, has_low = extremes(count, draw)
    middle = _mirrored(bar, int(shares.pairs[0]), int(shares.each[0]), noise)
    if has_high[0]:
        middle.append((bar.high, int(shares.high[0])))
    if has_low[0]:
        middle.append((bar.low, int(shares.low[0])))
    middle.sort(reverse=bar.close < bar.open)
    first = [(bar.open, int(shares.first[0]))]
    odd = [(bar.open, int(shares.odd[0]))] if shares.odd[0] else []
    last = [(bar.close, int(shares.last[0]))] if bar.trades > 1 else []
    return [*first, *odd, *middle, *last]


def _mirrored(bar: Bar, pairs: int, each: int, noise: list[int]) -> list[tuple[int, int]]:
    """Pairs of equal trades at mirrored prices; two pairs next to each other trade volume between them."""
    trades = []
    for index in range(pairs):
        paired = index ^ 1
        shift = noise[index & ~1] % each if paired < pairs else 0
        volume = each + shift if index & 1 else each - shift
        price = bar.low + noise[index + pairs] % (bar.high - bar.low + 1)
        trades += [(price, volume), (bar.high + bar.low - price, volume)]
    return trades
