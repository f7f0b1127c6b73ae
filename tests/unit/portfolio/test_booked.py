"""What is booked, taken at one moment."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.portfolio import Rate
from krakked_tui.portfolio.accounts import Booking
from krakked_tui.portfolio.booked import disposals_of, flows_of, same_from_the_start
from tests.unit.portfolio.statements import PAIRS, apply, books_of, make_trade, read

STATEMENT = """
    deposit 50000 USD
    buy 0.5 XBTUSD @ 20000 fee 40 USD
    buy 2 ETHXBT @ 0.05 at 60000 XBT
    sell 0.1 XBTUSD @ 21000
    withdrawal 0.1 XBT at 21000
"""


def test_it_says_what_the_books_say_in_their_order() -> None:
    books = books_of(STATEMENT)
    booked = books.booked()
    assert [key[2] for key in booked.keys] == ["row L1", "T1", "T2", "T3", "row L2"]
    assert [booking.event_id for booking in booked.bookings] == ["L1", "T1", "T2", "T3", "L2"]
    assert tuple(disposals_of(booked.bookings)) == books.disposals
    assert tuple(flows_of(booked.bookings)) == books.flows
    assert booked.trades.keys() == {"T1", "T2", "T3"}
    assert booked.pairs.keys() == {"XBTUSD", "ETHXBT"}


def test_prices_are_those_of_the_event() -> None:
    booked = books_of(STATEMENT).booked()
    assert booked.rate("T2", "XBT") == 60000
    assert booked.rate("T2", "USD") == 1
    assert booked.rate("T2", "ETH") is None
    assert booked.rate("T9", "XBT") is None


def test_what_was_taken_stays_as_it_was() -> None:
    books = books_of(STATEMENT)
    booked = books.booked()
    before = (len(booked.bookings), set(booked.trades), booked.rate("T2", "ETH"))
    books.apply_trade(make_trade("buy 1 XBTUSD @ 100", "T9"), PAIRS["XBTUSD"])
    books.apply_rate(Rate("T2", "ETH", Decimal(3000), "candle"))
    assert books.state.positions["XBTUSD"].size > 1
    assert (len(booked.bookings), set(booked.trades), booked.rate("T2", "ETH")) == before
    assert books.booked().rate("T2", "ETH") == 3000


def test_bookings_before_a_change_are_the_same_objects() -> None:
    *early, late = read(STATEMENT)
    books = books_of("")
    for event in early:
        apply(books, event)
    before = books.booked().bookings
    assert same_from_the_start(before, before) == len(before)
    apply(books, late)
    assert same_from_the_start(before, books.booked().bookings) <= len(before)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_how_far_two_histories_are_the_same(same: int, old: int, new: int) -> None:
    start = [Booking() for _ in range(same)]
    before, after = start + [Booking() for _ in range(old)], start + [Booking() for _ in range(new)]
    assert same_from_the_start(before, after) == same
