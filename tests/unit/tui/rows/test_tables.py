"""Rows of the live tables."""

from datetime import UTC, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest

from krakked_tui.domain.orders import OrderStatus, OrderType
from krakked_tui.tui.rows.line import Column, Look, place, row_line, text_of
from krakked_tui.tui.rows.tables import (
    FILL_COLUMNS,
    OPEN_COLUMNS,
    POSITION_COLUMNS,
    RECENT_COLUMNS,
    fill_rows,
    open_order_rows,
    position_rows,
    recent_order_rows,
    status_cell,
    type_word,
)
from tests.fakes.controller import MARKETS, NOON, normal, order, position, trade

XBT, ETH, SOL, DOGE = MARKETS


@pytest.mark.parametrize("columns", [POSITION_COLUMNS, FILL_COLUMNS, OPEN_COLUMNS, RECENT_COLUMNS])
def test_what_matters_fits_an_80_column_screen(columns: tuple[Column, ...]) -> None:
    shown = {column.title for column in place(columns, 79)}
    assert {column.title for column in columns if column.rank == 0} <= shown
    used = sum(column.width + column.gap for column in place(columns, 79))
    assert used <= 79


def test_a_position_reads_from_pair_to_percent() -> None:
    (row,) = position_rows([position(XBT, XBT.price)])
    assert text_of(row_line(row, place(POSITION_COLUMNS, 79))) == (
        "XBTUSD      0.03127711   62,837.7   64,120.1         2,005.49    +40.11  +2.04%"
    )


def test_an_old_price_carries_its_age_and_colours_nothing_as_gain() -> None:
    (row,) = position_rows([position(XBT, XBT.price, stale=True, price_age=95.0)])
    assert row.cells[4].text == "1m35s"
    assert {row.cells[index].look for index in (3, 4, 5, 6, 7)} == {Look.STALE}


def test_a_missing_price_is_no_zero() -> None:
    (row,) = position_rows([position(XBT, None)])
    assert [row.cells[index].text for index in (3, 4, 5, 6, 7)] == ["-", "never", "-", "-", "-"]


def test_fills_are_newest_first_and_only_sales_have_a_result() -> None:
    rows = fill_rows([trade(3, XBT), trade(1, ETH), trade(2, SOL)], UTC)
    assert [row.cells[0].text for row in rows] == ["11:53:00", "11:46:00", "11:39:00"]
    assert [row.cells[7].text for row in rows] == ["", "", "+12.41"]


def test_a_fee_in_coins_names_the_coin() -> None:
    (row,) = fill_rows([trade(1, XBT, fee=Decimal("0.00010"), fee_asset="XBT")], UTC)
    assert row.cells[6].text == "0.0001 XBT"


def test_what_a_fill_cost_and_made_is_a_dash_while_nobody_knows() -> None:
    sale = next(each for each in (trade(n, XBT) for n in range(1, 9)) if each.side == "sell")
    (row,) = fill_rows([msgspec.structs.replace(sale, cost=None, realized_pnl=None)], UTC)
    assert [row.cells[index].text for index in (5, 7)] == ["-", "-"]


def test_times_follow_the_zone() -> None:
    (row,) = open_order_rows([order(1, XBT, OrderStatus.OPEN)], ZoneInfo("America/New_York"))
    assert row.cells[0].text == "06:59:00"


def test_recent_orders_show_the_latest_change_first() -> None:
    rows = recent_order_rows(normal().recent_orders, UTC)
    times = [row.cells[0].text for row in rows]
    assert all(later >= earlier for later, earlier in pairwise(times))
    changed = msgspec.structs.replace(normal().recent_orders[5], updated_at=NOON + timedelta(seconds=1))
    assert recent_order_rows([*normal().recent_orders, changed], UTC)[0].key == changed.cl_ord_id


def test_a_rejected_order_says_why() -> None:
    rejected = order(1, XBT, OrderStatus.REJECTED, last_error="EOrder:Insufficient funds")
    (row,) = recent_order_rows([rejected], UTC)
    line = text_of(row_line(row, place(RECENT_COLUMNS, 119)))
    assert "REJECTED" in line
    assert "EOrder:Insufficient funds" in line
    assert row.cells[5].text == "-"


def test_every_status_has_a_word_that_fits_and_only_trouble_is_in_capitals() -> None:
    cells = {status: status_cell(order(1, XBT, status)) for status in OrderStatus}
    assert all(0 < len(cell.text) <= 10 for cell in cells.values())
    assert len({cell.text for cell in cells.values()}) == len(OrderStatus)
    loud = {status for status, cell in cells.items() if cell.text.isupper()}
    assert loud == {OrderStatus.UNKNOWN, OrderStatus.REJECTED, OrderStatus.ERROR}
    assert all((cells[status].look is Look.ALARM) == (status in loud) for status in OrderStatus)


def test_a_cancel_on_its_way_shows_instead_of_the_status() -> None:
    assert status_cell(order(1, XBT, OrderStatus.OPEN, cancelling=True)).text == "canceling"


def test_every_order_type_has_a_word_of_its_own_that_fits() -> None:
    words = [type_word(order(1, XBT, OrderStatus.OPEN, order_type=kind.value)) for kind in OrderType]
    assert len(set(words)) == len(OrderType)
    assert all(len(word) <= 6 for word in words)


def test_a_market_order_has_no_limit() -> None:
    (row,) = open_order_rows([order(1, DOGE, OrderStatus.OPEN, price=None, order_type="market")], UTC)
    assert row.cells[7].text == "market"
