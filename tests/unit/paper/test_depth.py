from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.paper.depth import LEVELS, book_of
from krakked_tui.sim.matching import Level
from tests.unit.paper.samples import PAIR, quote_of

D = Decimal
AT = datetime(2026, 1, 5, tzinfo=UTC)
QUOTE = quote_of(
    D(1000), bid=D("999.9"), ask=D("1000.1"), size=D("0.25"), volume=D(1440), received=0.0, time=AT
)


def test_the_best_level_is_the_displayed_one_and_the_next_are_made_up_behind_it() -> None:
    book = book_of(QUOTE, PAIR, D(0), D(0))
    # 5 basis points of 1000.1 are 0.50005, of 999.9 0.49995; prices move away to the next tick
    assert book.asks[:3] == (
        Level(D("1000.1"), D("0.25")), Level(D("1000.7"), D(1)), Level(D("1001.2"), D(1)),
    )  # fmt: skip
    assert book.bids[:3] == (
        Level(D("999.9"), D("0.25")), Level(D("999.4"), D(1)), Level(D("998.9"), D(1)),
    )  # fmt: skip
    assert len(book.asks) == len(book.bids) == LEVELS + 1


def test_a_wide_spread_makes_wide_steps() -> None:
    quote = msgspec.structs.replace(QUOTE, bid=D(990), ask=D(1010))
    assert [level.price for level in book_of(quote, PAIR, D(0), D(0)).asks[:3]] == [1010, 1030, 1050]


def test_what_was_taken_is_missing_from_the_best_levels_of_its_side() -> None:
    book = book_of(QUOTE, PAIR, D("0.1"), D("1.5"))
    assert book.bids[0] == Level(D("999.9"), D("0.15"))
    assert book.asks[0] == Level(D("1001.2"), D("0.75"))


def test_no_level_has_a_price_of_nothing() -> None:
    quote = msgspec.structs.replace(QUOTE, bid=D("0.3"), ask=D("0.4"), last=D("0.3"))
    assert [level.price for level in book_of(quote, PAIR, D(0), D(0)).bids] == [D("0.3"), D("0.2"), D("0.1")]


@given(
    bid=st.decimals("0.1", 100_000, places=1),
    spread=st.decimals(0, 500, places=1),
    size=st.decimals(0, 100, places=8),
    volume=st.decimals(-5, 10**6, places=8),
    taken=st.decimals(0, 200, places=8),
)
def test_every_level_is_worse_than_the_one_before_and_none_is_better_than_the_live_price(
    bid: Decimal, spread: Decimal, size: Decimal, volume: Decimal, taken: Decimal
) -> None:
    quote = quote_of(bid, bid=bid, ask=bid + spread, size=size, volume=volume, received=0.0, time=AT)
    book = book_of(quote, PAIR, taken, taken)
    for levels, best, sign in ((book.asks, quote.ask, 1), (book.bids, quote.bid, -1)):
        prices = [sign * level.price for level in levels]
        assert prices == sorted(set(prices))
        assert all(price >= sign * best for price in prices)
        assert all(level.volume > 0 for level in levels)
        whole = book_of(quote, PAIR, D(0), D(0))
        all_of_it = whole.asks if sign == 1 else whole.bids
        assert sum(level.volume for level in levels) == max(
            sum((level.volume for level in all_of_it), D(0)) - taken, D(0)
        )
