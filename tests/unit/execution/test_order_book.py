"""Our book of orders: reports in any order lead to the same end."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.orders import (
    ExchangeStatus,
    LocalOrder,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
)
from krakked_tui.execution.lifecycle import ENDS
from krakked_tui.execution.order_book import OrderBook

T0 = datetime(2026, 1, 5, tzinfo=UTC)
ID, KRAKEN_ID = "kabctfv00000000001", "OAAAAA-AAAAA-AAAAAA"


def _order() -> LocalOrder:
    request = OrderRequest(ID, "XBTUSD", Side.BUY, OrderType.LIMIT, Decimal(10), Decimal(100))
    return LocalOrder("l", ID, "p", "s", Purpose.ENTRY, request, OrderStatus.PENDING, T0, T0)


def _report(status: ExchangeStatus, filled: int) -> OrderReport:
    return OrderReport(
        KRAKEN_ID, ID, "XBTUSD", Side.BUY, "limit", status, Decimal(10), Decimal(filled),
        Decimal(100), Decimal(filled * 100), Decimal(0), T0,
    )  # fmt: skip


LIFE = [
    _report(ExchangeStatus.PENDING, 0),
    _report(ExchangeStatus.OPEN, 0),
    _report(ExchangeStatus.OPEN, 3),
    _report(ExchangeStatus.OPEN, 7),
]


@given(
    st.permutations([*LIFE, *LIFE]),
    st.sampled_from([_report(ExchangeStatus.CLOSED, 10), _report(ExchangeStatus.CANCELED, 7)]),
    st.integers(0, 8),
    st.integers(0, 9),
)
def test_reports_repeated_and_in_any_order_end_in_the_same_order(
    reports: list[OrderReport], last: OrderReport, where: int, accepted: int
) -> None:
    book = OrderBook()
    book.add(_order(), "test")
    reports.insert(where, last)
    for index, report in enumerate(reports):
        if index == accepted:
            book.accept(ID, KRAKEN_ID, T0)
        book.apply_report(ID, report, T0, "test")
    order = book.get(ID)
    assert order is not None
    expected = OrderStatus.FILLED if last.filled == 10 else OrderStatus.CANCELED
    assert (order.status, order.filled) == (expected, last.filled)
    assert order.kraken_order_id == KRAKEN_ID
    assert book.live() == ()


def test_live_holds_exactly_what_has_not_ended() -> None:
    book = OrderBook()
    for number, status in enumerate(OrderStatus):
        book.add(msgspec.structs.replace(_order(), cl_ord_id=f"id{number}", status=status), "test")
    assert {order.status for order in book.live()} == set(OrderStatus) - ENDS


def test_a_repeat_of_what_is_known_changes_nothing() -> None:
    book = OrderBook()
    book.add(_order(), "test")
    assert book.apply_report(ID, LIFE[1], T0, "test") is not None
    assert book.apply_report(ID, LIFE[1], T0, "test") is None
    assert book.apply_report(ID, LIFE[0], T0, "test") is None
