"""The book against recorded streams, the official sample, and the plainest book there can be."""

import zlib
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken.book import Book, Level, Precision
from krakked_tui.kraken.frames import BookFrame, BookRow, LevelRow, parse
from tests.unit.kraken.recorded import FOLDER, ws_messages

ASKS = (
    "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660 "
    "45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827"
)
BIDS = (
    "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586 "
    "45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238"
)


def levels(text: str) -> list[LevelRow]:
    return [LevelRow(*map(Decimal, level.split("/"))) for level in text.split()]


def row(bids: Sequence[LevelRow] = (), asks: Sequence[LevelRow] = (), checksum: int = 0) -> BookRow:
    return BookRow("BTC/USD", list(bids), list(asks), checksum)


def recorded_stream() -> list[BookFrame]:
    body = msgspec.json.decode((FOLDER / "book_btcusd.json").read_bytes(), type=dict[str, msgspec.Raw])
    messages = [body["init"], *msgspec.json.decode(body["updates"], type=list[msgspec.Raw])]
    frames = [parse(bytes(message)) for message in messages]
    return [frame for frame in frames if isinstance(frame, BookFrame)]


def test_the_official_sample() -> None:
    book = Book("BTC/USD", 10)
    assert book.apply(row(levels(BIDS), levels(ASKS), 3310070434), snapshot=True)
    assert book.checksum() == 3310070434
    assert book.valid


def test_a_recorded_snapshot_of_2026() -> None:
    frames = [frame for frame in map(parse, ws_messages()) if isinstance(frame, BookFrame)]
    snapshot = next(frame for frame in frames if frame.data[0].symbol == "ETH/USDT")
    book = Book("ETH/USDT", 10)
    assert book.apply(snapshot.data[0], snapshot=True)
    assert book.checksum() == 1875479340


def test_every_checksum_of_a_recorded_stream() -> None:
    frames = recorded_stream()
    book = Book("BTC/USD", 10, Precision(price=1, qty=8))
    right = [book.apply(frame.data[0], snapshot=frame.type == "snapshot") for frame in frames]
    assert right == [True] * 510
    assert (len(book.bids()), len(book.asks())) == (10, 10)


def test_best_levels_come_first() -> None:
    book = Book("BTC/USD", 10)
    book.apply(row(levels(BIDS), levels(ASKS), 3310070434), snapshot=True)
    assert book.bids(2) == [
        Level(Decimal("45283.5"), Decimal("0.1")),
        Level(Decimal("45283.4"), Decimal("1.54582015")),
    ]
    assert [str(level.price) for level in book.asks(2)] == ["45285.2", "45286.4"]
    assert len(book.asks()) == 10


def test_a_wrong_checksum_makes_it_wrong_until_the_next_snapshot() -> None:
    book = Book("BTC/USD", 10)
    whole = row(levels(BIDS), levels(ASKS), 3310070434)
    assert not book.apply(whole, snapshot=False)
    assert book.apply(whole, snapshot=True)
    assert not book.apply(row(levels("45283.5/0.20000000"), checksum=1), snapshot=False)
    assert not book.apply(row(levels("45283.5/0.10000000"), checksum=3310070434), snapshot=False)
    assert not book.valid
    assert book.apply(whole, snapshot=True)


def test_a_price_may_come_several_times_in_one_message() -> None:
    book = Book("BTC/USD", 10)
    book.apply(row(levels(BIDS), levels(ASKS), 3310070434), snapshot=True)
    again = (
        "45283.5/0.00000000 45200.1/0.5 45283.5/0.3 45283.5/0.00000000 45200.1/0.00000000 45283.5/0.10000000"
    )
    assert book.apply(row(levels(again), checksum=3310070434), snapshot=False)


@pytest.mark.parametrize("bad", ["NaN/1", "1/NaN", "Infinity/1", "1/sNaN"])
def test_a_level_that_is_no_number_makes_it_wrong(bad: str) -> None:
    book = Book("BTC/USD", 10)
    book.apply(row(levels(BIDS), levels(ASKS), 3310070434), snapshot=True)
    assert not book.apply(row(levels(bad), checksum=3310070434), snapshot=False)


def test_tiny_numbers_and_few_levels() -> None:
    book = Book("PEPE/USD", 10)
    text = b"12" + b"100" + b"11" + b"1"
    rows = row(levels("0.00000011/0.00000001"), levels("0.00000012/0.00000100"), zlib.crc32(text))
    assert book.apply(rows, snapshot=True)


@pytest.mark.parametrize("bad", ["1E-999999999/1", "1E+999999999/1", "1/1E-999999999", "1/1E+999999999"])
def test_a_level_beyond_all_measure_makes_it_wrong(bad: str) -> None:
    book = Book("BTC/USD", 10)
    book.apply(row(levels(BIDS), levels(ASKS), 3310070434), snapshot=True)
    assert not book.apply(row(levels(bad), checksum=3310070434), snapshot=False)


def test_a_checksum_is_compared_even_where_the_best_levels_stay_as_they_are() -> None:
    book = Book("BTC/USD", 25)
    book.apply(row(levels(BIDS), levels(ASKS), 3310070434), snapshot=True)
    assert book.apply(row(levels("45000.0/1"), levels("46000.0/1"), 3310070434), snapshot=False)
    assert not book.apply(row(levels("45000.0/2"), checksum=1), snapshot=False)


class NaiveBook:
    """All levels in two dicts, sorted whenever somebody looks."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}

    def apply(self, side: str, changes: Sequence[LevelRow]) -> None:
        kept = self.sides[side]
        for level in changes:
            kept.pop(level.price, None)
            if level.qty:
                kept[level.price] = level.qty
        self.sides[side] = dict(self.sorted(side)[: self.depth])

    def sorted(self, side: str) -> list[tuple[Decimal, Decimal]]:
        return sorted(self.sides[side].items(), reverse=side == "bids")

    def checksum(self) -> int:
        text = ""
        for side in ("asks", "bids"):
            for level in self.sorted(side)[:10]:
                text += "".join(f"{number:f}".replace(".", "").lstrip("0") for number in level)
        return zlib.crc32(text.encode())


changes = st.lists(
    st.builds(
        LevelRow,
        st.integers(1, 40).map(lambda ticks: Decimal(ticks).scaleb(-1)),
        st.integers(0, 5).map(lambda lots: (Decimal(lots) * 7).scaleb(-8)),
    ),
    max_size=12,
)


@given(st.sampled_from([10, 25]), st.lists(st.tuples(changes, changes), min_size=1, max_size=12))
def test_it_is_what_the_plainest_book_is(
    depth: int, messages: list[tuple[list[LevelRow], list[LevelRow]]]
) -> None:
    book, naive = Book("BTC/USD", depth), NaiveBook(depth)
    for number, (bids, asks) in enumerate(messages):
        naive.apply("bids", bids)
        naive.apply("asks", asks)
        assert book.apply(row(bids, asks, naive.checksum()), snapshot=number == 0)
        for side, got in (("bids", book.bids()), ("asks", book.asks())):
            assert [(level.price, level.qty) for level in got] == naive.sorted(side)


def one_bid(price: str, qty: str, checksum: int) -> BookRow:
    return BookRow("BTC/USD", [LevelRow(Decimal(price), Decimal(qty))], [], checksum)


@pytest.mark.parametrize("written", [("1.5", "2"), ("1.50", "2.0"), ("1.500", "2.000"), ("1.5", "2.0000")])
def test_with_the_precision_the_checksum_does_not_depend_on_how_numbers_are_written(
    written: tuple[str, str],
) -> None:
    book = Book("BTC/USD", 10, Precision(price=2, qty=3))
    assert book.apply(one_bid(*written, zlib.crc32(b"1502000")), snapshot=True)


def test_a_precision_that_is_out_of_date_is_dropped() -> None:
    book = Book("BTC/USD", 10, Precision(price=4, qty=8))
    assert book.apply(one_bid("1.5", "2.0", zlib.crc32(b"1520")), snapshot=True)
    assert book.apply(one_bid("1.5", "3.0", zlib.crc32(b"1530")), snapshot=False)
    assert not book.apply(one_bid("1.5", "3.0", 7), snapshot=True)
