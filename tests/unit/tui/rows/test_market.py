"""The table of pairs: what a row says, how the order rests, what the line above says."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.market_view import DataStatusView, MarketRow, MarketView
from krakked_tui.tui.rows.line import Look, place, row_line, text_of, width_of
from krakked_tui.tui.rows.market import (
    MARKET_COLUMNS,
    RESORT_SECONDS,
    MarketOrder,
    MarketSort,
    compact,
    empty_text,
    head_line,
    market_row,
)
from tests.fakes.controller import status
from tests.fakes.market import FakeMarket

MARKET = FakeMarket(60).current
ROW = MarketRow(
    pair="XBTUSD",
    last=Decimal("64120.1"),
    change_pct_24h=Decimal("-2.374"),
    spread_bps=Decimal("0.0156"),
    volume_24h=Decimal(454_312_000),
    freshness="fresh",
    age=0.4,
    price_decimals=1,
    volume_decimals=8,
    status="online",
    tradable=True,
)


def row(**changes: object) -> MarketRow:
    return msgspec.structs.replace(ROW, **changes)


def cells(**changes: object) -> list[str]:
    return [cell.text for cell in market_row(row(**changes)).cells]


def names(order: MarketOrder, rows: list[MarketRow], now: float = 0.0) -> list[str]:
    return [each.pair for each in order.arrange(rows, now)]


def test_a_fresh_row_has_no_age_and_no_note() -> None:
    assert cells() == ["XBTUSD", "64,120.1", "-2.37", "0.02", "454M", "", ""]


def test_before_the_first_price_there_are_dashes() -> None:
    nothing = {"last": None, "change_pct_24h": None, "spread_bps": None, "volume_24h": None, "age": None}
    assert cells(freshness="never", **nothing) == ["XBTUSD", "-", "-", "-", "-", "never", ""]


@pytest.mark.parametrize(("freshness", "age"), [("quiet", "1m35s"), ("stale", "!1m35s")])
def test_a_price_that_is_not_fresh_carries_its_age(freshness: str, age: str) -> None:
    assert cells(freshness=freshness, age=95.0)[5] == age


def test_held_and_not_tradable_are_signs_and_words() -> None:
    assert cells(held=True)[6] == "● held"
    assert cells(status="cancel_only")[6] == "✗ cancel only"
    assert cells(tradable=False, held=True)[6] == "● held, ✗ not traded"


def test_stale_prices_look_stale_whatever_their_sign() -> None:
    looks = [cell.look for cell in market_row(row(freshness="stale", age=95.0)).cells]
    assert looks[1:6] == [Look.STALE] * 5


@pytest.mark.parametrize(
    ("volume", "text"),
    [("0", "0.00"), ("9.994", "9.99"), ("980.4", "980"), ("999.6", "1.00k"), ("12431", "12.4k"),
     ("454312000", "454M"), ("1240000000", "1.24B"), ("9999999999999", "10,000B")],
)  # fmt: skip
def test_volumes_are_three_digits_and_a_letter(volume: str, text: str) -> None:
    assert compact(Decimal(volume)) == text


@pytest.mark.parametrize("width", [57, 79, 99])
def test_columns_stay_where_they_are_whatever_the_figures(width: int) -> None:
    placed = place(MARKET_COLUMNS, width)
    rows = (row(), row(last=Decimal("0.0000123"), price_decimals=7), row(last=None, freshness="never"))
    widths = {width_of(row_line(market_row(each), placed)) for each in rows}
    assert len(widths) == 1
    assert widths.pop() <= width


A, B, C = (
    row(pair="AUSD", volume_24h=Decimal(5), change_pct_24h=Decimal(-1), spread_bps=Decimal(3)),
    row(pair="BUSD", volume_24h=Decimal(9), change_pct_24h=Decimal(2), spread_bps=None),
    row(pair="CUSD", volume_24h=None, change_pct_24h=Decimal(1), spread_bps=Decimal(1)),
)


def test_each_sort_has_its_order_and_what_is_missing_comes_last() -> None:
    order = MarketOrder()
    found = {}
    for sort in MarketSort:
        assert order.sort is sort
        found[sort] = names(order, [C, B, A])
        order.next_sort()
    assert order.sort is MarketSort.VOLUME
    assert found == {
        MarketSort.VOLUME: ["BUSD", "AUSD", "CUSD"],
        MarketSort.CHANGE: ["BUSD", "CUSD", "AUSD"],
        MarketSort.SPREAD: ["CUSD", "AUSD", "BUSD"],
        MarketSort.NAME: ["AUSD", "BUSD", "CUSD"],
    }


def test_rows_keep_their_places_for_a_while() -> None:
    order = MarketOrder()
    assert names(order, [A, B, C])[0] == "BUSD"
    more = msgspec.structs.replace(A, volume_24h=Decimal(99))
    assert names(order, [more, B, C], RESORT_SECONDS - 1)[0] == "BUSD"
    assert order.arrange([more, B, C], 1.0)[1].volume_24h == 99, "the figures are the newest all the same"
    assert names(order, [more, B, C], RESORT_SECONDS)[0] == "AUSD"


def test_a_pair_that_comes_or_goes_is_seen_at_once() -> None:
    order = MarketOrder()
    names(order, [A, B])
    assert names(order, [A, B, C], 1.0) == ["BUSD", "AUSD", "CUSD"]
    assert names(order, [A], 2.0) == ["AUSD"]


def test_a_part_of_the_name_is_enough() -> None:
    order = MarketOrder()
    order.want(" b")
    assert names(order, [A, B, C]) == ["BUSD"]
    order.want("")
    assert len(names(order, [A, B, C])) == 3


def test_the_line_above_says_the_sort_the_filter_and_first_of_all_the_trouble() -> None:
    order = MarketOrder()
    assert text_of(head_line(order, 60, MARKET, status())) == "by volume, most first"
    order.want("XBT")
    line = text_of(head_line(order, 1, MARKET, status()))
    assert line.startswith("1 of 60 with “xbt”  esc shows all")
    gone = status(connection="down", connection_detail="WebSocket closed 95 s ago")
    assert text_of(head_line(order, 1, MARKET, gone)).startswith("! WebSocket closed 95 s ago")
    assert text_of(head_line(order, 1, MARKET, status(connection="partial"))).startswith(
        "! connection partial"
    )


def test_what_is_not_fresh_is_counted() -> None:
    market = MarketView(data=DataStatusView(quiet=3, stale=2, never=1))
    line = text_of(head_line(MarketOrder(), 0, market, None))
    assert line == "3 quiet  2 stale  1 without a price  by volume, most first"


def test_an_empty_table_says_what_to_do() -> None:
    assert "Esc shows all 60" in empty_text(FakeMarket().current.rows, 1, "zzz")
    assert "No pair passes" in empty_text((), 1, "")
    assert "Waiting" in empty_text((), 0, "")


def test_checked_pairs_are_counted_apart_and_carry_their_age() -> None:
    market = msgspec.structs.replace(MARKET, data=DataStatusView(fresh=50, checked=4, quiet=3))
    assert text_of(head_line(MarketOrder(), 60, market, status())).startswith("4 checked  3 quiet  by")
    found = market_row(row(freshness="checked", age=95.0))
    assert found.cells[5].text == "1m35s"
    assert found.cells[1].look is Look.PLAIN
