"""Order book and tape of one pair: levels with bars for their size, trades newest first."""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal

from krakked_tui.domain.depth import BookLevel, BookTop, PublicTrade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.tui.rows.closeup import Closeup, heading, loading, missing_lines
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip_number, crop
from krakked_tui.tui.rows.numbers import age, clock, fixed

OLD_SECONDS = 5.0
"""A book that did not change for so long shows its age."""

_BESIDE = 60
"""Width from which bids and asks stand beside each other."""

_PRICE, _VOLUME, _VOLUME_MOST, _TIME, _SIDE = 11, 11, 16, 8, 6
_WORDS = 40
"""Width from which the tape has room for the word of the side."""


def book_lines(closeup: Closeup, width: int, height: int) -> list[Line]:
    """Return the book in exactly ``height`` lines or fewer; a book that is not valid says so."""
    book = closeup.focus.book
    if width < 1 or height < 1:
        return []
    title = (Span("BOOK ", Look.TITLE), Span(closeup.pair, Look.STRONG))
    if book is None or not (book.bids or book.asks):
        return [heading(title, width), *missing_lines(closeup, "the order book", width)][:height]
    lines = [heading(title, width, *_state(closeup, book))]
    muted = closeup.late or not book.valid
    levels = _Levels(closeup, book, width, muted=muted)
    lines += levels.beside(height - 1) if width >= _BESIDE else levels.stacked(height - 1)
    return [crop(line, width) for line in lines[:height]]


def _state(closeup: Closeup, book: BookTop) -> tuple[Line, ...]:
    if closeup.late:
        return loading(closeup.focus.pair)
    old = closeup.now - book.received
    if not book.valid:
        return ((Span(f" INVALID {age(old)} ", Look.ALARM),),)
    return ((Span(f"same for {age(old)}", Look.STALE),),) if old >= OLD_SECONDS else ()


class _Levels:
    """Lays the levels of one book out for one width."""

    def __init__(self, closeup: Closeup, book: BookTop, width: int, *, muted: bool) -> None:
        self._closeup, self._book, self._muted = closeup, book, muted
        self._width = width // 2 - 1 if width >= _BESIDE else width
        spare = max(0, self._width - _PRICE - _VOLUME - 8)
        self._volume = min(_VOLUME_MOST, _VOLUME + spare)
        self._bar = max(0, self._width - _PRICE - self._volume - 2)
        shown = [level.volume for level in (*book.bids, *book.asks)]
        self._most = max(shown, default=ZERO)

    def beside(self, height: int) -> list[Line]:
        """Bids at the left, asks at the right, best on top."""
        if height < 1:
            return []
        bids, asks = self._book.bids, self._book.asks
        gap = " " * (self._width - self._bar - _PRICE - self._volume - 1)
        bid_head = f"{gap}{' ' * self._bar}{'VOLUME':>{self._volume}} {'BID':>{_PRICE}}"
        lines: list[Line] = [(Span(f"{bid_head}  {'ASK':>{_PRICE}} {'VOLUME':>{self._volume}}", Look.MUTED),)]
        for index in range(min(height - 2, max(len(bids), len(asks)))):
            bid = self._bid(bids[index]) if index < len(bids) else (Span(" " * self._width),)
            ask = self._ask(asks[index]) if index < len(asks) else EMPTY
            lines.append((*bid, Span("  "), *ask))
        return [*lines, self._spread()][:height]

    def stacked(self, height: int) -> list[Line]:
        """Asks above, best at the bottom; bids below, best on top; the spread between."""
        above = (height - 1) // 2
        asks = [self._ask(level) for level in self._book.asks[: max(0, above)]]
        bids = [self._ask(level, bid=True) for level in self._book.bids[: max(0, height - 1 - above)]]
        lines = [*([EMPTY] * (above - len(asks))), *reversed(asks), self._spread(), *bids]
        return lines[: max(0, height)]

    def _spread(self) -> Line:
        bids, asks = self._book.bids, self._book.asks
        if not bids or not asks:
            return (Span("one side is empty", Look.WARN),)
        width = asks[0].price - bids[0].price
        middle = asks[0].price + bids[0].price
        text = fixed(width, self._closeup.price_decimals)
        share = f", {fixed(width * 20_000 / middle, 2)} bp" if middle > ZERO else ""
        return (Span(f"spread {text}{share}", Look.MUTED),)

    def _bid(self, level: BookLevel) -> Line:
        bar, room = self._bar_of(level.volume), self._bar
        return (
            Span(" " * (self._width - room - self._volume - 1 - _PRICE)),
            Span(f"{bar.rjust(room)}{self._volume_of(level)} {self._price_of(level)}", self._look(Look.GAIN)),
        )

    def _ask(self, level: BookLevel, *, bid: bool = False) -> Line:
        look = self._look(Look.GAIN if bid else Look.LOSS)
        return (Span(f"{self._price_of(level)} {self._volume_of(level)} {self._bar_of(level.volume)}", look),)

    def _look(self, look: Look) -> Look:
        return Look.MUTED if self._muted else look

    def _price_of(self, level: BookLevel) -> str:
        return clip_number(fixed(level.price, self._closeup.price_decimals), _PRICE).rjust(_PRICE)

    def _volume_of(self, level: BookLevel) -> str:
        text = fixed(level.volume, self._closeup.volume_decimals)
        return clip_number(text, self._volume).rjust(self._volume)

    def _bar_of(self, volume: Decimal) -> str:
        if self._most <= ZERO:
            return ""
        return "█" * max(int(volume > ZERO), int(volume * self._bar / self._most))


def tape_lines(closeup: Closeup, width: int, height: int, zone: tzinfo) -> list[Line]:
    """Return the latest public trades, newest first; + is a buyer's, - a seller's initiative."""
    if width < 1 or height < 1:
        return []
    trades = closeup.focus.trades
    title = (Span("TAPE ", Look.TITLE), Span(closeup.pair, Look.STRONG))
    head = heading(title, width, *(loading(closeup.focus.pair) if closeup.late else ()))
    if not trades:
        return [head, *_no_trades(closeup, width)][:height]
    rows = [_trade(closeup, trade, width, zone) for trade in trades[: height - 1]]
    return [head, *(crop(row, width) for row in rows)]


def _no_trades(closeup: Closeup, width: int) -> Sequence[Line]:
    there = closeup.focus.book is not None and not closeup.late and not closeup.focus.trouble
    if there:
        return [(Span("No trade since this pair is watched.", Look.MUTED),)]
    return missing_lines(closeup, "the trades", width)


def _trade(closeup: Closeup, trade: PublicTrade, width: int, zone: tzinfo) -> Line:
    bought = trade.side is Side.BUY
    sign = "+" if bought else "-"
    word = f"{sign} {trade.side}".ljust(_SIDE) if width >= _WORDS else sign
    look = Look.GAIN if bought else Look.LOSS
    room = min(_VOLUME_MOST, max(0, width - _TIME - len(word) - _PRICE - 3))
    price = clip_number(fixed(trade.price, closeup.price_decimals), _PRICE).rjust(_PRICE)
    volume = clip_number(fixed(trade.volume, closeup.volume_decimals), room).rjust(room)
    text = f"{clock(trade.time, zone)} {word} {price} {volume}"
    return (Span(text, Look.MUTED if closeup.late else look),)
