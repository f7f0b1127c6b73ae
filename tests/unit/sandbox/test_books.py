from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.orders import ExchangeStatus, OrderType, Side
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.orders import Draft, Order

AT = datetime(2026, 1, 5, tzinfo=UTC)


def order(number: int, cl_ord_id: str | None = None) -> Order:
    draft = Draft("XBTUSD", Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(5), cl_ord_id=cl_ord_id)
    return Order(f"O{number}", number, draft, AT)


def ended(which: Order) -> Order:
    return msgspec.structs.replace(which, status=ExchangeStatus.CANCELED, closed_at=AT)


def test_a_client_id_is_free_again_once_its_order_ended() -> None:
    books = Books()
    books.put_order(order(1, "a"))
    assert books.open_by_client_id("a") == order(1, "a")
    books.put_order(ended(order(1, "a")))
    assert books.open_by_client_id("a") is None
    books.put_order(order(2, "a"))
    assert books.open_by_client_id("a") == order(2, "a")
    assert [each.order_id for each in books.ended_orders()] == ["O1"]
    assert list(books.orders) == ["O1", "O2"]


def test_changes_are_kept_until_they_are_settled_and_an_order_in_its_last_state() -> None:
    books = Books()
    assert not books.has_changes
    books.put_order(order(1))
    books.put_order(ended(order(1)))
    for _ in range(2):
        assert books.changes.orders == {"O1": ended(order(1))}
    books.settle_changes()
    assert not books.changes


def test_rows_are_found_by_their_ids() -> None:
    one, fees = Decimal(1), (Fee("USD", Decimal(0)),)
    trade = Trade("T1", "O1", "XBTUSD", "buy", one, one, one, fees, AT, maker=True)
    entry = LedgerEntry("L1", "T1", AT, "trade", "", "USD", one, one, one)
    books = Books([order(1)], [trade], [entry])
    assert books.trade_number("T1") == 1
    assert books.entry_ids("T1") == ["L1"]
    assert books.entry_ids("T2") == ()
    assert not books.has_changes, "what was loaded is stored already"
