import contextlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.orders import ExchangeEvent, LedgerWritten, OrderAccepted, OrderEnded, OrderTraded
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import RefusedCall, Rig

D = Decimal


def statement(exchange: Exchange) -> list[str]:
    return [f"{e.type} {e.asset} {e.amount:f} fee {e.fee:f} = {e.balance:f}" for e in exchange.books.entries]


def test_the_starting_balance_is_a_deposit() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D("10000"), "XBT": D("0.5")}))
    assert statement(rig.exchange) == [
        "deposit USD 10000.0000 fee 0.0000 = 10000.0000",
        "deposit XBT 0.5000000000 fee 0.0000000000 = 0.5000000000",
    ]
    rig.exchange.close()


def test_a_market_buy_takes_the_ask_and_pays_the_taker_fee(rig: Rig) -> None:
    ask = rig.ask()
    (order_id,) = rig.buy("0.05")["txid"]
    order = rig.exchange.books.orders[order_id]
    (trade,) = rig.exchange.books.trades.values()
    assert order.status is ExchangeStatus.CLOSED
    assert (trade.price, trade.maker, trade.cost) == (ask, False, ask * D("0.05"))
    fee = round(trade.cost * D("0.004"), 5)
    assert order.fee == fee
    paid = round(trade.cost, 4)
    assert statement(rig.exchange)[1:] == [
        f"trade USD -{paid} fee {round(fee, 4)} = {10000 - paid - round(fee, 4)}",
        "trade XBT 0.0500000000 fee 0.0000000000 = 0.0500000000",
    ]
    assert {entry.refid for entry in rig.exchange.books.entries[1:]} == {trade.trade_id}


def test_a_large_market_order_walks_the_book_in_several_trades() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(10**9)}))
    rig.buy("5")
    trades = list(rig.exchange.books.trades.values())
    assert len(trades) > 1
    assert [trade.price for trade in trades] == sorted({trade.price for trade in trades})
    assert sum(trade.volume for trade in trades) == 5
    rig.exchange.close()


def test_what_the_book_cannot_give_is_canceled_without_a_word() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(10**12)}))
    (order_id,) = rig.buy("5000")["txid"]
    order = rig.exchange.books.orders[order_id]
    assert order.status is ExchangeStatus.CANCELED
    assert order.reason is None
    assert 0 < order.filled < 5000
    assert not rig.exchange.books.open_orders
    rig.exchange.close()


def test_an_ioc_order_never_rests(rig: Rig) -> None:
    (order_id,) = rig.buy("0.01", str(rig.bid() - 100), timeinforce="IOC")["txid"]
    order = rig.exchange.books.orders[order_id]
    assert order.status is ExchangeStatus.CANCELED
    assert order.filled == 0
    assert rig.exchange.account.held("USD") == 0


def test_a_crossing_limit_order_gets_the_better_price(rig: Rig) -> None:
    ask = rig.ask()
    (order_id,) = rig.buy("0.01", str(ask + 50))["txid"]
    assert rig.exchange.books.orders[order_id].average_price == ask


def test_a_resting_order_holds_and_a_cancel_gives_back(rig: Rig) -> None:
    rig.buy("0.1", "50000.0", cl_ord_id="rest")
    assert rig.exchange.account.held("USD") == D("5020.0000")
    assert rig.exchange.account.balance("USD") == 10000
    rig.private("CancelOrder", cl_ord_id="rest")
    assert rig.exchange.account.held("USD") == 0
    (order,) = rig.exchange.books.orders.values()
    assert (order.status, order.reason) == (ExchangeStatus.CANCELED, "User requested")


def test_a_resting_order_fills_at_its_price_when_the_market_goes_through(rig: Rig) -> None:
    price = rig.bid() - 40
    (order_id,) = rig.buy("0.05", str(price))["txid"]
    opened = rig.exchange.clock.now()
    rig.wall.advance(3 * 3600)
    rig.exchange.catch_up()
    order = rig.exchange.books.orders[order_id]
    trades = list(rig.exchange.books.trades.values())
    assert order.status is ExchangeStatus.CLOSED
    assert {trade.price for trade in trades} == {price}
    assert all(trade.maker for trade in trades)
    assert order.fee == sum(trade.fees[0].amount for trade in trades)
    assert order.fee == sum(round(trade.cost * D("0.0025"), 5) for trade in trades)
    # It filled when the market did that, not when somebody looked.
    assert opened < trades[0].time < rig.exchange.clock.now() - timedelta(minutes=1)
    assert order.closed_at == trades[-1].time


def test_how_often_one_looks_does_not_matter() -> None:
    rigs = [Rig(), Rig()]
    for rig in rigs:
        rig.wall.advance(600)
        rig.buy("0.04", str(rig.bid() - 25))
        rig.sell("0.01", None) if rig.exchange.account.balance("XBT") else None
        rig.buy("1", str(rig.bid("ETHUSD") - D("1.5")), pair="ETHUSD")
    for _ in range(720):
        rigs[0].wall.advance(10)
        rigs[0].exchange.catch_up()
    rigs[1].wall.advance(7200)
    rigs[1].exchange.catch_up()
    assert rigs[0].exchange.books.trades == rigs[1].exchange.books.trades
    assert statement(rigs[0].exchange) == statement(rigs[1].exchange)
    assert len(rigs[0].exchange.books.trades) >= 2
    for rig in rigs:
        rig.exchange.close()


def test_validate_changes_nothing(rig: Rig) -> None:
    answer = rig.buy("0.05", validate="true")
    assert answer == {"descr": {"order": "buy 0.05000000 XBTUSD @ market"}}
    with pytest.raises(RefusedCall, match="Insufficient funds"):
        rig.buy("5", validate="true")
    assert not rig.exchange.books.orders
    assert len(rig.exchange.books.entries) == 1


def test_fees_fall_with_volume() -> None:
    rig = Rig(SandboxSettings(balance={"USD": D(100_000)}))
    rig.buy("0.2")
    rig.sell("0.1")
    last = list(rig.exchange.books.trades.values())[-1]
    assert last.fees[0].amount == round(last.cost * D("0.0035"), 5)
    rig.exchange.close()


def test_events_come_in_order_and_after_the_fact_is_stored(rig: Rig) -> None:
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    rig.buy("0.01", cl_ord_id="a")
    assert [type(event) for event in heard] == [
        *(OrderAccepted, OrderTraded, LedgerWritten, LedgerWritten, OrderEnded)
    ]
    assert not rig.exchange.books.take_changes()


def test_an_order_that_could_not_be_stored_is_not_published(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db"))
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    rig.exchange._state.close()
    with pytest.raises(StorageError):
        rig.buy("0.01")
    assert not heard


class ExchangeMachine(RuleBasedStateMachine):
    """Orders of every kind on two pairs while the market moves on; then the books are audited."""

    @initialize()
    def open(self) -> None:
        self.rig = Rig(SandboxSettings(balance={"USD": D(60_000), "XBT": D("0.7")}))

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            self.rig.exchange.close()

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        pair=st.sampled_from(["XBTUSD", "ETHUSD"]),
        away=st.sampled_from([None, -9, 0, 1, 2, 5, 10, 20, 50]),
        lots=st.integers(5_000, 90_000) | st.integers(2_000_000, 40_000_000),
        ioc=st.booleans(),
    )
    def order(self, side: str, pair: str, away: int | None, lots: int, *, ioc: bool) -> None:
        volume = D(lots if pair == "XBTUSD" else lots * 30).scaleb(-8)
        more = {"timeinforce": "IOC"} if ioc else {}
        price = None
        if away is not None:
            listing = self.rig.exchange.catalog.listings[pair].pair
            step = away * 10 * listing.tick_size
            price = str(self.rig.bid(pair) - step if side == "buy" else self.rig.ask(pair) + step)
        with contextlib.suppress(RefusedCall):
            self.rig.order(side, str(volume), price, pair, **more)

    @rule(seconds=st.integers(1, 900))
    def wait(self, seconds: int) -> None:
        self.rig.wall.advance(seconds)
        self.rig.exchange.catch_up()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if still_open := sorted(self.rig.exchange.books.open_orders):
            self.rig.private_json("CancelOrderBatch", orders=[data.draw(st.sampled_from(still_open))])

    @invariant()
    def the_books_add_up(self) -> None:
        if hasattr(self, "rig"):
            audit(self.rig.exchange)


def audit(exchange: Exchange) -> None:
    """Check everything that must hold between balances, holds, ledger, trades and orders."""
    books, account = exchange.books, exchange.account
    for asset, balance in account.balances.items():
        rows = [row for row in books.entries if row.asset == asset]
        assert balance == sum(row.amount - row.fee for row in rows)
        running = D(0)
        for row in rows:
            running += row.amount - row.fee
            assert row.balance == running >= 0
        assert 0 <= account.held(asset) <= balance
    for trade in books.trades.values():
        audit_trade(books, trade.trade_id)
    for order in books.orders.values():
        trades = [books.trades[trade_id] for trade_id in order.trade_ids]
        assert order.filled == sum((trade.volume for trade in trades), D(0)) <= order.draft.volume
        assert order.cost == sum((trade.cost for trade in trades), D(0))
        assert order.fee == sum((trade.fees[0].amount for trade in trades), D(0))
        assert (order.status is ExchangeStatus.CLOSED) is (order.filled == order.draft.volume)
    if not books.open_orders:
        assert not any(account.held(asset) for asset in account.balances)


def audit_trade(books: Books, trade_id: str) -> None:
    trade = books.trades[trade_id]
    rows = {row.asset: row for row in books.entries if row.refid == trade_id}
    base = trade.pair.removesuffix("USD")
    sign = 1 if trade.side == "buy" else -1
    assert set(rows) == {"USD", base}
    assert rows[base].amount == sign * trade.volume
    assert rows[base].fee == 0
    # The ledger's scale is coarser; waiving can only make it cheaper, and by a hair.
    assert abs(rows["USD"].amount + sign * trade.cost) <= D("0.0001")
    assert rows["USD"].fee <= trade.fees[0].amount + D("0.0001")
    assert trade.cost == round(trade.price * trade.volume, 5)


ExchangeMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30)
TestExchangeMachine = ExchangeMachine.TestCase
