"""Order book and tape: levels in order, sizes as bars, and what cannot be relied on says so."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.control.market_view import FocusView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.depth import BookLevel, BookTop, PublicTrade
from krakked_tui.domain.orders import Side
from krakked_tui.tui.rows.book import book_lines, tape_lines
from krakked_tui.tui.rows.closeup import Closeup
from krakked_tui.tui.rows.line import Look, text_of, width_of

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def levels(*pairs: tuple[str, str]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(price), Decimal(volume)) for price, volume in pairs)


BOOK = BookTop(
    "XBTUSD",
    bids=levels(("99.9", "1"), ("99.8", "4")),
    asks=levels(("100.1", "2"), ("100.2", "0.00000001")),
    valid=True,
    received=10.0,
)
TRADES = (
    PublicTrade("XBTUSD", NOON, Side.BUY, Decimal("100.1"), Decimal("0.5")),
    PublicTrade("XBTUSD", NOON - timedelta(seconds=2), Side.SELL, Decimal("99.9"), Decimal(2)),
)


def closeup(
    book: BookTop | None = BOOK, trouble: str = "", now: float = 10.5, pair: str = "XBTUSD"
) -> Closeup:
    focus = FocusView(pair="XBTUSD", book=book, trades=TRADES if book else (), trouble=trouble)
    return Closeup(pair, Timeframe.M1, focus, price_decimals=1, now=now)


def book(found: Closeup, width: int = 80, height: int = 10) -> list[str]:
    return [text_of(line).rstrip() for line in book_lines(found, width, height)]


def tape(found: Closeup, width: int = 80, height: int = 10) -> list[str]:
    return [text_of(line).rstrip() for line in tape_lines(found, width, height, UTC)]


def test_best_prices_stand_beside_each_other_with_bars_by_size() -> None:
    lines = book(closeup())
    assert lines[0] == "BOOK XBTUSD"
    assert lines[2].split() == ["██", "1.00000000", "99.9", "100.1", "2.00000000", "█████"]
    assert lines[3].count("█") > lines[2].split("99.9")[0].count("█")
    assert lines[3].endswith("0.00000001 █"), "the smallest size can still be seen"
    assert lines[4] == "spread 0.2, 20.00 bp"


def test_in_a_narrow_place_asks_are_above_and_bids_below_the_spread() -> None:
    lines = book(closeup(), 32, 10)
    spread = next(index for index, line in enumerate(lines) if line.startswith("spread"))
    assert "100.1" in lines[spread - 1]
    assert "100.2" in lines[spread - 2]
    assert "99.9" in lines[spread + 1]
    assert "99.8" in lines[spread + 2]


def test_the_spread_stays_where_it_is_when_levels_go() -> None:
    fewer = msgspec.structs.replace(BOOK, asks=BOOK.asks[:1])
    found = [book(closeup(each), 32, 10) for each in (BOOK, fewer)]
    assert [lines.index("spread 0.2, 20.00 bp") for lines in found] == [5, 5]


def test_a_book_that_is_not_valid_says_so_with_its_age_and_is_dim() -> None:
    invalid = closeup(msgspec.structs.replace(BOOK, valid=False), now=22.0)
    assert book(invalid)[0].endswith("INVALID 12s")
    looks = [span.look for line in book_lines(invalid, 80, 10) for span in line]
    assert Look.ALARM in looks
    assert not {Look.GAIN, Look.LOSS} & set(looks)


def test_a_book_that_does_not_change_shows_its_age() -> None:
    assert "same for" not in book(closeup(now=14.0))[0]
    assert book(closeup(now=17.0))[0].endswith("same for 7s")


def test_the_book_of_another_pair_is_called_that() -> None:
    assert book(closeup(pair="ETHUSD"))[0].endswith("loading, still XBTUSD")
    assert tape(closeup(pair="ETHUSD"))[0].endswith("loading, still XBTUSD")


def test_a_missing_side_is_said() -> None:
    assert "one side is empty" in book(closeup(msgspec.structs.replace(BOOK, asks=())))


def test_without_a_book_it_says_why() -> None:
    assert book(closeup(None))[1] == "Loading the order book of XBTUSD."
    assert book(closeup(None, "the exchange refused the book"))[1] == "! the exchange refused the book"


def test_the_tape_has_time_side_price_and_volume() -> None:
    lines = tape(closeup())
    assert lines[1].split() == ["12:00:00", "+", "buy", "100.1", "0.50000000"]
    assert lines[2].split() == ["11:59:58", "-", "sell", "99.9", "2.00000000"]


def test_in_a_narrow_place_the_sign_alone_is_the_side() -> None:
    assert tape(closeup(), 32)[1].split()[:3] == ["12:00:00", "+", "100.1"]


def test_without_trades_it_says_why() -> None:
    none = closeup()
    quiet = none._replace(focus=msgspec.structs.replace(none.focus, trades=()))
    assert tape(quiet)[1] == "No trade since this pair is watched."
    assert tape(closeup(None))[1] == "Loading the trades of XBTUSD."


def test_nothing_leaves_its_place() -> None:
    for width in range(1, 100):
        for lines in (book_lines(closeup(), width, 9), tape_lines(closeup(), width, 9, UTC)):
            assert max(width_of(line) for line in lines) <= width
            assert len(lines) <= 9
