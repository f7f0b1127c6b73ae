"""The book of holdings: made anew from fills, with the highest prices it is told."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Fee
from krakked_tui.domain.orders import Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import ActionShare
from krakked_tui.domain.records import ShareMarked
from krakked_tui.execution import holding_book
from krakked_tui.execution.holding_book import Closing, HoldingBook
from tests.unit.execution.test_holdings import NOON, fill, made

D = Decimal
TRAILING = ActionShare("a", D(1), trailing_stop_pct=D(2))
BUY = made(Side.BUY, TRAILING)
SELL = made(Side.SELL, ActionShare("a", D(1)))


def opened(pair: PairMetadata, *marks: ShareMarked) -> HoldingBook:
    book = HoldingBook(marks)
    book.apply(BUY, fill(Side.BUY, "1"), pair)
    return book


def highest(book: HoldingBook) -> Decimal:
    return book.holdings["XBTUSD"].shares[0].highest


def test_the_sale_of_an_order_is_one_closing_however_many_fills_it_has(xbtusd: PairMetadata) -> None:
    book = opened(xbtusd)
    book.apply(SELL, fill(Side.SELL, "0.4", "110", Fee("USD", D(1)), minute=1), xbtusd)
    book.apply(SELL, fill(Side.SELL, "0.6", "120", minute=2), xbtusd)
    at = NOON + timedelta(minutes=2)
    assert list(book.closings()) == [Closing("XBTUSD", "a", at, D(15), D(100), stopped=False)]
    assert book.holdings == {}


def test_what_stopped_a_share_is_told_by_the_sale(xbtusd: PairMetadata) -> None:
    stopped = made(Side.SELL, ActionShare("a", D(1), stop_price=D(95)), purpose=Purpose.STOP)
    expired = made(Side.SELL, ActionShare("a", D(1)), purpose=Purpose.STOP)
    for order, expected in ((stopped, True), (expired, False), (made(Side.SELL, purpose=Purpose.STOP), True)):
        book = opened(xbtusd)
        book.apply(order, fill(Side.SELL, "1", minute=1), xbtusd)
        assert [closing.stopped for closing in book.closings()] == [expected]


def test_only_so_many_closings_are_kept(xbtusd: PairMetadata) -> None:
    book = HoldingBook()
    for number in range(holding_book.CLOSINGS_MAX + 3):
        for side, order in ((Side.BUY, BUY), (Side.SELL, SELL)):
            another = msgspec.structs.replace(order, cl_ord_id=f"{side}{number}")
            trade = msgspec.structs.replace(fill(side, "1", minute=number), trade_id=f"{side}{number}")
            book.apply(another, trade, xbtusd)
    assert len(book.closings()) == holding_book.CLOSINGS_MAX
    assert book.closings()[0].at == NOON + timedelta(minutes=3)
    assert len(book.closings(NOON + timedelta(minutes=holding_book.CLOSINGS_MAX))) == 3


@pytest.mark.parametrize("minutes_late", [3, 150])
def test_however_late_a_fill_comes_it_counts_at_its_time(xbtusd: PairMetadata, minutes_late: int) -> None:
    fills = []
    for number in range(200):
        side, order = ((Side.BUY, BUY), (Side.SELL, SELL))[number % 3 == 2]
        named = msgspec.structs.replace(order, cl_ord_id=f"k{number}")
        fills.append((named, fill(side, "1", str(100 + number), minute=number)))
    in_time, late = HoldingBook(), HoldingBook()
    moved = fills.copy()
    moved.append(moved.pop(len(moved) - minutes_late))
    for order, trade in fills:
        in_time.apply(order, trade, xbtusd)
    for order, trade in moved:
        late.apply(order, trade, xbtusd)
    assert late.holdings == in_time.holdings
    assert set(late.closings()) == set(in_time.closings())


def test_a_fill_that_comes_late_counts_as_if_it_had_come_in_time(xbtusd: PairMetadata) -> None:
    book = HoldingBook()
    book.apply(SELL, fill(Side.SELL, "1", "110", minute=2), xbtusd)
    assert (book.holdings, book.closings()) == ({}, ())
    book.apply(BUY, fill(Side.BUY, "1"), xbtusd)
    assert book.holdings == {}
    assert [closing.pnl for closing in book.closings()] == [D(10)]
    another = msgspec.structs.replace(BUY, cl_ord_id="k9")
    book.apply(another, fill(Side.BUY, "1", "80", minute=1), xbtusd)
    assert [closing.pnl for closing in book.closings()] == [D(20)], "two cost 180, not booked twice"
    assert book.holdings["XBTUSD"].size == 1


def test_a_sale_that_turns_out_to_have_sold_nothing_is_no_closing(xbtusd: PairMetadata) -> None:
    book = opened(xbtusd)
    book.apply(SELL, fill(Side.SELL, "1", "110", minute=2), xbtusd)
    first = msgspec.structs.replace(SELL, cl_ord_id="k0")
    book.apply(first, fill(Side.SELL, "1", "105", minute=1), xbtusd)
    assert [closing.pnl for closing in book.closings()] == [D(5)]


def test_the_highest_price_is_stored_now_and_then_and_survives_being_made_anew(xbtusd: PairMetadata) -> None:
    book = opened(xbtusd)
    stored = [mark.highest for n in range(21) for mark in book.raise_highs("XBTUSD", D(100) + D(n) / 20)]
    assert stored == [D("100.05"), D("100.30"), D("100.55"), D("100.80")]
    assert book.raise_highs("XBTUSD", D(90)) == []
    assert highest(book) == D(101)
    book.clear()
    assert book.holdings == {}
    book.apply(BUY, fill(Side.BUY, "1"), xbtusd)
    assert highest(book) == D(101)
    assert book.raise_highs("ETHUSD", D(9)) == []


def test_a_mark_is_for_what_was_opened_then(xbtusd: PairMetadata) -> None:
    mark = ShareMarked("XBTUSD", "a", NOON, D(120))
    assert highest(opened(xbtusd, mark)) == D(120)
    assert highest(opened(xbtusd, msgspec.structs.replace(mark, opened_at=NOON - timedelta(days=1)))) == D(
        100
    )


def test_the_next_mark_is_a_tenth_of_the_distance_above_the_last(xbtusd: PairMetadata) -> None:
    book = opened(xbtusd)
    share = book.holdings["XBTUSD"].shares[0]
    assert book.next_mark(share, "XBTUSD") == D("100.2")
    book.raise_highs("XBTUSD", D(110))
    assert book.next_mark(book.holdings["XBTUSD"].shares[0], "XBTUSD") == D("110.22")
    assert book.next_mark(msgspec.structs.replace(share, trailing_stop_pct=None), "XBTUSD") is None


def test_without_a_trailing_stop_nothing_is_stored(xbtusd: PairMetadata) -> None:
    book = HoldingBook()
    book.apply(made(Side.BUY, ActionShare("a", D(1))), fill(Side.BUY, "1"), xbtusd)
    assert book.raise_highs("XBTUSD", D(200)) == []
    assert highest(book) == D(200)
