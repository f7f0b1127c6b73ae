from decimal import Decimal

from krakked_tui.sim.instruments import grid_of
from krakked_tui.sim.liquidity import DEPTH, book_around
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
