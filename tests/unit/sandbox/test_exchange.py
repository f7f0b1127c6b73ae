import contextlib
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.orders import ExchangeStatus, Side
from krakked_tui.domain.precision import half_up, volume_down
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.orders import (
    ExchangeEvent,
    LedgerWritten,
    Order,
    OrderAccepted,
    OrderEnded,
    OrderTraded,
)
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sim.fees import fee_in_quote
from tests.unit.sandbox.rig import RefusedCall, Rig
from tests.unit.sandbox.trading import hurry

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
    assert not rig.exchange.books.has_changes


def test_an_order_that_could_not_be_stored_is_not_published(tmp_path: Path) -> None:
    rig = Rig(SandboxSettings(state=tmp_path / "s.db"))
    heard: list[ExchangeEvent] = []
    rig.exchange.listen(heard.append)
    rig.exchange._state.close()
    with pytest.raises(StorageError):
        rig.buy("0.01")
    assert not heard


WAITING = ("stop-loss", "take-profit", "stop-loss-limit", "take-profit-limit")
"""Types whose trigger is given as a price."""


CLOSING_PRICES = st.one_of(
    st.sampled_from(["90000.55", "123456.123456789", "0.1"]),
    st.tuples(st.sampled_from("+-#"), st.sampled_from(["0.05%", "1%", "25", "60000", "0.003"])).map("".join),
    st.decimals("0.01", "200000", places=1).map(str),
)
"""Prices of conditional closes: near, far, off the grid and leading nowhere."""


class ExchangeMachine(RuleBasedStateMachine):
    """Everything that can be asked of an exchange, on two pairs while the market moves on.

    After every step the books are audited; in between the exchange is killed and opened again.
    """

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        self.settings = SandboxSettings(
            state=Path(self.folder.name) / "s.db", balance={"USD": D(60_000), "XBT": D("0.7")}
        )
        self.rig = Rig(self.settings)
        self.ended: dict[str, Order] = {}

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            self.rig.exchange.close()
            self.folder.cleanup()

    def ask(self, method: str, **params: str) -> None:
        with contextlib.suppress(RefusedCall):
            self.rig.private(method, **params)

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        pair=st.sampled_from(["XBTUSD", "ETHUSD"]),
        away=st.sampled_from([None, -9, 0, 1, 2, 5, 10, 20, 50]),
        lots=st.integers(5_000, 90_000) | st.integers(2_000_000, 40_000_000),
        more=st.sampled_from(
            [
                {},
                {"timeinforce": "IOC"},
                {"oflags": "fcib"},
                {"stptype": "cancel-oldest"},
                {"stptype": "cancel-both"},
                {"expiretm": "+300"},
                {"close[ordertype]": "stop-loss", "close[price]": "#1%"},
                {"close[ordertype]": "limit", "close[price]": "#0.1%"},
            ]
        ),
    )
    def order(self, side: str, pair: str, away: int | None, lots: int, more: dict[str, str]) -> None:
        volume = str(D(lots if pair == "XBTUSD" else lots * 30).scaleb(-8))
        order = {"ordertype": "market"}
        if away is not None:
            tick = self.rig.exchange.catalog.listings[pair].pair.tick_size
            price = self.rig.bid(pair) - away * 10 * tick
            if side == "sell":
                price = self.rig.ask(pair) + away * 10 * tick
            order = {"ordertype": "limit", "price": str(price)}
        self.ask("AddOrder", pair=pair, type=side, volume=volume, **order, **more)

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        kind=st.sampled_from([*WAITING, "trailing-stop", "trailing-stop-limit"]),
        percent=st.sampled_from(["0.02", "0.1", "0.4"]),
        sign=st.sampled_from("+-#"),
        lots=st.integers(5_000, 20_000_000),
    )
    def wait_for_a_price(self, side: str, kind: str, percent: str, sign: str, lots: int) -> None:
        sign = sign if kind in WAITING else "+"
        prices = {"price": f"{sign}{percent}%"}
        if kind.endswith("limit"):
            prices["price2"] = "+0.05%" if side == "buy" else "-0.05%"
        self.ask(
            "AddOrder", pair="XBTUSD", type=side, ordertype=kind, volume=str(D(lots).scaleb(-8)), **prices
        )

    @rule(volume=st.integers(1, 30_000))
    def spend(self, volume: int) -> None:
        order = {"type": "buy", "ordertype": "market", "oflags": "viqc"}
        self.ask("AddOrder", pair="XBTUSD", volume=str(volume), **order)

    @rule(seconds=st.integers(1, 900))
    def wait(self, seconds: int) -> None:
        self.rig.wall.advance(seconds)
        self.rig.exchange.catch_up()

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        kind=st.sampled_from(["limit", *WAITING, "trailing-stop", "trailing-stop-limit"]),
        price=CLOSING_PRICES,
        price2=CLOSING_PRICES,
        away=st.integers(-40, 20),
        lots=st.integers(5_000, 20_000_000),
        more=st.sampled_from([{}, {"expiretm": "+40"}, {"timeinforce": "IOC"}]),
    )
    def place_and_close(
        self, side: str, kind: str, price: str, price2: str, away: int, lots: int, more: dict[str, str]
    ) -> None:
        best = self.rig.bid() - away if side == "buy" else self.rig.ask() + away
        close = {"close[ordertype]": kind, "close[price]": price}
        if kind.endswith("-limit"):
            close["close[price2]"] = price2
        order = {"type": side, "ordertype": "limit", "price": str(best), "volume": str(D(lots).scaleb(-8))}
        self.ask("AddOrder", pair="XBTUSD", **order, **close, **more)

    @rule(
        seconds=st.floats(0.5, 200),
        data=st.data(),
        percent=st.integers(1, 200),
        method=st.sampled_from(["AmendOrder", "EditOrder"]),
    )
    def change_in_a_hurry(self, seconds: float, data: st.DataObject, percent: int, method: str) -> None:
        """Fills and expiries come between a request's arrival and its being carried out."""
        usual = self.rig.exchange.clock._wall
        hurry(self.rig, seconds)
        try:
            self.change(data, percent, 0, method)
        finally:
            self.rig.exchange.clock._wall = usual

    @rule(
        data=st.data(),
        percent=st.integers(1, 200),
        ticks=st.integers(-30, 30),
        method=st.sampled_from(["AmendOrder", "EditOrder"]),
    )
    def change(self, data: st.DataObject, percent: int, ticks: int, method: str) -> None:
        still_open = sorted(self.rig.exchange.books.open_orders)
        if not still_open:
            return
        order = self.rig.exchange.books.open_orders[data.draw(st.sampled_from(still_open))]
        pair = self.rig.exchange.catalog.listings[order.draft.pair].pair
        change = {"txid": order.order_id}
        qty, limit = ("order_qty", "limit_price") if method == "AmendOrder" else ("volume", "price")
        if method == "EditOrder":
            change["pair"] = pair.canonical
        change[qty] = str(volume_down(order.draft.volume * percent / 100, pair))
        if ticks and order.draft.price is not None and not order.draft.is_triggered:
            change[limit] = str(order.draft.price + ticks * pair.tick_size)
        self.ask(method, **change)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if still_open := sorted(self.rig.exchange.books.open_orders):
            order_id = data.draw(st.sampled_from(still_open))
            with contextlib.suppress(RefusedCall):  # during maintenance
                self.rig.private_json("CancelOrderBatch", orders=[order_id])

    @rule(timeout=st.sampled_from([0, 30, 400]))
    def dead_man(self, timeout: int) -> None:
        self.rig.private("CancelAllOrdersAfter", timeout=str(timeout))

    @rule(
        body=st.sampled_from(
            [
                b'{"action": "deposit", "asset": "USD", "amount": "500", "fee": "1.5"}',
                b'{"action": "withdrawal", "asset": "XBT", "amount": "0.2", "fee": "0.0001"}',
                b'{"action": "shock", "pair": "XBTUSD", "percent": "-1"}',
                b'{"action": "shock", "pair": "XBTUSD", "percent": "1"}',
                b'{"action": "external_trade", "pair": "XBTUSD", "side": "sell", "volume": "0.05"}',
                b'{"action": "pair_status", "pair": "XBTUSD", "status": "cancel_only"}',
                b'{"action": "pair_status", "pair": "XBTUSD", "status": "online"}',
                b'{"action": "system_status", "status": "maintenance"}',
                b'{"action": "system_status", "status": "online"}',
            ]
        )
    )
    def happening(self, body: bytes) -> None:
        with contextlib.suppress(ControlError):
            apply(self.rig.exchange, body)

    @rule()
    def restart(self) -> None:
        old = self.rig
        before = picture(old.exchange)
        old.exchange.close()
        self.rig = Rig(self.settings)
        self.rig.nonce = old.nonce
        assert picture(self.rig.exchange) == before

    @invariant()
    def the_books_add_up(self) -> None:
        if hasattr(self, "rig"):
            audit(self.rig.exchange)
            for order_id, order in self.ended.items():
                assert self.rig.exchange.books.orders[order_id] == order, "an ended order changed"
            self.ended = {order.order_id: order for order in self.rig.exchange.books.ended_orders()}


def picture(exchange: Exchange) -> dict[str, object]:
    """Everything a restart must bring back."""
    floor, account = exchange.floor, exchange.account
    return {
        "orders": dict(exchange.books.orders),
        "trades": dict(exchange.books.trades),
        "ledger": list(exchange.books.entries),
        "market": list(exchange.books.market_changes),
        "balances": dict(account.balances),
        "held": {asset: account.held(asset) for asset in account.balances},
        "resting": {name: set(orders) for name, orders in floor.resting.items() if orders},
        "armed": {name: set(orders) for name, orders in floor.armed.items() if orders},
        "dead man": exchange.dead_man_at,
        "system": exchange.system,
        "modes": {name: listing.pair.status for name, listing in exchange.catalog.listings.items()},
        "now": exchange.clock.now(),
        "last": exchange.quote("XBTUSD", exchange.clock.now()),
    }


def audit(exchange: Exchange) -> None:
    """Check everything that must hold between balances, holds, ledger, trades and orders."""
    books, account = exchange.books, exchange.account
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for order in books.open_orders.values():
        pair = exchange.catalog.listings[order.draft.pair].pair
        held[pair.quote if order.draft.side is Side.BUY else pair.base] += order.held
        audit_open(exchange, order)
    for asset, balance in account.balances.items():
        rows = [row for row in books.entries if row.asset == asset]
        assert balance == sum(row.amount - row.fee for row in rows)
        running = D(0)
        for row in rows:
            running += row.amount - row.fee
            assert row.balance == running >= 0
        assert 0 <= account.held(asset) <= balance
        assert account.held(asset) == held[asset]
    for trade in books.trades.values():
        audit_trade(books, trade.trade_id)
    audit_closes(exchange)
    for order in books.orders.values():
        audit_order(exchange, order)


def audit_open(exchange: Exchange, order: Order) -> None:
    """An open order holds what its rest needs, and is in exactly one place."""
    draft = order.draft
    needed = order.remaining
    if draft.side is Side.BUY:
        needed *= draft.price or draft.trigger or D(0)
        # Never less than its cost, but for a hold cut by rounding; never more than with its fee.
        assert needed - D("0.001") <= order.held <= needed * D("1.0041") + D("0.001")
    else:
        assert order.held == needed
    resting = [each for each in exchange.floor.resting[draft.pair] if each.order_id == order.order_id]
    armed = [each for each in exchange.floor.armed[draft.pair] if each.order_id == order.order_id]
    assert (len(resting), len(armed)) == ((0, 1) if order.is_armed else (1, 0))
    for each in resting:
        assert (each.price, each.remaining) == (draft.price, order.remaining)


def audit_order(exchange: Exchange, order: Order) -> None:
    books, draft = exchange.books, order.draft
    pair = exchange.catalog.listings[draft.pair].pair
    trades = [books.trades[trade_id] for trade_id in order.trade_ids]
    assert order.filled == sum((trade.volume for trade in trades), D(0))
    assert order.cost == sum((trade.cost for trade in trades), D(0))
    assert order.fee == sum((fee_in_quote(pair, trade.fees[0], trade.price) for trade in trades), D(0))
    if draft.in_quote:
        assert order.cost <= draft.volume + D("0.001")
    else:
        assert order.filled <= draft.volume
        assert (order.status is ExchangeStatus.CLOSED) is (order.filled == draft.volume)
    for trade in trades:
        if draft.price is not None and order.amended_at is None:
            allowed = trade.price <= draft.price if draft.side is Side.BUY else trade.price >= draft.price
            assert allowed, f"{trade.price} is worse than the limit {draft.price}"
        if draft.is_triggered:
            assert order.triggered_at is not None
            assert trade.time >= order.triggered_at
    if order.triggered_price is not None and order.amended_at is None:
        reached = order.triggered_price - (draft.trigger or D(0))
        assert reached >= 0 if draft.fires_on_rise else reached <= 0


def audit_closes(exchange: Exchange) -> None:
    """A close is for what was executed, there is one at most, and what may trade of it is on the grid."""
    parents = [order.refid for order in exchange.books.orders.values() if order.refid is not None]
    assert len(parents) == len(set(parents))
    for order in exchange.books.orders.values():
        draft, pair = order.draft, exchange.catalog.listings[order.draft.pair].pair
        if order.refid is not None and order.amended_at is None:
            assert draft.volume == exchange.books.orders[order.refid].filled
        if order.is_open or order.filled:
            for price in (draft.price, draft.trigger):
                assert price is None or price % pair.tick_size == 0
        if order.status is ExchangeStatus.CLOSED and draft.close is not None:
            assert order.order_id in parents


def audit_trade(books: Books, trade_id: str) -> None:
    trade = books.trades[trade_id]
    rows = {row.asset: row for row in books.entries if row.refid == trade_id}
    base = trade.pair.removesuffix("USD")
    sign = 1 if trade.side == "buy" else -1
    (fee,) = trade.fees
    assert set(rows) == {"USD", base}
    assert rows[base].amount == sign * trade.volume
    assert rows[base].fee == (fee.amount if fee.asset == base else 0)
    # The ledger's scale is coarser; waiving can only make it cheaper, and by a hair.
    assert abs(rows["USD"].amount + sign * trade.cost) <= D("0.0001")
    assert rows["USD"].fee <= (fee.amount if fee.asset == "USD" else 0) + D("0.0001")
    assert trade.cost == half_up(trade.price * trade.volume, 5)


ExchangeMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestExchangeMachine = ExchangeMachine.TestCase
