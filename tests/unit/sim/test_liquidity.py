from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.instruments import grid_of
from krakked_tui.sim.liquidity import DEEPEST, DEPTH, Ladder, book_around, changed_minute
from krakked_tui.sim.market import Quote
from tests.unit.sim.markets import BITCOIN, QUIET

BOOK = book_around(7, BITCOIN, grid_of(BITCOIN), Quote(683650, 683651, 683650), 1)


def test_the_best_levels_are_the_quote() -> None:
    assert BOOK.bids[0].price == Decimal("68365.0")
    assert BOOK.asks[0].price == Decimal("68365.1")


def test_levels_go_away_from_the_spread_and_grow() -> None:
    bids = [level.price for level in BOOK.bids]
    asks = [level.price for level in BOOK.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert sum(level.volume for level in BOOK.asks[-5:]) > 3 * sum(level.volume for level in BOOK.asks[:5])
    assert all(level.volume > 0 for level in (*BOOK.bids, *BOOK.asks))


def test_a_cheap_asset_has_no_bid_below_one_tick() -> None:
    book = book_around(7, QUIET, grid_of(QUIET), Quote(3, 5, 3), 1)
    assert all(level.price > 0 for level in book.bids)
    assert len(book.asks) == DEPTH


def test_a_shallow_look_shows_the_same_levels() -> None:
    grid = grid_of(BITCOIN)
    top = book_around(7, BITCOIN, grid, Quote(683650, 683651, 683650), 1, depth=1)
    assert top.bids == BOOK.bids[:1]
    assert top.asks == BOOK.asks[:1]


LADDER = Ladder(7, BITCOIN, grid_of(BITCOIN))
NIGHT = 29_460_000


def test_a_book_has_up_to_a_thousand_levels_a_side() -> None:
    quote = Quote(683650, 683651, 683650)
    bids, asks = list(LADDER.bids(quote, NIGHT, DEEPEST)), list(LADDER.asks(quote, NIGHT, DEEPEST))
    assert (len(bids), len(asks)) == (1000, 1000)
    assert (bids[0], asks[0]) == (683650, 683651)
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))


@given(st.integers(1, 10**6), st.integers(1, 50), st.integers(0, 400), st.integers(1, DEEPEST))
def test_a_shallow_look_is_the_top_of_the_whole_book(best: int, spread: int, beat: int, depth: int) -> None:
    quote = Quote(best, best + spread, best, beat)
    for whole, top in (
        (LADDER.bids(quote, NIGHT, DEEPEST), LADDER.bids(quote, NIGHT, depth)),
        (LADDER.asks(quote, NIGHT, DEEPEST), LADDER.asks(quote, NIGHT, depth)),
    ):
        assert list(whole.items())[:depth] == list(top.items())
        assert all(price > 0 and units > 0 for price, units in whole.items())
    sizes = LADDER.best(quote, NIGHT)
    assert sizes == (LADDER.bids(quote, NIGHT, 1)[best], LADDER.asks(quote, NIGHT, 1)[best + spread])


def test_what_was_asked_before_changes_nothing() -> None:
    quote, other = Quote(683650, 683651, 683650, 3), Quote(683600, 683601, 683600, 9)
    fresh = Ladder(7, BITCOIN, grid_of(BITCOIN)).bids(quote, NIGHT, 300)
    used = Ladder(7, BITCOIN, grid_of(BITCOIN))
    for minute in (NIGHT + 5, NIGHT, NIGHT - 3):
        used.bids(other, minute, 1000)
    assert used.bids(quote, NIGHT, 300) == fresh


def test_a_level_keeps_its_size_while_the_price_stands() -> None:
    quote = Quote(683650, 683651, 683650)
    books = [LADDER.bids(quote, NIGHT + minute, 1000) for minute in range(9)]
    assert all(list(book) == list(books[0]) for book in books)
    for one, following in pairwise(books):
        changed = sum(one[price] != following[price] for price in list(one)[16:])
        assert 50 < changed < 250, "an eighth of the far levels changes each minute"
    beats = [LADDER.bids(quote._replace(beat=beat), NIGHT, 16) for beat in range(30)]
    assert max(sum(a[price] != b[price] for price in a) for a, b in pairwise(beats)) <= 5


def test_a_moving_quote_leaves_the_levels_below_where_they_are() -> None:
    one = LADDER.bids(Quote(683650, 683651, 683650), NIGHT, 1000)
    other = LADDER.bids(Quote(683649, 683650, 683649), NIGHT, 1000)
    same = sum(one[price] == other.get(price) for price in one)
    assert same > 900


def test_the_seconds_of_a_level_are_those_of_its_last_change() -> None:
    price = 683648 - 400
    since = changed_minute(500, price, NIGHT)
    quote = Quote(683650, 683651, 683650)

    def size(minute: int) -> int:
        return LADDER.bids(quote, minute, 200)[price]

    assert NIGHT - 8 < since <= NIGHT
    assert size(since) == size(NIGHT) != size(since - 1)
    assert changed_minute(3, price, NIGHT) == NIGHT
