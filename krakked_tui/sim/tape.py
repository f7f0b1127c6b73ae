"""The trades of one minute, made on demand from its candle, which they rebuild exactly."""

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from operator import mul
from typing import NamedTuple

from krakked_tui.sim.bars import Bar
from krakked_tui.sim.minutes import anchor_share
from krakked_tui.sim.noise import field, words

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

    def __init__(self, minute: int, prints: tuple[Print, ...]) -> None:
        self.prints = prints
        self._minute = minute
        self._offsets = [trade.offset for trade in prints]
        prices = [trade.price for trade in prints]
        volumes = [trade.volume for trade in prints]
        self._highs = list(accumulate(prices, max))
        self._lows = list(accumulate(prices, min))
        self._volumes = list(accumulate(volumes))
        self._notionals = list(accumulate(map(mul, prices, volumes)))

    def count(self, offset: int) -> int:
        """Return how many trades there were up to and including an offset."""
        return bisect_right(self._offsets, offset)

    def bar(self, offset: int, before: int) -> Bar:
        """Return the candle as of an offset; ``before`` is the last price before the minute."""
        count = self.count(offset)
        if not count:
            return Bar(self._minute, before, before, before, before, 0, 0, 0)
        last = count - 1
        return Bar(
            self._minute,
            self.prints[0].price,
            self._highs[last],
            self._lows[last],
            self.prints[last].price,
            self._volumes[last],
            self._notionals[last],
            count,
        )

    @cached_property
    def nanos(self) -> list[int]:
        """Every trade's nanosecond after the minute's start; no two are equal.

        Trades of the same microsecond are a nanosecond apart, so that an instant names one of them.
        """
        found: list[int] = []
        for offset in self._offsets:
            nano = offset * 1000
            found.append(nano if not found or nano > found[-1] else found[-1] + 1)
        return found


class Parts(NamedTuple):
    """How one minute's volume is shared among its trades, as ``Split`` says; None where there is no trade.

    Besides ``first`` (at the open), ``odd`` (at the open too), ``high``, ``low`` and ``last`` (at the
    close) there are twice ``pairs`` trades of mean volume ``each`` at mirrored prices.
    """

    first: int
    odd: int | None
    high: int | None
    low: int | None
    last: int | None
    pairs: int
    each: int


def made_up_parts(bar: Bar, draw: int) -> Parts:
    """Share out the volume of one made-up minute as ``minutes.split`` does; ``draw`` is its word."""
    count, volume = bar.trades, bar.volume
    extra = max(count - 4, 0)
    pairs = extra // 2
    each = volume // (2 * count) if extra else 0
    odd = (extra % 2) * each
    anchors = volume - 2 * pairs * each - odd
    has_high = count > 3 or (count == 3 and bool(draw & 1))
    has_low = count > 3 or (count == 3 and not draw & 1)
    high = anchor_share(anchors, draw >> 8) if has_high else None
    low = anchor_share(anchors, draw >> 16) if has_low else None
    last = anchor_share(anchors, draw >> 24) if count > 1 else None
    first = anchors - (high or 0) - (low or 0) - (last or 0)
    return Parts(first, odd or None, high, low, last, pairs, each)


def make_prints(stream: int, bar: Bar, parts: Parts) -> tuple[Print, ...]:
    """Make the trades of a minute, which has some. ``stream`` is the key of the pair's tape.

    The path runs from the open to one extreme, across to the other and to the close: down first
    when the minute rises, up first when it falls.
    """
    noise = words(stream, bar.minute * (MINUTE_MICROS // 1000), 2 * bar.trades)
    path = _path(bar, parts, field(noise[: bar.trades], 0, 32).tolist())
    offsets = sorted((field(noise[bar.trades :], 0, 48) % MINUTE_MICROS).tolist())
    coins = field(noise[: bar.trades], 32, 2).tolist()
    prints = []
    previous, buy = bar.open, bar.close >= bar.open
    for offset, (price, volume), coin in zip(offsets, path, coins, strict=True):
        if price != previous:
            buy = price > previous
        previous = price
        prints.append(Print(offset, price, volume, buy, coin == 0))
    return tuple(prints)


def _path(bar: Bar, parts: Parts, noise: list[int]) -> list[tuple[int, int]]:
    """Prices and volumes of the trades, in order."""
    middle = _mirrored(bar, parts.pairs, parts.each, noise)
    if parts.high is not None:
        middle.append((bar.high, parts.high))
    if parts.low is not None:
        middle.append((bar.low, parts.low))
    middle.sort(reverse=bar.close < bar.open)
    first = [(bar.open, parts.first)]
    odd = [(bar.open, parts.odd)] if parts.odd is not None else []
    last = [(bar.close, parts.last)] if parts.last is not None else []
    return [*first, *odd, *middle, *last]


def _mirrored(bar: Bar, pairs: int, each: int, noise: list[int]) -> list[tuple[int, int]]:
    """Pairs of equal trades at mirrored prices; two pairs next to each other trade volume between them."""
    trades = []
    for index in range(pairs):
        paired = index ^ 1
        shift = noise[index & ~1] % each if each and paired < pairs else 0
        volume = each + shift if index & 1 else each - shift
        price = bar.low + noise[index + pairs] % (bar.high - bar.low + 1)
        trades += [(price, volume), (bar.high + bar.low - price, volume)]
    return trades
