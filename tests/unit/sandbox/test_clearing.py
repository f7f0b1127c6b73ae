from datetime import UTC, datetime
from decimal import Decimal

from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.sandbox.clearing import Clearing
from krakked_tui.sandbox.orders import LedgerWritten, Order, OrderTraded
from krakked_tui.sim.market import Market
from tests.unit.sandbox.test_order_rows import PARTLY_FILLED

T0 = datetime(2026, 1, 5, tzinfo=UTC)
CATALOG = load_catalog("default")
MARKET = Market(7, CATALOG.instruments)
D = Decimal


def settled(clearing: Clearing, order: Order, volume: str) -> tuple[Order, list[str]]:
    order, events = clearing.settle(order, D("30010.0"), D(volume), T0, maker=True)
    assert isinstance(events[0], OrderTraded)
    rows = [event.entry for event in events if isinstance(event, LedgerWritten)]
    return order, [f"{row.asset} {row.amount:f} fee {row.fee:f} = {row.balance:f}" for row in rows]


def test_a_fill_is_booked_and_the_rest_still_held() -> None:
    books = Books()
    clearing = Clearing(CATALOG, MARKET, books)
    clearing.deposit("USD", D(50_000), T0)
    order, rows = settled(clearing, PARTLY_FILLED, "0.5")
    assert rows == [
        "USD -15005.0000 fee 37.5125 = 34957.4875",
        "XBT 0.5000000000 fee 0.0000000000 = 0.5000000000",
    ]
    assert (order.filled, order.cost) == (D("0.875"), D("26258.75"))
    # 0.375 left at 30010.0, and the taker fee of the tier the trade led to, rounded up.
    assert clearing.account.held("USD") == D("11293.1382")
    order, _ = settled(clearing, order, "0.375")
    assert not order.remaining
    assert clearing.account.held("USD") == 0
    assert books.orders[order.order_id] == order


def test_volume_counts_again_after_a_restart() -> None:
    books = Books()
    clearing = Clearing(CATALOG, MARKET, books)
    clearing.deposit("USD", D(50_000), T0)
    settled(clearing, PARTLY_FILLED, "0.5")
    again = Clearing(CATALOG, MARKET, books)
    assert again.account.balances == clearing.account.balances
    for each in (clearing, again):
        assert each.needed(PARTLY_FILLED.draft, D(1), D(100), T0).amount == D("100.3500")


def test_other_quotes_are_valued_at_their_dollar_pair() -> None:
    clearing = Clearing(CATALOG, MARKET, Books())
    assert clearing.usd_value("USD", D(5), T0) == 5
    assert D("1.05") < clearing.usd_value("EUR", D(1), T0) < D("1.35")
    assert clearing.usd_value("FEE", D(5), T0) == 5
